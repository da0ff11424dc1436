//! Archives as contexts: which bytes start one, and how new its files are.

use std::io::Read;

use flate2::read::GzDecoder;
use tar::{Archive, EntryType};

/// Most bytes that are unpacked to find out a time: a few kilobytes can unpack to anything.
const MAX_UNPACKED_BYTES: u64 = 4 << 30;

/// Bytes of a tar header.
const HEADER_BYTES: usize = 512;

/// Whether `start` begins an archive: compressed with gzip, bzip2, xz or zstd, or a plain tar
/// (`BuildKit` `archiveutil.IsArchive`).
pub(super) fn is_archive(start: &[u8]) -> bool {
    const MAGIC: [&[u8]; 4] =
        [b"BZh", &[0x1f, 0x8b, 0x08], &[0xfd, b'7', b'z', b'X', b'Z', 0], &[0x28, 0xb5, 0x2f, 0xfd]];
    MAGIC.iter().any(|magic| start.starts_with(magic)) || is_skippable_frame(start) || starts_tar(start)
}

/// A zstd stream may start with a frame of any content.
fn is_skippable_frame(start: &[u8]) -> bool {
    start.len() >= 8 && (0x50..=0x5f).contains(&start[0]) && start[1..4] == [0x2a, 0x4d, 0x18]
}

/// Whether the first header of a tar can be read.
///
/// Long names and extended headers are part of the header that follows them, which must be there too.
fn starts_tar(start: &[u8]) -> bool {
    let Some(header) = start.get(..HEADER_BYTES) else { return false };
    if header.iter().all(|byte| *byte == 0) || !has_checksum(header) {
        return false;
    }
    let Some(size) = octal(&header[124..136]) else { return false };
    let payload =
        usize::try_from(size).unwrap_or(usize::MAX).div_ceil(HEADER_BYTES).saturating_mul(HEADER_BYTES);
    let next = HEADER_BYTES.saturating_add(payload);
    match header[156] {
        b'x' | b'L' | b'K' => start.get(next..).is_some_and(starts_tar),
        b'g' => start.len() >= HEADER_BYTES.saturating_add(usize::try_from(size).unwrap_or(usize::MAX)),
        _ => true,
    }
}

/// The sum of a header's bytes, its own field counted as blanks; old programs summed signed bytes.
fn has_checksum(header: &[u8]) -> bool {
    let Some(wanted) = octal(&header[148..156]) else { return false };
    let byte = |(at, byte): (usize, &u8)| if (148..156).contains(&at) { b' ' } else { *byte };
    let unsigned: i64 = header.iter().enumerate().map(byte).map(i64::from).sum();
    let signed: i64 = header.iter().enumerate().map(byte).map(|byte| i64::from(byte.cast_signed())).sum();
    wanted == unsigned || wanted == signed
}

/// A number as tar writes it: octal digits between blanks and zeros, or big-endian with the first bit set.
fn octal(field: &[u8]) -> Option<i64> {
    if field[0] & 0x80 != 0 {
        let first = i64::from(field[0] & 0x7f);
        return field[1..]
            .iter()
            .try_fold(first, |sum, byte| sum.checked_mul(256)?.checked_add(i64::from(*byte)));
    }
    let text = std::str::from_utf8(field).ok()?.trim_matches([' ', '\0']);
    let end = text.find('\0').unwrap_or(text.len());
    if text[..end].is_empty() { Some(0) } else { i64::from_str_radix(&text[..end], 8).ok() }
}

/// The time of the newest regular file, in seconds since 1970; `None` if the data is no archive that can be
/// read to its end, or has no files.
pub(super) fn newest_file(data: &[u8]) -> Option<i64> {
    if data.starts_with(&[0x1f, 0x8b, 0x08]) {
        newest(GzDecoder::new(data).take(MAX_UNPACKED_BYTES))
    } else {
        newest(data)
    }
}

fn newest(data: impl Read) -> Option<i64> {
    let mut newest = None;
    for entry in Archive::new(data).entries().ok()? {
        let mut entry = entry.ok()?;
        let is_file = matches!(
            entry.header().entry_type(),
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse
        );
        if !is_file {
            continue;
        }
        let extended = entry.pax_extensions().ok()?.and_then(|extensions| {
            let time = extensions.flatten().find(|extension| extension.key() == Ok("mtime"))?;
            time.value().ok()?.split('.').next()?.parse::<i64>().ok()
        });
        let written = entry.header().mtime().ok().and_then(|seconds| i64::try_from(seconds).ok());
        newest = newest.max(extended.or(written));
    }
    newest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tar(files: &[(&str, u64)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, time) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(1);
            header.set_mtime(*time);
            builder.append_data(&mut header, name, &b"x"[..]).unwrap();
        }
        builder.into_inner().unwrap()
    }

    #[test]
    fn archives_are_told_by_their_first_bytes() {
        let plain = tar(&[("a", 1)]);
        let mut broken = plain.clone();
        broken[0] = b'b';
        for (summary, start, expected) in [
            ("gzip", &[0x1f, 0x8b, 8, 0][..], true),
            ("bzip2", b"BZh9", true),
            ("xz", b"\xfd7zXZ\0", true),
            ("zstd", &[0x28, 0xb5, 0x2f, 0xfd], true),
            ("a skippable frame", &[0x5f, 0x2a, 0x4d, 0x18, 0, 0, 0, 0], true),
            ("its first bytes only", &[0x5f, 0x2a, 0x4d, 0x18, 0, 0, 0], false),
            ("tar", &plain[..1024], true),
            ("a tar of nothing", &[0; 1024], false),
            ("a sum that is wrong", &broken[..1024], false),
            ("too short", &plain[..511], false),
            ("Dockerfile", b"FROM scratch\n", false),
        ] {
            assert_eq!(is_archive(start), expected, "{summary}");
        }
    }

    #[test]
    fn the_newest_file_counts() {
        let plain = tar(&[("a", 5), ("b", 70), ("c", 6)]);
        assert_eq!(newest_file(&plain), Some(70));
        assert_eq!(newest_file(b"FROM scratch"), None);
        assert_eq!(newest_file(&[]), None);
    }
}
