//! One tree of the layers of an image: later layers win, whiteouts take away (image-spec `layer.md`).

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::ops::Bound;
use std::os::unix::fs::FileExt;
use std::rc::Rc;

use flate2::read::MultiGzDecoder;

use super::store::{Part, invalid};
use crate::rootfs::{FileKind, RootfsPath, Stat};

/// A name of the tree.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) stat: Stat,
    /// Where a regular file's bytes lie.
    pub(super) bytes: Option<Part>,
}

/// The tree by real path: links in a layer's names are not followed, as no exporter writes such names.
#[derive(Debug, Default)]
pub(super) struct Layers {
    pub(super) nodes: BTreeMap<RootfsPath, Node>,
    /// One number for each file with several names.
    inodes: u64,
}

impl Layers {
    /// Lays a layer over those before it.
    ///
    /// # Errors
    /// When it is no tar, plain or gzip, or has too many entries.
    pub(super) fn add(&mut self, layer: &Part) -> io::Result<()> {
        let layer = plain(layer)?;
        let mut archive = tar::Archive::new(layer.reader()?);
        // A whiteout hides what is below the layer, wherever it stands in it.
        let mut own: BTreeSet<RootfsPath> = BTreeSet::new();
        for entry in archive.entries()? {
            let mut entry = entry?;
            let path = RootfsPath::parse(&[b"/", &*entry.path_bytes()].concat());
            if let Some(hidden) = path.name().strip_prefix(b".wh.") {
                let parent = path.parent().unwrap_or_else(RootfsPath::root);
                let gone = if hidden == b".wh..opq" { None } else { Some(parent.join(hidden)) };
                self.remove_below(gone.as_ref().unwrap_or(&parent), &own);
                if let Some(gone) = gone.filter(|gone| !own.contains(gone)) {
                    self.nodes.remove(&gone);
                }
                continue;
            }
            if self.nodes.len() >= MAX_ENTRIES {
                return Err(invalid(format!("its layers have more than {MAX_ENTRIES} entries")));
            }
            let kind = entry.header().entry_type();
            if kind == tar::EntryType::Link {
                let target = entry.link_name_bytes().unwrap_or_default().into_owned();
                self.link(&path, &RootfsPath::parse(&[b"/", target.as_slice()].concat()));
            } else if let Some(node) = node(&mut entry, &layer)? {
                let file = node.stat.kind != FileKind::Directory;
                let old = self.nodes.insert(path.clone(), node);
                if file && old.is_some_and(|old| old.stat.kind == FileKind::Directory) {
                    self.remove_below(&path, &BTreeSet::new());
                }
            }
            own.insert(path);
        }
        Ok(())
    }

    /// Removes what is below a directory, but for `kept`.
    fn remove_below(&mut self, directory: &RootfsPath, kept: &BTreeSet<RootfsPath>) {
        let from = (Bound::Excluded(directory.clone()), Bound::Unbounded);
        // Names that only begin like the directory's stand among those in it.
        let near = self.nodes.range(from).map(|(path, _)| path);
        let near = near.take_while(|path| path.as_bytes().starts_with(directory.as_bytes()));
        let gone: Vec<RootfsPath> =
            near.filter(|path| path.is_within(directory) && !kept.contains(*path)).cloned().collect();
        for path in gone {
            self.nodes.remove(&path);
        }
    }

    /// A further name of a file.
    fn link(&mut self, path: &RootfsPath, target: &RootfsPath) {
        self.inodes += 1;
        let Some(node) = self.nodes.get_mut(target) else { return };
        node.stat.hardlink.get_or_insert((0, self.inodes));
        let node = node.clone();
        self.nodes.insert(path.clone(), node);
    }
}

fn node<R: Read>(entry: &mut tar::Entry<'_, R>, layer: &Part) -> io::Result<Option<Node>> {
    let mut xattrs: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    if let Some(extensions) = entry.pax_extensions()? {
        for extension in extensions {
            let extension = extension?;
            if let Some(name) = extension.key_bytes().strip_prefix(b"SCHILY.xattr.") {
                xattrs.insert(name.to_vec(), extension.value_bytes().to_vec());
            }
        }
    }
    let header = entry.header();
    let kind = match header.entry_type() {
        tar::EntryType::Regular | tar::EntryType::Continuous | tar::EntryType::GNUSparse => FileKind::Regular,
        tar::EntryType::Directory => FileKind::Directory,
        tar::EntryType::Symlink => {
            FileKind::Symlink(entry.link_name_bytes().unwrap_or_default().into_owned())
        }
        tar::EntryType::Char => FileKind::CharDevice,
        tar::EntryType::Block => FileKind::BlockDevice,
        tar::EntryType::Fifo => FileKind::Fifo,
        _ => return Ok(None),
    };
    let number = |value: u64| u32::try_from(value).map_err(|_| invalid("an owner is no 32-bit number"));
    let regular = kind == FileKind::Regular;
    let stat = Stat {
        mode: header.mode()? & 0o7777,
        uid: number(header.uid()?)?,
        gid: number(header.gid()?)?,
        size: if regular { entry.size() } else { 0 },
        mtime_ns: i64::try_from(header.mtime()?).unwrap_or(i64::MAX).saturating_mul(1_000_000_000),
        hardlink: None,
        xattrs: xattrs.into_iter().collect(),
        kind,
    };
    let bytes = regular.then(|| Part {
        file: Rc::clone(&layer.file),
        start: layer.start + entry.raw_file_position(),
        size: entry.size(),
    });
    Ok(Some(Node { stat, bytes }))
}

/// The layer as it is, or unpacked into a file without a name.
fn plain(layer: &Part) -> io::Result<Part> {
    let mut magic = [0; 4];
    let read = layer.file.read_at(&mut magic, layer.start)?;
    match &magic[..read] {
        [0x1f, 0x8b, ..] => {}
        [0x28, 0xb5, 0x2f, 0xfd] => {
            return Err(invalid("its layers are compressed with zstd; save it with gzip or uncompressed"));
        }
        _ => return Ok(layer.clone()),
    }
    let mut file = nameless_file()?;
    let mut unpacked = MultiGzDecoder::new(layer.reader()?).take(MAX_LAYER_BYTES + 1);
    let size = io::copy(&mut unpacked, &mut file)?;
    if size > MAX_LAYER_BYTES {
        return Err(invalid(format!("a layer unpacks to more than {} GB", MAX_LAYER_BYTES >> 30)));
    }
    Ok(Part { file: Rc::new(file), start: 0, size })
}

fn nameless_file() -> io::Result<std::fs::File> {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    Ok(rustix::fs::open(std::env::temp_dir(), flags, Mode::RUSR | Mode::WUSR)?.into())
}

/// Names in all layers: the largest images have some hundred thousand.
const MAX_ENTRIES: usize = 4_000_000;

/// A gzip stream of a few kilobytes can unpack to anything.
const MAX_LAYER_BYTES: u64 = 64 << 30;
