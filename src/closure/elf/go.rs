//! What the Go linker wrote into a program: version, modules, build settings (`debug/buildinfo`).

use std::collections::BTreeMap;

use object::elf;

use crate::closure::elf::image::Image;
use crate::closure::elf::{ByteSource, ElfError};

/// Bytes of the data segment searched: the Go linker puts it at the start; its own reader looks at 64 KiB.
const MAX_SEARCH_BYTES: u64 = 1 << 20;

/// Bytes of module information: about 100 bytes for each module.
const MAX_TEXT_BYTES: usize = 4 << 20;

const MAGIC: &[u8] = b"\xff Go buildinf:";
const ALIGN: usize = 16;
const HEADER_BYTES: usize = 32;
/// Flag of Go 1.18 and later: the texts follow the header.
const INLINE_TEXTS: u8 = 2;

/// Go build information.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GoBuild {
    /// Such as `go1.26.1`.
    pub version: String,
    /// The main package's import path.
    pub path: Option<String>,
    /// (module path, version) of the main module and the dependencies, in file order.
    pub modules: Vec<(String, String)>,
    /// By index in `modules`: the (path, version) that stands in for it (`replace` in go.mod).
    pub replaced: BTreeMap<usize, (String, String)>,
    /// `build` lines such as (`CGO_ENABLED`, `1`) and (`-tags`, `netgo`), in file order.
    pub settings: Vec<(String, String)>,
}

impl GoBuild {
    /// The value of a build setting.
    pub fn setting(&self, key: &str) -> Option<&str> {
        self.settings.iter().find(|(found, _)| found == key).map(|(_, value)| value.as_str())
    }
}

/// Reads the Go build information of a program; `None` when it has none, or one from before Go 1.18.
///
/// # Errors
/// As [`crate::closure::elf::parse`].
pub fn read(source: &(impl ByteSource + ?Sized)) -> Result<Option<GoBuild>, ElfError> {
    let Some(image) = Image::open(source)? else { return Ok(None) };
    let named = image.sections().into_iter().find(|(name, _, _)| name == b".go.buildinfo");
    let place = named.map(|(_, offset, bytes)| (offset, bytes)).or_else(|| {
        let writable = |flags: u32| flags & elf::PF_W.0 != 0 && flags & elf::PF_X.0 == 0;
        let data = image.segments.iter().find(|s| s.kind == elf::PT_LOAD && writable(s.flags))?;
        Some((data.offset, data.file_bytes))
    });
    let Some((offset, bytes)) = place else { return Ok(None) };
    let length = usize::try_from(bytes.min(MAX_SEARCH_BYTES)).unwrap_or(0);
    let data = source.read_at(offset, length)?;
    let starts = (0..data.len()).step_by(ALIGN);
    let Some(at) = starts.into_iter().find(|at| data[*at..].starts_with(MAGIC)) else { return Ok(None) };
    if data.get(at + 15).is_none_or(|flags| flags & INLINE_TEXTS == 0) {
        return Ok(None);
    }
    let start = offset.saturating_add((at + HEADER_BYTES) as u64);
    let texts = source.read_at(start, MAX_TEXT_BYTES)?;
    let Some((version, rest)) = text(&texts) else { return Ok(None) };
    let modules = text(rest).map_or(&[][..], |(text, _)| text);
    Ok(Some(parse(version, modules)))
}

fn parse(version: &[u8], text: &[u8]) -> GoBuild {
    let mut build = GoBuild { version: String::from_utf8_lossy(version).into_owned(), ..GoBuild::default() };
    // The text stands between two sentinels of 16 bytes that no build sees.
    let text = if text.len() >= 33 { &text[16..text.len() - 16] } else { &[] };
    for line in String::from_utf8_lossy(text).lines() {
        let mut fields = line.split('\t');
        match (fields.next(), fields.next(), fields.next()) {
            (Some("path"), Some(path), _) => build.path = Some(path.to_owned()),
            (Some("mod" | "dep"), Some(path), version) => {
                build.modules.push((path.to_owned(), version.unwrap_or_default().to_owned()));
            }
            (Some("=>"), Some(path), version) => {
                let by = (path.to_owned(), version.unwrap_or_default().to_owned());
                build.modules.len().checked_sub(1).map(|last| build.replaced.insert(last, by));
            }
            (Some("build"), Some(setting), _) => {
                let (key, value) = setting.split_once('=').unwrap_or((setting, ""));
                build.settings.push((key.to_owned(), value.trim_matches('"').to_owned()));
            }
            _ => {}
        }
    }
    build
}

/// A text with its length before it as a varint, and what follows.
fn text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut length = 0_u64;
    for (at, byte) in bytes.iter().take(9).enumerate() {
        length |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            let start = at + 1;
            let end = start.checked_add(usize::try_from(length).ok()?)?;
            return Some((bytes.get(start..end)?, &bytes[end..]));
        }
    }
    None
}
