//! The daemons and client programs of this checkout, as `make env` prints them.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Where daemons and client programs are.
#[derive(Clone, Debug)]
pub(crate) struct Environment {
    /// Address of buildkitd, such as `unix:///tmp/x/buildkitd.sock`.
    pub(crate) buildkit_host: String,
    /// `host:port` of the registry that is also the mirror of docker.io and gcr.io.
    pub(crate) registry: String,
    /// Reference of the frontend image under test.
    pub(crate) image: String,
    /// Directory of buildctl, buildx and the other pinned programs.
    pub(crate) tools: PathBuf,
    /// Address of the private Docker Engine, when it is up.
    docker_host: Option<String>,
}

impl Environment {
    /// Reads the variables that `make env` prints.
    ///
    /// # Panics
    /// When one is missing: these tests fail without a daemon, they never skip.
    pub(crate) fn read() -> Self {
        Self {
            buildkit_host: variable("BUILDKIT_HOST"),
            registry: variable("DECANT_REGISTRY"),
            image: variable("DECANT_IMAGE"),
            tools: variable("DECANT_TOOLS").into(),
            docker_host: std::env::var("DOCKER_HOST").ok(),
        }
    }

    /// Address of the private Docker Engine.
    ///
    /// # Panics
    /// When the engine is not up.
    pub(crate) fn docker_host(&self) -> &str {
        self.docker_host
            .as_deref()
            .expect("DOCKER_HOST is not set: run `make engine`, then `eval \"$(make -s env)\"`")
    }

    /// A command for one of the pinned programs: `buildctl`, `buildx`, `docker`, …
    ///
    /// It inherits the variables of `make env`, so it talks to this checkout's daemons.
    /// The engine's client may be the machine's own.
    pub(crate) fn program(&self, name: &str) -> Command {
        let pinned = self.tools.join(name);
        if pinned.exists() { Command::new(pinned) } else { Command::new(name) }
    }

    /// `buildctl build` with the Dockerfile of `context` interpreted by the frontend that its
    /// syntax line names (the built-in one when it names none). Progress is plain text.
    pub(crate) fn buildctl_build(&self, context: &Path) -> Command {
        let mut command = self.program("buildctl");
        command
            .args(["build", "--progress=plain", "--frontend=dockerfile.v0"])
            .arg(local("context", context))
            .arg(local("dockerfile", context));
        command
    }

    /// `buildx build CONTEXT` with the builder `decant`. Progress is plain text.
    pub(crate) fn buildx_build(&self, context: &Path) -> Command {
        let mut command = self.program("buildx");
        command.args(["build", "--builder=decant", "--progress=plain"]);
        command.arg(context);
        command
    }
}

/// The root of this checkout.
pub(crate) fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: run `make up frontend`, then `eval \"$(make -s env)\"`")
    })
}

fn local(name: &str, dir: &Path) -> String {
    format!("--local={name}={}", dir.display())
}
