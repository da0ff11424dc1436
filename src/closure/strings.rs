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
/// printable ASCII bytes; a run of more than 4 KiB comes in pieces. A file that has only executable parts
/// is scanned whole. No ELF file has no texts.
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
        let mut at = segment.offset;
        let end = segment.offset.saturating_add(segment.file_bytes.min(left));
        left -= segment.file_bytes.min(left);
        // What was read and not yet taken.
        let mut bytes = Vec::new();
        while at < end {
            let room = usize::try_from(end - at).unwrap_or(usize::MAX).min(CHUNK_BYTES);
            let chunk = source.read_at(at, room)?;
            if chunk.is_empty() {
                break;
            }
            at = at.saturating_add(chunk.len() as u64);
            if bytes.is_empty() {
                bytes = chunk;
            } else {
                bytes.extend_from_slice(&chunk);
            }
            let open = take_runs(&bytes, shortest, take);
            bytes.drain(..open);
        }
        if bytes.len() >= shortest {
            take(&bytes);
        }
    }
    Ok(())
}

/// Takes the runs in `bytes`, and answers where the run begins that its end leaves open.
fn take_runs(bytes: &[u8], shortest: usize, take: &mut dyn FnMut(&[u8])) -> usize {
    let shortest = shortest.max(1);
    // No text goes on before `start`.
    let mut start = 0;
    while let Some(first) = bytes.get(start..start + shortest) {
        // Most of data is no text: looked at from behind, most of it need not be looked at.
        if let Some(gap) = first.iter().rposition(|byte| !is_text(*byte)) {
            start += gap + 1;
            continue;
        }
        let longest = &bytes[start..bytes.len().min(start + MAX_TEXT_BYTES)];
        match longest.iter().position(|byte| !is_text(*byte)) {
            Some(length) => {
                take(&longest[..length]);
                start += length + 1;
            }
            None if longest.len() == MAX_TEXT_BYTES => {
                take(longest);
                start += MAX_TEXT_BYTES;
            }
            None => return start,
        }
    }
    bytes[start..].iter().rposition(|byte| !is_text(*byte)).map_or(start, |gap| start + gap + 1)
}

fn is_text(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

/// The words of an ELF file's texts that look like absolute paths, sorted: a default configuration may be in it as
/// text (`mime_table /usr/share/squid/mime.conf`).
///
/// # Errors
/// As [`scan`].
pub fn absolute_paths(source: &(impl ByteSource + ?Sized)) -> Result<BTreeSet<Vec<u8>>, ElfError> {
    let mut paths = BTreeSet::new();
    scan(source, 4, &mut |text| {
        for word in text.split(|byte| matches!(byte, b' ' | b'"' | b'\'')) {
            if looks_like_path(word) && paths.len() < MAX_PATHS && !paths.contains(word) {
                paths.insert(word.to_vec());
            }
        }
    })?;
    Ok(paths)
}

fn looks_like_path(text: &[u8]) -> bool {
    text.first() == Some(&b'/')
        && text.get(1).is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'))
        && text.iter().all(|byte| byte.is_ascii_alphanumeric() || b"/_.-+@:=~,".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(bytes: &[u8], shortest: usize) -> String {
        let mut found = Vec::new();
        let open =
            take_runs(bytes, shortest, &mut |run| found.push(String::from_utf8_lossy(run).into_owned()));
        format!("{} | {}", found.join(","), String::from_utf8_lossy(&bytes[open..]))
    }

    #[test]
    fn runs_and_what_is_left_open() {
        let rows: [(&str, &[u8], &str); 7] = [
            ("nothing", b"", " | "),
            ("short ones between", b"ab\0abc\0\0a\0abcd\0", "abc,abcd | "),
            ("open at the end", b"abc\0abcd", "abc | abcd"),
            ("short and open", b"abc\0ab", "abc | ab"),
            ("text only", b"ab", " | ab"),
            ("no text", b"\0\x01\x7f\x80\n", " | "),
            ("spaces", b"\0 a b \0", " a b  | "),
        ];
        for (summary, bytes, expected) in rows {
            assert_eq!(runs(bytes, 3), expected, "{summary}");
        }
    }

    #[test]
    fn a_long_run_comes_in_pieces_and_whole() {
        let text: Vec<u8> =
            (0..2 * MAX_TEXT_BYTES + 9).map(|at| b'a' + u8::try_from(at % 26).unwrap()).collect();
        let mut found = Vec::new();
        let open = take_runs(&text, 4, &mut |run| found.extend_from_slice(run));
        assert_eq!(open, 2 * MAX_TEXT_BYTES);
        assert!(found == text[..open]);
    }
}
