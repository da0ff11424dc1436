//! glibc's search (`ld.so(8)`, glibc `elf/dl-load.c`).

use crate::closure::elf::Abi;
use crate::closure::search::cache::Cache;
use crate::rootfs::RootfsPath;

/// What the glibc loader of a root knows before it starts.
#[derive(Clone, Debug)]
pub struct Glibc {
    pub path: RootfsPath,
    pub abi: Abi,
    /// The directories compiled into the loader, in order.
    pub system_directories: Vec<RootfsPath>,
    /// (major, minor), when the loader's text tells.
    pub version: Option<(u32, u32)>,
    pub cache: Option<Cache>,
}
