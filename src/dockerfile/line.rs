//! Physical lines: where they end, how long they may be.

/// Longest line without its `\n`, in bytes; the official parser reads through a buffer of 64 KiB.
pub(super) const MAX_LINE_BYTES: usize = 65535;

/// Physical lines of a file in order, endings included.
pub(super) struct Lines<'a> {
    rest: &'a [u8],
    number: u32,
    too_long: bool,
}

impl<'a> Lines<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self { rest: data, number: 0, too_long: false }
    }

    /// The next line with its `\n`; `None` at the end and at a line that is too long.
    ///
    /// Asked once more behind such a line, it gives the part that fits the buffer and then nothing: so does
    /// the official reader, which counts that part as a line.
    pub(super) fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        if self.too_long {
            let part = self.rest.get(..=MAX_LINE_BYTES);
            self.rest = &[];
            self.number += 1;
            return part;
        }
        let window = &self.rest[..self.rest.len().min(MAX_LINE_BYTES + 1)];
        let length = match window.iter().position(|&byte| byte == b'\n') {
            Some(end) => end + 1,
            None if window.len() <= MAX_LINE_BYTES => window.len(),
            None => {
                self.too_long = true;
                return None;
            }
        };
        let (line, rest) = self.rest.split_at(length);
        self.rest = rest;
        self.number += 1;
        Some(line)
    }

    /// How many lines were read so far: the 1-based number of the last one.
    pub(super) fn number(&self) -> u32 {
        self.number
    }

    /// Whether reading stopped at a line longer than [`MAX_LINE_BYTES`].
    pub(super) fn too_long(&self) -> bool {
        self.too_long
    }
}

/// The data without a leading UTF-8 byte order mark.
pub(super) fn without_bom(data: &[u8]) -> &[u8] {
    data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data)
}

/// The line without its trailing `\r` and `\n`.
pub(super) fn without_ending(line: &str) -> &str {
    line.trim_end_matches(['\r', '\n'])
}

/// Blanks between words of an instruction: tab, vertical tab, form feed, carriage return, space.
pub(super) fn is_blank(c: char) -> bool {
    matches!(c, '\t' | '\u{b}' | '\u{c}' | '\r' | ' ')
}

/// Splits `text` at its first run of blanks; `None` if it has none.
pub(super) fn split_blank(text: &str) -> Option<(&str, &str)> {
    let (first, rest) = text.split_at(text.find(is_blank)?);
    Some((first, rest.trim_start_matches(is_blank)))
}

#[cfg(test)]
mod tests {
    use super::{Lines, split_blank};

    fn lines(data: &[u8]) -> (Vec<Vec<u8>>, bool) {
        let mut lines = Lines::new(data);
        let mut found = Vec::new();
        while let Some(line) = lines.next() {
            found.push(line.to_vec());
        }
        (found, lines.too_long())
    }

    #[test]
    fn splits_at_line_feeds_and_keeps_them() {
        for (summary, data, expected) in [
            ("nothing", &b""[..], &[][..]),
            ("no ending", b"a", &[&b"a"[..]]),
            ("endings kept", b"a\r\n\nb\n", &[b"a\r\n", b"\n", b"b\n"]),
            ("lone carriage return is no ending", b"a\rb", &[b"a\rb"]),
        ] {
            assert_eq!(lines(data).0, expected, "{summary}");
        }
    }

    #[test]
    fn stops_at_a_line_that_is_too_long() {
        for (summary, length, ending, too_long) in [
            ("longest line", 65535, "\n", false),
            ("longest last line", 65535, "", false),
            ("one more", 65536, "\n", true),
            ("one more at the end", 65536, "", true),
        ] {
            let mut data = vec![b'x'; length];
            data.extend(ending.bytes());
            assert_eq!(lines(&data).1, too_long, "{summary}");
        }
    }

    #[test]
    fn splits_at_ascii_blanks_only() {
        assert_eq!(split_blank("a \t b c"), Some(("a", "b c")));
        assert_eq!(split_blank("a\u{a0}b"), None);
    }
}
