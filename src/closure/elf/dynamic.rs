//! The dynamic section: tags with their values, and the string table they point into.

use std::collections::BTreeMap;

use object::Endianness;
use object::elf;
use object::read::elf::Dyn;

use crate::closure::elf::image::Image;
use crate::closure::elf::{ByteSource, Class, ElfError};

/// Entries of the dynamic section: the largest real ones have some hundred, mostly needed libraries.
const MAX_DYNAMIC_ENTRIES: usize = 4096;

/// The dynamic section of a file.
pub(super) struct Dynamic {
    /// In file order, up to `DT_NULL`.
    entries: Vec<(i64, u64)>,
    /// The value that counts for tags that occur once: the last one, as in the loader.
    last: BTreeMap<i64, u64>,
    /// File offset of the string table and its bytes.
    strings: Option<(u64, u64)>,
}

impl Dynamic {
    /// Reads `PT_DYNAMIC`; `None` when there is none.
    pub(super) fn read<S: ByteSource + ?Sized>(image: &Image<'_, S>) -> Result<Option<Self>, ElfError> {
        let Some(segment) = image.segment(elf::PT_DYNAMIC) else { return Ok(None) };
        let entries = match image.abi.class {
            Class::Elf32 => {
                read_entries::<elf::Dyn32<Endianness>, S>(image, segment.offset, segment.file_bytes)?
            }
            Class::Elf64 => {
                read_entries::<elf::Dyn64<Endianness>, S>(image, segment.offset, segment.file_bytes)?
            }
        };
        let last: BTreeMap<i64, u64> = entries.iter().copied().collect();
        let strings = match last.get(&elf::DT_STRTAB.0) {
            Some(address) => {
                let (offset, room) = image.offset_of(*address, "string table")?;
                Some((offset, last.get(&elf::DT_STRSZ.0).map_or(room, |size| room.min(*size))))
            }
            None => None,
        };
        Ok(Some(Self { entries, last, strings }))
    }

    /// The value of a tag.
    pub(super) fn value(&self, tag: elf::DynamicTag) -> Option<u64> {
        self.last.get(&tag.0).copied()
    }

    /// The text of a tag that occurs once.
    pub(super) fn text<S: ByteSource + ?Sized>(
        &self,
        image: &Image<'_, S>,
        tag: elf::DynamicTag,
    ) -> Result<Option<Vec<u8>>, ElfError> {
        self.value(tag).map(|at| self.string(image, at)).transpose()
    }

    /// The texts of a tag that may occur many times, in file order.
    pub(super) fn texts<S: ByteSource + ?Sized>(
        &self,
        image: &Image<'_, S>,
        tag: elf::DynamicTag,
    ) -> Result<Vec<Vec<u8>>, ElfError> {
        let values = self.entries.iter().filter(|(found, _)| *found == tag.0);
        values.map(|(_, at)| self.string(image, *at)).collect()
    }

    /// A string of the string table.
    pub(super) fn string<S: ByteSource + ?Sized>(
        &self,
        image: &Image<'_, S>,
        at: u64,
    ) -> Result<Vec<u8>, ElfError> {
        let (offset, size) = self.strings.ok_or(ElfError::Malformed("string table"))?;
        let room = size.checked_sub(at).ok_or(ElfError::Truncated("string table"))?;
        let start = offset.checked_add(at).ok_or(ElfError::Malformed("string table"))?;
        image.string(start, room, "string table")
    }
}

fn read_entries<D, S>(image: &Image<'_, S>, offset: u64, bytes: u64) -> Result<Vec<(i64, u64)>, ElfError>
where
    D: Dyn<Endian = Endianness>,
    S: ByteSource + ?Sized,
{
    let count = usize::try_from(bytes).unwrap_or(usize::MAX) / size_of::<D>();
    if count > MAX_DYNAMIC_ENTRIES {
        return Err(ElfError::TooLarge { what: "dynamic section", limit: MAX_DYNAMIC_ENTRIES });
    }
    let endian = image.endian();
    let records = image.table::<D>(offset, count, "dynamic section")?;
    let entries = records.iter().map(|record| (record.d_tag(endian).0, record.d_val(endian).into()));
    Ok(entries.take_while(|(tag, _)| *tag != elf::DT_NULL.0).collect())
}
