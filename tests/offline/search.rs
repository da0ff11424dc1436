//! The loader of this machine as judge: our search over `/` gives what `ld.so --list` gives.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use decant::closure::search::{Load, Loader, Objects, RequestKind, Surroundings};
use decant::rootfs::RootfsPath;
use decant::rootfs::dir::DirRootfs;

/// Programs compared; directories of programs have hundreds to thousands.
const PROGRAMS: usize = 120;

#[test]
fn programs_of_this_machine_load_as_their_loader_says() {
    let rootfs = DirRootfs::open(Path::new("/")).unwrap();
    let objects = Objects::new(&rootfs);
    let mut compared = 0;
    for program in programs() {
        let path = RootfsPath::parse(program.as_os_str().as_bytes());
        let Some(object) = objects.program(&path).unwrap() else { continue };
        let Some(interp) = object.elf.interp.clone() else { continue };
        let Some(expected) = list(&interp, &program) else { continue };
        let loader = Loader::open(&objects, &RootfsPath::parse(&interp), object.elf.abi).unwrap();
        let surroundings = Surroundings { library_path: None, directory: RootfsPath::root(), secure: false };
        let load = Load::start(&loader, &objects, object, &[], &surroundings).unwrap();
        assert_eq!(found(&load), expected, "{}: {:?}", program.display(), load.problems);
        compared += 1;
    }
    assert!(compared >= 20, "only {compared} dynamic programs were found to compare");
}

/// Dynamic programs spread over the directories that every glibc system has.
fn programs() -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = Vec::new();
    for directory in ["/bin", "/sbin", "/usr/bin", "/usr/sbin"] {
        let Ok(entries) = std::fs::read_dir(directory) else { continue };
        all.extend(entries.filter_map(Result::ok).map(|entry| entry.path()).filter(|path| path.is_file()));
    }
    all.sort();
    all.dedup_by_key(|path| path.canonicalize().ok());
    let step = (all.len() / PROGRAMS).max(1);
    let mut chosen: Vec<PathBuf> = all.into_iter().step_by(step).collect();
    chosen.extend(
        ["/bin/ls", "/bin/cat", "/bin/sh", "/bin/mount"]
            .map(PathBuf::from)
            .into_iter()
            .filter(|p| p.is_file()),
    );
    chosen
}

/// `name => path` lines of the loader, in load order; `None` when it cannot list the program at all.
fn list(interp: &[u8], program: &Path) -> Option<Vec<String>> {
    let output =
        Command::new(OsStr::from_bytes(interp)).arg("--list").arg(program).env_clear().output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() && !text.contains("not found") {
        return None;
    }
    let lines = text.lines().filter_map(|line| {
        let (name, rest) = line.trim().split_once(" => ")?;
        let path = rest.split(" (0x").next()?;
        Some(format!("{name} {}", resolved(path)))
    });
    Some(lines.filter(|line| !line.contains("/ld-")).collect())
}

fn found(load: &Load) -> Vec<String> {
    let requests = load.objects.iter().filter_map(|loaded| {
        let request = loaded.request.as_ref().filter(|request| request.kind != RequestKind::Interpreter)?;
        let path = String::from_utf8_lossy(loaded.object.path.as_bytes()).into_owned();
        Some(format!("{} {}", String::from_utf8_lossy(&request.name), resolved(&path)))
    });
    requests.collect()
}

fn resolved(path: &str) -> String {
    std::fs::canonicalize(path).map_or_else(|_| path.to_owned(), |real| real.display().to_string())
}
