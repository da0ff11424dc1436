//! The verbs for people: `plan`, `explain`, `diff`.
//!
//! Each takes the words after it, prints to `out`, complains to `err` and answers the exit code: 0, 1 when the answer
//! is no, 2 when the words make no sense.

mod explain;
mod place;
mod plan;

use std::io::{self, Write};

pub use explain::{diff, explain};
pub use plan::plan;

/// Why a verb cannot answer.
#[derive(Debug, thiserror::Error)]
enum VerbError {
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    Failed(String),
    /// The reader of a pipe may go away.
    #[error("writing: {0}")]
    Write(#[from] io::Error),
}

fn exit_code(verb: &str, outcome: Result<(), VerbError>, err: &mut dyn Write) -> i32 {
    let Err(error) = outcome else { return 0 };
    // Nobody is left to tell when even this fails.
    let _ = writeln!(err, "decant {verb}: {error}");
    match error {
        VerbError::Usage(_) => 2,
        VerbError::Failed(_) | VerbError::Write(_) => 1,
    }
}
