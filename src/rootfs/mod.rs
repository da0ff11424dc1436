//! A stage's root file system, read-only; everything in it is hostile input.

pub mod dir;
pub mod image;
pub mod links;
pub mod path;
pub mod tree;

use std::ops::Range;

pub use path::RootfsPath;

/// A stage's root file system. Paths are resolved inside the root; no method follows a link out of it.
pub trait Rootfs {
    /// The names in `dir` (links in `dir` itself are followed inside the root), sorted by bytes.
    ///
    /// # Errors
    /// When `dir` does not exist, is no directory, or holds more than the entry limit.
    fn list(&self, dir: &RootfsPath) -> Result<Vec<Entry>, RootfsError>;

    /// The same without a look at each entry, for walks through trees of any size.
    ///
    /// # Errors
    /// Those of [`Rootfs::list`].
    fn names(&self, dir: &RootfsPath) -> Result<Vec<Name>, RootfsError> {
        let entries = self.list(dir)?;
        let name = |Entry { name, stat }| Name { name, directory: stat.kind == FileKind::Directory };
        Ok(entries.into_iter().map(name).collect())
    }

    /// The entry at `path`: links in its parents are followed inside the root, the last component is not.
    /// `None` when nothing is there.
    ///
    /// # Errors
    /// When a parent cannot be read (not when it is missing).
    fn stat(&self, path: &RootfsPath) -> Result<Option<Stat>, RootfsError>;

    /// Bytes `range` of a regular file (links followed inside the root), cut at its end.
    ///
    /// # Errors
    /// When there is no regular file.
    fn read(&self, file: &RootfsPath, range: Range<u64>) -> Result<Vec<u8>, RootfsError>;
}

/// One name in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub name: Vec<u8>,
    pub stat: Stat,
}

/// One name in a directory, and whether it is a directory itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    pub name: Vec<u8>,
    pub directory: bool,
}

/// What `lstat(2)` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    pub kind: FileKind,
    /// Permission bits with setuid, setgid and sticky (`07777`).
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    /// Bytes, for regular files.
    pub size: u64,
    /// Nanoseconds since 1970.
    pub mtime_ns: i64,
    /// (device, inode) of a regular file with more than one link.
    pub hardlink: Option<(u64, u64)>,
    /// Extended attributes, sorted by name.
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileKind {
    Regular,
    Directory,
    /// With the link's text.
    Symlink(Vec<u8>),
    CharDevice,
    BlockDevice,
    Fifo,
    Socket,
}

#[derive(Debug, thiserror::Error)]
pub enum RootfsError {
    #[error("`{0}` does not exist")]
    NotFound(RootfsPath),
    #[error("`{0}` is not a directory")]
    NotADirectory(RootfsPath),
    #[error("`{0}` is not a regular file")]
    NotAFile(RootfsPath),
    #[error("`{path}` has more than {limit} entries")]
    TooManyEntries { path: RootfsPath, limit: usize },
    #[error("`{path}` has more than {limit} bytes")]
    TooLarge { path: RootfsPath, limit: u64 },
    #[error("`{0}` leads through too many symbolic links")]
    LinkLoop(RootfsPath),
    #[error("reading `{path}`: {source}")]
    Io { path: RootfsPath, source: std::io::Error },
}
