//! The ELF files of one root file system, each parsed once, as a loader opens them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::closure::elf::{self, Elf, ElfError, FileBytes};
use crate::rootfs::links::{self, Resolved};
use crate::rootfs::{FileKind, Rootfs, RootfsError, RootfsPath};

/// An ELF file as a loader opened it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// The path that the loader opened; its links are not resolved.
    pub path: RootfsPath,
    /// The real path of the file.
    pub real: RootfsPath,
    /// What `$ORIGIN` stands for: the real directory of a program, the opened directory of a library.
    pub origin: RootfsPath,
    pub elf: Rc<Elf>,
}

/// What a loader sees when it opens a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opened {
    /// Nothing is there.
    Missing,
    /// Its links go in a circle: a loader does not look further in that search path.
    Loop,
    /// Not an ELF file, or a broken one, in the loader's words.
    Refused(String),
    Elf(Rc<Elf>),
}

/// Parsed ELF files of one root, so that a file is read once. The root must not change a file that was opened.
pub struct Objects<'fs> {
    rootfs: &'fs dyn Rootfs,
    /// By real path.
    parsed: RefCell<BTreeMap<RootfsPath, Opened>>,
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
    pub fn open(&self, path: &RootfsPath) -> Result<Opened, RootfsError> {
        Ok(self.open_real(path)?.1)
    }

    /// Opens the file at `path`, links followed; with its real path, which is `path` when nothing is there.
    ///
    /// # Errors
    /// What the root answers.
    pub fn open_real(&self, path: &RootfsPath) -> Result<(RootfsPath, Opened), RootfsError> {
        let (real, stat) = match links::resolve(self.rootfs, path) {
            Ok(Resolved::Found { path, stat, .. }) => (path, stat),
            Ok(Resolved::Missing { .. }) => return Ok((path.clone(), Opened::Missing)),
            Err(RootfsError::LinkLoop(_)) => return Ok((path.clone(), Opened::Loop)),
            Err(error) => return Err(error),
        };
        if let Some(known) = self.parsed.borrow().get(&real) {
            return Ok((real, known.clone()));
        }
        let opened = match stat.kind {
            FileKind::Regular => self.read(&real, stat.size)?,
            FileKind::Directory => Opened::Refused("cannot read file data: Is a directory".into()),
            _ => Opened::Refused("cannot read file data".into()),
        };
        self.parsed.borrow_mut().insert(real.clone(), opened.clone());
        Ok((real, opened))
    }

    fn read(&self, real: &RootfsPath, size: u64) -> Result<Opened, RootfsError> {
        if size < SHORTEST_ELF {
            return Ok(Opened::Refused("file too short".into()));
        }
        match elf::parse(&FileBytes { rootfs: self.rootfs, path: real }) {
            Ok(Some(parsed)) => Ok(Opened::Elf(Rc::new(parsed))),
            Ok(None) => Ok(Opened::Refused("invalid ELF header".into())),
            Err(ElfError::Read(error)) => Err(error),
            Err(error) => Ok(Opened::Refused(error.to_string())),
        }
    }

    /// A program as the kernel starts it: `$ORIGIN` is the real directory (`/proc/self/exe`). `None` when `path` is
    /// no ELF file that can be read.
    ///
    /// # Errors
    /// What the root answers.
    pub fn program(&self, path: &RootfsPath) -> Result<Option<Object>, RootfsError> {
        let (real, opened) = self.open_real(path)?;
        let Opened::Elf(elf) = opened else { return Ok(None) };
        let origin = real.parent().unwrap_or_else(RootfsPath::root);
        Ok(Some(Object { path: path.clone(), real, origin, elf }))
    }

    /// A shared object at `path`, as if a loader had opened it by that path. `None` when it is no ELF file that can
    /// be read.
    ///
    /// # Errors
    /// What the root answers.
    pub fn library(&self, path: &RootfsPath) -> Result<Option<Object>, RootfsError> {
        let (real, opened) = self.open_real(path)?;
        let Opened::Elf(elf) = opened else { return Ok(None) };
        let origin = path.parent().unwrap_or_else(RootfsPath::root);
        Ok(Some(Object { path: path.clone(), real, origin, elf }))
    }
}

/// An ELF header of 32 bits.
const SHORTEST_ELF: u64 = 52;
