//! From a spec and root file systems to the computed file set.

use std::collections::BTreeMap;

use crate::distill::manifest::{FinalConfig, Finding, Layer, Reason};
use crate::rootfs::{Rootfs, RootfsPath};

/// The set, ready to be written.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Every directory, file and link of the final tree; parents are always present.
    pub entries: BTreeMap<RootfsPath, PlannedEntry>,
    pub config: FinalConfig,
    /// Warnings and notices; an error makes planning fail.
    pub findings: Vec<Finding>,
    /// Why the stage stays as it is; then there are no entries.
    pub left: Option<String>,
}

#[derive(Clone, Debug)]
pub struct PlannedEntry {
    pub content: Content,
    /// Permission bits (`07777`).
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    /// Sorted by name.
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    /// Entries with an equal key are one inode in the output: (mount, device, inode).
    pub hardlink: Option<(String, u64, u64)>,
    pub layer: Layer,
    pub reason: Vec<Reason>,
    pub hard: bool,
    /// Package name.
    pub package: Option<String>,
    /// Index in the spec's steps.
    pub step: Option<usize>,
}

#[derive(Clone, Debug)]
pub enum Content {
    Directory,
    Symlink(Vec<u8>),
    /// A regular file copied from `path` of the root file system at `mount`.
    Copy {
        mount: String,
        path: RootfsPath,
        size: u64,
    },
    /// A generated file.
    Bytes(Vec<u8>),
}

/// The root file systems that a spec names, by their mount.
pub type Roots<'a> = BTreeMap<String, &'a dyn Rootfs>;
