//! File systems as text, for tests: one line per file, both ways.
//!
//! ```text
//! /usr/bin/app elf needed=libz.so.1 interp=/lib64/ld-linux-x86-64.so.2 runpath=$ORIGIN/../lib
//! /lib -> usr/lib
//! /etc/x text "…"
//! /tmp/ 1777
//! ```

use std::ops::Range;

use crate::rootfs::{Entry, Rootfs, RootfsError, RootfsPath, Stat};

/// A root file system in memory.
#[derive(Clone, Debug, Default)]
pub struct TreeRootfs {}

impl TreeRootfs {
    /// Reads a tree; see the module text for the lines.
    ///
    /// # Errors
    /// The line that cannot be read, with why.
    pub fn parse(text: &str) -> Result<Self, String> {
        let _ = text;
        todo!()
    }
}

/// The tree below `dir` as text: what [`TreeRootfs::parse`] reads.
///
/// # Errors
/// What the root answers.
pub fn dump(rootfs: &dyn Rootfs, dir: &RootfsPath) -> Result<String, RootfsError> {
    let _ = (rootfs, dir);
    todo!()
}

impl Rootfs for TreeRootfs {
    fn list(&self, dir: &RootfsPath) -> Result<Vec<Entry>, RootfsError> {
        let _ = dir;
        todo!()
    }

    fn stat(&self, path: &RootfsPath) -> Result<Option<Stat>, RootfsError> {
        let _ = path;
        todo!()
    }

    fn read(&self, file: &RootfsPath, range: Range<u64>) -> Result<Vec<u8>, RootfsError> {
        let _ = (file, range);
        todo!()
    }
}
