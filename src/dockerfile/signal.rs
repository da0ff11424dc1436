//! STOPSIGNAL after expansion.

/// Whether `text` is a signal: a non-zero integer or a Linux signal name, `SIG` optional, any case.
pub fn is_signal(text: &str) -> bool {
    let _ = text;
    false
}
