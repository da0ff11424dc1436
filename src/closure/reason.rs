//! Why a file is in the set: a chain from a root to the file.

use crate::distill::manifest::Reason;
use crate::rootfs::RootfsPath;

/// A chain of one step: a root of the set.
pub(super) fn root(why: &str, by: impl Into<String>) -> Vec<Reason> {
    vec![Reason { why: why.to_owned(), by: by.into() }]
}

/// `chain` with one more step.
pub(super) fn then(chain: &[Reason], why: &str, by: impl Into<String>) -> Vec<Reason> {
    let mut chain = chain.to_vec();
    if chain.len() < MAX_STEPS {
        chain.push(Reason { why: why.to_owned(), by: by.into() });
    }
    chain
}

/// `entrypoint → /usr/bin/app → libbar.so.2`.
pub fn arrows(chain: &[Reason]) -> String {
    let mut parts: Vec<&str> = Vec::with_capacity(chain.len() + 1);
    for (index, reason) in chain.iter().enumerate() {
        if index == 0 {
            parts.push(&reason.why);
        }
        if !reason.by.is_empty() {
            parts.push(&reason.by);
        }
    }
    parts.join(" → ")
}

/// The path as it stands in a manifest: bytes outside printable UTF-8, and `\`, are written `\xNN`.
pub fn escaped(path: &RootfsPath) -> String {
    escape_bytes(path.as_bytes())
}

pub(super) fn escape_bytes(bytes: &[u8]) -> String {
    use std::fmt::Write as _;

    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character == '\\' || character.is_control() {
                let mut buffer = [0; 4];
                for byte in character.encode_utf8(&mut buffer).bytes() {
                    let _ = write!(text, "\\x{byte:02x}");
                }
            } else {
                text.push(character);
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

/// The bytes of a manifest's path; what is no escape stands for itself.
pub(super) fn unescape(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let digits = bytes.get(at + 2..at + 4).and_then(|pair| std::str::from_utf8(pair).ok());
        let escape = digits.filter(|_| bytes[at..].starts_with(b"\\x"));
        if let Some(value) = escape.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            out.push(value);
            at += 4;
        } else {
            out.push(byte);
            at += 1;
        }
    }
    out
}

/// Longer chains are cut: hostile roots can make them long, nobody reads them.
const MAX_STEPS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_survives_escaping() {
        for bytes in [&b"/a b/\xff\\x41"[..], b"/caf\xc3\xa9", b"/new\nline", b"/"] {
            let path = RootfsPath::parse(bytes);
            assert_eq!(unescape(&escaped(&path)), path.as_bytes(), "{path}");
        }
        assert_eq!(escaped(&RootfsPath::parse(b"/a\\\xff\n")), "/a\\x5c\\xff\\x0a");
    }

    #[test]
    fn a_chain_reads_from_the_root() {
        let chain = then(&then(&root("entrypoint", "/app"), "needed", "liba.so"), "needed", "libb.so");
        assert_eq!(arrows(&chain), "entrypoint → /app → liba.so → libb.so");
    }
}
