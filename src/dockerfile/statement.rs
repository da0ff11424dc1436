//! Logical lines: comments, continuations and heredoc bodies gathered into one statement each.

use super::MAX_ERRORS;
use super::argument::{Arguments, split_line};
use super::directive::{Directives, Read};
use super::heredoc;
use super::heredoc::Heredoc;
use super::line::{Lines, MAX_LINE_BYTES, without_bom, without_ending};
use super::raw::decode;
use super::source::Span;
use crate::diagnostic::Diagnostic;

/// One instruction by the line grammar: keyword and argument counts are not checked yet.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    /// As typed.
    pub(super) keyword: String,
    pub(super) flags: Vec<String>,
    pub(super) arguments: Arguments,
    pub(super) heredocs: Vec<Heredoc>,
    /// The logical line without heredoc bodies, not trimmed at its end.
    pub(super) line: String,
    pub(super) span: Span,
    /// Comments above.
    pub(super) doc: Vec<String>,
}

/// All statements of a file.
#[derive(Debug)]
pub(super) struct Statements {
    pub(super) list: Vec<Statement>,
    pub(super) escape: char,
    pub(super) empty_continuations: Vec<Span>,
    /// Errors of the line grammar. The official parser stops at the first one.
    pub(super) errors: Vec<Diagnostic>,
}

/// Reads `data` by the line grammar.
pub(super) fn read(data: &[u8]) -> Statements {
    let mut reader = Reader {
        lines: Lines::new(data),
        directives: Directives::default(),
        doc: Vec::new(),
        statements: Statements {
            list: Vec::new(),
            escape: '\\',
            empty_continuations: Vec::new(),
            errors: Vec::new(),
        },
    };
    reader.run();
    reader.statements
}

struct Reader<'a> {
    lines: Lines<'a>,
    directives: Directives,
    doc: Vec<String>,
    statements: Statements,
}

impl Reader<'_> {
    fn run(&mut self) {
        while let Some(line) = self.lines.next() {
            let line = if self.lines.number() == 1 { without_bom(line) } else { line };
            let line = decode(line);
            match self.comment(&line) {
                Ok(true) => continue,
                Ok(false) => {}
                Err(message) => {
                    // Nothing behind a bad directive can be trusted. The line is one too low, as upstream.
                    let line = self.lines.number() - 1;
                    self.statements.errors.push(Diagnostic::new(message).at(Span::lines(line, line)));
                    return;
                }
            }
            let (start, continues) = self.without_continuation(without_ending(&line).trim_start());
            if !start.is_empty() || continues {
                let start = start.to_owned();
                self.statement(start, continues);
            }
        }
        self.finish();
    }

    /// Whether a line before an instruction is a comment: then it is kept as documentation.
    fn comment(&mut self, line: &str) -> Result<bool, String> {
        let text = without_ending(line).trim_start();
        let directive = self.directives.read(text)?;
        if let Some(Read::Escape(escape)) = directive {
            self.statements.escape = escape;
        }
        if !text.starts_with('#') {
            return Ok(false);
        }
        if directive.is_none() {
            // Only the first character of the line is cut: an indented comment keeps its `#`.
            let mut characters = line.chars();
            characters.next();
            match characters.as_str().trim() {
                "" => self.doc.clear(),
                comment => self.doc.push(comment.to_owned()),
            }
        }
        Ok(true)
    }

    /// Reads the rest of the statement that starts with `line`.
    fn statement(&mut self, mut line: String, mut continues: bool) {
        let first = self.lines.number();
        let mut empty = false;
        while continues {
            let Some(next) = self.lines.next() else { break };
            let next = decode(next);
            let text = without_ending(&next);
            let trimmed = text.trim_start();
            if trimmed.starts_with('#') {
                continue;
            }
            if trimmed.is_empty() {
                empty = true;
                continue;
            }
            let (text, more) = self.without_continuation(text);
            line.push_str(text);
            continues = more;
        }
        if empty {
            let last = self.lines.number();
            self.statements.empty_continuations.push(Span::lines(last, last));
        }
        match self.gather(line) {
            Ok(mut statement) => {
                statement.span = Span::lines(first, self.lines.number());
                self.statements.list.push(statement);
            }
            Err(message) if self.statements.errors.len() < MAX_ERRORS => {
                let span = Span::lines(first, self.lines.number());
                self.statements.errors.push(Diagnostic::new(message).at(span));
            }
            Err(_) => {}
        }
        self.doc.clear();
    }

    /// Splits the logical line and reads the bodies of its heredocs.
    fn gather(&mut self, line: String) -> Result<Statement, String> {
        let escape = self.statements.escape;
        let (keyword, flags, rest) = split_line(&line, escape);
        let lower = keyword.to_lowercase();
        let arguments = Arguments::read(&lower, rest, escape)?;
        let mut heredocs = Vec::new();
        if line.contains("<<") && arguments.allow_heredocs(&lower) {
            heredocs = heredoc::opened_by(&line).map_err(|error| error.to_string())?;
            for heredoc in &mut heredocs {
                self.body(heredoc)?;
            }
        }
        let doc = std::mem::take(&mut self.doc);
        let keyword = keyword.to_owned();
        Ok(Statement { keyword, flags, arguments, heredocs, line, span: Span::lines(0, 0), doc })
    }

    fn body(&mut self, heredoc: &mut Heredoc) -> Result<(), String> {
        while let Some(line) = self.lines.next() {
            let line = decode(line);
            if heredoc::is_terminator(heredoc, &line) {
                return Ok(());
            }
            heredoc.body.push_str(&line);
        }
        Err("unterminated heredoc".to_owned())
    }

    /// The line without its continuation mark, and whether it has one.
    fn without_continuation<'l>(&self, line: &'l str) -> (&'l str, bool) {
        let escape = self.statements.escape;
        let before = line.trim_end_matches([' ', '\t']).strip_suffix(escape);
        match before {
            // A doubled escape character is text.
            Some(before) if !before.ends_with(escape) => (before, true),
            _ => (line, false),
        }
    }

    fn finish(&mut self) {
        let last = self.lines.number();
        let message = if self.statements.list.is_empty() && self.statements.errors.is_empty() {
            "file with no instructions".to_owned()
        } else if self.lines.too_long() {
            format!("dockerfile line greater than max allowed size of {MAX_LINE_BYTES}")
        } else {
            return;
        };
        self.statements.errors.push(Diagnostic::new(message).at(Span::lines(last, last)));
    }
}

#[cfg(test)]
mod tests;
