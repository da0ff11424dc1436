//! A build that is cancelled leaves nothing behind, and a daemon that dies is a clear error.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{Context, Environment, FreshDaemon, checkout};

const PATIENCE: Duration = Duration::from_mins(1);

fn sleeper() -> Context {
    Context::new(&format!(
        "# syntax={}\nFROM busybox:stable-musl AS build\nRUN echo now && sleep 600\nFROM distroless\nCOPY --from=build /bin/busybox /b\n",
        Environment::read().image
    ))
}

fn start(daemon: &FreshDaemon, context: &Context, log: &std::path::Path) -> Child {
    let mut command = Environment::read().program("buildctl");
    command.args(["--addr", &daemon.address, "build", "--progress=plain", "--frontend=dockerfile.v0"]);
    command.arg(format!("--local=context={}", context.path().display()));
    command.arg(format!("--local=dockerfile={}", context.path().display()));
    let log = fs::File::create(log).expect("a log can be made");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    command.spawn().expect("buildctl starts")
}

#[track_caller]
fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "waited in vain until {what}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// Processes whose command line contains the program of the build's step or of the frontend, and whose
/// control group is the daemon's.
fn containers(daemon: &FreshDaemon) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").expect("/proc can be listed").flatten() {
        let directory = entry.path();
        let group = fs::read_to_string(directory.join("cgroup")).unwrap_or_default();
        let command = fs::read_to_string(directory.join("cmdline")).unwrap_or_default();
        if group.contains(daemon.name()) && !command.contains("buildkitd") {
            found.push(command.replace('\0', " "));
        }
    }
    found
}

/// Mounts below the daemon's state.
fn mounts(daemon: &FreshDaemon) -> Vec<String> {
    let state = checkout().join(".stand").join(daemon.name());
    let state = fs::canonicalize(state).expect("the daemon has a state directory");
    fs::read_to_string("/proc/self/mountinfo")
        .expect("mountinfo can be read")
        .lines()
        .filter(|line| line.contains(&*state.to_string_lossy()))
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_cancelled_build_leaves_no_process_and_no_mount() {
    let daemon = FreshDaemon::start();
    let context = sleeper();
    let log = context.path().join("log");
    let mut client = start(&daemon, &context, &log);
    wait_until("the step runs", || fs::read_to_string(&log).unwrap_or_default().contains("now"));
    assert!(!containers(&daemon).is_empty(), "no container was seen while the build ran");

    let interrupt = Command::new("kill").args(["-INT", &client.id().to_string()]).status();
    assert!(interrupt.expect("kill starts").success());
    client.wait().expect("a client can be waited for");
    wait_until("no container is left", || containers(&daemon).is_empty());
    wait_until("no mount is left", || mounts(&daemon).is_empty());
}

#[test]
fn a_killed_daemon_is_a_clear_error() {
    let daemon = FreshDaemon::start();
    let context = sleeper();
    let log = context.path().join("log");
    let mut client = start(&daemon, &context, &log);
    wait_until("the step runs", || fs::read_to_string(&log).unwrap_or_default().contains("now"));

    let kill = Command::new("kill").args(["-KILL", &daemon.pid().to_string()]).status();
    assert!(kill.expect("kill starts").success());
    let started = Instant::now();
    let status = client.wait().expect("a client can be waited for");
    assert!(!status.success());
    assert!(started.elapsed() < Duration::from_secs(30), "the client hung for {:?}", started.elapsed());
    let text = fs::read_to_string(&log).expect("the log can be read");
    assert!(text.lines().last().unwrap_or_default().starts_with("error: "), "{text}");
    // The frontend ends by itself: its connection is gone.
    wait_until("no frontend is left", || {
        containers(&daemon).iter().all(|command| !command.contains("/decant"))
    });
}
