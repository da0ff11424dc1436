//! The dynamic symbols that an ELF file wants and defines.

use crate::closure::elf::{ByteSource, ElfError};

/// A dynamic symbol.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Symbol {
    pub name: Vec<u8>,
    /// Such as `GLIBC_2.34`.
    pub version: Option<Vec<u8>>,
    pub weak: bool,
}

/// The dynamic symbol table, each list sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Symbols {
    pub undefined: Vec<Symbol>,
    pub defined: Vec<Symbol>,
}

impl Symbols {
    /// Whether a symbol of that name is wanted, whatever its version.
    pub fn wants(&self, name: &[u8]) -> bool {
        self.undefined.binary_search_by(|symbol| symbol.name.as_slice().cmp(name)).is_ok()
    }

    /// Whether a symbol of that name is defined, whatever its version.
    pub fn defines(&self, name: &[u8]) -> bool {
        self.defined.binary_search_by(|symbol| symbol.name.as_slice().cmp(name)).is_ok()
    }
}

/// Which symbols to read: the undefined ones are few and come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    Undefined,
    All,
}

/// Reads the dynamic symbols of an ELF file; empty when it has none.
///
/// # Errors
/// As [`crate::closure::elf::parse`].
pub fn read(source: &(impl ByteSource + ?Sized), wanted: Wanted) -> Result<Symbols, ElfError> {
    let _ = (source, wanted);
    todo!()
}
