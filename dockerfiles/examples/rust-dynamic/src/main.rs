//! Counts words on several threads, and shows that unwinding works (which needs libgcc_s).

use std::collections::BTreeMap;
use std::thread;

fn count(text: &str) -> BTreeMap<&str, usize> {
    let mut words = BTreeMap::new();
    for word in text.split_whitespace() {
        *words.entry(word).or_default() += 1;
    }
    words
}

fn main() {
    let texts = ["the quick brown fox", "the lazy dog", "the end"];
    let threads: Vec<_> = texts.into_iter().map(|text| thread::spawn(move || count(text))).collect();
    let mut total: BTreeMap<&str, usize> = BTreeMap::new();
    for counted in threads {
        for (word, n) in counted.join().expect("counting does not panic") {
            *total.entry(word).or_default() += n;
        }
    }
    println!("the: {}, words: {}", total["the"], total.values().sum::<usize>());

    std::panic::set_hook(Box::new(|_| {}));
    let caught = std::panic::catch_unwind(|| panic!("on purpose")).is_err();
    println!("unwinding works: {caught}");
}
