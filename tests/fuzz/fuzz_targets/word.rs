//! Expansion of a word with variables: the first line is the word, the others are values.
#![no_main]

use std::collections::BTreeMap;

use decant::dockerfile::word::Lexer;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut lines = text.lines();
    let word = lines.next().unwrap_or_default();
    let names = ["A", "B", "_c", "é"];
    let variables: BTreeMap<String, String> =
        names.iter().zip(lines).map(|(name, value)| ((*name).to_owned(), value.to_owned())).collect();
    for lexer in [Lexer::new('\\'), Lexer::new('`'), Lexer::heredoc_body(), Lexer::vertex_name('\\')] {
        let _ = lexer.expand(word, &variables);
        let _ = lexer.expand_words(word, &variables);
    }
});
