//! Runs an image as an engine does: read-only root, its own user unless that is root, only loopback as network.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, WaitOptions, WaitStatus, set_child_subreaper, waitpid};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::accounts::{Ids, resolve};
use super::case::{Case, Serve};
use super::requests::ask;
use super::store::{Mounted, Store, Stored};
use super::support::{run, run_within};
use super::trace::Trace;

/// Time between asking a server to end and killing it.
const PATIENCE: Duration = Duration::from_secs(5);

const POLL: Duration = Duration::from_millis(10);

/// Output beyond this is cut.
const MAX_OUTPUT: u64 = 1 << 20;

/// User and group of a container whose image runs as root.
const NONROOT: u32 = 65532;

const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Docker's default set.
const CAPABILITIES: [&str; 14] = [
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_RAW",
    "CAP_SYS_CHROOT",
    "CAP_MKNOD",
    "CAP_AUDIT_WRITE",
    "CAP_SETFCAP",
];

/// What a container did.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Behaviour {
    /// Exit code, or 128 and the signal; absent for a server.
    pub(crate) exit: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// Request and answer.
    pub(crate) answers: Vec<(String, String)>,
    /// User of process 1 of a server, after the requests.
    pub(crate) uid: Option<u32>,
    /// Regular files that it opened, where it was traced.
    pub(crate) opened: Vec<String>,
    /// What went wrong with running it.
    pub(crate) failure: Option<String>,
}

/// Makes orphans of `runc create` children of this process: the exit code of a container comes from there.
pub(crate) fn adopt_containers() {
    set_child_subreaper(Some(Pid::INIT)).expect("this process may adopt orphans");
}

/// Runs an image as its case says.
pub(crate) fn run_image(
    store: &Store,
    case: &Case,
    image: &Stored,
    root: &Mounted,
    traced: bool,
) -> Behaviour {
    let bundle = store.temporary();
    let mut behaviour = Behaviour::default();
    let ids = match user(case, image, &root.root()) {
        Ok(ids) => ids,
        Err(failure) => {
            behaviour.failure = Some(failure);
            return behaviour;
        }
    };
    let spec = spec(case, image, root, &ids, bundle.path());
    fs::write(bundle.path().join("config.json"), spec.to_string()).expect("a file can be written");
    let container = Container::create(bundle);
    match container {
        Err(failure) => behaviour.failure = Some(failure),
        Ok(mut container) => {
            let trace = traced.then(|| Trace::attach(container.pid, container.bundle.path()));
            container.start();
            match &case.expected.serve {
                None => container.wait_for_end(Duration::from_secs(case.expected.limit), &mut behaviour),
                Some(serve) => container.answer(serve, &mut behaviour),
            }
            behaviour.stdout = container.output("stdout");
            behaviour.stderr = container.output("stderr");
            if let Some(trace) = trace {
                behaviour.opened = trace.opened(&root.root());
            }
        }
    }
    behaviour
}

fn user(case: &Case, image: &Stored, root: &Path) -> Result<Ids, String> {
    let own = image.config["config"]["User"].as_str().unwrap_or_default();
    if let Some(user) = &case.expected.user {
        return resolve(user, root);
    }
    let ids = resolve(own, root)?;
    if ids.uid == 0 { Ok(Ids { uid: NONROOT, gid: NONROOT, groups: Vec::new() }) } else { Ok(ids) }
}

/// A container that is ready to start its program; deleted when dropped.
struct Container {
    bundle: TempDir,
    name: String,
    pid: Pid,
    ended: bool,
}

impl Container {
    fn create(bundle: TempDir) -> Result<Self, String> {
        let name = bundle.path().file_name().expect("a temporary directory has a name").to_string_lossy();
        let name = format!("trap{}", name.replace('.', "-"));
        let output = |name: &str| File::create(bundle.path().join(name)).expect("a file can be made");
        let pid_file = bundle.path().join("pid");
        let status = runc(bundle.path())
            .args(["create", "--bundle"])
            .arg(bundle.path())
            .arg("--pid-file")
            .arg(&pid_file)
            .arg(&name)
            .stdin(Stdio::null())
            .stdout(output("stdout"))
            .stderr(output("stderr"))
            .status()
            .expect("runc can be started");
        let pid =
            fs::read_to_string(&pid_file).ok().and_then(|text| Pid::from_raw(text.trim().parse().ok()?));
        match pid {
            Some(pid) if status.success() => Ok(Self { bundle, name, pid, ended: false }),
            _ => {
                let said = fs::read_to_string(bundle.path().join("stderr")).unwrap_or_default();
                run(runc(bundle.path()).args(["delete", "--force", &name]));
                Err(format!("the container is not made: {said}"))
            }
        }
    }

    fn start(&self) {
        // What goes wrong here is in the program's exit code and standard error.
        let started = run(runc(self.bundle.path()).args(["start", &self.name]));
        if !started.status.success() {
            let mut file = fs::OpenOptions::new()
                .append(true)
                .open(self.bundle.path().join("stderr"))
                .expect("the output can be opened");
            std::io::Write::write_all(&mut file, started.text().as_bytes()).expect("a file can be written");
        }
    }

    fn ended(&mut self) -> Option<WaitStatus> {
        let (_, status) = waitpid(Some(self.pid), WaitOptions::NOHANG).ok()??;
        self.ended = true;
        Some(status)
    }

    fn wait_for_end(&mut self, limit: Duration, behaviour: &mut Behaviour) {
        if let Some(status) = self.wait(limit) {
            behaviour.exit = Some(code(status));
        } else {
            behaviour.failure = Some(format!("it did not end within {limit:?}"));
            run(runc(self.bundle.path()).args(["kill", &self.name, "KILL"]));
        }
    }

    fn wait(&mut self, limit: Duration) -> Option<WaitStatus> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.ended() {
                return Some(status);
            }
            if started.elapsed() > limit {
                return None;
            }
            std::thread::sleep(POLL);
        }
    }

    fn answer(&mut self, serve: &Serve, behaviour: &mut Behaviour) {
        match ask(self.pid, serve) {
            Ok(answers) => behaviour.answers = answers,
            Err(failure) => behaviour.failure = Some(failure),
        }
        behaviour.uid = uid(self.pid);
        if let Some(status) = self.ended() {
            behaviour.failure = Some(format!("the server ended with exit code {}", code(status)));
            return;
        }
        run(runc(self.bundle.path()).args(["kill", &self.name, "TERM"]));
        if self.wait(PATIENCE).is_none() {
            run(runc(self.bundle.path()).args(["kill", &self.name, "KILL"]));
        }
    }

    fn output(&self, name: &str) -> String {
        let mut bytes = Vec::new();
        let file = File::open(self.bundle.path().join(name)).expect("the output can be opened");
        file.take(MAX_OUTPUT).read_to_end(&mut bytes).expect("the output can be read");
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        run_within(Duration::from_secs(30), runc(self.bundle.path()).args(["delete", "--force", &self.name]));
        if !self.ended {
            let _ = waitpid(Some(self.pid), WaitOptions::empty());
        }
    }
}

fn runc(bundle: &Path) -> Command {
    let mut command = Command::new("runc");
    command.arg("--root").arg(bundle.join("state"));
    command
}

fn code(status: WaitStatus) -> i32 {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => code,
        (None, Some(signal)) => 128 + signal,
        (None, None) => -1,
    }
}

/// The effective user of a process.
fn uid(pid: Pid) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).ok()?;
    let line = status.lines().find(|line| line.starts_with("Uid:"))?;
    line.split_whitespace().nth(2)?.parse().ok()
}

/// The OCI runtime spec.
fn spec(case: &Case, image: &Stored, root: &Mounted, ids: &Ids, place: &Path) -> Value {
    let cwd = match image.config["config"]["WorkingDir"].as_str() {
        None | Some("") => "/",
        Some(directory) => directory,
    };
    let mut args = image.strings("Entrypoint");
    args.extend(case.expected.args.clone().unwrap_or_else(|| image.strings("Cmd")));
    let held: &[&str] = if ids.uid == 0 { &CAPABILITIES } else { &[] };
    let mut namespaces = vec!["pid", "ipc", "uts", "mount"];
    if !case.expected.network {
        namespaces.push("network");
    }
    json!({
        "ociVersion": "1.0.2",
        "process": {
            "terminal": false,
            "user": {"uid": ids.uid, "gid": ids.gid, "additionalGids": ids.groups},
            "args": args,
            "env": environment(case, image),
            "cwd": cwd,
            "capabilities": {"bounding": CAPABILITIES, "effective": held, "permitted": held},
        },
        "root": {"path": root.root(), "readonly": true},
        "hostname": "container",
        "mounts": mounts(case, image, root, place),
        "linux": {
            "namespaces": namespaces.iter().map(|kind| json!({"type": kind})).collect::<Vec<_>>(),
            "resources": {"devices": [{"allow": false, "access": "rwm"}]},
        },
    })
}

fn environment(case: &Case, image: &Stored) -> Vec<String> {
    let mut env = vec![PATH.to_owned(), "HOSTNAME=container".to_owned()];
    for variable in image.strings("Env").into_iter().chain(case.expected.env.iter().cloned()) {
        let name = variable.split('=').next().unwrap_or_default();
        env.retain(|known| known.split('=').next() != Some(name));
        env.push(variable);
    }
    env
}

fn mounts(case: &Case, image: &Stored, root: &Mounted, place: &Path) -> Vec<Value> {
    let mut mounts = vec![
        json!({"destination": "/proc", "type": "proc", "source": "proc"}),
        json!({"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
               "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]}),
        json!({"destination": "/dev/pts", "type": "devpts", "source": "devpts",
               "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]}),
        json!({"destination": "/dev/shm", "type": "tmpfs", "source": "shm",
               "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]}),
        json!({"destination": "/sys", "type": "sysfs", "source": "sysfs",
               "options": ["nosuid", "noexec", "nodev", "ro"]}),
    ];
    let mut file = |path: &str, content: &str| {
        let source = place.join(path.replace('/', "-"));
        fs::write(&source, content).expect("a file can be written");
        mounts
            .push(json!({"destination": path, "type": "bind", "source": source, "options": ["rbind", "ro"]}));
    };
    file("/etc/hosts", "127.0.0.1\tlocalhost container\n::1\tlocalhost ip6-localhost\n");
    file("/etc/hostname", "container\n");
    let resolver = if case.expected.network {
        fs::read_to_string("/etc/resolv.conf").unwrap_or_default()
    } else {
        "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n".to_owned()
    };
    file("/etc/resolv.conf", &resolver);
    for writable in ["/tmp".to_owned()].iter().chain(&case.expected.tmpfs) {
        mounts.push(json!({"destination": writable, "type": "tmpfs", "source": "tmpfs",
                           "options": ["nosuid", "nodev", "mode=1777"]}));
    }
    for (number, volume) in volumes(image).iter().enumerate() {
        let source = copy_volume(&root.root(), volume, &place.join(format!("volume{number}")));
        mounts.push(
            json!({"destination": volume, "type": "bind", "source": source, "options": ["rbind", "rw"]}),
        );
    }
    mounts
}

/// The image's VOLUMEs.
pub(crate) fn volumes(image: &Stored) -> Vec<String> {
    image.config["config"]["Volumes"].as_object().map_or_else(Vec::new, |all| all.keys().cloned().collect())
}

/// An engine makes a volume with what the image has at that place, owner and mode included.
fn copy_volume(root: &Path, volume: &str, to: &Path) -> PathBuf {
    let from = super::inside::resolve(root, volume);
    if let Some(from) = from.filter(|path| path.is_dir()) {
        let _ = run(Command::new("cp").arg("-a").arg(from).arg(to)).succeeded();
    } else {
        fs::create_dir(to).expect("a directory can be made");
        fs::set_permissions(to, fs::Permissions::from_mode(0o755)).expect("a mode can be set");
        chown(to, Some(0), Some(0)).expect("an owner can be set");
    }
    to.to_owned()
}
