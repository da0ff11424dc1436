//! The largest resident set and the processor time of a frontend: a wrapper around it, because its container is gone
//! with it.

use std::mem::MaybeUninit;
use std::process::{Command, ExitCode};

/// Runs the program with these words on our own standard input and output and tells its peak in KiB and its processor time in milliseconds.
pub(crate) fn run(program: &str, words: &[String]) -> ExitCode {
    let status = match Command::new(program).args(words).status() {
        Ok(status) => status,
        Err(error) => {
            eprintln!("stub: {program}: {error}");
            return ExitCode::FAILURE;
        }
    };
    match usage_of_children() {
        Some((kib, milliseconds)) => eprintln!("stub: peak of {program}: {kib} KiB, {milliseconds} ms"),
        None => eprintln!("stub: peak of {program}: unknown"),
    }
    if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// `ru_maxrss`, and user and system time together (getrusage(2)), of the children that ended.
fn usage_of_children() -> Option<(i64, i64)> {
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: `usage` is a valid place for a `rusage`, and all zeroes are one.
    let usage = unsafe {
        if libc::getrusage(libc::RUSAGE_CHILDREN, usage.as_mut_ptr()) != 0 {
            return None;
        }
        usage.assume_init()
    };
    let milliseconds = |time: libc::timeval| time.tv_sec * 1000 + time.tv_usec / 1000;
    Some((usage.ru_maxrss, milliseconds(usage.ru_utime) + milliseconds(usage.ru_stime)))
}
