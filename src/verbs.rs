//! EDGE. The verbs for people: `plan`, `explain`, `diff`.

use std::io::Write;

/// `decant plan <dir> [--entrypoint WORD]… [--env K=V]… [--json]`: which files of a root file system a program needs, and why.
/// The answer is the exit code.
pub fn plan(args: &[String], out: &mut dyn Write, err: &mut dyn Write) -> i32 {
    let _ = (args, out, err);
    todo!()
}

/// `decant explain <manifest.json.gz | root directory> [path]`: what is in an image, and why.
pub fn explain(args: &[String], out: &mut dyn Write, err: &mut dyn Write) -> i32 {
    let _ = (args, out, err);
    todo!()
}

/// `decant diff <manifest> <manifest>`: what changed between two images.
pub fn diff(args: &[String], out: &mut dyn Write, err: &mut dyn Write) -> i32 {
    let _ = (args, out, err);
    todo!()
}
