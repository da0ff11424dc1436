//! A second, empty buildkitd for one test.

use std::process::Command;

use super::environment::checkout;
use super::process::run;

/// A fresh daemon; it is ended, and its state deleted, when this is dropped.
#[derive(Debug)]
pub(crate) struct FreshDaemon {
    name: String,
    /// `unix://…`
    pub(crate) address: String,
}

impl FreshDaemon {
    /// Starts one; it pulls through the same registry as the daemon of `make up`.
    pub(crate) fn start() -> Self {
        let started = run(Command::new(script()).arg("start")).succeeded().stdout;
        let (name, address) = started.trim().split_once(' ').expect("the script prints name and address");
        Self { name: name.to_owned(), address: address.to_owned() }
    }

    /// Process id of the daemon.
    pub(crate) fn pid(&self) -> u32 {
        let file = checkout().join(format!(".stand/{}.pid", self.name));
        let text =
            std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        text.split_whitespace()
            .next()
            .and_then(|pid| pid.parse().ok())
            .expect("a pid file starts with the pid")
    }

    /// Name of the daemon's control group and state directory.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for FreshDaemon {
    fn drop(&mut self) {
        let stopped = run(Command::new(script()).args(["stop", &self.name]));
        if !std::thread::panicking() {
            let _ = stopped.succeeded();
        }
    }
}

fn script() -> std::path::PathBuf {
    checkout().join("tests/stand/fresh-buildkitd")
}
