//! Fixed texts that are looked for in other text: one, or many in one pass.

use std::collections::BTreeMap;

/// Fixed texts by how they start, so that a text is read once for all of them.
pub(super) struct Literals {
    by_start: BTreeMap<[u8; 2], Vec<Vec<u8>>>,
    /// One bit for each pair of bytes that one of them starts with.
    starts: Box<[u64; PAIRS / 64]>,
}

impl Literals {
    /// An empty text is in nothing.
    pub(super) fn new<T: AsRef<[u8]>>(texts: impl IntoIterator<Item = T>) -> Self {
        let mut literals = Self { by_start: BTreeMap::new(), starts: Box::new([0; PAIRS / 64]) };
        for text in texts {
            match *text.as_ref() {
                [] => {}
                // Whatever follows it.
                [one] => (0..=u8::MAX).for_each(|next| literals.add([one, next], text.as_ref())),
                [first, second, ..] => literals.add([first, second], text.as_ref()),
            }
        }
        literals
    }

    fn add(&mut self, start: [u8; 2], text: &[u8]) {
        let pair = usize::from(u16::from_be_bytes(start));
        self.starts[pair / 64] |= 1 << (pair % 64);
        let same = self.by_start.entry(start).or_default();
        if !same.iter().any(|known| known == text) {
            same.push(text.to_vec());
        }
    }

    /// Calls `take` with the place and the text of each of them in `text`, in order of their places.
    pub(super) fn find(&self, text: &[u8], take: &mut dyn FnMut(usize, &[u8])) {
        let Some((first, rest)) = text.split_first() else { return };
        let mut pair = usize::from(*first);
        for (at, next) in rest.iter().chain(&[0]).enumerate() {
            pair = pair << 8 & (PAIRS - 1) | usize::from(*next);
            if self.starts[pair / 64] >> (pair % 64) & 1 != 0 {
                self.find_at(text, at, take);
            }
        }
    }

    fn find_at(&self, text: &[u8], at: usize, take: &mut dyn FnMut(usize, &[u8])) {
        for literal in self.by_start.get(&start_of(&text[at..])).into_iter().flatten() {
            if text[at..].starts_with(literal) {
                take(at, literal);
            }
        }
    }

    /// Whether `text` may begin with one of them; `false` is certain.
    pub(super) fn may_begin(&self, text: &[u8]) -> bool {
        let pair = usize::from(u16::from_be_bytes(start_of(text)));
        self.starts[pair / 64] >> (pair % 64) & 1 != 0
    }
}

/// The first two bytes; what is not there counts as 0.
fn start_of(text: &[u8]) -> [u8; 2] {
    match *text {
        [first, second, ..] => [first, second],
        [one] => [one, 0],
        [] => [0, 0],
    }
}

/// Where `part` is in `text`; an empty part is at the beginning.
pub(super) fn position(text: &[u8], part: &[u8]) -> Option<usize> {
    let Some((first, rest)) = part.split_first() else { return Some(0) };
    memchr::memchr_iter(*first, text).find(|at| text[at + 1..].starts_with(rest))
}

/// Whether `text` holds `part`.
pub(super) fn contains(text: &[u8], part: &[u8]) -> bool {
    position(text, part).is_some()
}

/// Pairs of bytes.
const PAIRS: usize = 1 << 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_them_are_found_where_they_are() {
        let literals = Literals::new(["", "x", "abc", "abd", "abc", "b"]);
        let rows = [
            ("", ""),
            ("abc", "0abc 1b"),
            ("ababd", "1b 2abd 3b"),
            ("x", "0x"),
            ("axx", "1x 2x"),
            ("b\0", "0b"),
            ("ac", ""),
        ];
        for (text, expected) in rows {
            let mut found = Vec::new();
            literals.find(text.as_bytes(), &mut |at, literal| {
                found.push(format!("{at}{}", String::from_utf8_lossy(literal)));
            });
            assert_eq!(found.join(" "), expected, "{text}");
        }
        assert!(literals.may_begin(b"abz") && !literals.may_begin(b"a"));
    }

    #[test]
    fn one_text_in_another() {
        let rows = [
            ("", "", Some(0)),
            ("a", "", Some(0)),
            ("", "a", None),
            ("aab", "ab", Some(1)),
            ("aa", "aab", None),
        ];
        for (text, part, expected) in rows {
            assert_eq!(position(text.as_bytes(), part.as_bytes()), expected, "{part} in {text}");
        }
    }
}
