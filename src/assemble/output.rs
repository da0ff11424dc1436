//! The written layer trees laid over each other and read back from the disk: what a container will see.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::Path;

use super::writer::{Entries, kept_xattrs};
use crate::closure::plan::{Content, PlannedEntry};
use crate::distill::manifest::Layer;
use crate::distill::step::layer_name;
use crate::rootfs::dir::DirRootfs;
use crate::rootfs::links::{self, Resolved};
use crate::rootfs::{Entry, FileKind, Rootfs, RootfsError, RootfsPath, Stat};

/// The final tree.
#[derive(Debug)]
pub(super) struct Output {
    trees: Vec<DirRootfs>,
    entries: BTreeMap<RootfsPath, Node>,
}

#[derive(Debug)]
struct Node {
    /// Index of the topmost tree that has it.
    tree: usize,
    stat: Stat,
    /// Names in a directory, in the order they were seen.
    names: Vec<Vec<u8>>,
}

/// A difference between what was planned and what lies on the disk.
#[derive(Debug, thiserror::Error)]
pub(super) enum OutputError {
    #[error("opening layer {layer}: {source}")]
    Open { layer: &'static str, source: io::Error },
    #[error(transparent)]
    Read(#[from] RootfsError),
    #[error("`{path}` is in layer {layer} and in one below it, but not as the same directory")]
    Overlap { path: RootfsPath, layer: &'static str },
    #[error("`{0}` was planned and is not there")]
    Missing(RootfsPath),
    #[error("`{0}` is there and was not planned")]
    Unplanned(RootfsPath),
    #[error("`{path}` has not the {what} that was planned")]
    Different { path: RootfsPath, what: &'static str },
}

impl Output {
    /// Reads the trees of `layers` below `out`, the lowest first.
    pub(super) fn open(out: &Path, layers: &[Layer]) -> Result<Self, OutputError> {
        let mut output = Self { trees: Vec::new(), entries: BTreeMap::new() };
        for layer in layers {
            let layer = layer_name(*layer);
            let tree =
                DirRootfs::open(&out.join(layer)).map_err(|source| OutputError::Open { layer, source })?;
            output.lay(tree, layer)?;
        }
        Ok(output)
    }

    fn lay(&mut self, tree: DirRootfs, layer: &'static str) -> Result<(), OutputError> {
        let index = self.trees.len();
        let root = RootfsPath::root();
        let stat = tree.stat(&root)?.ok_or_else(|| RootfsError::NotFound(root.clone()))?;
        self.put(&root, stat, index, layer)?;
        let mut pending = vec![root];
        while let Some(directory) = pending.pop() {
            for Entry { name, stat } in tree.list(&directory)? {
                let path = directory.join(&name);
                if stat.kind == FileKind::Directory {
                    pending.push(path.clone());
                }
                if self.put(&path, stat, index, layer)? == Put::New {
                    let parent =
                        self.entries.get_mut(&directory).expect("a directory is put before it is listed");
                    parent.names.push(name);
                }
            }
        }
        self.trees.push(tree);
        Ok(())
    }

    fn put(
        &mut self,
        path: &RootfsPath,
        stat: Stat,
        tree: usize,
        layer: &'static str,
    ) -> Result<Put, OutputError> {
        match self.entries.get_mut(path) {
            None => {
                self.entries.insert(path.clone(), Node { tree, stat, names: Vec::new() });
                Ok(Put::New)
            }
            Some(below) if stat.kind == FileKind::Directory && below.stat == stat => {
                below.tree = tree;
                Ok(Put::Again)
            }
            Some(_) => Err(OutputError::Overlap { path: path.clone(), layer }),
        }
    }

    /// Compares the disk with the plan, entry by entry.
    pub(super) fn compare(&self, planned: &Entries) -> Result<(), OutputError> {
        for (path, entry) in planned {
            let node = self.entries.get(path).ok_or_else(|| OutputError::Missing(path.clone()))?;
            if let Some(what) = difference(entry, &node.stat) {
                return Err(OutputError::Different { path: path.clone(), what });
            }
        }
        match self.entries.keys().find(|path| !path.is_root() && !planned.contains_key(path)) {
            Some(path) => Err(OutputError::Unplanned(path.clone())),
            None => Ok(()),
        }
    }

    fn real_path(&self, path: &RootfsPath) -> Result<RootfsPath, RootfsError> {
        match links::resolve(&Literal(self), path)? {
            Resolved::Found { path, .. } => Ok(path),
            Resolved::Missing { .. } => Err(RootfsError::NotFound(path.clone())),
        }
    }
}

#[derive(PartialEq, Eq)]
enum Put {
    New,
    Again,
}

fn difference(entry: &PlannedEntry, stat: &Stat) -> Option<&'static str> {
    let kind = match (&entry.content, &stat.kind) {
        (Content::Directory, FileKind::Directory) => true,
        (Content::Symlink(planned), FileKind::Symlink(written)) => planned == written,
        (Content::Copy { size, .. }, FileKind::Regular) => *size == stat.size,
        (Content::Bytes(bytes), FileKind::Regular) => bytes.len() as u64 == stat.size,
        _ => false,
    };
    // A link's mode is always 0777 (symlink(7)).
    let mode = matches!(entry.content, Content::Symlink(_)) || entry.mode == stat.mode;
    let checks = [
        (kind, "content"),
        (mode, "mode"),
        ((entry.uid, entry.gid) == (stat.uid, stat.gid), "owner"),
        (stat.mtime_ns == 0, "time"),
        (kept_xattrs(&entry.xattrs).eq(kept_xattrs(&stat.xattrs)), "attributes"),
    ];
    checks.into_iter().find(|(equal, _)| !equal).map(|(_, what)| what)
}

impl Rootfs for Output {
    fn list(&self, dir: &RootfsPath) -> Result<Vec<Entry>, RootfsError> {
        Literal(self).list(&self.real_path(dir)?)
    }

    fn stat(&self, path: &RootfsPath) -> Result<Option<Stat>, RootfsError> {
        match links::resolve_parent(&Literal(self), path)? {
            Resolved::Found { stat, .. } => Ok(Some(stat)),
            Resolved::Missing { .. } => Ok(None),
        }
    }

    fn read(&self, file: &RootfsPath, range: Range<u64>) -> Result<Vec<u8>, RootfsError> {
        Literal(self).read(&self.real_path(file)?, range)
    }
}

/// The tree without following any link: what the resolution of links itself asks.
struct Literal<'a>(&'a Output);

impl Rootfs for Literal<'_> {
    fn list(&self, dir: &RootfsPath) -> Result<Vec<Entry>, RootfsError> {
        let node = self.0.entries.get(dir).ok_or_else(|| RootfsError::NotFound(dir.clone()))?;
        if node.stat.kind != FileKind::Directory {
            return Err(RootfsError::NotADirectory(dir.clone()));
        }
        let mut names = node.names.clone();
        names.sort();
        let entry = |name: Vec<u8>| {
            let stat = self.0.entries.get(&dir.join(&name))?.stat.clone();
            Some(Entry { name, stat })
        };
        Ok(names.into_iter().filter_map(entry).collect())
    }

    fn stat(&self, path: &RootfsPath) -> Result<Option<Stat>, RootfsError> {
        Ok(self.0.entries.get(path).map(|node| node.stat.clone()))
    }

    fn read(&self, file: &RootfsPath, range: Range<u64>) -> Result<Vec<u8>, RootfsError> {
        let node = self.0.entries.get(file).ok_or_else(|| RootfsError::NotFound(file.clone()))?;
        self.0.trees[node.tree].read(file, range)
    }
}
