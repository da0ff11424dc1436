//! `--chmod`: octal or symbolic file modes, after expansion.

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// 0–0o7777.
    Octal(u32),
    /// A checked symbolic mode, passed to the daemon as it is.
    Symbolic(String),
}

/// A bad mode; texts equal the official frontend's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModeError {
    #[error("invalid chmod parameter: '{0}'. it should be octal string and between 0 and 07777")]
    Octal(String),
    #[error("invalid syntax")]
    Symbolic,
}

/// Reads the value of `--chmod`.
///
/// # Errors
/// A number above 07777 or neither form.
pub fn parse_mode(text: &str) -> Result<Mode, ModeError> {
    let _ = text;
    Err(ModeError::Symbolic)
}
