//! Debian's own Docker Engine, years behind, for one test.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::environment::checkout;
use super::process::run;

/// An old engine; it is ended, and its state deleted, when this is dropped.
#[derive(Debug)]
pub(crate) struct OldEngine {
    name: String,
    address: String,
    /// Directory of its own client.
    programs: PathBuf,
}

impl OldEngine {
    /// Starts one; it pulls through the registry of `make up`.
    pub(crate) fn start() -> Self {
        let started = run(Command::new(script()).arg("start")).succeeded().stdout;
        let words: Vec<&str> = started.split_whitespace().collect();
        let [name, address, programs] = words[..] else { panic!("the script prints three words: {started}") };
        Self { name: name.to_owned(), address: address.to_owned(), programs: programs.into() }
    }

    /// `docker ARGUMENT…` with its own client and its `BuildKit`.
    pub(crate) fn docker(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.programs.join("docker"));
        command
            .args(["--host", &self.address])
            .args(arguments)
            .env("DOCKER_BUILDKIT", "1")
            .env("BUILDKIT_PROGRESS", "plain")
            .env_remove("BUILDX_BUILDER")
            // Its client knows nothing of the pinned plugins.
            .env("DOCKER_CONFIG", "/nonexistent");
        command
    }

    /// `docker build` of a directory; RUN has the network of the machine, as there is no bridge.
    pub(crate) fn build(&self, tag: &str, context: &Path) -> Command {
        let mut command = self.docker(&["build", "--network=host", "--tag", tag]);
        command.arg(context);
        command
    }
}

impl Drop for OldEngine {
    fn drop(&mut self) {
        let stopped = run(Command::new(script()).args(["stop", &self.name]));
        if !std::thread::panicking() {
            let _ = stopped.succeeded();
        }
    }
}

fn script() -> PathBuf {
    checkout().join("tests/stand/old-engine")
}
