//! Which files a container's processes open, by strace.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Pid;

/// Time until the tracer holds the process.
const LIMIT: Duration = Duration::from_secs(20);

/// A tracer of a container's first process, attached before the program starts.
pub(crate) struct Trace {
    tracer: Child,
    log: PathBuf,
}

impl Trace {
    /// Returns once every thread of the process is held.
    pub(crate) fn attach(pid: Pid, place: &Path) -> Self {
        let log = place.join("trace");
        let tracer = Command::new("strace")
            .args([
                "-f",
                "-y",
                "-qq",
                "--decode-pids=pidns",
                "-e",
                "trace=open,openat,openat2,execve,execveat",
            ])
            .args(["-e", "status=successful", "-e", "signal=none", "-o"])
            .arg(&log)
            .arg(format!("-p{}", pid.as_raw_nonzero()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("strace can be started");
        let trace = Self { tracer, log };
        let started = Instant::now();
        while !held(pid) {
            assert!(started.elapsed() < LIMIT, "strace does not attach");
            std::thread::sleep(Duration::from_millis(5));
        }
        trace
    }

    /// The regular files that were opened or executed: their paths in the image, links resolved.
    pub(crate) fn opened(mut self, root: &Path) -> Vec<String> {
        // Its processes have ended, and so does the tracer.
        self.tracer.wait().expect("strace can be waited for");
        let log = fs::read(&self.log).unwrap_or_default();
        let mut opened = BTreeSet::new();
        // What comes before the first execve is runc's own.
        let lines = String::from_utf8_lossy(&log).into_owned();
        for line in lines.lines().skip_while(|line| !line.contains(" execve(")) {
            let Some(path) = path_of(line) else { continue };
            let Some(real) = super::inside::resolve(root, &path) else { continue };
            if fs::symlink_metadata(&real).is_ok_and(|metadata| metadata.is_file())
                && let Ok(inner) = real.strip_prefix(root)
            {
                opened.insert(format!("/{}", inner.display()));
            }
        }
        opened.into_iter().collect()
    }
}

/// The path that a line of the trace tells: `openat(…) = 3</etc/passwd>` or `execve("/bin/sh", …) = 0`.
fn path_of(line: &str) -> Option<String> {
    let (call, result) = line.rsplit_once(" = ")?;
    if call.contains("execve(") {
        let path = call.split('"').nth(1)?;
        return path.starts_with('/').then(|| path.to_owned());
    }
    let path = result.split_once('<')?.1.strip_suffix('>')?;
    path.starts_with('/').then(|| path.to_owned())
}

fn held(pid: Pid) -> bool {
    let Ok(tasks) = fs::read_dir(format!("/proc/{}/task", pid.as_raw_nonzero())) else { return false };
    tasks.filter_map(Result::ok).all(|task| {
        let status = fs::read_to_string(task.path().join("status")).unwrap_or_default();
        status.lines().any(|line| line.starts_with("TracerPid:") && !line.ends_with("\t0"))
    })
}
