//! Bounded access to an ELF file: its headers, and bytes by offset or by address.
//!
//! Every table of a hostile file may point anywhere; so nothing is read without a limit, and small reads go through
//! a page cache, since strings lie close to each other.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use object::Endianness;
use object::elf;
use object::pod::{self, Pod};
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader};

use crate::closure::elf::{Abi, ByteOrder, ByteSource, Class, ElfError};

/// Bytes read of one file by one question, and bytes of the texts made from them: the symbol tables of the largest
/// libraries (compilers, machine learning) are some 40 MB.
const MAX_BYTES_READ: u64 = 256 << 20;

/// Program headers: real files have about a dozen; the kernel refuses more than 64 KiB of them.
const MAX_PROGRAM_HEADERS: usize = 1024;

/// Section headers looked at for their names.
const MAX_SECTIONS: usize = 4096;

/// One string of a string table: the longest real ones are C++ symbols and search paths of package managers.
const MAX_STRING_BYTES: usize = 64 << 10;

const PAGE_BYTES: u64 = 4 << 10;

/// A program header in neutral form.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment {
    pub(crate) kind: elf::ProgramType,
    pub(crate) flags: u32,
    pub(crate) offset: u64,
    pub(crate) address: u64,
    pub(crate) file_bytes: u64,
    pub(crate) align: u64,
}

/// An ELF file with its headers read.
pub(crate) struct Image<'s, S: ByteSource + ?Sized> {
    source: &'s S,
    pages: RefCell<BTreeMap<u64, Vec<u8>>>,
    spent: Cell<u64>,
    pub(crate) abi: Abi,
    pub(crate) file_type: elf::FileType,
    pub(crate) segments: Vec<Segment>,
    sections: SectionTable,
}

#[derive(Clone, Copy, Debug, Default)]
struct SectionTable {
    offset: u64,
    count: usize,
    names: usize,
}

impl<'s, S: ByteSource + ?Sized> Image<'s, S> {
    /// Reads the headers; `None` when the magic is not there.
    pub(crate) fn open(source: &'s S) -> Result<Option<Self>, ElfError> {
        let head = source.read_at(0, 64)?;
        if !head.starts_with(&elf::ELFMAG) {
            return Ok(None);
        }
        let (class, order) = match (head.get(4), head.get(5)) {
            (Some(1), Some(1)) => (Class::Elf32, ByteOrder::Little),
            (Some(1), Some(2)) => (Class::Elf32, ByteOrder::Big),
            (Some(2), Some(1)) => (Class::Elf64, ByteOrder::Little),
            (Some(2), Some(2)) => (Class::Elf64, ByteOrder::Big),
            (Some(_), Some(_)) => return Err(ElfError::Malformed("class or byte order")),
            _ => return Err(ElfError::Truncated("header")),
        };
        let mut image = Self {
            source,
            pages: RefCell::default(),
            spent: Cell::new(0),
            abi: Abi { class, order, machine: 0, flags: 0 },
            file_type: elf::ET_NONE,
            segments: Vec::new(),
            sections: SectionTable::default(),
        };
        match class {
            Class::Elf32 => image.read_headers::<elf::FileHeader32<Endianness>>(&head)?,
            Class::Elf64 => image.read_headers::<elf::FileHeader64<Endianness>>(&head)?,
        }
        Ok(Some(image))
    }

    fn read_headers<H: FileHeader<Endian = Endianness>>(&mut self, head: &[u8]) -> Result<(), ElfError> {
        let endian = self.endian();
        let (header, _) = pod::from_bytes::<H>(head).map_err(|()| ElfError::Truncated("header"))?;
        self.abi.machine = header.e_machine(endian).0;
        self.abi.flags = header.e_flags(endian).0;
        self.file_type = header.e_type(endian);
        let count = usize::from(header.e_phnum(endian));
        if count > MAX_PROGRAM_HEADERS {
            return Err(ElfError::TooLarge { what: "program header table", limit: MAX_PROGRAM_HEADERS });
        }
        if count > 0 && usize::from(header.e_phentsize(endian)) != size_of::<H::ProgramHeader>() {
            return Err(ElfError::Malformed("program header size"));
        }
        self.segments = self
            .table::<H::ProgramHeader>(header.e_phoff(endian).into(), count, "program header table")?
            .iter()
            .map(|segment| Segment {
                kind: segment.p_type(endian),
                flags: segment.p_flags(endian).0,
                offset: segment.p_offset(endian).into(),
                address: segment.p_vaddr(endian).into(),
                file_bytes: segment.p_filesz(endian).into(),
                align: segment.p_align(endian).into(),
            })
            .collect();
        if usize::from(header.e_shentsize(endian)) == size_of::<H::SectionHeader>() {
            self.sections = SectionTable {
                offset: header.e_shoff(endian).into(),
                count: usize::from(header.e_shnum(endian)).min(MAX_SECTIONS),
                names: usize::from(header.e_shstrndx(endian).0),
            };
        }
        Ok(())
    }

    pub(crate) fn endian(&self) -> Endianness {
        match self.abi.order {
            ByteOrder::Little => Endianness::Little,
            ByteOrder::Big => Endianness::Big,
        }
    }

    /// The first segment of a kind.
    pub(crate) fn segment(&self, kind: elf::ProgramType) -> Option<Segment> {
        self.segments.iter().find(|segment| segment.kind == kind).copied()
    }

    /// Exactly `length` bytes at a file offset.
    pub(crate) fn bytes(&self, offset: u64, length: usize, what: &'static str) -> Result<Vec<u8>, ElfError> {
        let end = offset.checked_add(length as u64).ok_or(ElfError::Malformed(what))?;
        let first = offset / PAGE_BYTES;
        let bytes = if length > 0 && first == (end - 1) / PAGE_BYTES {
            let start = usize::try_from(offset % PAGE_BYTES).unwrap_or(0);
            self.with_page(first, |page| page.get(start..start + length).map(<[u8]>::to_vec))?
                .unwrap_or_default()
        } else {
            self.spend(length as u64)?;
            self.source.read_at(offset, length)?
        };
        if bytes.len() < length { Err(ElfError::Truncated(what)) } else { Ok(bytes) }
    }

    /// `count` records at a file offset.
    pub(crate) fn table<T: Pod>(
        &self,
        offset: u64,
        count: usize,
        what: &'static str,
    ) -> Result<Vec<T>, ElfError> {
        let length = count.checked_mul(size_of::<T>()).ok_or(ElfError::Malformed(what))?;
        if length as u64 > MAX_BYTES_READ {
            return Err(ElfError::TooLarge { what, limit: count });
        }
        let bytes = self.bytes(offset, length, what)?;
        let (records, _) = pod::slice_from_bytes(&bytes, count).map_err(|()| ElfError::Truncated(what))?;
        Ok(records.to_vec())
    }

    /// The file offset of an address, by the loaded segments; with the bytes that follow it in the segment.
    pub(crate) fn offset_of(&self, address: u64, what: &'static str) -> Result<(u64, u64), ElfError> {
        let loaded = self.segments.iter().filter(|segment| segment.kind == elf::PT_LOAD);
        for segment in loaded {
            let Some(inside) = address.checked_sub(segment.address) else { continue };
            if inside < segment.file_bytes {
                let offset = segment.offset.checked_add(inside).ok_or(ElfError::Malformed(what))?;
                return Ok((offset, segment.file_bytes - inside));
            }
        }
        Err(ElfError::Truncated(what))
    }

    /// The NUL-terminated text at a file offset, which must end before `limit` bytes.
    pub(crate) fn string(&self, offset: u64, limit: u64, what: &'static str) -> Result<Vec<u8>, ElfError> {
        let mut text = Vec::new();
        let mut at = offset;
        let end = offset.saturating_add(limit);
        while at < end {
            let start = usize::try_from(at % PAGE_BYTES).unwrap_or(0);
            let room = usize::try_from(end - at).unwrap_or(usize::MAX);
            let (piece, ended) = self.with_page(at / PAGE_BYTES, |page| {
                let rest = page.get(start..).unwrap_or_default();
                let rest = &rest[..rest.len().min(room)];
                match rest.iter().position(|byte| *byte == 0) {
                    Some(length) => (rest[..length].to_vec(), true),
                    None => (rest.to_vec(), false),
                }
            })?;
            at = at.saturating_add(piece.len() as u64);
            let stuck = piece.is_empty();
            text.extend_from_slice(&piece);
            if ended {
                // Many records may point at one long text.
                self.spend(text.len() as u64)?;
                return Ok(text);
            }
            if stuck {
                break;
            }
            if text.len() > MAX_STRING_BYTES {
                return Err(ElfError::TooLarge { what, limit: MAX_STRING_BYTES });
            }
        }
        Err(ElfError::Truncated(what))
    }

    /// The names of the sections with their (offset, bytes); empty when there are none or they are damaged, since
    /// nothing at run time depends on them.
    pub(crate) fn sections(&self) -> Vec<(Vec<u8>, u64, u64)> {
        let sections = match self.abi.class {
            Class::Elf32 => self.read_sections::<elf::SectionHeader32<Endianness>>(),
            Class::Elf64 => self.read_sections::<elf::SectionHeader64<Endianness>>(),
        };
        sections.unwrap_or_default()
    }

    fn read_sections<H>(&self) -> Result<Vec<(Vec<u8>, u64, u64)>, ElfError>
    where
        H: SectionHeader<Endian = Endianness>,
    {
        let endian = self.endian();
        let headers = self.table::<H>(self.sections.offset, self.sections.count, "section table")?;
        let Some(names) = headers.get(self.sections.names) else { return Ok(Vec::new()) };
        let (names_at, names_bytes) = (names.sh_offset(endian).into(), names.sh_size(endian).into());
        let mut sections = Vec::with_capacity(headers.len());
        for header in &headers {
            let start = u64::from(header.sh_name(endian));
            let at = u64::checked_add(names_at, start).ok_or(ElfError::Malformed("section names"))?;
            let name = self.string(at, u64::saturating_sub(names_bytes, start), "section names")?;
            sections.push((name, header.sh_offset(endian).into(), header.sh_size(endian).into()));
        }
        Ok(sections)
    }

    fn with_page<T>(&self, page: u64, take: impl FnOnce(&[u8]) -> T) -> Result<T, ElfError> {
        if let Some(bytes) = self.pages.borrow().get(&page) {
            return Ok(take(bytes));
        }
        self.spend(PAGE_BYTES)?;
        let start = page.checked_mul(PAGE_BYTES).ok_or(ElfError::Malformed("offset"))?;
        let bytes = self.source.read_at(start, usize::try_from(PAGE_BYTES).unwrap_or(0))?;
        let taken = take(&bytes);
        self.pages.borrow_mut().insert(page, bytes);
        Ok(taken)
    }

    fn spend(&self, bytes: u64) -> Result<(), ElfError> {
        let spent = self.spent.get().saturating_add(bytes);
        self.spent.set(spent);
        if spent > MAX_BYTES_READ {
            let limit = usize::try_from(MAX_BYTES_READ).unwrap_or(usize::MAX);
            return Err(ElfError::TooLarge { what: "amount of data asked for", limit });
        }
        Ok(())
    }
}
