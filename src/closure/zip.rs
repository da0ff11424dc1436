//! Archives of the zip kind (jars): which files are in them, and the content of one.
//!
//! Own code, because the bytes come in parts out of a root file system or out of another archive, and all that is
//! read is bounded: sizes in an archive are only claims (APPNOTE.TXT 4.3, 4.4).

use std::io::Read as _;

use super::elf::ByteSource;
use crate::rootfs::RootfsError;

/// An opened archive.
pub(crate) struct Archive<'s> {
    source: &'s dyn ByteSource,
    /// What lies before the first byte that offsets count from: a script that starts the archive.
    start: u64,
    pub(crate) entries: Vec<Entry>,
}

/// One file of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: Vec<u8>,
    method: u16,
    packed: u64,
    /// Size of the content, as the archive claims.
    pub(crate) size: u64,
    header: u64,
}

impl<'s> Archive<'s> {
    /// Reads the directory of an archive of `size` bytes; `None` when it is none.
    ///
    /// # Errors
    /// What the source answers.
    pub(crate) fn open(source: &'s dyn ByteSource, size: u64) -> Result<Option<Self>, RootfsError> {
        if size < END_BYTES as u64 {
            return Ok(None);
        }
        // The end record is followed by a comment of up to 64 KiB.
        let tail_at = size.saturating_sub(MAX_COMMENT_BYTES + END_BYTES as u64);
        let tail = source.read_at(tail_at, usize::try_from(size - tail_at).unwrap_or(0))?;
        let ends = |at: &usize| {
            tail[*at..].starts_with(END) && tail.len() - *at >= END_BYTES && u16_at(&tail, *at + 20).is_some()
        };
        let Some(end) = (0..=tail.len().saturating_sub(END_BYTES)).rev().find(ends) else { return Ok(None) };
        let end_at = tail_at + end as u64;
        let mut bytes = u64::from(u32_at(&tail, end + 12).unwrap_or(0));
        let mut offset = u64::from(u32_at(&tail, end + 16).unwrap_or(0));
        let mut directory_end = end_at;
        if let Some((at, wide)) = wide_end(source, end_at)? {
            (bytes, offset) = wide;
            directory_end = at;
        }
        let Some(directory_at) = directory_end.checked_sub(bytes) else { return Ok(None) };
        let Some(start) = directory_at.checked_sub(offset) else { return Ok(None) };
        let length = usize::try_from(bytes.min(MAX_DIRECTORY_BYTES)).unwrap_or(0);
        let directory = source.read_at(directory_at, length)?;
        Ok(Some(Self { source, start, entries: entries(&directory) }))
    }

    /// The content of a file, cut at `limit` bytes; what cannot be unpacked is empty.
    ///
    /// # Errors
    /// What the source answers.
    pub(crate) fn read(&self, entry: &Entry, limit: u64) -> Result<Vec<u8>, RootfsError> {
        let Some(at) = self.content(entry)? else { return Ok(Vec::new()) };
        match entry.method {
            STORED => self.source.read_at(at, usize::try_from(entry.packed.min(limit)).unwrap_or(usize::MAX)),
            DEFLATED => {
                // Nothing becomes smaller by being read further than what it may unpack to.
                let packed = entry.packed.min(limit.saturating_mul(2).saturating_add(1 << 16));
                let packed = self.source.read_at(at, usize::try_from(packed).unwrap_or(usize::MAX))?;
                let mut content = Vec::new();
                // What was unpacked before a fault counts.
                let _ = flate2::read::DeflateDecoder::new(&packed[..]).take(limit).read_to_end(&mut content);
                Ok(content)
            }
            _ => Ok(Vec::new()),
        }
    }

    /// A file that lies in the archive as it is, as a source of its own.
    ///
    /// # Errors
    /// What the source answers.
    pub(crate) fn part(&self, entry: &Entry) -> Result<Option<Part<'s>>, RootfsError> {
        if entry.method != STORED {
            return Ok(None);
        }
        let at = self.content(entry)?;
        Ok(at.map(|start| Part { source: self.source, start, size: entry.packed }))
    }

    /// Where the content of a file begins.
    fn content(&self, entry: &Entry) -> Result<Option<u64>, RootfsError> {
        let at = self.start.saturating_add(entry.header);
        let header = self.source.read_at(at, LOCAL_BYTES)?;
        let lengths = u16_at(&header, 26).zip(u16_at(&header, 28));
        Ok(lengths
            .filter(|_| header.starts_with(LOCAL))
            .map(|(name, extra)| at.saturating_add(LOCAL_BYTES as u64 + u64::from(name) + u64::from(extra))))
    }
}

/// A part of a source.
pub(crate) struct Part<'s> {
    source: &'s dyn ByteSource,
    start: u64,
    /// Bytes.
    pub(crate) size: u64,
}

impl ByteSource for Part<'_> {
    fn read_at(&self, start: u64, length: usize) -> Result<Vec<u8>, RootfsError> {
        let left = usize::try_from(self.size.saturating_sub(start)).unwrap_or(usize::MAX);
        self.source.read_at(self.start.saturating_add(start), length.min(left))
    }
}

/// Bytes that are in memory.
pub(crate) struct Held(pub(crate) Vec<u8>);

impl ByteSource for Held {
    fn read_at(&self, start: u64, length: usize) -> Result<Vec<u8>, RootfsError> {
        self.0.read_at(start, length)
    }
}

/// Place of an end record, then size and offset of the directory.
type WideEnd = (u64, (u64, u64));

/// The end record of archives with more than 65535 files or 4 GiB: its place, and size and offset of the directory.
fn wide_end(source: &dyn ByteSource, end_at: u64) -> Result<Option<WideEnd>, RootfsError> {
    let Some(locator_at) = end_at.checked_sub(WIDE_LOCATOR_BYTES) else { return Ok(None) };
    let locator = source.read_at(locator_at, usize::try_from(WIDE_LOCATOR_BYTES).unwrap_or(0))?;
    if !locator.starts_with(WIDE_LOCATOR) {
        return Ok(None);
    }
    // Without an extension the record stands just before its locator, whatever lies before the archive.
    let Some(at) = locator_at.checked_sub(WIDE_END_BYTES) else { return Ok(None) };
    let record = source.read_at(at, usize::try_from(WIDE_END_BYTES).unwrap_or(0))?;
    let values = u64_at(&record, 40).zip(u64_at(&record, 48)).filter(|_| record.starts_with(WIDE_END));
    Ok(values.map(|values| (at, values)))
}

fn entries(directory: &[u8]) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut at = 0;
    while entries.len() < MAX_ENTRIES
        && let Some(record) = directory.get(at..)
        && record.starts_with(CENTRAL)
        && let Some(entry) = entry(record)
    {
        let lengths = [28, 30, 32].map(|place| usize::from(u16_at(record, place).unwrap_or(0)));
        at += CENTRAL_BYTES + lengths.iter().sum::<usize>();
        entries.push(entry);
    }
    entries
}

fn entry(record: &[u8]) -> Option<Entry> {
    let (name_bytes, extra_bytes) = (usize::from(u16_at(record, 28)?), usize::from(u16_at(record, 30)?));
    let name = record.get(CENTRAL_BYTES..CENTRAL_BYTES + name_bytes)?.to_vec();
    let extra = record.get(CENTRAL_BYTES + name_bytes..CENTRAL_BYTES + name_bytes + extra_bytes)?;
    let mut entry = Entry {
        name,
        method: u16_at(record, 10)?,
        packed: u64::from(u32_at(record, 20)?),
        size: u64::from(u32_at(record, 24)?),
        header: u64::from(u32_at(record, 42)?),
    };
    // Values that do not fit stand in an extra field, those that do not fit only, in this order.
    let mut wide = wide_field(extra).unwrap_or_default().chunks_exact(8);
    for value in [&mut entry.size, &mut entry.packed, &mut entry.header] {
        if *value == u64::from(u32::MAX)
            && let Some(bytes) = wide.next()
        {
            *value = u64_at(bytes, 0)?;
        }
    }
    Some(entry)
}

fn wide_field(mut extra: &[u8]) -> Option<&[u8]> {
    while let (Some(id), Some(length)) = (u16_at(extra, 0), u16_at(extra, 2)) {
        let field = extra.get(4..4 + usize::from(length))?;
        if id == WIDE_FIELD {
            return Some(field);
        }
        extra = &extra[4 + usize::from(length)..];
    }
    None
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

const END: &[u8] = b"PK\x05\x06";
const END_BYTES: usize = 22;
const CENTRAL: &[u8] = b"PK\x01\x02";
const CENTRAL_BYTES: usize = 46;
const LOCAL: &[u8] = b"PK\x03\x04";
const LOCAL_BYTES: usize = 30;
const WIDE_LOCATOR: &[u8] = b"PK\x06\x07";
const WIDE_LOCATOR_BYTES: u64 = 20;
const WIDE_END: &[u8] = b"PK\x06\x06";
const WIDE_END_BYTES: u64 = 56;
const WIDE_FIELD: u16 = 1;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;
const MAX_COMMENT_BYTES: u64 = 65_535;

/// Files of one archive: the largest applications have some hundred thousand.
const MAX_ENTRIES: usize = 1 << 19;

/// Bytes of the directory of one archive.
const MAX_DIRECTORY_BYTES: u64 = 64 << 20;

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "archives of tests are small")]
pub(crate) mod tests {
    use std::io::Write as _;

    use super::*;

    /// An archive with these files: (name, content, whether it is packed).
    pub(crate) fn archive(files: &[(&str, &[u8], bool)]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut directory = Vec::new();
        for (name, content, packed) in files {
            let body = if *packed {
                let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(content).expect("in memory");
                encoder.finish().expect("in memory")
            } else {
                content.to_vec()
            };
            let method: u16 = if *packed { DEFLATED } else { STORED };
            let common = |out: &mut Vec<u8>| {
                out.extend([20, 0, 0, 0]);
                out.extend(method.to_le_bytes());
                out.extend([0; 8]);
                out.extend((body.len() as u32).to_le_bytes());
                out.extend((content.len() as u32).to_le_bytes());
                out.extend((name.len() as u16).to_le_bytes());
                out.extend([0, 0]);
            };
            let header = bytes.len() as u32;
            bytes.extend(LOCAL);
            common(&mut bytes);
            bytes.extend(name.as_bytes());
            bytes.extend(&body);
            directory.extend(CENTRAL);
            directory.extend([20, 0]);
            common(&mut directory);
            directory.extend([0; 10]);
            directory.extend(header.to_le_bytes());
            directory.extend(name.as_bytes());
        }
        let at = bytes.len() as u32;
        bytes.extend(&directory);
        bytes.extend(END);
        bytes.extend([0; 4]);
        bytes.extend((files.len() as u16).to_le_bytes());
        bytes.extend((files.len() as u16).to_le_bytes());
        bytes.extend((directory.len() as u32).to_le_bytes());
        bytes.extend(at.to_le_bytes());
        bytes.extend([0, 0]);
        bytes
    }

    fn read(bytes: &[u8]) -> Vec<(String, String)> {
        let held = Held(bytes.to_vec());
        let Some(archive) = Archive::open(&held, bytes.len() as u64).expect("memory") else {
            return Vec::new();
        };
        let text = |entry: &Entry| {
            let content = archive.read(entry, 100).expect("memory");
            (
                String::from_utf8_lossy(&entry.name).into_owned(),
                String::from_utf8_lossy(&content).into_owned(),
            )
        };
        archive.entries.iter().map(text).collect()
    }

    #[test]
    fn files_of_an_archive() {
        let inner = archive(&[("deep.txt", b"deep", true)]);
        let bytes = archive(&[
            ("a.txt", b"one", false),
            ("b/c.txt", b"two two two two", true),
            ("i.jar", &inner, false),
        ]);
        let files = read(&bytes);
        assert_eq!(files[0], ("a.txt".to_owned(), "one".to_owned()));
        assert_eq!(files[1], ("b/c.txt".to_owned(), "two two two two".to_owned()));
        // A script before it, as on jars that are programs.
        assert_eq!(read(&[b"#!/bin/sh\n", &bytes[..]].concat())[0], files[0]);
        let slice = Held(bytes.clone());
        let outer = Archive::open(&slice, bytes.len() as u64).expect("memory").expect("an archive");
        let part = outer.part(&outer.entries[2]).expect("memory").expect("stored");
        let nested = Archive::open(&part, part.size).expect("memory").expect("an archive");
        assert_eq!(nested.read(&nested.entries[0], 100).expect("memory"), b"deep");
        assert_eq!(nested.read(&nested.entries[0], 2).expect("memory"), b"de");
    }

    #[test]
    fn what_is_no_archive() {
        for bytes in [
            &b""[..],
            b"PK\x05\x06",
            &[0; 100],
            b"PK\x05\x06\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        ] {
            assert!(read(bytes).is_empty());
        }
    }

    proptest::proptest! {
        #[test]
        fn damaged_archives_do_no_harm(at in 0_usize..200, byte: u8, cut in 0_usize..200) {
            let mut bytes = archive(&[("a.txt", b"one", false), ("b.txt", b"two two two", true)]);
            let at = at % bytes.len();
            bytes[at] = byte;
            bytes.truncate(bytes.len() - cut.min(bytes.len() / 2));
            read(&bytes);
        }
    }
}
