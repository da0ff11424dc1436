//! What a shell script starts, as far as its text says: the programs, the files it sources, the paths it names.
//!
//! ```text
//! text ─▶ parse (brush-parser, bounded) ─▶ items ─▶ expand (variables, by all that is assigned) ─▶ calls
//! ```
//! Both sides of every branch count, and a variable has every value that the script gives it anywhere: what may be
//! started is wanted, since a helper that is missing can fail without a word.

mod builtins;
mod calls;
mod expand;
mod parse;
pub(super) mod run;
mod steps;
mod word;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::rules::Wrapper;

pub(super) use builtins::is_builtin;
pub(super) use calls::{behind_applet, shell_script};

/// Where a script runs.
#[derive(Clone, Copy, Debug)]
pub struct Context<'c> {
    pub environment: &'c BTreeMap<String, String>,
    /// `$0`.
    pub name: &'c Option<String>,
    /// The working directory.
    pub directory: &'c str,
    pub dialect: Dialect,
    pub wrappers: &'c [Wrapper],
    /// Variables that other scripts set which it sources, or is sourced by.
    pub known: &'c BTreeMap<String, Vec<Word>>,
    /// Functions of such scripts.
    pub functions: &'c BTreeSet<String>,
}

/// Which commands are the shell's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// dash, busybox.
    Posix,
    /// bash, and what is like it.
    Bash,
}

impl Dialect {
    /// By the name of the shell.
    pub fn of(shell: &str) -> Self {
        match shell.rsplit('/').next().unwrap_or(shell) {
            "bash" | "zsh" | "ksh" | "mksh" => Self::Bash,
            _ => Self::Posix,
        }
    }
}

/// One word of a command, expanded.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Word {
    Text(String),
    /// Text in which `*` stands for what is not known, or for what the shell looks up.
    Pattern(String),
    /// Arguments of the script, or of the function.
    Arguments,
}

/// A program that a script starts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    /// Its name, and its arguments.
    pub words: Vec<Word>,
    /// It is started whenever the script runs.
    pub certain: bool,
    /// It takes the script's place, or stands for it: `exec`, `set --`.
    pub replaces: bool,
    /// It is started by another program, for which a builtin does not count.
    pub file: bool,
}

/// What a script starts and reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    pub calls: Vec<Call>,
    /// Files that are sourced: texts and patterns.
    pub sourced: Vec<Word>,
    /// Programs that it asks for (`command -v`).
    pub probed: BTreeSet<String>,
    /// It starts its own arguments (`exec "$@"`).
    pub starts_arguments: bool,
    /// Commands whose names are not known, as they stand in the text.
    pub dynamic: Vec<String>,
    /// Absolute paths that are words of it.
    pub paths: BTreeSet<String>,
    /// Every plain word.
    pub words: BTreeSet<String>,
    /// Directories that it changes to.
    pub directories: BTreeSet<String>,
    pub functions: BTreeSet<String>,
    pub variables: BTreeMap<String, Vec<Word>>,
}

/// Reads a script.
///
/// # Errors
/// Why its text cannot be parsed, in a phrase.
pub fn read(text: &str, context: &Context<'_>) -> Result<Script, String> {
    calls::read(text, context)
}

impl Word {
    pub(super) fn unknown() -> Self {
        Self::Pattern("*".to_owned())
    }

    pub(super) fn is_unknown(&self) -> bool {
        matches!(self, Self::Pattern(text) if text == "*")
    }

    pub(super) fn is_option(&self) -> bool {
        matches!(self, Self::Text(text) | Self::Pattern(text) if text.starts_with(['-', '+']))
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// As text, with `*` for what is not known.
    pub(super) fn shown(&self) -> &str {
        match self {
            Self::Text(text) | Self::Pattern(text) => text,
            Self::Arguments => "*",
        }
    }

    fn append(self, other: &Self) -> Self {
        match (self, other) {
            (this, Self::Text(text)) if text.is_empty() => this,
            (Self::Text(text), other) if text.is_empty() => other.clone(),
            (Self::Text(text), Self::Text(more)) if text.len() + more.len() <= MAX_TEXT => {
                Self::Text(text + more)
            }
            (this, other) => {
                let (left, right) = (this.shown(), other.shown());
                if left.len() + right.len() > MAX_TEXT {
                    return Self::unknown();
                }
                let right = if left.ends_with('*') { right.trim_start_matches('*') } else { right };
                Self::Pattern(format!("{left}{right}"))
            }
        }
    }

    /// `dirname`.
    fn directory(&self) -> Self {
        let cut = |text: &str| match text.trim_end_matches('/').rsplit_once('/') {
            Some(("", _)) => "/".to_owned(),
            Some((directory, _)) => directory.to_owned(),
            None => ".".to_owned(),
        };
        match self {
            Self::Text(text) => Self::Text(cut(text)),
            Self::Pattern(text) => Self::Pattern(cut(text)),
            Self::Arguments => Self::unknown(),
        }
    }
}

/// Bytes of an expanded word.
const MAX_TEXT: usize = 16 << 10;
