//! Go's `%q`: how the official frontend quotes text in messages and history.

use std::fmt::Write as _;

use super::raw;

/// `text` in double quotes with Go's escapes (`strconv.Quote`): printable Unicode is kept.
pub fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{b}' => quoted.push_str("\\v"),
            ' '..='~' => quoted.push(c),
            _ if let Some(byte) = raw::byte_of(c) => {
                let _ = write!(quoted, "\\x{byte:02x}");
            }
            _ if is_print(c) => quoted.push(c),
            _ => escape(&mut quoted, u32::from(c)),
        }
    }
    quoted.push('"');
    quoted
}

/// The shortest numeric escape that Go has for a character.
fn escape(quoted: &mut String, code: u32) {
    let written = match code {
        0..=0x1f | 0x7f => write!(quoted, "\\x{code:02x}"),
        0x80..=0xffff => write!(quoted, "\\u{code:04x}"),
        _ => write!(quoted, "\\U{code:08x}"),
    };
    written.expect("a string takes any text");
}

/// Go's `strconv.IsPrint`: letters, marks, numbers, punctuation, symbols and the ASCII space.
///
/// std keeps the same table for `Debug`, which escapes a combining mark only at the start of a string.
fn is_print(c: char) -> bool {
    let mut pair = String::from("a");
    pair.push(c);
    pair.escape_debug().count() == 2
}

#[cfg(test)]
mod tests {
    use super::quote;

    #[test]
    fn quotes_as_go_does() {
        for (summary, input, expected) in [
            ("plain", "a b", r#""a b""#),
            ("quote and backslash", r#"a"\b"#, r#""a\"\\b""#),
            ("named escapes", "\u{7}\u{8}\u{c}\n\r\t\u{b}", r#""\a\b\f\n\r\t\v""#),
            ("control", "\0\u{7f}", r#""\x00\x7f""#),
            ("printable Unicode", "é日\u{fffd}", "\"é日\u{fffd}\""),
            ("combining mark", "e\u{301}", "\"e\u{301}\""),
            ("no-break space, soft hyphen", "\u{a0}\u{ad}", r#""\u00a0\u00ad""#),
            ("apostrophe", "it's", r#""it's""#),
            ("private plane", "\u{f0000}", r#""\U000f0000""#),
        ] {
            assert_eq!(quote(input), expected, "{summary}");
        }
    }
}
