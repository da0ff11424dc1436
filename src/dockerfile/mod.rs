//! From the bytes of a Dockerfile to typed instructions with their places.

pub mod instruction;
pub mod source;

use instruction::{From, Instruction, Spanned};

/// A parsed Dockerfile: nothing is expanded, no stage name is resolved yet.
#[derive(Clone, Debug)]
pub struct Dockerfile {
    /// `ARG`s before the first `FROM`.
    pub global_args: Vec<Instruction>,
    /// Stages in file order.
    pub stages: Vec<StageSource>,
    /// The escape character: `\` or a backtick.
    pub escape: char,
}

/// One `FROM` section.
#[derive(Clone, Debug)]
pub struct StageSource {
    pub from: Spanned<From>,
    pub instructions: Vec<Instruction>,
}
