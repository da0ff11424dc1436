//! Runs a command in a container of an unpacked image, with runc.

use std::fs;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::image::Image;
use super::process::{Outcome, run, run_within};

/// Time that one container may run.
const LIMIT: Duration = Duration::from_mins(1);

/// A container to be: read-only root, no network but loopback, the image's own command and user.
#[derive(Debug)]
pub(crate) struct Container<'a> {
    image: &'a Image,
    user: (u32, u32),
    args: Vec<String>,
    env: Vec<String>,
}

impl<'a> Container<'a> {
    /// With the image's ENTRYPOINT, CMD and USER.
    ///
    /// # Panics
    /// When USER is not numeric: decant writes numbers.
    pub(crate) fn of(image: &'a Image) -> Self {
        let mut args = image.strings("Entrypoint");
        args.extend(image.strings("Cmd"));
        let user = image.config["config"]["User"].as_str().unwrap_or("");
        let mut ids = user.split(':').map(|id| {
            if id.is_empty() {
                0
            } else {
                id.parse().unwrap_or_else(|_| panic!("USER {user} is not numeric"))
            }
        });
        let uid = ids.next().unwrap_or(0);
        Self { image, user: (uid, ids.next().unwrap_or(0)), args, env: image.strings("Env") }
    }

    /// As another user.
    #[must_use]
    pub(crate) fn user(self, uid: u32, gid: u32) -> Self {
        Self { user: (uid, gid), ..self }
    }

    /// Runs it to its end.
    pub(crate) fn run(&self) -> Outcome {
        let bundle = TempDir::new().expect("a temporary directory can be made");
        fs::write(bundle.path().join("config.json"), self.spec().to_string()).expect("a file can be written");
        let name = bundle.path().file_name().expect("a temporary directory has a name").to_string_lossy();
        let name = format!("decant{}", name.replace('.', "-"));
        let state = bundle.path().join("state");
        let runc = || {
            let mut command = Command::new("runc");
            command.arg("--root").arg(&state);
            command
        };
        let outcome = run_within(LIMIT, runc().args(["run", "--bundle"]).arg(bundle.path()).arg(&name));
        // `runc run` deletes the container itself; this is for one that did not start.
        run(runc().args(["delete", "--force", &name]));
        outcome
    }

    /// The OCI runtime spec; the program is looked up in PATH as engines do it.
    fn spec(&self) -> Value {
        let cwd = match self.image.config["config"]["WorkingDir"].as_str() {
            None | Some("") => "/",
            Some(directory) => directory,
        };
        json!({
            "ociVersion": "1.0.2",
            "process": {
                "terminal": false,
                "user": {"uid": self.user.0, "gid": self.user.1},
                "args": self.args,
                "env": self.env,
                "cwd": cwd,
                "noNewPrivileges": true,
                "capabilities": {"bounding": [], "effective": [], "permitted": []},
            },
            "root": {"path": self.image.rootfs(), "readonly": true},
            "hostname": "container",
            "mounts": [
                {"destination": "/proc", "type": "proc", "source": "proc"},
                {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
                 "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
                {"destination": "/dev/shm", "type": "tmpfs", "source": "shm",
                 "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]},
            ],
            "linux": {
                "namespaces": [
                    {"type": "pid"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}, {"type": "network"},
                ],
            },
        })
    }
}
