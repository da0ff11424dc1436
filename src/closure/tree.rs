//! The tree that the stage's own instructions make, before any closure: the base set with the steps laid over it.

use std::collections::BTreeMap;
use std::ops::Range;

use super::plan::{Content, Roots};
use crate::distill::manifest::{Layer, Reason};
use crate::rootfs::links::{self, Resolved};
use crate::rootfs::{Entry, FileKind, Rootfs, RootfsError, RootfsPath, Stat};

/// One name of the tree.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) content: Content,
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) mtime_ns: i64,
    pub(super) xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    pub(super) hardlink: Option<(String, u64, u64)>,
    pub(super) came: Came,
}

/// How a node came into the tree.
#[derive(Clone, Debug, Default)]
pub(super) struct Came {
    /// Index in the spec's steps; absent: base set.
    pub(super) step: Option<usize>,
    /// Where the file lay in its source.
    pub(super) origin: Option<Origin>,
    /// The source that its step names.
    pub(super) source: Option<usize>,
    /// Whether it is closed over.
    pub(super) closure: bool,
    /// A file that the instruction names itself, not by its directory or a wildcard.
    pub(super) named: bool,
    pub(super) reason: Vec<Reason>,
    /// What the manifest of the distroless stage that it is from says.
    pub(super) carried: Option<Carried>,
}

/// A file's place in a source before an instruction copied it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Origin {
    pub(super) source: usize,
    /// Real path.
    pub(super) path: RootfsPath,
}

/// What a manifest says about an entry.
#[derive(Clone, Debug)]
pub(super) struct Carried {
    pub(super) layer: Layer,
    pub(super) hard: bool,
    pub(super) package: Option<String>,
}

impl Node {
    /// A directory of the base set.
    pub(super) fn directory(mode: u32, reason: Vec<Reason>) -> Self {
        Self::base(Content::Directory, mode, reason)
    }

    /// Something of the base set, owned by root.
    pub(super) fn base(content: Content, mode: u32, reason: Vec<Reason>) -> Self {
        Self {
            content,
            mode,
            uid: 0,
            gid: 0,
            mtime_ns: 0,
            xattrs: Vec::new(),
            hardlink: None,
            came: Came { reason, ..Came::default() },
        }
    }

    /// A copy of what `stat` says lies at `path` of `mount`; `None` for what is no directory, file or link.
    pub(super) fn copied(mount: &str, path: &RootfsPath, stat: &Stat, came: Came) -> Option<Self> {
        Some(Self {
            content: content_of(mount, path, stat)?,
            mode: stat.mode,
            uid: stat.uid,
            gid: stat.gid,
            mtime_ns: stat.mtime_ns,
            xattrs: stat.xattrs.clone(),
            hardlink: stat.hardlink.map(|(device, inode)| (mount.to_owned(), device, inode)),
            came,
        })
    }

    pub(super) fn is_directory(&self) -> bool {
        matches!(self.content, Content::Directory)
    }

    pub(super) fn stat(&self) -> Stat {
        let (kind, size) = match &self.content {
            Content::Directory => (FileKind::Directory, 0),
            Content::Symlink(target) => (FileKind::Symlink(target.clone()), 0),
            Content::Copy { size, .. } => (FileKind::Regular, *size),
            Content::Bytes(bytes) => (FileKind::Regular, bytes.len() as u64),
        };
        Stat {
            kind,
            mode: self.mode,
            uid: self.uid,
            gid: self.gid,
            size,
            mtime_ns: self.mtime_ns,
            hardlink: None,
            xattrs: self.xattrs.clone(),
        }
    }
}

/// What of a root goes into the output; `None` for devices, pipes and sockets.
pub(super) fn content_of(mount: &str, path: &RootfsPath, stat: &Stat) -> Option<Content> {
    match &stat.kind {
        FileKind::Directory => Some(Content::Directory),
        FileKind::Symlink(target) => Some(Content::Symlink(target.clone())),
        FileKind::Regular => {
            Some(Content::Copy { mount: mount.to_owned(), path: path.clone(), size: stat.size })
        }
        FileKind::CharDevice | FileKind::BlockDevice | FileKind::Fifo | FileKind::Socket => None,
    }
}

/// Nodes by real path: the parents of each node are directories of the tree.
pub(super) struct Tree<'a> {
    nodes: BTreeMap<RootfsPath, Node>,
    roots: &'a Roots<'a>,
}

impl<'a> Tree<'a> {
    pub(super) fn new(roots: &'a Roots<'a>, root: Node) -> Self {
        Self { nodes: BTreeMap::from([(RootfsPath::root(), root)]), roots }
    }

    pub(super) fn get(&self, path: &RootfsPath) -> Option<&Node> {
        self.nodes.get(path)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&RootfsPath, &Node)> {
        self.nodes.iter()
    }

    /// Puts `node` at a real path; what was there goes, with everything below it unless both are directories.
    pub(super) fn insert(&mut self, path: RootfsPath, node: Node) {
        if !node.is_directory() {
            self.remove(&path);
        }
        self.nodes.insert(path, node);
    }

    /// Removes a name with everything below it.
    pub(super) fn remove(&mut self, path: &RootfsPath) {
        let below: Vec<RootfsPath> = self.within(path).map(|(path, _)| path.clone()).collect();
        for path in below {
            self.nodes.remove(&path);
        }
    }

    /// `path` and everything below it.
    pub(super) fn within(&self, path: &RootfsPath) -> impl Iterator<Item = (&RootfsPath, &Node)> {
        let prefix = path.clone();
        let filter = path.clone();
        self.nodes
            .range(path..)
            .take_while(move |(found, _)| found.as_bytes().starts_with(prefix.as_bytes()))
            .filter(move |(found, _)| found.is_within(&filter))
    }

    /// Makes the directories down to `path`, through the tree's own links, and returns its real path.
    ///
    /// # Errors
    /// [`RootfsError::LinkLoop`].
    pub(super) fn ensure_directory(
        &mut self,
        path: &RootfsPath,
        make: &dyn Fn(&RootfsPath) -> Node,
    ) -> Result<RootfsPath, RootfsError> {
        let mut wanted = path.clone();
        for _ in 0..=links::MAX_LINK_HOPS {
            match links::resolve(self, &wanted)? {
                Resolved::Found { path: real, stat, .. } => {
                    if stat.kind != FileKind::Directory {
                        self.insert(real.clone(), make(&real));
                    }
                    return Ok(real);
                }
                Resolved::Missing { at, rest, .. } => {
                    // A file in the way is replaced, as a copy over it would.
                    if let Some(parent) = at.parent()
                        && self.get(&parent).is_some_and(|node| !node.is_directory())
                    {
                        self.insert(parent.clone(), make(&parent));
                    }
                    self.insert(at.clone(), make(&at));
                    if rest.is_empty() {
                        return Ok(at);
                    }
                    wanted = at.join(&rest);
                }
            }
            // Each round makes one component; a deep path takes as many rounds as it has components.
            if let Some(real) = self.descend(&wanted, make) {
                return Ok(real);
            }
        }
        Err(RootfsError::LinkLoop(path.clone()))
    }

    /// Makes the missing components of a path without links below the deepest directory that exists.
    fn descend(&mut self, path: &RootfsPath, make: &dyn Fn(&RootfsPath) -> Node) -> Option<RootfsPath> {
        let mut at = RootfsPath::root();
        for name in path.components() {
            at = at.join(name);
            match self.get(&at) {
                Some(node) if node.is_directory() => {}
                Some(_) => return None,
                None => {
                    let node = make(&at);
                    self.insert(at.clone(), node);
                }
            }
        }
        Some(at)
    }

    /// The bytes of a regular file.
    fn read_node(&self, node: &Node, path: &RootfsPath, range: Range<u64>) -> Result<Vec<u8>, RootfsError> {
        match &node.content {
            Content::Copy { mount, path: from, .. } => match self.roots.get(mount) {
                Some(root) => root.read(from, range),
                None => Err(RootfsError::NotFound(path.clone())),
            },
            Content::Bytes(bytes) => {
                let start = usize::try_from(range.start).unwrap_or(usize::MAX).min(bytes.len());
                let end = usize::try_from(range.end).unwrap_or(usize::MAX).clamp(start, bytes.len());
                Ok(bytes[start..end].to_vec())
            }
            Content::Directory | Content::Symlink(_) => Err(RootfsError::NotAFile(path.clone())),
        }
    }
}

impl Rootfs for Tree<'_> {
    fn list(&self, dir: &RootfsPath) -> Result<Vec<Entry>, RootfsError> {
        let real = match links::resolve(self, dir)? {
            Resolved::Found { path, stat, .. } if stat.kind == FileKind::Directory => path,
            Resolved::Found { .. } => return Err(RootfsError::NotADirectory(dir.clone())),
            Resolved::Missing { .. } => return Err(RootfsError::NotFound(dir.clone())),
        };
        let children = self.within(&real).filter(|(path, _)| path.parent().as_ref() == Some(&real));
        let mut entries: Vec<Entry> =
            children.map(|(path, node)| Entry { name: path.name().to_vec(), stat: node.stat() }).collect();
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn stat(&self, path: &RootfsPath) -> Result<Option<Stat>, RootfsError> {
        // Real paths, by far the most, need no walk.
        if let Some(node) = self.get(path) {
            return Ok(Some(node.stat()));
        }
        let Some(parent) = path.parent() else { return Ok(None) };
        if self.get(&parent).is_some() {
            return Ok(None);
        }
        match links::resolve(self, &parent)? {
            Resolved::Found { path: real, .. } => Ok(self.get(&real.join(path.name())).map(Node::stat)),
            Resolved::Missing { .. } => Ok(None),
        }
    }

    fn read(&self, file: &RootfsPath, range: Range<u64>) -> Result<Vec<u8>, RootfsError> {
        match links::resolve(self, file)? {
            Resolved::Found { path, .. } => match self.get(&path) {
                Some(node) => self.read_node(node, file, range),
                None => Err(RootfsError::NotFound(file.clone())),
            },
            Resolved::Missing { .. } => Err(RootfsError::NotFound(file.clone())),
        }
    }
}
