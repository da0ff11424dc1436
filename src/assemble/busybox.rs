//! The layer of the debug variants: a static busybox with a name for each applet, in a directory of its own.

use super::inputs::Inputs;
use crate::closure::plan::{Content, Plan, PlannedEntry};
use crate::distill::apply::BUSYBOX_DIR;
use crate::distill::manifest::{Finding, Layer, Reason, Severity};
use crate::distill::step::BUSYBOX_MOUNT;
use crate::rootfs::links::{self, Resolved};
use crate::rootfs::{FileKind, Rootfs, RootfsError, RootfsPath, Stat};

/// Adds the busybox of the mounted image. What the stage itself has below the directory stays.
///
/// # Errors
/// A finding when the image has no busybox, or when the stage has something else than a directory there.
pub(super) fn add(plan: &mut Plan, inputs: &Inputs) -> Result<(), Vec<Finding>> {
    let rootfs = inputs.directory(BUSYBOX_MOUNT).expect("the inputs of a debug variant have the mount");
    let applets = match applets(rootfs) {
        Ok(Some(applets)) => applets,
        Ok(None) => return Err(finding("the busybox image has no program `/bin/busybox`".to_owned())),
        Err(error) => return Err(finding(format!("the busybox image: {error}"))),
    };
    let directory = RootfsPath::from(BUSYBOX_DIR);
    if plan.entries.get(&directory).is_some_and(|entry| !matches!(entry.content, Content::Directory)) {
        return Err(finding(format!("`{directory}` is not a directory, so busybox has no place")));
    }
    plan.entries.entry(directory.clone()).or_insert_with(|| entry(Content::Directory, 0o755));
    for name in &applets.names {
        plan.entries.entry(directory.join(name)).or_insert_with(|| applets.entry());
    }
    Ok(())
}

struct Applets {
    /// Of the busybox program.
    path: RootfsPath,
    stat: Stat,
    /// Its names in /bin, its own one among them.
    names: Vec<Vec<u8>>,
}

impl Applets {
    fn entry(&self) -> PlannedEntry {
        let copy =
            Content::Copy { mount: BUSYBOX_MOUNT.to_owned(), path: self.path.clone(), size: self.stat.size };
        // All names are one inode, whether the image has hard or symbolic links.
        let hardlink = Some((BUSYBOX_MOUNT.to_owned(), 0, 0));
        PlannedEntry { hardlink, ..entry(copy, 0o755) }
    }
}

fn applets(rootfs: &dyn Rootfs) -> Result<Option<Applets>, RootfsError> {
    let program = RootfsPath::from(PROGRAM);
    let Resolved::Found { path, stat, .. } = links::resolve(rootfs, &program)? else { return Ok(None) };
    if stat.kind != FileKind::Regular {
        return Ok(None);
    }
    let bin = program.parent().expect("the path has two components");
    let mut names = Vec::new();
    for entry in rootfs.list(&bin)? {
        let is_it = match &entry.stat.kind {
            FileKind::Regular => entry.stat.hardlink.is_some() && entry.stat.hardlink == stat.hardlink,
            FileKind::Symlink(_) => {
                links::resolve(rootfs, &bin.join(&entry.name))?.path().is_some_and(|real| *real == path)
            }
            _ => false,
        };
        if is_it || entry.name == program.name() {
            names.push(entry.name);
        }
    }
    Ok(Some(Applets { path, stat, names }))
}

fn entry(content: Content, mode: u32) -> PlannedEntry {
    PlannedEntry {
        content,
        mode,
        uid: 0,
        gid: 0,
        xattrs: Vec::new(),
        hardlink: None,
        layer: Layer::Debug,
        reason: vec![Reason { why: "variant".to_owned(), by: "debug".to_owned() }],
        hard: false,
        package: None,
        step: None,
    }
}

fn finding(message: String) -> Vec<Finding> {
    vec![Finding {
        severity: Severity::Error,
        rule: "DistrolessDebug".to_owned(),
        instruction: None,
        message,
        hint: None,
    }]
}

const PROGRAM: &str = "/bin/busybox";
