//! Plans as text, written to a directory and read back as text.

use std::fs;
use std::io::{Read, Seek, SeekFrom, Write as _};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use super::super::output::Output;
use super::super::writer::{Entries, write};
use super::dump;
use crate::closure::plan::{Content, PlannedEntry};
use crate::distill::manifest::Layer;
use crate::rootfs::dir::DirRootfs;
use crate::rootfs::{Rootfs, RootfsPath};

const LAYERS: [Layer; 4] = [Layer::Os, Layer::Runtime, Layer::Dependencies, Layer::Application];

/// Lines of `layer path what [mode] [uid:gid] [inode=N]`; `what` is `dir`, `-> target`, `text "…"` or `from /path`
/// (of the source `/in/src/0`).
fn entries(source: &Path, text: &str) -> Entries {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(|line| entry(source, line)).collect()
}

fn entry(source: &Path, line: &str) -> (RootfsPath, PlannedEntry) {
    let mut words = line.split(' ');
    let layer = match words.next().unwrap() {
        "os" => Layer::Os,
        "runtime" => Layer::Runtime,
        "application" => Layer::Application,
        other => panic!("layer {other}"),
    };
    let path = RootfsPath::from(words.next().unwrap());
    let content = match words.next().unwrap() {
        "dir" => Content::Directory,
        "->" => Content::Symlink(words.next().unwrap().into()),
        "text" => Content::Bytes(words.next().unwrap().into()),
        "from" => {
            let from = RootfsPath::from(words.next().unwrap());
            let size = fs::metadata(source.join(&from.to_string()[1..])).unwrap().len();
            Content::Copy { mount: MOUNT.to_owned(), path: from, size }
        }
        other => panic!("content {other}"),
    };
    let mode = if matches!(content, Content::Directory) { 0o755 } else { 0o644 };
    let mut entry = PlannedEntry {
        content,
        mode,
        uid: 0,
        gid: 0,
        xattrs: Vec::new(),
        hardlink: None,
        layer,
        reason: Vec::new(),
        hard: false,
        package: None,
        step: None,
    };
    for word in words {
        if let Some(inode) = word.strip_prefix("inode=") {
            entry.hardlink = Some((MOUNT.to_owned(), 1, inode.parse().unwrap()));
        } else if let Some((uid, gid)) = word.split_once(':') {
            (entry.uid, entry.gid) = (uid.parse().unwrap(), gid.parse().unwrap());
        } else {
            entry.mode = u32::from_str_radix(word, 8).unwrap();
        }
    }
    (path, entry)
}

struct Written {
    /// Removed with its content when this goes.
    _temporary: tempfile::TempDir,
    out: std::path::PathBuf,
    plan: Entries,
}

fn written(prepare: impl FnOnce(&Path), text: &str) -> Written {
    let temporary = tempfile::tempdir().unwrap();
    let (source, out) = (temporary.path().join("source"), temporary.path().join("out"));
    fs::create_dir(&source).unwrap();
    fs::create_dir(&out).unwrap();
    prepare(&source);
    let plan = entries(&source, text);
    let rootfs = DirRootfs::open(&source).unwrap();
    write(&plan, &LAYERS, &out, |mount| (mount == MOUNT).then_some(&rootfs)).unwrap();
    Written { _temporary: temporary, out, plan }
}

#[track_caller]
fn check(prepare: impl FnOnce(&Path), plan: &str, expected: &str) -> Written {
    let written = written(prepare, plan);
    let expected: String = expected
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .flat_map(|line| [line, "\n"])
        .collect();
    assert_eq!(dump(&written.out, &LAYERS), expected);
    let output = Output::open(&written.out, &LAYERS).unwrap();
    output.compare(&written.plan).unwrap();
    written
}

fn put(source: &Path, path: &str, content: &str) {
    let path = source.join(&path[1..]);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

#[test]
fn each_layer_has_its_files_and_the_directories_above_them() {
    check(
        |source| put(source, "/usr/lib/libc.so.6", "libc"),
        "os /usr dir
         os /usr/lib dir
         os /lib -> usr/lib
         os /usr/lib/libc.so.6 from /usr/lib/libc.so.6 0755
         os /tmp dir 1777
         application /srv dir 0750 1000:1000
         application /usr/lib/app.so text app
         application /srv/app text hello 0700 1000:1001",
        "os /lib -> usr/lib 0777 0:0
         os /tmp dir 1777 0:0
         os /usr dir 0755 0:0
         os /usr/lib dir 0755 0:0
         os /usr/lib/libc.so.6 text libc 0755 0:0
         application /srv dir 0750 1000:1000
         application /srv/app text hello 0700 1000:1001
         application /usr dir 0755 0:0
         application /usr/lib dir 0755 0:0
         application /usr/lib/app.so text app 0644 0:0",
    );
}

#[test]
fn set_bits_survive_the_change_of_owner() {
    check(
        |_| {},
        "application /su text su 4755 10:20
         application /dir dir 2775 10:20",
        "application /dir dir 2775 10:20
         application /su text su 4755 10:20",
    );
}

#[test]
fn hard_links_stay_one_inode() {
    let written = check(
        |source| put(source, "/a", "same"),
        "application /one from /a inode=7
         application /three from /a inode=7 0644 5:5
         application /two from /a inode=7",
        "application /one text same 0644 0:0
         application /three text same 0644 5:5
         application /two text same 0644 0:0",
    );
    let inode = |name: &str| fs::metadata(written.out.join("application").join(name)).unwrap().ino();
    assert_eq!(inode("one"), inode("two"));
    assert_ne!(inode("one"), inode("three"), "another owner is another inode");
}

#[test]
fn holes_stay_holes() {
    let written = check(
        |source| {
            let mut file = fs::File::create(source.join("sparse")).unwrap();
            file.seek(SeekFrom::Start(8 << 20)).unwrap();
            file.write_all(b"end").unwrap();
        },
        "application /sparse from /sparse",
        &format!("application /sparse text {} 0644 0:0", "\0".repeat(100)),
    );
    let file = fs::metadata(written.out.join("application/sparse")).unwrap();
    assert!(file.blocks() * 512 < 1 << 20, "{} blocks", file.blocks());
    let mut all = Vec::new();
    fs::File::open(written.out.join("application/sparse")).unwrap().read_to_end(&mut all).unwrap();
    assert_eq!((all.len(), &all[8 << 20..]), ((8 << 20) + 3, b"end".as_slice()));
}

#[test]
fn file_capabilities_survive_the_change_of_owner() {
    // cap_net_raw=ep, revision 2 (linux/capability.h).
    let capability = b"\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec();
    let temporary = tempfile::tempdir().unwrap();
    let mut plan = entries(temporary.path(), "application /ping text ping 0755 10:20");
    let entry = plan.get_mut(&RootfsPath::from("/ping")).unwrap();
    entry.xattrs = vec![
        (b"security.capability".to_vec(), capability.clone()),
        (b"trusted.overlay.opaque".to_vec(), b"y".to_vec()),
    ];
    write(&plan, &LAYERS, temporary.path(), |_| None).unwrap();
    let tree = DirRootfs::open(&temporary.path().join("application")).unwrap();
    let stat = tree.stat(&RootfsPath::from("/ping")).unwrap().unwrap();
    assert_eq!(stat.xattrs, [(b"security.capability".to_vec(), capability)]);
    Output::open(temporary.path(), &LAYERS).unwrap().compare(&plan).unwrap();
}

#[test]
fn names_are_bytes() {
    let temporary = tempfile::tempdir().unwrap();
    let name = RootfsPath::parse(b"/caf\xe9 *\n");
    let plan: Entries = [(name, entry(temporary.path(), "application / text x").1)].into();
    write(&plan, &LAYERS, temporary.path(), |_| None).unwrap();
    Output::open(temporary.path(), &LAYERS).unwrap().compare(&plan).unwrap();
}

#[test]
fn broken_plans_are_refused() {
    let rows = [
        (
            "a file below a file",
            "application /a text x\napplication /a/b text y",
            "the plan has `/a/b`, but no directory above it",
        ),
        (
            "a file below a link, which would lead out of the tree",
            "application /a -> /etc\napplication /a/passwd text y",
            "the plan has `/a/passwd`, but no directory above it",
        ),
        ("no parent", "application /a/b text y", "the plan has `/a/b`, but no directory above it"),
        (
            "a source that the spec does not name",
            "application /x from /",
            "the plan copies `/x` from /in/src/0, which the spec does not name",
        ),
    ];
    for (summary, plan, expected) in rows {
        let temporary = tempfile::tempdir().unwrap();
        let plan = entries(temporary.path(), plan);
        let error = write(&plan, &LAYERS, temporary.path(), |_| None).unwrap_err();
        assert_eq!(error.to_string(), expected, "{summary}");
    }
}

#[test]
fn the_output_is_resolved_through_links_of_other_layers() {
    let written = check(
        |_| {},
        "os /usr dir
         os /usr/lib dir
         os /lib -> usr/lib
         application /usr/lib/x text content
         application /up -> ../../lib/x",
        "os /lib -> usr/lib 0777 0:0
         os /usr dir 0755 0:0
         os /usr/lib dir 0755 0:0
         application /up -> ../../lib/x 0777 0:0
         application /usr dir 0755 0:0
         application /usr/lib dir 0755 0:0
         application /usr/lib/x text content 0644 0:0",
    );
    let output = Output::open(&written.out, &LAYERS).unwrap();
    for path in ["/usr/lib/x", "/lib/x", "/up"] {
        assert_eq!(output.read(&RootfsPath::from(path), 0..99).unwrap(), b"content", "{path}");
    }
    let names: Vec<_> = output.list(&RootfsPath::from("/lib")).unwrap().into_iter().map(|e| e.name).collect();
    assert_eq!(names, [b"x"]);
    assert!(output.stat(&RootfsPath::from("/lib/none")).unwrap().is_none());
}

#[test]
fn a_difference_to_the_plan_is_found() {
    type Damage = fn(&Path);
    let rows: [(&str, Damage, &str); 5] = [
        (
            "content",
            |out| fs::write(out.join("application/d/f"), "longer").unwrap(),
            "`/d/f` has not the content that was planned",
        ),
        (
            "time",
            |out| fs::write(out.join("application/d/f"), "x").unwrap(),
            "`/d/f` has not the time that was planned",
        ),
        (
            "mode",
            |out| {
                fs::set_permissions(out.join("application/d/f"), fs::Permissions::from_mode(0o600)).unwrap();
            },
            "`/d/f` has not the mode that was planned",
        ),
        (
            "a directory that differs among layers",
            |out| fs::set_permissions(out.join("application/d"), fs::Permissions::from_mode(0o700)).unwrap(),
            "`/d` is in layer application and in one below it, but not as the same directory",
        ),
        (
            "owner",
            |out| std::os::unix::fs::chown(out.join("application/d/f"), Some(1), None).unwrap(),
            "`/d/f` has not the owner that was planned",
        ),
    ];
    for (summary, damage, expected) in rows {
        let written = written(|_| {}, "os /d dir\napplication /d/f text x");
        damage(&written.out);
        let result = Output::open(&written.out, &LAYERS).and_then(|output| output.compare(&written.plan));
        assert_eq!(result.unwrap_err().to_string(), expected, "{summary}");
    }
    let mut written = written(|_| {}, "os /d dir\napplication /d/f text x");
    let output = Output::open(&written.out, &LAYERS).unwrap();
    let file = written.plan.remove(&RootfsPath::from("/d/f")).unwrap();
    assert_eq!(output.compare(&written.plan).unwrap_err().to_string(), "`/d/f` is there and was not planned");
    written.plan.insert(RootfsPath::from("/d/f"), file.clone());
    written.plan.insert(RootfsPath::from("/d/g"), file);
    assert_eq!(output.compare(&written.plan).unwrap_err().to_string(), "`/d/g` was planned and is not there");
}

const MOUNT: &str = "/in/src/0";
