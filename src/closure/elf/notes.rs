//! ELF notes that carry packaging metadata: which libraries a file may dlopen, which package it is from.

use object::elf;

use crate::closure::elf::image::Image;
use crate::closure::elf::{ByteOrder, ByteSource, ElfError};

/// Bytes of notes read of one file: real ones are some hundred.
const MAX_NOTE_BYTES: u64 = 1 << 20;

/// Owner and type of the notes read.
const FDO_OWNER: &[u8] = b"FDO";
const DLOPEN_NOTE: u32 = 0x407c_0c0a;
const PACKAGE_NOTE: u32 = 0xcafe_1a7e;
const GO_OWNER: &[u8] = b"Go";

/// One entry of `.note.dlopen` (UAPI group, ELF dlopen metadata).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DlopenNote {
    /// Alternatives, the first that is found wins.
    pub sonames: Vec<String>,
    pub feature: Option<String>,
    pub description: Option<String>,
    pub priority: DlopenPriority,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DlopenPriority {
    Required,
    /// Also when none is stated.
    Recommended,
    Suggested,
}

/// The notes of a file that are of interest.
#[derive(Default)]
pub(super) struct Notes {
    pub(super) dlopen: Vec<DlopenNote>,
    pub(super) package: Option<Vec<u8>>,
    pub(super) go: bool,
}

impl Notes {
    /// Reads all `PT_NOTE` segments. A damaged note ends its segment: no loader minds it.
    pub(super) fn read<S: ByteSource + ?Sized>(image: &Image<'_, S>) -> Result<Self, ElfError> {
        let mut notes = Self::default();
        let mut left = MAX_NOTE_BYTES;
        for segment in image.segments.iter().filter(|segment| segment.kind == elf::PT_NOTE) {
            let length = segment.file_bytes.min(left);
            left -= length;
            let length = usize::try_from(length).unwrap_or(0);
            match image.bytes(segment.offset, length, "notes") {
                Ok(bytes) => notes.take(&bytes, image.abi.order, segment.align),
                Err(ElfError::Read(error)) => return Err(error.into()),
                Err(_) => {}
            }
        }
        Ok(notes)
    }

    fn take(&mut self, bytes: &[u8], order: ByteOrder, align: u64) {
        // Only GNU property notes are aligned to 8, in a segment that says so.
        let align = if align == 8 { 8 } else { 4 };
        let mut rest = bytes;
        while let Some((note, after)) = next_note(rest, order, align) {
            match (note.owner, note.kind) {
                (FDO_OWNER, DLOPEN_NOTE) => self.dlopen.extend(parse_dlopen(note.content)),
                (FDO_OWNER, PACKAGE_NOTE) => self.package = Some(until_nul(note.content).to_vec()),
                (GO_OWNER, _) => self.go = true,
                _ => {}
            }
            rest = after;
        }
    }
}

struct Note<'b> {
    owner: &'b [u8],
    kind: u32,
    content: &'b [u8],
}

fn next_note(bytes: &[u8], order: ByteOrder, align: usize) -> Option<(Note<'_>, &[u8])> {
    let word = |at: usize| -> Option<u32> {
        let four: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
        Some(match order {
            ByteOrder::Little => u32::from_le_bytes(four),
            ByteOrder::Big => u32::from_be_bytes(four),
        })
    };
    let (owner_bytes, content_bytes, kind) = (word(0)? as usize, word(4)? as usize, word(8)?);
    let owner_end = 12_usize.checked_add(owner_bytes)?;
    let owner = bytes.get(12..owner_end)?;
    let content_start = owner_end.checked_next_multiple_of(align)?;
    let content_end = content_start.checked_add(content_bytes)?;
    let content = bytes.get(content_start..content_end)?;
    let next = content_end.checked_next_multiple_of(align)?.min(bytes.len());
    Some((Note { owner: until_nul(owner), kind, content }, &bytes[next..]))
}

/// An array of objects; older texts are a single object, and a soname may be a bare string.
fn parse_dlopen(content: &[u8]) -> Vec<DlopenNote> {
    let entries = match serde_json::from_slice(until_nul(content)) {
        Ok(serde_json::Value::Array(entries)) => entries,
        Ok(object @ serde_json::Value::Object(_)) => vec![object],
        _ => Vec::new(),
    };
    entries.iter().filter_map(dlopen_entry).collect()
}

fn dlopen_entry(entry: &serde_json::Value) -> Option<DlopenNote> {
    let text = |key: &str| entry.get(key).and_then(serde_json::Value::as_str).map(str::to_owned);
    let sonames: Vec<String> = match entry.get("soname")? {
        serde_json::Value::String(one) => vec![one.clone()],
        serde_json::Value::Array(many) => {
            many.iter().filter_map(serde_json::Value::as_str).map(str::to_owned).collect()
        }
        _ => return None,
    };
    if sonames.is_empty() {
        return None;
    }
    let priority = match text("priority").as_deref() {
        Some("required") => DlopenPriority::Required,
        Some("suggested") => DlopenPriority::Suggested,
        _ => DlopenPriority::Recommended,
    };
    Some(DlopenNote { sonames, feature: text("feature"), description: text("description"), priority })
}

fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}
