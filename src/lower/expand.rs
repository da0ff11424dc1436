//! Expansion of an instruction's words against the build environment, with the lint for unset variables.

use super::lint::UNDEFINED_VAR;
use super::{Lowering, Site, StageState};
use crate::diagnostic::Diagnostic;
use crate::dockerfile::source::Span;
use crate::dockerfile::suggest;
use crate::dockerfile::word::{Expansion, Lexer, WordError};
use crate::lint::Sink;

/// Build arguments that steer the SBOM scanner: never part of the environment, never undefined.
pub(super) const SCANNER_ARGS: [&str; 2] = ["BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE"];

/// Expands words of one instruction; all of them see the environment before it.
pub(super) struct Words<'a> {
    state: &'a StageState,
    lint: &'a mut Sink,
    lexer: Lexer,
    doc: &'a [String],
    span: Span,
}

impl<'a> Words<'a> {
    pub(super) fn new(lowering: &'a mut Lowering<'_>, site: &Site<'a>, state: &'a StageState) -> Self {
        let instruction = &site.step.instruction;
        Self {
            state,
            lexer: Lexer::new(lowering.request.stages.escape),
            lint: lowering.lint,
            doc: &instruction.doc,
            span: instruction.span,
        }
    }

    /// One word to one string.
    pub(super) fn one(&mut self, word: &str) -> Result<String, Diagnostic> {
        self.checked(self.lexer.expand(word, &self.state.env))
    }

    /// The same for a word that may be absent.
    pub(super) fn option(&mut self, word: Option<&str>) -> Result<Option<String>, Diagnostic> {
        word.map(|word| self.one(word)).transpose()
    }

    /// Each word to one string.
    pub(super) fn each(&mut self, words: &[String]) -> Result<Vec<String>, Diagnostic> {
        words.iter().map(|word| self.one(word)).collect()
    }

    /// The body of a heredoc: quotes are text and the escape is always a backslash.
    pub(super) fn body(&mut self, body: &str) -> Result<String, Diagnostic> {
        self.checked(Lexer::heredoc_body().expand(body, &self.state.env))
    }

    fn checked(&mut self, expanded: Result<Expansion, WordError>) -> Result<String, Diagnostic> {
        let unmatched = match &expanded {
            Ok(expansion) => &expansion.unmatched,
            Err(error) => &error.unmatched,
        };
        for name in unmatched {
            let declared = self.state.build_args.iter().any(|(known, _)| known == name);
            if !declared && !SCANNER_ARGS.contains(&name.as_str()) {
                let suggestion = suggest::nearest(name, self.state.env.names())
                    .map_or_else(String::new, |found| format!(" (did you mean ${found}?)"));
                let message = format!("Usage of undefined variable '${name}'{suggestion}");
                self.lint.report(&UNDEFINED_VAR, self.doc, self.span, message);
            }
        }
        expanded
            .map(|expansion| expansion.value)
            .map_err(|error| Diagnostic::new(error.to_string()).at(self.span))
    }
}
