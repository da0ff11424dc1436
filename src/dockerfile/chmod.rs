//! `--chmod`: octal or symbolic file modes, after expansion.

use super::number::unsigned;

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
    match unsigned(text, 8) {
        Some(mode) if mode <= 0o7777 => Ok(Mode::Octal(mode)),
        Some(_) => Err(ModeError::Octal(text.to_owned())),
        None if text.starts_with(|c: char| c.is_ascii_digit()) => Err(ModeError::Octal(text.to_owned())),
        None if text.split(',').all(is_clause) => Ok(Mode::Symbolic(text.to_owned())),
        None => Err(ModeError::Symbolic),
    }
}

/// `[ugoa…]` and then at least one of `+`, `-`, `=`, each with any of `rwxXstugo` behind it.
fn is_clause(clause: &str) -> bool {
    let actions = clause.trim_start_matches(['u', 'g', 'o', 'a']);
    actions.starts_with(['+', '-', '='])
        && actions
            .chars()
            .all(|c| matches!(c, '+' | '-' | '=' | 'r' | 'w' | 'x' | 'X' | 's' | 't' | 'u' | 'g' | 'o'))
}

#[cfg(test)]
mod tests {
    use super::{Mode, parse_mode};

    #[test]
    fn reads_modes() {
        let octal = |text: &str| {
            format!("! invalid chmod parameter: '{text}'. it should be octal string and between 0 and 07777")
        };
        for (text, expected) in [
            ("0755", "755".to_owned()),
            ("7777", "7777".to_owned()),
            ("u=rwx,go=rX", "u=rwx,go=rX".to_owned()),
            ("+x", "+x".to_owned()),
            ("u+s-w", "u+s-w".to_owned()),
            ("g=u", "g=u".to_owned()),
            ("a=", "a=".to_owned()),
            ("999", octal("999")),
            ("10000", octal("10000")),
            ("0o755", octal("0o755")),
            ("u", "! invalid syntax".to_owned()),
            ("u+q", "! invalid syntax".to_owned()),
            ("u+x,", "! invalid syntax".to_owned()),
            ("-7", "! invalid syntax".to_owned()),
        ] {
            let found = match parse_mode(text) {
                Ok(Mode::Octal(mode)) => format!("{mode:o}"),
                Ok(Mode::Symbolic(mode)) => mode,
                Err(error) => format!("! {error}"),
            };
            assert_eq!(found, expected, "{text}");
        }
    }
}
