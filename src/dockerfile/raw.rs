//! Bytes of a Dockerfile that are not UTF-8, kept in text.
//!
//! The official frontend keeps any bytes in its strings, and what becomes of a bad one depends on who reads it: a file
//! gets it as it is, a flag as a Latin-1 character, an expanded word as U+FFFD, a quoted message as `\xff`. So each is
//! one character here, from the end of the last private plane, until its reader decides.

use std::borrow::Cow;

/// The stand-in of byte 0; those in use are from byte 0x80 on.
const FIRST: u32 = 0x0010_ff00;

/// Bytes as text: each byte that is not UTF-8 becomes its stand-in. So does each byte of a character that looks like
/// one.
pub fn decode(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) if !has(text) => return Cow::Borrowed(text),
        _ => {}
    }
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if byte_of(c).is_none() {
                text.push(c);
            } else {
                text.extend(c.encode_utf8(&mut [0; 4]).bytes().map(stand_in));
            }
        }
        text.extend(chunk.invalid().iter().copied().map(stand_in));
    }
    Cow::Owned(text)
}

/// The bytes that [`decode`] read.
pub fn encode(text: &str) -> Cow<'_, [u8]> {
    if !has(text) {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut bytes = Vec::with_capacity(text.len());
    for c in text.chars() {
        match byte_of(c) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Cow::Owned(bytes)
}

/// The text with U+FFFD for each byte that is not UTF-8, as when Go ranges over a string.
pub fn lossy(text: &str) -> Cow<'_, str> {
    if has(text) { Cow::Owned(text.chars().map(lossy_char).collect()) } else { Cow::Borrowed(text) }
}

/// [`lossy`] of one character.
pub fn lossy_char(c: char) -> char {
    if byte_of(c).is_some() { char::REPLACEMENT_CHARACTER } else { c }
}

/// Whether the text has bytes that are not UTF-8.
pub fn has(text: &str) -> bool {
    // All stand-ins begin with these two bytes, which are rare.
    text.as_bytes().windows(2).any(|pair| pair == [0xf4, 0x8f]) && text.chars().any(|c| byte_of(c).is_some())
}

/// The byte that a character stands for.
pub fn byte_of(c: char) -> Option<u8> {
    u32::from(c).checked_sub(FIRST).and_then(|byte| u8::try_from(byte).ok()).filter(|byte| *byte >= 0x80)
}

fn stand_in(byte: u8) -> char {
    char::from_u32(FIRST + u32::from(byte)).expect("the last plane ends at U+10FFFF")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_all_bytes() {
        for (summary, bytes, shown) in [
            ("plain", &b"a b"[..], "a b"),
            ("valid", "é\u{fffd}😀".as_bytes(), "é\u{fffd}😀"),
            ("bad ones, each alone", b"a\xe2\x82b\xff", "a\u{fffd}\u{fffd}b\u{fffd}"),
            (
                "what looks like a stand-in",
                "\u{10ffff}\u{10ff7f}".as_bytes(),
                "\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{10ff7f}",
            ),
        ] {
            let text = decode(bytes);
            assert_eq!(lossy(&text), shown, "{summary}");
            assert_eq!(encode(&text), bytes, "{summary}");
        }
    }
}
