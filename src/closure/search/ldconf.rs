//! `/etc/ld.so.conf`: the directories that `ldconfig` would scan.

use crate::rootfs::{Rootfs, RootfsError, RootfsPath};

/// The directories named in `/etc/ld.so.conf` and what it includes, in order, each once.
///
/// # Errors
/// What the root answers; a file that does not exist has no directories.
pub fn directories(rootfs: &dyn Rootfs) -> Result<Vec<RootfsPath>, RootfsError> {
    let _ = rootfs;
    todo!()
}
