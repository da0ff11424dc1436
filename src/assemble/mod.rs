//! EDGE. The exec step: reads a spec and the root file systems it names, computes the set, writes one tree for
//! each layer and the manifest, and resolves what it wrote once more.

mod copy;
mod inputs;
mod output;
#[cfg(test)]
mod tests;
mod writer;

use std::io::Write;
use std::path::PathBuf;

/// Where the step finds its input and leaves its output: `/` in the container, a directory in tests.
#[derive(Clone, Debug)]
pub struct Places {
    root: PathBuf,
}

impl Places {
    /// The file system of the assemble container, or a directory that stands for it.
    pub fn below(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }
}

/// The verb `assemble`. What happens is told in `log`; the answer is the exit code: 0, or 1 when the set has errors
/// or could not be written.
pub fn assemble(places: &Places, log: &mut dyn Write) -> i32 {
    let _ = (&places.root, log);
    todo!()
}

/// The verb `report`: the same computation, but only the report is written. Exit code 0 whenever the input could be
/// read.
pub fn report(places: &Places, log: &mut dyn Write) -> i32 {
    let _ = (&places.root, log);
    todo!()
}
