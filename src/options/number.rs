//! Numbers and booleans as Go's `strconv` reads them, with its error texts.

use std::num::IntErrorKind;

use crate::dockerfile::quote::quote;

/// `strconv.ParseInt(text, 10, 64)`.
///
/// # Errors
/// Go's text.
pub(super) fn int(text: &str) -> Result<i64, String> {
    text.parse().map_err(|error: std::num::ParseIntError| failed("ParseInt", text, error.kind()))
}

/// `strconv.ParseUint(text, 10, 64)`.
///
/// # Errors
/// Go's text.
pub(super) fn uint(text: &str) -> Result<u64, String> {
    if text.starts_with('+') {
        return Err(failed("ParseUint", text, &IntErrorKind::InvalidDigit));
    }
    text.parse().map_err(|error: std::num::ParseIntError| failed("ParseUint", text, error.kind()))
}

/// `strconv.ParseBool`.
///
/// # Errors
/// Go's text.
pub(super) fn boolean(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
        _ => Err(failed("ParseBool", text, &IntErrorKind::InvalidDigit)),
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "std hands the kind out by reference")]
fn failed(function: &str, text: &str, kind: &IntErrorKind) -> String {
    let why = match kind {
        IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => "value out of range",
        _ => "invalid syntax",
    };
    format!("strconv.{function}: parsing {}: {why}", quote(text))
}
