//! Which file a loader takes for a library name: the loader's own algorithm, asked of a root file system.
//!
//! The libc is chosen by `PT_INTERP`, never by the distribution: one root may hold both.

pub mod cache;
pub mod glibc;
pub mod ldconf;
pub mod musl;
pub mod versions;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::closure::elf::{Abi, Elf};
use crate::rootfs::{Rootfs, RootfsError, RootfsPath};

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

/// An ELF file as a loader opened it.
#[derive(Clone, Debug)]
pub struct Object {
    /// The path that the loader opened; its links are not resolved.
    pub path: RootfsPath,
    /// What `$ORIGIN` stands for: the real directory of a program, the opened directory of a library.
    pub origin: RootfsPath,
    pub elf: Rc<Elf>,
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

/// Parsed ELF files of one root, so that a file is read once.
pub struct Objects<'fs> {
    rootfs: &'fs dyn Rootfs,
    parsed: RefCell<BTreeMap<RootfsPath, Rc<Opened>>>,
}

/// What a loader sees when it opens a path.
#[derive(Clone, Debug)]
pub enum Opened {
    /// Nothing is there, or it cannot be opened.
    Missing,
    /// Not an ELF file, or a broken one, in the loader's words.
    Refused(String),
    Elf(Rc<Elf>),
}

impl<'fs> Objects<'fs> {
    pub fn new(rootfs: &'fs dyn Rootfs) -> Self {
        Self { rootfs, parsed: RefCell::default() }
    }

    pub fn rootfs(&self) -> &'fs dyn Rootfs {
        self.rootfs
    }

    /// Opens the file at `path`, links followed.
    ///
    /// # Errors
    /// What the root answers.
    pub fn open(&self, path: &RootfsPath) -> Result<Rc<Opened>, RootfsError> {
        let _ = (path, &self.parsed);
        todo!()
    }

    /// A program as the kernel starts it: `$ORIGIN` is the real directory (`/proc/self/exe`). `None` when `path` is
    /// no ELF file.
    ///
    /// # Errors
    /// What the root answers.
    pub fn program(&self, path: &RootfsPath) -> Result<Option<Object>, RootfsError> {
        let _ = path;
        todo!()
    }
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
        let _ = (objects, interp, abi);
        todo!()
    }

    /// Searches `name` for the object `chain[0]`, which was loaded by `chain[1]`, and so on up to the program.
    ///
    /// Whether an object of that name is loaded already is the caller's to know ([`load`](Self::load) does).
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
        let _ = (objects, name, chain, surroundings);
        todo!()
    }

    /// Loads `program` with everything that it needs, breadth first, as at its start.
    ///
    /// # Errors
    /// What the root answers.
    pub fn load(
        &self,
        objects: &Objects<'_>,
        program: Object,
        preload: &[Vec<u8>],
        surroundings: &Surroundings,
    ) -> Result<Load, RootfsError> {
        let _ = (objects, program, preload, surroundings);
        todo!()
    }
}

/// Index of an object in a [`Load`]; 0 is the program.
pub type LoadedId = usize;

/// What a running program has loaded.
#[derive(Clone, Debug)]
pub struct Load {
    /// In load order; hwcaps variants of one library follow each other.
    pub objects: Vec<Loaded>,
    pub problems: Vec<Problem>,
}

/// One loaded object.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub object: Object,
    /// Who asked for it and how; `None` for the program.
    pub request: Option<Request>,
}

/// Why an object is loaded.
#[derive(Clone, Debug)]
pub struct Request {
    pub by: LoadedId,
    pub kind: RequestKind,
    /// The name asked for.
    pub name: Vec<u8>,
    pub rule: Rule,
    pub directory: RootfsPath,
    pub through_origin: bool,
    pub hwcap: Option<Vec<u8>>,
    /// Directories that must exist besides: see [`Found::passes`].
    pub passes: Vec<RootfsPath>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RequestKind {
    Needed,
    /// `LD_PRELOAD` or `/etc/ld.so.preload`: missing ones only warn.
    Preload,
    /// `DT_AUDIT`, `DT_DEPAUDIT`: missing ones only warn.
    Audit,
    /// `DT_FILTER`.
    Filter,
    /// `DT_AUXILIARY`: missing ones are ignored.
    Auxiliary,
    /// `dlopen(3)`.
    Dlopen,
}

/// What keeps a program from starting, or makes the loader warn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    Missing {
        by: LoadedId,
        kind: RequestKind,
        name: Vec<u8>,
        searched: Vec<RootfsPath>,
    },
    /// Only hwcaps variants exist: a plain processor finds nothing.
    NoBaseline {
        by: LoadedId,
        name: Vec<u8>,
    },
    Refused {
        by: LoadedId,
        name: Vec<u8>,
        file: Refused,
    },
    /// `provider` is loaded for `library`, but does not define `version`.
    Version {
        by: LoadedId,
        provider: LoadedId,
        library: Vec<u8>,
        version: Vec<u8>,
        weak: bool,
    },
}

impl Load {
    /// Loads `name` as `dlopen(3)` called from object `by`, with what it needs.
    ///
    /// Returns the indices of the objects that stand for `name`, loaded before or new; none when it is not found
    /// (no [`Problem`] is noted for `name` itself, but for what it needs).
    ///
    /// # Errors
    /// What the root answers.
    pub fn dlopen(
        &mut self,
        loader: &Loader,
        objects: &Objects<'_>,
        by: LoadedId,
        name: &[u8],
        surroundings: &Surroundings,
    ) -> Result<Vec<LoadedId>, RootfsError> {
        let _ = (loader, objects, by, name, surroundings);
        todo!()
    }

    /// The objects from `id` up to the program: who asked for whom.
    pub fn chain(&self, id: LoadedId) -> Vec<LoadedId> {
        let mut chain = vec![id];
        let mut at = id;
        while let Some(request) = self.objects.get(at).and_then(|loaded| loaded.request.as_ref()) {
            if request.by >= at {
                break;
            }
            at = request.by;
            chain.push(at);
        }
        chain
    }
}
