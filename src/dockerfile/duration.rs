//! Durations in Go's notation.

/// Reads a Go duration (`1h30m`, `500ms`) to nanoseconds.
///
/// # Errors
/// Go's own text, such as `time: invalid duration "x"`.
pub fn parse_duration(text: &str) -> Result<i64, String> {
    let _ = text;
    Ok(0)
}

/// Nanoseconds as Go prints them: `1m30s`, `500ms`, `1h0m0s`, `0s`.
pub fn format_duration(nanoseconds: i64) -> String {
    let _ = nanoseconds;
    String::new()
}
