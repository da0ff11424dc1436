//! The version tables: which symbol versions a file wants (`DT_VERNEED`) and defines (`DT_VERDEF`).

use std::collections::BTreeMap;

use object::Endianness;
use object::elf;

use crate::closure::elf::dynamic::Dynamic;
use crate::closure::elf::image::Image;
use crate::closure::elf::{ByteSource, ElfError, NeededVersion, VersionNeed};

/// Entries of both tables together: glibc defines some forty, the largest libraries some thousand.
const MAX_VERSION_ENTRIES: usize = 32 << 10;

/// Both tables.
#[derive(Default)]
pub(super) struct Versions {
    pub(super) needs: Vec<VersionNeed>,
    /// Defined names in file order; the file's own name left out.
    pub(super) defs: Vec<Vec<u8>>,
    /// The version names by the index that `DT_VERSYM` uses.
    pub(super) names: BTreeMap<u16, Vec<u8>>,
}

impl Versions {
    pub(super) fn read<S: ByteSource + ?Sized>(
        image: &Image<'_, S>,
        dynamic: &Dynamic,
    ) -> Result<Self, ElfError> {
        let mut versions = Self::default();
        let mut budget = Budget(MAX_VERSION_ENTRIES);
        if let Some(address) = dynamic.value(elf::DT_VERNEED) {
            versions.read_needs(image, dynamic, address, &mut budget)?;
        }
        if let Some(address) = dynamic.value(elf::DT_VERDEF) {
            versions.read_defs(image, dynamic, address, &mut budget)?;
        }
        Ok(versions)
    }

    fn read_needs<S: ByteSource + ?Sized>(
        &mut self,
        image: &Image<'_, S>,
        dynamic: &Dynamic,
        address: u64,
        budget: &mut Budget,
    ) -> Result<(), ElfError> {
        let what = "table of needed versions";
        let endian = image.endian();
        let count = dynamic.value(elf::DT_VERNEEDNUM).unwrap_or(u64::MAX);
        let (mut at, _) = image.offset_of(address, what)?;
        for _ in 0..count {
            budget.take(what)?;
            let need = record::<elf::Verneed<Endianness>, S>(image, at, what)?;
            let library = dynamic.string(image, need.vn_file.get(endian).into())?;
            let mut versions = Vec::new();
            let mut auxiliary_at = advance(at, need.vn_aux.get(endian), what)?;
            for _ in 0..need.vn_cnt.get(endian) {
                budget.take(what)?;
                let auxiliary = record::<elf::Vernaux<Endianness>, S>(image, auxiliary_at, what)?;
                let name = dynamic.string(image, auxiliary.vna_name.get(endian).into())?;
                self.names.insert(auxiliary.vna_other.get(endian).0 & VERSION_INDEX_MASK, name.clone());
                let weak = auxiliary.vna_flags.get(endian).0 & elf::VER_FLG_WEAK.0 != 0;
                versions.push(NeededVersion { name, weak });
                match auxiliary.vna_next.get(endian) {
                    0 => break,
                    next => auxiliary_at = advance(auxiliary_at, next, what)?,
                }
            }
            self.needs.push(VersionNeed { library, versions });
            match need.vn_next.get(endian) {
                0 => break,
                next => at = advance(at, next, what)?,
            }
        }
        Ok(())
    }

    fn read_defs<S: ByteSource + ?Sized>(
        &mut self,
        image: &Image<'_, S>,
        dynamic: &Dynamic,
        address: u64,
        budget: &mut Budget,
    ) -> Result<(), ElfError> {
        let what = "table of defined versions";
        let endian = image.endian();
        let count = dynamic.value(elf::DT_VERDEFNUM).unwrap_or(u64::MAX);
        let (mut at, _) = image.offset_of(address, what)?;
        for _ in 0..count {
            budget.take(what)?;
            let def = record::<elf::Verdef<Endianness>, S>(image, at, what)?;
            // The first name is the version itself, those after it are the versions it inherits from.
            if def.vd_cnt.get(endian) > 0 {
                let name_at = advance(at, def.vd_aux.get(endian), what)?;
                let auxiliary = record::<elf::Verdaux<Endianness>, S>(image, name_at, what)?;
                let name = dynamic.string(image, auxiliary.vda_name.get(endian).into())?;
                if def.vd_flags.get(endian).0 & elf::VER_FLG_BASE.0 == 0 {
                    self.names.insert(def.vd_ndx.get(endian).0 & VERSION_INDEX_MASK, name.clone());
                    self.defs.push(name);
                }
            }
            match def.vd_next.get(endian) {
                0 => break,
                next => at = advance(at, next, what)?,
            }
        }
        Ok(())
    }
}

/// The index part of a version number; the top bit says hidden.
pub(super) const VERSION_INDEX_MASK: u16 = 0x7fff;

/// Entries that may still be read: the tables are linked lists, so a file can make them circular.
struct Budget(usize);

impl Budget {
    fn take(&mut self, what: &'static str) -> Result<(), ElfError> {
        self.0 = self.0.checked_sub(1).ok_or(ElfError::TooLarge { what, limit: MAX_VERSION_ENTRIES })?;
        Ok(())
    }
}

fn record<T: object::pod::Pod, S: ByteSource + ?Sized>(
    image: &Image<'_, S>,
    at: u64,
    what: &'static str,
) -> Result<T, ElfError> {
    image.table::<T>(at, 1, what)?.into_iter().next().ok_or(ElfError::Truncated(what))
}

fn advance(at: u64, by: u32, what: &'static str) -> Result<u64, ElfError> {
    at.checked_add(u64::from(by)).ok_or(ElfError::Malformed(what))
}
