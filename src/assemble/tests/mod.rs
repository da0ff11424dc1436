//! The step on real directories: plans written and read back, and the verbs as a build runs them.

mod verbs;
mod writing;

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;

use crate::distill::manifest::Layer;
use crate::distill::step::layer_name;
use crate::rootfs::dir::DirRootfs;
use crate::rootfs::tree::TreeRootfs;
use crate::rootfs::{FileKind, Rootfs, RootfsPath};

/// The trees of `layers` below `out`: one line for each file, with everything that a layer's digest covers.
fn dump(out: &Path, layers: &[Layer]) -> String {
    let mut text = String::new();
    for layer in layers {
        let name = layer_name(*layer);
        let tree = DirRootfs::open(&out.join(name)).unwrap();
        dump_below(&tree, name, &RootfsPath::root(), &mut text);
    }
    text
}

fn dump_below(tree: &DirRootfs, layer: &str, dir: &RootfsPath, text: &mut String) {
    for entry in tree.list(dir).unwrap() {
        let path = dir.join(&entry.name);
        let stat = &entry.stat;
        let what = match &stat.kind {
            FileKind::Directory => "dir".to_owned(),
            FileKind::Symlink(target) => format!("-> {}", String::from_utf8_lossy(target)),
            _ => format!("text {}", String::from_utf8_lossy(&tree.read(&path, 0..100).unwrap())),
        };
        let mode = if matches!(stat.kind, FileKind::Symlink(_)) { 0o777 } else { stat.mode };
        write!(text, "{layer} {path} {what} {mode:04o} {}:{}", stat.uid, stat.gid).unwrap();
        for (name, value) in &stat.xattrs {
            let (name, value) = (String::from_utf8_lossy(name), String::from_utf8_lossy(value));
            write!(text, " {name}={value}").unwrap();
        }
        assert_eq!(stat.mtime_ns, 0, "{path}");
        text.push('\n');
        if stat.kind == FileKind::Directory {
            dump_below(tree, layer, &path, text);
        }
    }
}

/// Makes the files of a text tree below `root`.
fn materialise(text: &str, root: &Path) {
    let tree = TreeRootfs::parse(text).unwrap();
    fs::create_dir_all(root).unwrap();
    let mut pending = vec![RootfsPath::root()];
    while let Some(dir) = pending.pop() {
        for entry in tree.list(&dir).unwrap() {
            let path = dir.join(&entry.name);
            let host = root.join(&path.to_string()[1..]);
            match &entry.stat.kind {
                FileKind::Directory => {
                    fs::create_dir(&host).unwrap();
                    pending.push(path);
                }
                FileKind::Symlink(target) => {
                    symlink(std::str::from_utf8(target).unwrap(), &host).unwrap();
                    continue;
                }
                _ => fs::write(&host, tree.read(&path, 0..u64::MAX).unwrap()).unwrap(),
            }
            chown(&host, Some(entry.stat.uid), Some(entry.stat.gid)).unwrap();
            fs::set_permissions(&host, fs::Permissions::from_mode(entry.stat.mode)).unwrap();
        }
    }
}
