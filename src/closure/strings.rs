//! Texts in a program's read-only data: evidence for what it may open, never proof.

use std::collections::BTreeSet;

use object::elf;

use crate::closure::elf::image::Image;
use crate::closure::elf::{ByteSource, ElfError};

/// Bytes scanned of one file: the data of the largest servers is about 100 MB.
const MAX_SCAN_BYTES: u64 = 256 << 20;
const CHUNK_BYTES: usize = 1 << 20;

/// The longest text: the kernel's limit for paths.
const MAX_TEXT_BYTES: usize = 4096;

/// Paths kept of one file.
const MAX_PATHS: usize = 100_000;

/// Reads the loaded, not executable parts of an ELF file and calls `take` for each run of at least `shortest`
/// printable ASCII bytes. A file that has only executable parts is scanned whole. No ELF file has no texts.
///
/// # Errors
/// As [`crate::closure::elf::parse`].
pub fn scan(
    source: &(impl ByteSource + ?Sized),
    shortest: usize,
    take: &mut dyn FnMut(&[u8]),
) -> Result<(), ElfError> {
    let Some(image) = Image::open(source)? else { return Ok(()) };
    let loaded = || image.segments.iter().filter(|segment| segment.kind == elf::PT_LOAD);
    let data = |flags: u32| flags & elf::PF_X.0 == 0;
    // Old linkers put read-only data and code into one segment.
    let separate = loaded().any(|segment| data(segment.flags) && segment.flags & elf::PF_W.0 == 0);
    let mut left = MAX_SCAN_BYTES;
    for segment in loaded().filter(|segment| !separate || data(segment.flags)) {
        let mut run = Vec::new();
        let mut at = segment.offset;
        let end = segment.offset.saturating_add(segment.file_bytes.min(left));
        left -= segment.file_bytes.min(left);
        while at < end {
            let room = usize::try_from(end - at).unwrap_or(usize::MAX).min(CHUNK_BYTES);
            let chunk = source.read_at(at, room)?;
            if chunk.is_empty() {
                break;
            }
            at = at.saturating_add(chunk.len() as u64);
            for byte in chunk {
                if (byte.is_ascii_graphic() || byte == b' ') && run.len() < MAX_TEXT_BYTES {
                    run.push(byte);
                } else {
                    if run.len() >= shortest {
                        take(&run);
                    }
                    run.clear();
                }
            }
        }
        if run.len() >= shortest {
            take(&run);
        }
    }
    Ok(())
}

/// The texts of an ELF file that look like absolute paths, sorted.
///
/// # Errors
/// As [`scan`].
pub fn absolute_paths(source: &(impl ByteSource + ?Sized)) -> Result<BTreeSet<Vec<u8>>, ElfError> {
    let mut paths = BTreeSet::new();
    scan(source, 4, &mut |text| {
        if looks_like_path(text) && paths.len() < MAX_PATHS {
            paths.insert(text.to_vec());
        }
    })?;
    Ok(paths)
}

fn looks_like_path(text: &[u8]) -> bool {
    text.first() == Some(&b'/')
        && text.get(1).is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'))
        && text.iter().all(|byte| byte.is_ascii_alphanumeric() || b"/_.-+@:=~,".contains(byte))
}
