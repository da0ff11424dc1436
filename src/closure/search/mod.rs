//! Which file a loader takes for a library name: the loader's own algorithm, asked of a root file system.
//!
//! The libc is chosen by `PT_INTERP`, never by the distribution: one root may hold both.

pub mod cache;
pub mod glibc;
mod hwcaps;
pub mod ldconf;
pub mod load;
pub mod musl;
pub mod objects;
mod place;
mod tokens;
pub mod versions;

use crate::closure::elf::Abi;
use crate::rootfs::{RootfsError, RootfsPath};

pub use load::{Load, Loaded, LoadedId, Problem, Request, RequestKind};
pub use objects::{Object, Objects, Opened};

/// The part of a process's surroundings that a loader looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surroundings {
    /// `LD_LIBRARY_PATH` of the image; unset and empty are the same.
    pub library_path: Option<Vec<u8>>,
    /// The working directory: empty elements of a search path and relative names mean it.
    pub directory: RootfsPath,
    /// The program is setuid, setgid or has capabilities: the environment is ignored.
    pub secure: bool,
}

/// By which rule a file was found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// The name has a slash: opened as it is.
    Name,
    /// `DT_RPATH` of the object with this path.
    Rpath(RootfsPath),
    /// `DT_RUNPATH` of the object with this path.
    Runpath(RootfsPath),
    /// `LD_LIBRARY_PATH`.
    LibraryPath,
    /// `/etc/ld.so.cache`.
    Cache,
    /// `/etc/ld.so.conf`, read because the cache is missing.
    CacheConfiguration,
    /// A directory compiled into the loader, or named in musl's path file.
    SystemDirectory,
    /// The loader itself stands for it (musl).
    Loader,
}

/// A file that the loader takes.
#[derive(Clone, Debug)]
pub struct Found {
    pub object: Object,
    pub rule: Rule,
    /// The searched directory, `glibc-hwcaps` part included, links not resolved.
    pub directory: RootfsPath,
    /// The search path entry contained `$ORIGIN`.
    pub through_origin: bool,
    /// The `glibc-hwcaps` or legacy subdirectory; `None` for the baseline.
    pub hwcap: Option<Vec<u8>>,
    /// Directories that must exist though the file is not below them: the parts before a `..`.
    pub passes: Vec<RootfsPath>,
}

/// The answer to one search.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// All files that a processor may take, in the loader's order; the last one is the baseline when `complete`.
    pub found: Vec<Found>,
    /// A file that every processor can take was found.
    pub complete: bool,
    /// A file before the first good one on which the loader gives up.
    pub fatal: Option<Refused>,
    /// The directories asked, in order.
    pub searched: Vec<RootfsPath>,
}

/// A file that a loader opens and refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub path: RootfsPath,
    /// The loader's words: `invalid ELF header`, `file too short`.
    pub why: String,
}

/// A dynamic loader of a root file system.
#[derive(Clone, Debug)]
pub enum Loader {
    Glibc(glibc::Glibc),
    Musl(musl::Musl),
}

impl Loader {
    /// The loader at `interp` (a `PT_INTERP` text).
    ///
    /// # Errors
    /// What the root answers. A loader that is missing is no error here: its directories are then the family's
    /// defaults.
    pub fn open(objects: &Objects<'_>, interp: &RootfsPath, abi: Abi) -> Result<Self, RootfsError> {
        if musl::is_musl(objects, interp)? {
            musl::Musl::open(objects, interp, abi).map(Self::Musl)
        } else {
            glibc::Glibc::open(objects, interp, abi).map(Self::Glibc)
        }
    }

    /// The path of the loader as `PT_INTERP` names it.
    pub fn path(&self) -> &RootfsPath {
        match self {
            Self::Glibc(glibc) => &glibc.path,
            Self::Musl(musl) => &musl.path,
        }
    }

    /// Searches `name` for the object `chain[0]`, which was loaded by `chain[1]`, and so on up to the program.
    ///
    /// Whether an object of that name is loaded already is the caller's to know ([`Load`] does).
    ///
    /// # Errors
    /// What the root answers.
    pub fn find(
        &self,
        objects: &Objects<'_>,
        name: &[u8],
        chain: &[&Object],
        surroundings: &Surroundings,
    ) -> Result<Answer, RootfsError> {
        match self {
            Self::Glibc(glibc) => glibc.find(objects, name, chain, surroundings),
            Self::Musl(musl) => musl.find(objects, name, chain, surroundings),
        }
    }
}

#[cfg(test)]
mod tests;
