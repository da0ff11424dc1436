//! All regular files of a tree, with what SPDX wants to know of them.

use std::collections::BTreeMap;

use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::hex::hex;
use crate::rootfs::{FileKind, Rootfs, RootfsError, RootfsPath, Stat};

/// A regular file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct File {
    /// Bytes.
    pub(super) size: u64,
    /// Whether somebody may start it.
    pub(super) executable: bool,
    pub(super) sums: Sums,
}

/// Checksums as hexadecimal text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sums {
    pub(super) sha1: String,
    pub(super) sha256: String,
}

/// Reads a whole tree.
///
/// # Errors
/// What the root answers.
pub(super) fn walk(rootfs: &dyn Rootfs) -> Result<BTreeMap<RootfsPath, File>, RootfsError> {
    let mut files = BTreeMap::new();
    let mut linked: BTreeMap<(u64, u64), Sums> = BTreeMap::new();
    let mut pending = vec![RootfsPath::root()];
    while let Some(directory) = pending.pop() {
        for entry in rootfs.list(&directory)? {
            let path = directory.join(&entry.name);
            match entry.stat.kind {
                FileKind::Directory => pending.push(path),
                FileKind::Regular => {
                    let Stat { size, mode, hardlink, .. } = entry.stat;
                    let known = hardlink.and_then(|link| linked.get(&link).cloned());
                    let sums = match known {
                        Some(sums) => sums,
                        None => sums(rootfs, &path, size)?,
                    };
                    linked.extend(hardlink.map(|link| (link, sums.clone())));
                    files.insert(path, File { size, executable: mode & 0o111 != 0, sums });
                }
                _ => {}
            }
        }
    }
    Ok(files)
}

fn sums(rootfs: &dyn Rootfs, path: &RootfsPath, size: u64) -> Result<Sums, RootfsError> {
    let (mut sha1, mut sha256) = (Sha1::new(), Sha256::new());
    let mut at = 0;
    while at < size {
        let part = rootfs.read(path, at..size.min(at + PART_BYTES))?;
        if part.is_empty() {
            break;
        }
        sha1.update(&part);
        sha256.update(&part);
        at += part.len() as u64;
    }
    Ok(Sums { sha1: hex(&sha1.finalize()), sha256: hex(&sha256.finalize()) })
}

/// Bytes that are read at once.
const PART_BYTES: u64 = 1 << 20;
