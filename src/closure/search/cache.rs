//! `/etc/ld.so.cache`: read as the loader does, written as `ldconfig` does (glibc `elf/cache.c`, `dl-cache.c`).

use std::cmp::Ordering;

use crate::closure::elf::{Abi, ByteOrder, Class};

/// The path of the cache.
pub const CACHE_PATH: &str = "/etc/ld.so.cache";

/// A parsed cache.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cache {
    /// In file order.
    pub entries: Vec<CacheEntry>,
}

/// One library of a cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheEntry {
    /// The soname (`key`).
    pub name: Vec<u8>,
    /// The absolute path (`value`).
    pub path: Vec<u8>,
    /// `FLAG_ELF_LIBC6` and the architecture.
    pub flags: i32,
    /// The `glibc-hwcaps` subdirectory, without that name.
    pub hwcap: Option<Vec<u8>>,
}

#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    #[error("`/etc/ld.so.cache` is no cache of a known format")]
    Unknown,
    #[error("`/etc/ld.so.cache` is damaged: {0}")]
    Damaged(&'static str),
}

const OLD_MAGIC: &[u8] = b"ld.so-1.7.0";
const OLD_HEADER: usize = 16;
const OLD_ENTRY: usize = 12;
const NEW_MAGIC: &[u8] = b"glibc-ld.so.cache1.1";
const NEW_HEADER: usize = 48;
const NEW_ENTRY: usize = 24;
const EXTENSION_MAGIC: u32 = 0xeaa4_2174;
const EXTENSION_GENERATOR: u32 = 0;
const EXTENSION_HWCAPS: u32 = 1;
/// Bit 62 of an entry's hwcap: the low half is an index into the names of the extension.
const HWCAP_NAMED: u64 = 1 << 62;
/// Low bits of the header's flags.
const FLAGS_LITTLE: u8 = 2;
const FLAGS_BIG: u8 = 3;
/// One text of the cache: paths are limited by the kernel.
const MAX_TEXT_BYTES: usize = 4096;
const GENERATOR: &[u8] = b"ldconfig (decant)";

impl Cache {
    /// Reads the new format, also behind the old one.
    ///
    /// Entries for old capability names (before `glibc-hwcaps`) are left out.
    ///
    /// # Errors
    /// When it is no such file.
    pub fn parse(bytes: &[u8], order: ByteOrder) -> Result<Self, CacheError> {
        let file = new_part(bytes, order)?;
        let reader = Reader { file, order };
        let count = reader.word(20)? as usize;
        let extension = reader.word(32)? as usize;
        let names =
            if extension == 0 { Vec::new() } else { reader.hwcap_names(extension).unwrap_or_default() };
        let table = count.checked_mul(NEW_ENTRY).and_then(|size| size.checked_add(NEW_HEADER));
        if table.is_none_or(|end| end > file.len()) {
            return Err(CacheError::Damaged("its table is cut off"));
        }
        let mut entries = Vec::with_capacity(count);
        for at in (0..count).map(|index| NEW_HEADER + index * NEW_ENTRY) {
            let hwcap = reader.long(at + 16)?;
            let hwcap = match (hwcap, hwcap & HWCAP_NAMED != 0) {
                (0, _) => None,
                (_, true) => match names.get((hwcap & 0xffff_ffff) as usize) {
                    Some(name) => Some(name.clone()),
                    None => continue,
                },
                (_, false) => continue,
            };
            let name = reader.text(reader.word(at + 4)? as usize)?;
            let path = reader.text(reader.word(at + 8)? as usize)?;
            entries.push(CacheEntry { name, path, flags: reader.word(at)?.cast_signed(), hwcap });
        }
        Ok(Self { entries })
    }

    /// The entries that a loader with these flags may take for `name`: all for certain processors in order of
    /// preference, then the plain one (the loader never takes a second).
    pub fn candidates(&self, name: &[u8], flags: i32) -> Vec<&CacheEntry> {
        let fits = |entry: &&CacheEntry| entry.flags == flags && compare_names(&entry.name, name).is_eq();
        let mut found: Vec<&CacheEntry> = self.entries.iter().filter(fits).collect();
        found.sort_by(|one, other| match (&one.hwcap, &other.hwcap) {
            (Some(one), Some(other)) => compare_names(other, one),
            (one, other) => one.is_none().cmp(&other.is_none()),
        });
        let plain = found.iter().position(|entry| entry.hwcap.is_none());
        found.truncate(plain.map_or(found.len(), |at| at + 1));
        found
    }

    /// The new format with the entries in `ldconfig`'s order, whatever their order here; byte-equal for equal sets.
    pub fn write(&self, order: ByteOrder) -> Vec<u8> {
        let mut entries: Vec<&CacheEntry> = self.entries.iter().collect();
        entries.sort_by(|one, other| compare_entries(one, other));
        entries.dedup();
        let mut names: Vec<&[u8]> = entries.iter().filter_map(|entry| entry.hwcap.as_deref()).collect();
        names.sort_unstable();
        names.dedup();
        let mut strings = Strings { base: NEW_HEADER + entries.len() * NEW_ENTRY, bytes: Vec::new() };
        let mut table = Writer { order, bytes: Vec::new() };
        let name_offsets: Vec<u32> = names.iter().map(|name| strings.add(name)).collect();
        for entry in &entries {
            let value = strings.add(&entry.path);
            // Nearly always the name is the end of the path.
            let key = match entry.path.strip_suffix(&entry.name[..]) {
                Some(directory) => value + to_u32(directory.len()),
                None => strings.add(&entry.name),
            };
            let hwcap = entry.hwcap.as_deref().map_or(0, |hwcap| {
                let index = names.binary_search(&hwcap).unwrap_or_default();
                HWCAP_NAMED | index as u64
            });
            table.word(entry.flags.cast_unsigned());
            table.word(key);
            table.word(value);
            table.word(0);
            table.long(hwcap);
        }
        let extension = (strings.base + strings.bytes.len()).next_multiple_of(4);
        let mut file = Writer { order, bytes: NEW_MAGIC.to_vec() };
        file.word(to_u32(entries.len()));
        file.word(to_u32(strings.bytes.len()));
        file.word(0);
        file.bytes[28] = if order == ByteOrder::Little { FLAGS_LITTLE } else { FLAGS_BIG };
        file.word(to_u32(extension));
        file.bytes.resize(NEW_HEADER, 0);
        file.bytes.extend(table.bytes);
        file.bytes.extend(strings.bytes);
        file.bytes.resize(extension, 0);
        file.extension(&name_offsets);
        file.bytes
    }
}

/// The flags value of libraries for this ABI (glibc `sysdeps/generic/ldconfig.h`); `None` for an ABI that is not
/// known.
pub fn flags_for(abi: Abi) -> Option<i32> {
    let architecture = match (abi.machine, abi.class) {
        (3 | 8 | 20, Class::Elf32) => 0,
        (62, Class::Elf64) => 0x0300,
        (62, Class::Elf32) => 0x0800,
        (22, Class::Elf64) => 0x0400,
        (21, Class::Elf64) => 0x0500,
        // EF_ARM_ABI_FLOAT_SOFT; loaders of either kind otherwise take hard float.
        (40, Class::Elf32) if abi.flags & 0x200 != 0 => 0x0b00,
        (40, Class::Elf32) => 0x0900,
        (183, Class::Elf64) => 0x0a00,
        (8, Class::Elf64) => 0x0700,
        // EF_RISCV_FLOAT_ABI_DOUBLE.
        (243, Class::Elf64) if abi.flags & 6 == 4 => 0x1000,
        (243, Class::Elf64) => 0x0f00,
        // EF_LOONGARCH_ABI_DOUBLE_FLOAT.
        (258, Class::Elf64) if abi.flags & 7 == 3 => 0x1200,
        (258, Class::Elf64) => 0x1100,
        _ => return None,
    };
    Some(FLAG_ELF_LIBC6 | architecture)
}

const FLAG_ELF_LIBC6: i32 = 3;

/// The part of the file that the new format's offsets count from.
fn new_part(bytes: &[u8], order: ByteOrder) -> Result<&[u8], CacheError> {
    if bytes.starts_with(NEW_MAGIC) {
        return Ok(bytes);
    }
    if !bytes.starts_with(OLD_MAGIC) {
        return Err(CacheError::Unknown);
    }
    let count = Reader { file: bytes, order }.word(12)? as usize;
    let end = count.checked_mul(OLD_ENTRY).and_then(|size| size.checked_add(OLD_HEADER));
    let start = end.and_then(|end| end.checked_next_multiple_of(8)).ok_or(CacheError::Damaged("its size"))?;
    match bytes.get(start..) {
        Some(rest) if rest.starts_with(NEW_MAGIC) => Ok(rest),
        _ => Err(CacheError::Unknown),
    }
}

/// The order of `ldconfig`: names descending, then flags descending, then processors, the plain one last.
fn compare_entries(one: &CacheEntry, other: &CacheEntry) -> Ordering {
    compare_names(&other.name, &one.name)
        .then(other.name.cmp(&one.name))
        .then(other.flags.cmp(&one.flags))
        .then(compare_hwcaps(one.hwcap.as_deref(), other.hwcap.as_deref()))
        .then(one.path.cmp(&other.path))
}

/// Variants by name, the plain entry last.
fn compare_hwcaps(one: Option<&[u8]>, other: Option<&[u8]>) -> Ordering {
    match (one, other) {
        (Some(one), Some(other)) => one.cmp(other),
        (one, other) => one.is_none().cmp(&other.is_none()),
    }
}

/// `_dl_cache_libcmp`: byte order, but runs of digits compare as numbers and sort after other bytes.
fn compare_names(one: &[u8], other: &[u8]) -> Ordering {
    let (mut one, mut other) = (one, other);
    loop {
        match (one.first(), other.first()) {
            (None, None) => return Ordering::Equal,
            (first, second) => {
                let digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
                match (digit(first), digit(second)) {
                    (true, false) => return Ordering::Greater,
                    (false, true) => return Ordering::Less,
                    (true, true) => {
                        let (number, rest) = split_digits(one);
                        let (second_number, second_rest) = split_digits(other);
                        let by_number =
                            number.len().cmp(&second_number.len()).then_with(|| number.cmp(second_number));
                        if by_number.is_ne() {
                            return by_number;
                        }
                        (one, other) = (rest, second_rest);
                    }
                    (false, false) => {
                        if first != second {
                            return first.cmp(&second);
                        }
                        (one, other) = (&one[1..], &other[1..]);
                    }
                }
            }
        }
    }
}

/// Leading digits without zeros before them, and the rest.
fn split_digits(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let zeros = digits.iter().position(|byte| *byte != b'0').unwrap_or(digits.len());
    (&digits[zeros..], rest)
}

struct Reader<'b> {
    file: &'b [u8],
    order: ByteOrder,
}

impl Reader<'_> {
    fn word(&self, at: usize) -> Result<u32, CacheError> {
        let bytes = self.file.get(at..).and_then(|rest| rest.first_chunk::<4>());
        let bytes = bytes.ok_or(CacheError::Damaged("it is cut off"))?;
        Ok(match self.order {
            ByteOrder::Little => u32::from_le_bytes(*bytes),
            ByteOrder::Big => u32::from_be_bytes(*bytes),
        })
    }

    fn long(&self, at: usize) -> Result<u64, CacheError> {
        let (first, second) = (u64::from(self.word(at)?), u64::from(self.word(at + 4)?));
        Ok(match self.order {
            ByteOrder::Little => second << 32 | first,
            ByteOrder::Big => first << 32 | second,
        })
    }

    fn text(&self, at: usize) -> Result<Vec<u8>, CacheError> {
        let rest = self.file.get(at..).ok_or(CacheError::Damaged("a text lies outside"))?;
        let end = rest.iter().take(MAX_TEXT_BYTES).position(|byte| *byte == 0);
        Ok(rest[..end.ok_or(CacheError::Damaged("a text does not end"))?].to_vec())
    }

    fn hwcap_names(&self, at: usize) -> Result<Vec<Vec<u8>>, CacheError> {
        if self.word(at)? != EXTENSION_MAGIC {
            return Ok(Vec::new());
        }
        let sections = self.word(at + 4)? as usize;
        for section in (0..sections.min(64)).map(|index| at + 8 + index * 16) {
            if self.word(section)? == EXTENSION_HWCAPS {
                let (offset, bytes) = (self.word(section + 8)? as usize, self.word(section + 12)? as usize);
                let places = (0..(bytes / 4).min(4096)).map(|index| offset.saturating_add(index * 4));
                return places.map(|place| self.text(self.word(place)? as usize)).collect();
            }
        }
        Ok(Vec::new())
    }
}

struct Writer {
    order: ByteOrder,
    bytes: Vec<u8>,
}

impl Writer {
    fn word(&mut self, value: u32) {
        match self.order {
            ByteOrder::Little => self.bytes.extend(value.to_le_bytes()),
            ByteOrder::Big => self.bytes.extend(value.to_be_bytes()),
        }
    }

    fn long(&mut self, value: u64) {
        match self.order {
            ByteOrder::Little => self.bytes.extend(value.to_le_bytes()),
            ByteOrder::Big => self.bytes.extend(value.to_be_bytes()),
        }
    }

    /// The generator's name, and the names of processors when there are any.
    fn extension(&mut self, name_offsets: &[u32]) {
        let sections = if name_offsets.is_empty() { 1 } else { 2 };
        let names_at = self.bytes.len() + 8 + 16 * sections;
        let generator_at = names_at + 4 * name_offsets.len();
        self.word(EXTENSION_MAGIC);
        self.word(to_u32(sections));
        for word in [EXTENSION_GENERATOR, 0, to_u32(generator_at), to_u32(GENERATOR.len())] {
            self.word(word);
        }
        if !name_offsets.is_empty() {
            for word in [EXTENSION_HWCAPS, 0, to_u32(names_at), to_u32(4 * name_offsets.len())] {
                self.word(word);
            }
        }
        for offset in name_offsets {
            self.word(*offset);
        }
        self.bytes.extend_from_slice(GENERATOR);
    }
}

struct Strings {
    base: usize,
    bytes: Vec<u8>,
}

impl Strings {
    fn add(&mut self, text: &[u8]) -> u32 {
        let at = self.base + self.bytes.len();
        self.bytes.extend_from_slice(text);
        self.bytes.push(0);
        to_u32(at)
    }
}

fn to_u32(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(name: &str, path: &str, hwcap: Option<&str>) -> CacheEntry {
        CacheEntry { name: name.into(), path: path.into(), flags: 0x303, hwcap: hwcap.map(Into::into) }
    }

    /// In the order that `ldconfig` of glibc 2.36 wrote them.
    fn sample() -> Cache {
        Cache {
            entries: vec![
                entry("libh1a.so.1a", "/usr/local/lib/libh1a.so.1a", None),
                entry("libhb.so.b", "/usr/local/lib/libhb.so.b", None),
                entry("libh_.so._", "/usr/local/lib/libh_.so._", None),
                entry("libhA.so.A", "/usr/local/lib/libhA.so.A", None),
                entry("libh.so.10", "/usr/local/lib/libh.so.10", None),
                entry("libh.so.9", "/usr/local/lib/libh.so.9", None),
                entry("libh.so.1", "/usr/local/lib/glibc-hwcaps/x86-64-v2/libh.so.1", Some("x86-64-v2")),
                entry("libh.so.1", "/usr/local/lib/glibc-hwcaps/x86-64-v3/libh.so.1", Some("x86-64-v3")),
                entry("libh.so.1", "/usr/local/lib/libh.so.1", None),
                entry("libh-.so.-", "/usr/local/lib/libh-.so.-", None),
                entry("libc.so.6", "/lib/x86_64-linux-gnu/libc.so.6", None),
                entry("liba.so.1", "/lib/libother.so", None),
            ],
        }
    }

    #[test]
    fn what_is_written_reads_back_in_ldconfigs_order() {
        let mut shuffled = sample();
        shuffled.entries.reverse();
        for order in [ByteOrder::Little, ByteOrder::Big] {
            let bytes = shuffled.write(order);
            assert_eq!(Cache::parse(&bytes, order).unwrap(), sample());
            assert_eq!(bytes, sample().write(order));
        }
        assert_eq!(
            Cache::parse(&Cache::default().write(ByteOrder::Little), ByteOrder::Little).unwrap().entries,
            []
        );
    }

    #[test]
    fn candidates_are_in_the_order_of_preference() {
        let sample = sample();
        let hwcaps: Vec<_> =
            sample.candidates(b"libh.so.1", 0x303).iter().map(|found| found.hwcap.as_deref()).collect();
        assert_eq!(hwcaps, [Some(&b"x86-64-v3"[..]), Some(b"x86-64-v2"), None]);
        assert!(sample.candidates(b"libh.so.1", 3).is_empty());
        assert_eq!(sample.candidates(b"libh.so.01", 0x303).len(), 3, "digits compare as numbers");
    }

    #[test]
    fn the_new_format_is_found_behind_the_old_one() {
        let new = sample().write(ByteOrder::Little);
        let mut old = [OLD_MAGIC, b"\0"].concat();
        old.extend(1_u32.to_le_bytes());
        old.extend([0; OLD_ENTRY]);
        old.resize(old.len().next_multiple_of(8), 0);
        assert_eq!(Cache::parse(&[old.clone(), new].concat(), ByteOrder::Little).unwrap(), sample());
        assert!(matches!(Cache::parse(&old, ByteOrder::Little), Err(CacheError::Unknown)));
        assert!(matches!(Cache::parse(b"", ByteOrder::Little), Err(CacheError::Unknown)));
    }

    proptest! {
        #[test]
        fn damaged_caches_do_no_harm(at in 0_usize..600, byte: u8, length in 0_usize..900) {
            let mut bytes = sample().write(ByteOrder::Little);
            let place = at % bytes.len();
            bytes[place] = byte;
            bytes.truncate(length);
            let _ = Cache::parse(&bytes, ByteOrder::Little);
            let _ = Cache::parse(&bytes, ByteOrder::Big);
        }
    }
}
