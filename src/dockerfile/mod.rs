//! From the bytes of a Dockerfile to typed instructions with their places.

mod argument;
pub(crate) mod csv;
mod flag;
mod json;
mod line;
pub(crate) mod number;
mod statement;
mod url;

pub mod chmod;
pub mod chown;
pub mod device;
pub mod directive;
pub mod duration;
pub mod git_ref;
pub mod heredoc;
pub mod ignore;
pub mod instruction;
pub mod mount;
pub mod pattern;
pub mod port;
pub mod quote;
pub mod raw;
pub mod signal;
pub mod source;
pub mod suggest;
pub mod word;

use crate::diagnostic::Diagnostic;
use instruction::{From, Instruction, Kind, Parsed, Spanned};
use source::Span;

/// A parsed Dockerfile: nothing is expanded, no stage name is resolved yet.
#[derive(Clone, Debug)]
pub struct Dockerfile {
    /// `ARG`s before the first `FROM`.
    pub global_args: Vec<Instruction>,
    /// Stages in file order; at least one.
    pub stages: Vec<StageSource>,
    /// The escape character: `\` or a backtick.
    pub escape: char,
    /// Last lines of instructions with an empty line inside a continuation (lint `NoEmptyContinuation`).
    pub empty_continuations: Vec<Span>,
}

/// One `FROM` section.
#[derive(Clone, Debug)]
pub struct StageSource {
    pub from: Spanned<From>,
    pub instructions: Vec<Instruction>,
}

/// What could be read of a Dockerfile, and everything that is wrong with it.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The instructions before the first error; the whole file if there is none.
    pub dockerfile: Dockerfile,
    /// The instruction of the first error, if lint rules have something to say about it all the same.
    pub refused: Option<Parsed>,
    /// The first one equals the official frontend's in text and lines; empty if all is well.
    pub errors: Vec<Diagnostic>,
}

/// Reads a whole Dockerfile.
///
/// # Errors
/// All errors found; the first one equals the official frontend's in text and lines.
pub fn parse(data: &[u8]) -> Result<Dockerfile, Vec<Diagnostic>> {
    if data.is_empty() {
        return Err(vec![empty()]);
    }
    let outcome = parse_all(data);
    if !outcome.errors.is_empty() {
        return Err(outcome.errors);
    }
    if outcome.dockerfile.stages.is_empty() { Err(vec![no_stages()]) } else { Ok(outcome.dockerfile) }
}

/// The error about a file without a byte.
pub fn empty() -> Diagnostic {
    Diagnostic::new("the Dockerfile cannot be empty")
}

/// The error about a file that could be read and has no `FROM`.
pub fn no_stages() -> Diagnostic {
    Diagnostic::new("dockerfile contains no stages to build")
}

/// Reads a whole Dockerfile and keeps what stands before the first error: lints see it all the same.
pub fn parse_all(data: &[u8]) -> Outcome {
    let statements = statement::read(data);
    let mut dockerfile = Dockerfile {
        global_args: Vec::new(),
        stages: Vec::new(),
        escape: statements.escape,
        empty_continuations: statements.empty_continuations,
    };
    let mut errors = statements.errors;
    // The official frontend reads and lints nothing of a file whose line grammar is wrong.
    let mut keep = errors.is_empty();
    if !keep {
        dockerfile.empty_continuations.clear();
    }
    let mut orphan = false;
    let mut refused = None;
    for statement in statements.list {
        if errors.len() >= MAX_ERRORS {
            break;
        }
        let span = statement.span;
        let seen = if keep { instruction::seen(&statement) } else { None };
        match instruction::read(statement) {
            Err(message) => {
                keep = false;
                refused = refused.or(seen);
                let line = span.first;
                errors.push(
                    Diagnostic::new(format!("dockerfile parse error on line {line}: {message}")).at(span),
                );
            }
            Ok(Parsed::Stage(from)) if keep => {
                dockerfile.stages.push(StageSource { from, instructions: Vec::new() });
            }
            Ok(Parsed::Stage(_)) => orphan = true,
            Ok(Parsed::Instruction(instruction)) => match dockerfile.stages.last_mut() {
                Some(stage) if keep => stage.instructions.push(instruction),
                None if keep && matches!(instruction.value, Kind::Arg(_)) => {
                    dockerfile.global_args.push(instruction);
                }
                None if !orphan && !matches!(instruction.value, Kind::Arg(_)) => {
                    // Said once: all that follow have the same cause.
                    orphan = true;
                    keep = false;
                    errors.push(Diagnostic::new("no build stage in current context").at(span));
                }
                _ => {}
            },
        }
    }
    Outcome { dockerfile, refused, errors }
}

/// How many errors one file can have before reading stops: nobody reads more.
const MAX_ERRORS: usize = 100;

/// Reads the text of one ONBUILD trigger; the escape character is always `\\`.
///
/// The instruction's span counts lines of the trigger; locate it at the FROM line instead.
///
/// # Errors
/// Any error of the text, and `onbuild trigger should be a single expression`. Without a place: the
/// official frontend puts it at the FROM line.
pub fn parse_trigger(text: &str) -> Result<Instruction, Diagnostic> {
    let mut statements = statement::read(&raw::encode(text));
    if !statements.errors.is_empty() {
        return Err(Diagnostic::new(statements.errors.swap_remove(0).message));
    }
    let statement = match statements.list.len() {
        1 => statements.list.swap_remove(0),
        _ => return Err(Diagnostic::new("onbuild trigger should be a single expression")),
    };
    match instruction::read(statement).map_err(Diagnostic::new)? {
        Parsed::Instruction(instruction) => Ok(instruction),
        Parsed::Stage(_) => Err(Diagnostic::new("*instructions.Stage is not a command type")),
    }
}

#[cfg(test)]
mod tests;
