//! JSON bytes as Go's `encoding/json` writes them.

use serde::{Deserialize, Deserializer, Serialize};

use super::json_syntax;
use crate::dockerfile::raw;

/// Compact JSON with Go's escapes: `<`, `>`, `&` and the two Unicode line separators as `\uXXXX`.
///
/// Other control characters are `\uXXXX` but for `\b`, `\f`, `\n`, `\r`, `\t`, in both languages alike.
pub fn to_string(value: &impl Serialize) -> String {
    let plain = serde_json::to_string(value).expect("our types have string keys and no failing parts");
    escape(&plain)
}

/// [`to_string`] as bytes.
pub fn to_vec(value: &impl Serialize) -> Vec<u8> {
    to_string(value).into_bytes()
}

/// The same, indented by two blanks, as answers to requests are.
pub fn to_pretty(value: &impl Serialize) -> String {
    let plain = serde_json::to_string_pretty(value).expect("our types have string keys and no failing parts");
    escape(&plain)
}

/// Why `text` could not be read, in Go's words where the text is no JSON at all.
pub fn explain(error: &serde_json::Error, text: &[u8]) -> String {
    json_syntax::error(text).unwrap_or_else(|| error.to_string())
}

/// Outside of strings none of these characters occurs in JSON, so no parsing is needed.
fn escape(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for letter in json.chars() {
        match letter {
            '<' => escaped.push_str("\\u003c"),
            '>' => escaped.push_str("\\u003e"),
            '&' => escaped.push_str("\\u0026"),
            '\u{2028}' => escaped.push_str("\\u2028"),
            '\u{2029}' => escaped.push_str("\\u2029"),
            // A byte of a Dockerfile that is no UTF-8; a real U+FFFD is written as it is.
            other if raw::byte_of(other).is_some() => escaped.push_str("\\ufffd"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Reads `null` as Go does: like an absent value.
pub(crate) fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_text_are_escaped() {
        assert_eq!(to_string(&raw::decode("\u{fffd}".as_bytes())), "\"\u{fffd}\"");
        assert_eq!(to_string(&raw::decode(b"\xff")), r#""\ufffd""#);
    }

    #[test]
    fn escapes_as_go_does() {
        for (summary, text, expected) in [
            ("html", "a<b>&c", r#""a\u003cb\u003e\u0026c""#),
            ("separators", "\u{2028}\u{2029}", r#""\u2028\u2029""#),
            ("controls", "\u{8}\u{c}\n\r\t\u{1}\u{7f}", "\"\\b\\f\\n\\r\\t\\u0001\u{7f}\""),
            ("quotes", "\"\\/", r#""\"\\/""#),
            ("other letters", "é😀", "\"é😀\""),
        ] {
            assert_eq!(to_string(&text), expected, "{summary}");
        }
    }
}
