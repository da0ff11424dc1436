//! musl's search (musl `ldso/dynlink.c`).

use crate::closure::elf::Abi;
use crate::rootfs::RootfsPath;

/// What musl's loader, which is the libc itself, knows before it starts.
#[derive(Clone, Debug)]
pub struct Musl {
    pub path: RootfsPath,
    pub abi: Abi,
    /// `/etc/ld-musl-<arch>.path` when it exists: the program then needs it.
    pub path_file: Option<RootfsPath>,
    pub system_directories: Vec<RootfsPath>,
}
