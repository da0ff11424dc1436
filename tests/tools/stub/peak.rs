//! The largest resident set of a frontend: a wrapper around it, because its container is gone with it.

use std::mem::MaybeUninit;
use std::process::{Command, ExitCode};

/// Runs the program on our own standard input and output and tells its peak in KiB.
pub(crate) fn run(program: &str) -> ExitCode {
    let status = match Command::new(program).status() {
        Ok(status) => status,
        Err(error) => {
            eprintln!("stub: {program}: {error}");
            return ExitCode::FAILURE;
        }
    };
    match peak_of_children() {
        Some(kib) => eprintln!("stub: peak of {program}: {kib} KiB"),
        None => eprintln!("stub: peak of {program}: unknown"),
    }
    if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// `ru_maxrss` (getrusage(2)) of the children that ended.
fn peak_of_children() -> Option<i64> {
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: `usage` is a valid place for a `rusage`, and all zeroes are one.
    let usage = unsafe {
        if libc::getrusage(libc::RUSAGE_CHILDREN, usage.as_mut_ptr()) != 0 {
            return None;
        }
        usage.assume_init()
    };
    Some(usage.ru_maxrss)
}
