//! What an ELF file says about how it is loaded, read through its program headers only.

mod dynamic;
pub mod go;
pub(crate) mod image;
pub mod notes;
pub mod symbols;
mod versions;

use std::collections::BTreeSet;

use object::elf as format;

use crate::closure::elf::dynamic::Dynamic;
use crate::closure::elf::image::Image;
use crate::closure::elf::notes::Notes;
use crate::closure::elf::versions::Versions;
use crate::rootfs::{Rootfs, RootfsError, RootfsPath};

pub use notes::{DlopenNote, DlopenPriority};
pub use symbols::{Symbol, Symbols};

/// 32 or 64 bit (`EI_CLASS`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    Elf32,
    Elf64,
}

/// Byte order (`EI_DATA`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ByteOrder {
    Little,
    Big,
}

/// What a loader compares before it takes a file (`e_ident`, `e_machine`), and the flags that tell ABIs apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Abi {
    pub class: Class,
    pub order: ByteOrder,
    /// `e_machine`.
    pub machine: u16,
    /// `e_flags`.
    pub flags: u32,
}

/// How the file is started or loaded (`runtime-closure` 1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shape {
    /// Has a `PT_INTERP`.
    Dynamic,
    /// No interpreter and no dynamic section.
    Static,
    /// No interpreter, nothing needed, but position independent.
    StaticPie,
    /// No interpreter, but a soname, needed libraries or just a dynamic section: loaded by others.
    SharedObject,
    /// `ET_REL`, `ET_CORE` and others: not loaded at run time.
    Other,
}

/// The versions that a file wants from one library (`DT_VERNEED`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionNeed {
    /// The soname of the library, as in `DT_NEEDED`.
    pub library: Vec<u8>,
    pub versions: Vec<NeededVersion>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeededVersion {
    pub name: Vec<u8>,
    /// `VER_FLG_WEAK`: the loader only warns when it is absent.
    pub weak: bool,
}

/// An ELF file's loading facts. All texts are bytes as in the file, tokens not expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own in the file")]
pub struct Elf {
    pub abi: Abi,
    pub shape: Shape,
    /// `PT_INTERP` without its NUL.
    pub interp: Option<Vec<u8>>,
    pub soname: Option<Vec<u8>>,
    pub needed: Vec<Vec<u8>>,
    pub rpath: Option<Vec<u8>>,
    pub runpath: Option<Vec<u8>>,
    /// `DF_1_NODEFLIB`: the loader leaves the default directories out.
    pub no_default_lib: bool,
    /// `DF_1_PIE`: a program, which glibc refuses to load as a library.
    pub pie: bool,
    /// `ET_EXEC`: loaded at fixed addresses, so never as a library.
    pub fixed: bool,
    /// `DT_AUDIT` and `DT_DEPAUDIT`, colon separated lists.
    pub audit: Option<Vec<u8>>,
    pub depaudit: Option<Vec<u8>>,
    /// `DT_AUXILIARY`: taken when present.
    pub auxiliary: Vec<Vec<u8>>,
    /// `DT_FILTER`: the file does not load without.
    pub filter: Vec<Vec<u8>>,
    pub version_needs: Vec<VersionNeed>,
    /// The versions that it defines (`DT_VERDEF`), its own soname left out.
    pub version_defs: BTreeSet<Vec<u8>>,
    /// `.note.dlopen` (systemd's ELF dlopen metadata).
    pub dlopen: Vec<DlopenNote>,
    /// The JSON text of `.note.package`.
    pub package_note: Option<Vec<u8>>,
    /// Whether the program headers hold Go build information, or a Go note.
    pub go: bool,
    /// Whether a `.dep-v0` section (cargo-auditable) is there.
    pub cargo_auditable: bool,
}

impl Elf {
    /// Whether the kernel can start it: a dynamic, static or static-pie program.
    pub fn is_program(&self) -> bool {
        matches!(self.shape, Shape::Dynamic | Shape::Static | Shape::StaticPie)
    }
}

/// Random access to a file's bytes.
pub trait ByteSource {
    /// The bytes in `start..start + length`, cut at the end of the file.
    ///
    /// # Errors
    /// What reading answers.
    fn read_at(&self, start: u64, length: usize) -> Result<Vec<u8>, RootfsError>;
}

impl ByteSource for [u8] {
    fn read_at(&self, start: u64, length: usize) -> Result<Vec<u8>, RootfsError> {
        let start = usize::try_from(start).unwrap_or(usize::MAX).min(self.len());
        let end = start.saturating_add(length).min(self.len());
        Ok(self[start..end].to_vec())
    }
}

/// A file of a root as a byte source.
#[derive(Clone, Copy)]
pub struct FileBytes<'fs> {
    pub rootfs: &'fs dyn Rootfs,
    pub path: &'fs RootfsPath,
}

impl ByteSource for FileBytes<'_> {
    fn read_at(&self, start: u64, length: usize) -> Result<Vec<u8>, RootfsError> {
        self.rootfs.read(self.path, start..start.saturating_add(length as u64))
    }
}

/// Why a file that begins like an ELF file cannot be read as one.
#[derive(Debug, thiserror::Error)]
pub enum ElfError {
    #[error("its {0} lies outside the file")]
    Truncated(&'static str),
    #[error("its {0} makes no sense")]
    Malformed(&'static str),
    #[error("its {what} is larger than {limit}")]
    TooLarge { what: &'static str, limit: usize },
    #[error(transparent)]
    Read(#[from] RootfsError),
}

/// Reads the loading facts of a file; `None` when it does not begin with the ELF magic.
///
/// # Errors
/// When it begins so, but its headers contradict the file or go over the limits.
pub fn parse(source: &(impl ByteSource + ?Sized)) -> Result<Option<Elf>, ElfError> {
    let Some(image) = Image::open(source)? else { return Ok(None) };
    let interp = match image.segment(format::PT_INTERP) {
        Some(segment) => Some(image.string(segment.offset, segment.file_bytes, "interpreter")?),
        None => None,
    };
    let dynamic = Dynamic::read(&image)?;
    let notes = Notes::read(&image)?;
    let sections = image.sections();
    let has_section = |name: &[u8]| sections.iter().any(|(found, _, _)| found == name);
    let mut elf = Elf {
        abi: image.abi,
        shape: Shape::Other,
        interp,
        soname: None,
        needed: Vec::new(),
        rpath: None,
        runpath: None,
        no_default_lib: false,
        pie: false,
        fixed: image.file_type == format::ET_EXEC,
        audit: None,
        depaudit: None,
        auxiliary: Vec::new(),
        filter: Vec::new(),
        version_needs: Vec::new(),
        version_defs: BTreeSet::new(),
        dlopen: notes.dlopen,
        package_note: notes.package,
        go: notes.go || has_section(b".go.buildinfo"),
        cargo_auditable: has_section(b".dep-v0"),
    };
    if let Some(dynamic) = &dynamic {
        let versions = Versions::read(&image, dynamic)?;
        let flags = dynamic.value(format::DT_FLAGS_1).unwrap_or(0);
        elf.no_default_lib = flags & DF_1_NODEFLIB != 0;
        elf.pie = flags & DF_1_PIE != 0;
        elf.soname = dynamic.text(&image, format::DT_SONAME)?;
        elf.needed = dynamic.texts(&image, format::DT_NEEDED)?;
        elf.rpath = dynamic.text(&image, format::DT_RPATH)?;
        elf.runpath = dynamic.text(&image, format::DT_RUNPATH)?;
        elf.audit = dynamic.text(&image, format::DT_AUDIT)?;
        elf.depaudit = dynamic.text(&image, format::DT_DEPAUDIT)?;
        elf.auxiliary = dynamic.texts(&image, format::DT_AUXILIARY)?;
        elf.filter = dynamic.texts(&image, format::DT_FILTER)?;
        elf.version_needs = versions.needs;
        elf.version_defs = versions.defs.into_iter().collect();
    }
    elf.shape = shape(&elf, image.file_type, dynamic.is_some());
    Ok(Some(elf))
}

fn shape(elf: &Elf, file_type: format::FileType, dynamic: bool) -> Shape {
    let loadable = file_type == format::ET_EXEC || file_type == format::ET_DYN;
    match (loadable, &elf.interp, dynamic) {
        (false, _, _) => Shape::Other,
        (true, Some(_), _) => Shape::Dynamic,
        (true, None, false) => Shape::Static,
        (true, None, true) if !elf.needed.is_empty() || elf.soname.is_some() => Shape::SharedObject,
        (true, None, true) if elf.fixed => Shape::Static,
        (true, None, true) if elf.pie => Shape::StaticPie,
        (true, None, true) => Shape::SharedObject,
    }
}

/// `DT_FLAGS_1` (Solaris linker guide, glibc `elf.h`).
const DF_1_NODEFLIB: u64 = 0x800;
const DF_1_PIE: u64 = 0x0800_0000;

#[cfg(test)]
mod tests;
