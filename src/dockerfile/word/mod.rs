//! Expansion of variables and quotes in one word (the shell lexer).

mod pattern;
mod scan;

use std::collections::{BTreeMap, BTreeSet};

use scan::{Mode, Scan};

/// Where variables get their values from.
pub trait Variables {
    /// The value of `name`; `None` if it is not set.
    fn lookup(&self, name: &str) -> Option<&str>;
}

impl Variables for BTreeMap<String, String> {
    fn lookup(&self, name: &str) -> Option<&str> {
        self.get(name).map(String::as_str)
    }
}

/// No variable is set.
#[derive(Clone, Copy, Debug)]
pub struct NoVariables;

impl Variables for NoVariables {
    fn lookup(&self, _name: &str) -> Option<&str> {
        None
    }
}

/// How words are expanded.
///
/// `Lexer::new(dockerfile.escape)` is what ENV, COPY, … use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "four independent switches, most of their combinations in use"
)]
pub struct Lexer {
    /// `\` or a backtick.
    pub escape: char,
    /// Quotes stay in the result.
    pub raw_quotes: bool,
    /// Escape characters stay in the result.
    pub raw_escapes: bool,
    /// Quotes are ordinary characters (heredoc bodies).
    pub literal_quotes: bool,
    /// Unset variables stay as they are written instead of becoming empty.
    pub keep_unset: bool,
}

/// The result of [`Lexer::expand`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expansion {
    pub value: String,
    /// Names that were looked up and are set.
    pub matched: BTreeSet<String>,
    /// Names that were looked up and are not set, with or without a default (lint `UndefinedVar`).
    pub unmatched: BTreeSet<String>,
}

/// A word that cannot be expanded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to process {}: {reason}", super::quote::quote(word))]
pub struct WordError {
    /// The whole word.
    pub word: String,
    /// What is wrong with it.
    pub reason: String,
    /// Names looked up before the error and found unset: they are linted all the same.
    pub unmatched: BTreeSet<String>,
}

impl Lexer {
    /// The lexer of instruction arguments.
    pub fn new(escape: char) -> Self {
        Self { escape, raw_quotes: false, raw_escapes: false, literal_quotes: false, keep_unset: false }
    }

    /// The lexer of heredoc bodies of COPY and ADD: the escape is always `\`, quotes are text.
    pub fn heredoc_body() -> Self {
        Self { literal_quotes: true, ..Self::new('\\') }
    }

    /// The lexer of vertex names of RUN: quotes, escapes and unset variables stay as typed.
    pub fn vertex_name(escape: char) -> Self {
        Self { raw_quotes: true, raw_escapes: true, keep_unset: true, ..Self::new(escape) }
    }

    /// Expands `word` to one string; blanks are kept.
    ///
    /// # Errors
    /// Unmatched quotes, malformed substitutions, `${name:?text}` on an unset variable.
    pub fn expand(&self, word: &str, variables: &dyn Variables) -> Result<Expansion, WordError> {
        let mut scan = Scan::new(*self, word, variables);
        match scan.run(None, self.mode()) {
            Ok(text) => Ok(Expansion { value: text.value, matched: scan.matched, unmatched: scan.unmatched }),
            Err(reason) => Err(WordError { word: word.to_owned(), reason, unmatched: scan.unmatched }),
        }
    }

    /// Expands `word` and splits the result on unquoted blanks (EXPOSE).
    ///
    /// # Errors
    /// As [`Lexer::expand`].
    pub fn expand_words(&self, word: &str, variables: &dyn Variables) -> Result<Vec<String>, WordError> {
        let mut scan = Scan::new(*self, word, variables);
        match scan.run(None, self.mode()) {
            Ok(text) => Ok(text.words),
            Err(reason) => Err(WordError { word: word.to_owned(), reason, unmatched: scan.unmatched }),
        }
    }

    fn mode(self) -> Mode {
        Mode { raw_escapes: self.raw_escapes, pattern: false }
    }
}

#[cfg(test)]
mod tests;
