//! Runs client programs to their end, with a limit in time.

use std::io::Read;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Time that one client may take: a cold build with a compiler on two busy cores.
const LIMIT: Duration = Duration::from_mins(5);

/// How often the end of a client is looked for.
const POLL: Duration = Duration::from_millis(20);

/// What a program printed, and how it ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// How it ended.
    pub(crate) status: ExitStatus,
    /// Standard output, invalid UTF-8 replaced.
    pub(crate) stdout: String,
    /// Standard error, invalid UTF-8 replaced.
    pub(crate) stderr: String,
}

impl Outcome {
    /// Both outputs, in the form in which a failed test shows them.
    pub(crate) fn text(&self) -> String {
        format!("{}\n{}{}", self.status, self.stdout, self.stderr)
    }

    /// Hands itself on when the program succeeded.
    ///
    /// # Panics
    /// When it failed, with all that it printed.
    #[must_use]
    #[track_caller]
    pub(crate) fn succeeded(self) -> Self {
        assert!(self.status.success(), "{}", self.text());
        self
    }

    /// Hands itself on when the program failed.
    ///
    /// # Panics
    /// When it succeeded, with all that it printed.
    #[must_use]
    #[track_caller]
    pub(crate) fn failed(self) -> Self {
        assert!(!self.status.success(), "{}", self.text());
        self
    }
}

/// Runs a program to its end, at most five minutes.
#[track_caller]
pub(crate) fn run(command: &mut Command) -> Outcome {
    run_within(LIMIT, command)
}

/// Runs a program to its end.
///
/// # Panics
/// When it can't be started, or takes longer than `limit` (it is killed then).
#[track_caller]
pub(crate) fn run_within(limit: Duration, command: &mut Command) -> Outcome {
    let started = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
    let stdout = collect(child.stdout.take().expect("standard output is piped"));
    let stderr = collect(child.stderr.take().expect("standard error is piped"));
    let status = loop {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            break Some(status);
        }
        if started.elapsed() > limit {
            child.kill().expect("a child can be killed");
            child.wait().expect("a killed child can be waited for");
            break None;
        }
        thread::sleep(POLL);
    };
    let [stdout, stderr] =
        [stdout, stderr].map(|reader| reader.join().expect("reading a pipe does not panic"));
    let Some(status) = status else { panic!("{command:?} took more than {limit:?}\n{stdout}{stderr}") };
    Outcome { status, stdout, stderr }
}

fn collect(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).expect("a pipe can be read");
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
