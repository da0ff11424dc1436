//! A directory as a root file system, resolved by the kernel inside that directory (`openat2(2)`).

use std::ops::Range;
use std::os::fd::OwnedFd;
use std::path::Path;

use crate::rootfs::{Entry, Rootfs, RootfsError, RootfsPath, Stat};

/// A directory of this machine seen as a root file system.
#[derive(Debug)]
pub struct DirRootfs {
    root: OwnedFd,
}

impl DirRootfs {
    /// Opens the directory `path`.
    ///
    /// # Errors
    /// When it is no directory that can be read, or the kernel has no `openat2` (Linux 5.6).
    pub fn open(path: &Path) -> Result<Self, std::io::Error> {
        let _ = path;
        todo!()
    }

    /// The regular file at `file` (links followed inside the root), open for reading: for copies.
    ///
    /// # Errors
    /// When there is no regular file.
    pub fn open_file(&self, file: &RootfsPath) -> Result<OwnedFd, RootfsError> {
        let _ = (file, &self.root);
        todo!()
    }
}

impl Rootfs for DirRootfs {
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
