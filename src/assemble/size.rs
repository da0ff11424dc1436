//! How large a root file system is.

use std::collections::BTreeSet;

use crate::rootfs::{FileKind, Rootfs, RootfsPath};

/// Bytes of regular files, an inode counted once, and the number of files and links; directories that cannot be read
/// count as empty.
pub(super) fn measure(rootfs: &impl Rootfs) -> (u64, u32) {
    let (mut bytes, mut files) = (0_u64, 0_u32);
    let mut inodes = BTreeSet::new();
    let mut pending = vec![RootfsPath::root()];
    while let Some(directory) = pending.pop() {
        for entry in rootfs.list(&directory).unwrap_or_default() {
            match entry.stat.kind {
                FileKind::Directory => {
                    pending.push(directory.join(&entry.name));
                    continue;
                }
                FileKind::Regular if entry.stat.hardlink.is_none_or(|inode| inodes.insert(inode)) => {
                    bytes = bytes.saturating_add(entry.stat.size);
                }
                _ => {}
            }
            files = files.saturating_add(1);
        }
    }
    (bytes, files)
}
