//! Numbers and switches as Go's `strconv` and `go-units` read them.

/// `strconv.ParseBool`.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

/// `strconv.ParseUint` with 32 bits: digits only, no sign.
pub(super) fn unsigned(text: &str, radix: u32) -> Option<u32> {
    if text.starts_with('+') { None } else { u32::from_str_radix(text, radix).ok() }
}

/// Bytes with an optional binary unit: `10m`, `1.5 GiB`, `64kb`, `7b` (`units.RAMInBytes`).
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "sizes are cut to whole bytes"
)]
pub(super) fn memory_size(text: &str) -> Option<i64> {
    let end = text.rfind(|c: char| c.is_ascii_digit() || matches!(c, '.' | ' '))?;
    let (number, unit) = text.split_at(end + 1);
    let number: f64 = number.strip_suffix(' ').unwrap_or(number).parse().ok()?;
    if number < 0.0 {
        return None;
    }
    let unit = unit.to_lowercase();
    let mut letters = unit.chars();
    let power = match letters.next() {
        None => 0,
        Some('b') if unit.len() == 1 => 0,
        Some('k') => 1,
        Some('m') => 2,
        Some('g') => 3,
        Some('t') => 4,
        Some('p') => 5,
        Some(_) => return None,
    };
    if power > 0 && !matches!(letters.as_str(), "" | "b" | "ib") {
        return None;
    }
    Some((number * (1_u64 << (10 * power)) as f64) as i64)
}

#[cfg(test)]
mod tests {
    use super::{boolean, memory_size, unsigned};

    #[test]
    fn reads_sizes() {
        for (text, expected) in [
            ("10m", Some(10 << 20)),
            ("1GiB", Some(1 << 30)),
            ("1.5k", Some(1536)),
            ("64 kb", Some(64 << 10)),
            ("7", Some(7)),
            ("7B", Some(7)),
            ("7bb", None),
            ("1ki", None),
            ("1kibb", None),
            ("-1", None),
            ("x", None),
            ("", None),
            ("1x", None),
        ] {
            assert_eq!(memory_size(text), expected, "{text}");
        }
    }

    #[test]
    fn reads_numbers_without_sign() {
        assert_eq!(unsigned("0755", 8), Some(0o755));
        assert_eq!(unsigned("4294967295", 10), Some(u32::MAX));
        for text in ["+1", "-1", "", "8", "0x1", "40000000000"] {
            assert_eq!(unsigned(text, 8), None, "{text}");
        }
        assert_eq!((boolean("T"), boolean("False"), boolean("yes")), (Some(true), Some(false), None));
    }
}
