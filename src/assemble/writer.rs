//! Writes a plan as one tree for each layer, so that equal plans give equal layer digests on every daemon.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{self, AtFlags, CWD, Gid, Mode, Timespec, Timestamps, Uid, XattrFlags};

use super::{copy, parallel};
use crate::closure::plan::{Content, PlannedEntry};
use crate::distill::manifest::Layer;
use crate::distill::step::layer_name;
use crate::rootfs::dir::{DirRootfs, Opener};
use crate::rootfs::{RootfsError, RootfsPath};

/// What was written into one layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) files: u64,
    pub(super) links: u64,
    pub(super) directories: u64,
    /// Of regular files; a hard link adds nothing.
    pub(super) bytes: u64,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum WriteError {
    #[error("{doing} `{path}` in layer {layer}: {source}")]
    Output { doing: &'static str, path: RootfsPath, layer: &'static str, source: io::Error },
    #[error("copying `{path}` from {mount}: {source}")]
    Copy { path: RootfsPath, mount: String, source: io::Error },
    #[error("copying from {mount}: {source}")]
    Source { mount: String, source: RootfsError },
    #[error("the plan copies `{path}` from {mount}, which the spec does not name")]
    UnknownMount { path: RootfsPath, mount: String },
    #[error("the plan has `{path}`, but no directory above it")]
    NoParent { path: RootfsPath },
    #[error("the plan has `{path}` in layer {layer}, which this set has not")]
    UnknownLayer { path: RootfsPath, layer: &'static str },
}

/// The entries of a plan.
pub(super) type Entries = BTreeMap<RootfsPath, PlannedEntry>;

/// Writes `entries` below `out`, each layer of `layers` into a directory of its own name. A layer holds its entries
/// and the directories above them, these with the same metadata as in every other layer.
pub(super) fn write<'a>(
    entries: &Entries,
    layers: &[Layer],
    out: &Path,
    source: impl Fn(&str) -> Option<&'a DirRootfs>,
) -> Result<BTreeMap<Layer, Written>, WriteError> {
    check(entries, layers)?;
    let directories = directories(entries);
    let none = BTreeSet::new();
    let mut written = BTreeMap::new();
    for layer in layers {
        let tree = Tree { root: out.join(layer_name(*layer)), layer: *layer };
        let needed = directories.get(layer).unwrap_or(&none);
        let counts = tree.write(entries, needed, &source)?;
        written.insert(*layer, counts);
    }
    Ok(written)
}

/// Every entry lies in a directory of the plan itself: then no link that the plan writes is ever followed.
fn check(entries: &Entries, layers: &[Layer]) -> Result<(), WriteError> {
    for (path, entry) in entries {
        if !layers.contains(&entry.layer) {
            return Err(WriteError::UnknownLayer { path: path.clone(), layer: layer_name(entry.layer) });
        }
        let Some(parent) = path.parent().filter(|parent| !parent.is_root()) else { continue };
        if !matches!(entries.get(&parent).map(|entry| &entry.content), Some(Content::Directory)) {
            return Err(WriteError::NoParent { path: path.clone() });
        }
    }
    Ok(())
}

/// The directories that each layer needs, its own and those above its entries; never the root.
fn directories(entries: &Entries) -> BTreeMap<Layer, BTreeSet<RootfsPath>> {
    let mut needed: BTreeMap<Layer, BTreeSet<RootfsPath>> = BTreeMap::new();
    for (path, entry) in entries {
        let layer = needed.entry(entry.layer).or_default();
        if matches!(entry.content, Content::Directory) && !path.is_root() {
            layer.insert(path.clone());
        }
        let mut above = path.parent();
        while let Some(parent) = above.filter(|parent| !parent.is_root()) {
            above = parent.parent();
            if !layer.insert(parent) {
                break;
            }
        }
    }
    needed
}

/// One regular file that is written.
struct Job<'a> {
    path: &'a RootfsPath,
    entry: &'a PlannedEntry,
    bytes: Bytes<'a>,
}

/// Where the bytes of a file come from.
enum Bytes<'a> {
    Copy { root: Opener<'a>, mount: &'a str, path: &'a RootfsPath, size: u64 },
    Own(&'a [u8]),
}

/// The tree of one layer.
struct Tree {
    root: PathBuf,
    layer: Layer,
}

impl Tree {
    fn write<'a>(
        &self,
        entries: &Entries,
        directories: &BTreeSet<RootfsPath>,
        source: &impl Fn(&str) -> Option<&'a DirRootfs>,
    ) -> Result<Written, WriteError> {
        let mut written = Written::default();
        let root = RootfsPath::root();
        self.make_directory(&root)?;
        for path in directories {
            self.make_directory(path)?;
            written.directories += 1;
        }
        let mut inodes: BTreeMap<&(String, u64, u64), Vec<&RootfsPath>> = BTreeMap::new();
        let mut jobs = Vec::new();
        let mut links = Vec::new();
        for (path, entry) in entries.iter().filter(|(_, entry)| entry.layer == self.layer) {
            let bytes = match &entry.content {
                Content::Directory => continue,
                Content::Symlink(target) => {
                    self.write_link(path, entry, target)?;
                    written.links += 1;
                    continue;
                }
                Content::Copy { mount, path: from, size } => {
                    let rootfs = source(mount).ok_or_else(|| WriteError::UnknownMount {
                        path: path.clone(),
                        mount: mount.clone(),
                    })?;
                    Bytes::Copy { root: rootfs.opener(), mount, path: from, size: *size }
                }
                Content::Bytes(bytes) => Bytes::Own(bytes),
            };
            written.files += 1;
            let group = entry.hardlink.as_ref().and_then(|key| inodes.get(key));
            if let Some(first) =
                group.into_iter().flatten().find(|first| same_inode(&entries[**first], entry))
            {
                links.push((*first, path));
                continue;
            }
            if let Some(key) = &entry.hardlink {
                inodes.entry(key).or_default().push(path);
            }
            written.bytes += bytes.size();
            jobs.push(Job { path, entry, bytes });
        }
        parallel::for_each(&jobs, |job| self.write_file(job))?;
        for (first, path) in links {
            self.link(first, path)?;
        }
        // Last, and the innermost first: whatever is made in a directory changes its time.
        for path in directories.iter().rev().chain([&root]) {
            self.finish_directory(path, entries.get(path))?;
        }
        Ok(written)
    }

    fn make_directory(&self, path: &RootfsPath) -> Result<(), WriteError> {
        DirBuilder::new().mode(0o700).create(self.host(path)).map_err(self.failed("making directory", path))
    }

    fn finish_directory(&self, path: &RootfsPath, entry: Option<&PlannedEntry>) -> Result<(), WriteError> {
        let host = self.host(path);
        let (uid, gid, mode) = entry.map_or((0, 0, 0o755), |entry| (entry.uid, entry.gid, entry.mode));
        let directory = File::open(&host).map_err(self.failed("opening directory", path))?;
        self.set_metadata(&directory, path, (uid, gid, mode), entry.map_or(&[], |entry| &entry.xattrs))
    }

    fn write_link(&self, path: &RootfsPath, entry: &PlannedEntry, target: &[u8]) -> Result<(), WriteError> {
        let host = self.host(path);
        std::os::unix::fs::symlink(OsStr::from_bytes(target), &host).map_err(self.failed("linking", path))?;
        if !is_self(entry.uid, entry.gid) {
            let (uid, gid) = (Uid::from_raw(entry.uid), Gid::from_raw(entry.gid));
            fs::chownat(CWD, &host, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)
                .map_err(self.refused("setting the owner of", path))?;
        }
        for (name, value) in kept_xattrs(&entry.xattrs) {
            fs::lsetxattr(&host, OsStr::from_bytes(name), value, XattrFlags::empty())
                .map_err(self.refused("setting an attribute of", path))?;
        }
        fs::utimensat(CWD, &host, &EPOCH, AtFlags::SYMLINK_NOFOLLOW)
            .map_err(self.refused("setting the time of", path))
    }

    fn link(&self, first: &RootfsPath, path: &RootfsPath) -> Result<(), WriteError> {
        std::fs::hard_link(self.host(first), self.host(path)).map_err(self.failed("linking", path))
    }

    fn write_file(&self, Job { path, entry, bytes }: &Job<'_>) -> Result<(), WriteError> {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(self.host(path))
            .map_err(self.failed("creating", path))?;
        match *bytes {
            Bytes::Copy { root, mount, path: from, size } => {
                let opened = root
                    .open_file(from)
                    .map_err(|source| WriteError::Source { mount: mount.to_owned(), source })?;
                copy::contents(&mut File::from(opened), &mut file, size).map_err(|source| {
                    WriteError::Copy { path: from.clone(), mount: mount.to_owned(), source }
                })?;
            }
            Bytes::Own(bytes) => file.write_all(bytes).map_err(self.failed("writing", path))?,
        }
        self.set_metadata(&file, path, (entry.uid, entry.gid, entry.mode), &entry.xattrs)
    }

    /// Owner first, because changing it clears set bits and file capabilities (chown(2)); times last.
    fn set_metadata(
        &self,
        file: &File,
        path: &RootfsPath,
        (uid, gid, mode): (u32, u32, u32),
        xattrs: &[(Vec<u8>, Vec<u8>)],
    ) -> Result<(), WriteError> {
        if !is_self(uid, gid) {
            fs::fchown(file, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))
                .map_err(self.refused("setting the owner of", path))?;
        }
        for (name, value) in kept_xattrs(xattrs) {
            fs::fsetxattr(file, OsStr::from_bytes(name), value, XattrFlags::empty())
                .map_err(self.refused("setting an attribute of", path))?;
        }
        fs::fchmod(file, Mode::from_raw_mode(mode & 0o7777))
            .map_err(self.refused("setting the mode of", path))?;
        fs::futimens(file, &EPOCH).map_err(self.refused("setting the time of", path))
    }

    fn host(&self, path: &RootfsPath) -> PathBuf {
        self.root.join(OsStr::from_bytes(&path.as_bytes()[1..]))
    }

    fn failed(&self, doing: &'static str, path: &RootfsPath) -> impl FnOnce(io::Error) -> WriteError {
        let (path, layer) = (path.clone(), layer_name(self.layer));
        move |source| WriteError::Output { doing, path, layer, source }
    }

    fn refused(
        &self,
        doing: &'static str,
        path: &RootfsPath,
    ) -> impl FnOnce(rustix::io::Errno) -> WriteError {
        let failed = self.failed(doing, path);
        move |errno| failed(errno.into())
    }
}

impl Bytes<'_> {
    fn size(&self) -> u64 {
        match self {
            Self::Copy { size, .. } => *size,
            Self::Own(bytes) => bytes.len() as u64,
        }
    }
}

/// Whether two entries of one hard-link group can stay one inode: the plan may give names of it different owners.
fn same_inode(first: &PlannedEntry, second: &PlannedEntry) -> bool {
    (first.mode, first.uid, first.gid) == (second.mode, second.uid, second.gid)
        && first.xattrs == second.xattrs
        && match (&first.content, &second.content) {
            (Content::Copy { size: one, .. }, Content::Copy { size: other, .. }) => one == other,
            (Content::Bytes(one), Content::Bytes(other)) => one == other,
            _ => false,
        }
}

/// New files belong to this process already.
fn is_self(uid: u32, gid: u32) -> bool {
    uid == rustix::process::geteuid().as_raw() && gid == rustix::process::getegid().as_raw()
}

/// The attributes that are part of a file wherever it lies; others (`trusted.overlay.…`, `security.selinux`) belong
/// to the machine it lies on.
pub(super) fn kept_xattrs(xattrs: &[(Vec<u8>, Vec<u8>)]) -> impl Iterator<Item = (&[u8], &[u8])> {
    xattrs
        .iter()
        .filter(|(name, _)| {
            name == b"security.capability"
                || name.starts_with(b"user.")
                || name.starts_with(b"system.posix_acl_")
        })
        .map(|(name, value)| (name.as_slice(), value.as_slice()))
}

/// The time of everything written: 1970-01-01. A layer's digest covers times, and a copy that is found in a cache
/// keeps the times of its first run, so only a constant is equal everywhere.
const EPOCH: Timestamps = Timestamps {
    last_access: Timespec { tv_sec: 0, tv_nsec: 0 },
    last_modification: Timespec { tv_sec: 0, tv_nsec: 0 },
};
