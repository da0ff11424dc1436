//! The dynamic symbols that an ELF file wants and defines.

use std::collections::BTreeMap;
use std::rc::Rc;

use object::elf;
use object::read::elf::Sym;
use object::{Endianness, U16, U32, U64};

use crate::closure::elf::dynamic::Dynamic;
use crate::closure::elf::image::Image;
use crate::closure::elf::versions::{VERSION_INDEX_MASK, Versions};
use crate::closure::elf::{ByteSource, Class, ElfError};

/// Dynamic symbols of one file: the largest machine learning libraries have some 300 000.
const MAX_SYMBOLS: usize = 1 << 20;

/// A dynamic symbol.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Symbol {
    pub name: Vec<u8>,
    /// Such as `GLIBC_2.34`.
    pub version: Option<Rc<[u8]>>,
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

/// Which symbols to name: the undefined ones are few.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    Undefined,
    All,
}

/// Reads the dynamic symbols of an ELF file; empty when it has none or is no ELF file.
///
/// # Errors
/// As [`crate::closure::elf::parse`].
pub fn read(source: &(impl ByteSource + ?Sized), wanted: Wanted) -> Result<Symbols, ElfError> {
    let Some(image) = Image::open(source)? else { return Ok(Symbols::default()) };
    let Some(dynamic) = Dynamic::read(&image)? else { return Ok(Symbols::default()) };
    let Some(table) = dynamic.value(elf::DT_SYMTAB) else { return Ok(Symbols::default()) };
    let count = count(&image, &dynamic)?;
    if count > MAX_SYMBOLS {
        return Err(ElfError::TooLarge { what: "symbol table", limit: MAX_SYMBOLS });
    }
    let (offset, _) = image.offset_of(table, "symbol table")?;
    let entries = match image.abi.class {
        Class::Elf32 => read_entries::<elf::Sym32<Endianness>, _>(&image, offset, count)?,
        Class::Elf64 => read_entries::<elf::Sym64<Endianness>, _>(&image, offset, count)?,
    };
    let names = Versions::read(&image, &dynamic)?.names;
    let versions = names.into_iter().map(|(index, name)| (index, Rc::from(name))).collect();
    let indices = version_indices(&image, &dynamic, count)?;
    collect(&image, &dynamic, &entries, &versions, &indices, wanted)
}

struct SymbolEntry {
    name: u32,
    defined: bool,
    weak: bool,
    local: bool,
}

fn collect<S: ByteSource + ?Sized>(
    image: &Image<'_, S>,
    dynamic: &Dynamic,
    entries: &[SymbolEntry],
    versions: &BTreeMap<u16, Rc<[u8]>>,
    indices: &[u16],
    wanted: Wanted,
) -> Result<Symbols, ElfError> {
    let mut symbols = Symbols::default();
    // Entry 0 is reserved (gABI).
    for (at, entry) in entries.iter().enumerate().skip(1) {
        if entry.local || entry.name == 0 || (entry.defined && wanted == Wanted::Undefined) {
            continue;
        }
        let name = dynamic.string(image, entry.name.into())?;
        let version = indices.get(at).and_then(|index| versions.get(index)).cloned();
        let list = if entry.defined { &mut symbols.defined } else { &mut symbols.undefined };
        list.push(Symbol { name, version, weak: entry.weak });
    }
    symbols.undefined.sort_unstable();
    symbols.undefined.dedup();
    symbols.defined.sort_unstable();
    symbols.defined.dedup();
    Ok(symbols)
}

/// The number of symbols. No table tells it directly: `DT_HASH` has one chain entry for each, `DT_GNU_HASH` chains
/// end with the last one. Undefined symbols lie on both sides of the first that the latter holds.
fn count<S: ByteSource + ?Sized>(image: &Image<'_, S>, dynamic: &Dynamic) -> Result<usize, ElfError> {
    let endian = image.endian();
    if let Some(address) = dynamic.value(elf::DT_GNU_HASH) {
        let (offset, room) = image.offset_of(address, "GNU hash table")?;
        return gnu_count(image, dynamic, offset, room);
    }
    let Some(address) = dynamic.value(elf::DT_HASH) else { return Ok(0) };
    let (offset, _) = image.offset_of(address, "hash table")?;
    // Alpha and 64-bit s390 have words of 8 bytes there.
    let wide = image.abi.class == Class::Elf64
        && matches!(image.abi.machine, machine if machine == elf::EM_S390.0 || machine == elf::EM_ALPHA.0);
    let chains = if wide {
        image.table::<U64<Endianness>>(offset, 2, "hash table")?[1].get(endian)
    } else {
        image.table::<U32<Endianness>>(offset, 2, "hash table")?[1].get(endian).into()
    };
    Ok(usize::try_from(chains).unwrap_or(usize::MAX))
}

fn gnu_count<S: ByteSource + ?Sized>(
    image: &Image<'_, S>,
    dynamic: &Dynamic,
    offset: u64,
    room: u64,
) -> Result<usize, ElfError> {
    let what = "GNU hash table";
    let endian = image.endian();
    let header = image.table::<U32<Endianness>>(offset, 4, what)?;
    let [buckets, first, bloom] = [0, 1, 2].map(|at| header[at].get(endian));
    let bloom_word = if image.abi.class == Class::Elf64 { 8 } else { 4 };
    let buckets_at = 16 + u64::from(bloom) * bloom_word;
    let chains_at = buckets_at + u64::from(buckets) * 4;
    if chains_at > room || buckets as usize > MAX_SYMBOLS {
        return Err(ElfError::Truncated(what));
    }
    let starts = image.table::<U32<Endianness>>(offset + buckets_at, buckets as usize, what)?;
    let Some(last) = starts.iter().map(|start| start.get(endian)).max().filter(|last| *last >= first) else {
        // Nothing is defined, so nothing is hashed: lld states the number of symbols here, GNU ld states 1.
        return Ok(if first > 1 { first as usize } else { count_to_next_table(image, dynamic) });
    };
    // The chain of the last bucket ends with the last symbol, marked by an odd hash.
    for index in u64::from(last)..=MAX_SYMBOLS as u64 {
        let at = offset + chains_at + (index - u64::from(first)) * 4;
        let hash = image.table::<U32<Endianness>>(at, 1, what)?[0].get(endian);
        if hash & 1 == 1 {
            return Ok(usize::try_from(index + 1).unwrap_or(usize::MAX));
        }
    }
    Err(ElfError::TooLarge { what, limit: MAX_SYMBOLS })
}

/// The symbols that fit before the table that follows them in memory.
fn count_to_next_table<S: ByteSource + ?Sized>(image: &Image<'_, S>, dynamic: &Dynamic) -> usize {
    let symbols = dynamic.value(elf::DT_SYMTAB).unwrap_or(0);
    let tables = [
        elf::DT_STRTAB,
        elf::DT_VERSYM,
        elf::DT_VERNEED,
        elf::DT_VERDEF,
        elf::DT_GNU_HASH,
        elf::DT_RELA,
        elf::DT_REL,
        elf::DT_JMPREL,
    ];
    let after =
        tables.iter().filter_map(|tag| dynamic.value(*tag)).filter(|address| *address > symbols).min();
    let entry = if image.abi.class == Class::Elf64 { 24 } else { 16 };
    let count = (after.unwrap_or(symbols) - symbols) / entry;
    usize::try_from(count).unwrap_or(usize::MAX).min(MAX_SYMBOLS)
}

fn read_entries<Y, S>(image: &Image<'_, S>, offset: u64, count: usize) -> Result<Vec<SymbolEntry>, ElfError>
where
    Y: Sym<Endian = Endianness>,
    S: ByteSource + ?Sized,
{
    let endian = image.endian();
    let entries = image.table::<Y>(offset, count, "symbol table")?;
    let neutral = entries.iter().map(|entry| SymbolEntry {
        name: entry.st_name(endian),
        defined: entry.st_shndx(endian) != elf::SHN_UNDEF,
        weak: entry.st_bind() == elf::STB_WEAK,
        local: entry.st_bind() == elf::STB_LOCAL,
    });
    Ok(neutral.collect())
}

fn version_indices<S: ByteSource + ?Sized>(
    image: &Image<'_, S>,
    dynamic: &Dynamic,
    count: usize,
) -> Result<Vec<u16>, ElfError> {
    let Some(address) = dynamic.value(elf::DT_VERSYM) else { return Ok(Vec::new()) };
    let (offset, _) = image.offset_of(address, "version indices")?;
    let endian = image.endian();
    let indices = image.table::<U16<Endianness>>(offset, count, "version indices")?;
    Ok(indices.iter().map(|index| index.get(endian) & VERSION_INDEX_MASK).collect())
}
