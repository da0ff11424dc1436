//! Texts in a program's read-only data: evidence for what it may open, never proof.

use std::collections::BTreeSet;

use crate::closure::elf::{ByteSource, ElfError};

/// Reads the loaded, not executable parts of an ELF file and calls `take` for each run of at least `shortest`
/// printable ASCII bytes.
///
/// # Errors
/// As [`crate::closure::elf::parse`].
pub fn scan(
    source: &(impl ByteSource + ?Sized),
    shortest: usize,
    take: &mut dyn FnMut(&[u8]),
) -> Result<(), ElfError> {
    let _ = (source, shortest, take);
    todo!()
}

/// The strings of an ELF file that look like absolute paths, sorted.
///
/// # Errors
/// As [`scan`].
pub fn absolute_paths(source: &(impl ByteSource + ?Sized)) -> Result<BTreeSet<Vec<u8>>, ElfError> {
    let _ = source;
    todo!()
}
