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

/// How a compiler lays out the texts of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Texts {
    /// Each ends with a zero byte.
    Ended,
    /// One follows another without a mark between (the Go linker): where a path ends is not known.
    Run,
}

/// The absolute paths that an ELF file's texts name, sorted. A default configuration may be in it as text
/// (`mime_table /usr/share/squid/mime.conf`), and lists (`/usr/share/a:/usr/share/b`); of a format
/// (`/usr/share/a/%s.dat`) it is the directory, and what is relative to the prefix that the program was built for
/// (`share/git-core/templates`) counts as below /usr.
///
/// # Errors
/// As [`scan`].
pub fn absolute_paths(
    source: &(impl ByteSource + ?Sized),
    texts: Texts,
) -> Result<BTreeSet<Vec<u8>>, ElfError> {
    let mut paths = BTreeSet::new();
    scan(source, 4, &mut |text| {
        take_paths(text, texts, &mut |path| {
            if paths.len() < MAX_PATHS && !paths.contains(path) {
                paths.insert(path.to_vec());
            }
        });
    })?;
    Ok(paths)
}

fn take_paths(text: &[u8], texts: Texts, take: &mut dyn FnMut(&[u8])) {
    if memchr::memchr(b'/', text).is_none() {
        return;
    }
    let relative = BELOW_PREFIX.iter().any(|dir| text.starts_with(dir.as_bytes()));
    if relative && texts == Texts::Ended {
        take_path(&[b"/usr/", text].concat(), take);
    }
    for word in text.split(|byte| b" \"'();<>|`".contains(byte)) {
        match texts {
            Texts::Ended => {
                take_path(word, take);
                for part in word.split(|byte| b":,=".contains(byte)).filter(|part| part.len() < word.len()) {
                    take_path(part, take);
                }
            }
            Texts::Run => {
                let starts = memchr::memchr_iter(b'/', word);
                for at in starts.filter(|at| TOPS.iter().any(|top| word[*at..].starts_with(top.as_bytes()))) {
                    take_path(&word[at..], take);
                }
            }
        }
    }
}

/// Takes a word that begins as a path does, as far as it is one.
fn take_path(word: &[u8], take: &mut dyn FnMut(&[u8])) {
    let begins = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
    if word.first() != Some(&b'/') || !word.get(1).is_some_and(begins) {
        return;
    }
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"/_.-+@:=~,".contains(byte);
    match word.iter().position(|byte| !is_part(byte)) {
        None => take(word),
        // The directory of what a format makes.
        Some(end) => {
            let dir = word[..end].iter().rposition(|byte| *byte == b'/').unwrap_or_default();
            if dir > 0 {
                take(&word[..dir]);
            }
        }
    }
}

/// What programs look for below their prefix.
const BELOW_PREFIX: [&str; 3] = ["lib/", "libexec/", "share/"];

/// What packages install into.
const TOPS: [&str; 5] = ["/etc/", "/opt/", "/srv/", "/usr/", "/var/"];

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
    fn paths_in_texts() {
        let rows = [
            ("a path", Texts::Ended, "/usr/share/a", "/usr/share/a"),
            ("a line", Texts::Ended, "mime_table /usr/share/squid/mime.conf", "/usr/share/squid/mime.conf"),
            ("an option", Texts::Ended, "--conf=/etc/a", "/etc/a"),
            ("a list", Texts::Ended, "/usr/a:%rom%b:/var/lib/c", "/usr /usr/a /var/lib/c"),
            ("a format", Texts::Ended, "/usr/share/a/%s.dat", "/usr/share/a"),
            ("a format of the first name", Texts::Ended, "/%s/b", ""),
            ("below the prefix", Texts::Ended, "share/git-core/templates", "/usr/share/git-core/templates"),
            ("no path", Texts::Ended, "a/b //c 1/2", ""),
            (
                "texts without an end",
                Texts::Run,
                "reboot/usr/share/p/web//v2/apps/etc/x",
                "/etc/x /usr/share/p/web//v2/apps/etc/x",
            ),
        ];
        for (summary, texts, text, expected) in rows {
            let mut found = BTreeSet::new();
            take_paths(text.as_bytes(), texts, &mut |path| {
                found.insert(String::from_utf8_lossy(path).into_owned());
            });
            assert_eq!(found.into_iter().collect::<Vec<_>>().join(" "), expected, "{summary}");
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
