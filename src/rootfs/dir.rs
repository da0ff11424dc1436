//! A directory as a root file system, resolved by the kernel inside that directory (`openat2(2)`).
//!
//! Invariant: every path goes through `RESOLVE_IN_ROOT`, or is a single name below a descriptor that did.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::rc::Rc;

use rustix::buffer::spare_capacity;
use rustix::fs::{
    AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, Statx, StatxFlags, lgetxattr, llistxattr,
    llistxattr_query, openat2, readlinkat, statx,
};
use rustix::io::Errno;

use crate::rootfs::{Entry, FileKind, Name, Rootfs, RootfsError, RootfsPath, Stat};

/// Entries of one directory before it is refused: the largest real ones (package caches, mail) stay below.
pub const MAX_DIRECTORY_ENTRIES: usize = 200_000;

/// Bytes that one `read` may return: the largest file that is read whole is far smaller.
pub const MAX_READ_BYTES: u64 = 256 << 20;

/// Descriptors kept open: well below the usual limit of 1024 per process.
const MAX_OPEN_DIRECTORIES: usize = 192;
const MAX_OPEN_FILES: usize = 16;

/// `stat` answers kept; about 20 MB when full.
const MAX_KEPT_STATS: usize = 100_000;

/// What the kernel allows for the list of names and for one value (`xattr(7)`).
const XATTR_BYTES: usize = 64 << 10;

/// Attributes that belong to the machine or its snapshotter, not to the image.
const FOREIGN_XATTRS: [&[u8]; 3] = [b"security.selinux", b"trusted.overlay.", b"user.overlay."];

/// A directory of this machine seen as a root file system.
///
/// Answers are remembered, so the directory must not change while it is used.
#[derive(Debug)]
pub struct DirRootfs {
    root: Rc<OwnedFd>,
    /// Open directories; `None` for one that is missing.
    directories: RefCell<BTreeMap<RootfsPath, Option<Rc<OwnedFd>>>>,
    files: RefCell<BTreeMap<RootfsPath, Rc<OpenFile>>>,
    stats: RefCell<BTreeMap<RootfsPath, Option<Stat>>>,
}

#[derive(Debug)]
struct OpenFile {
    descriptor: OwnedFd,
    size: u64,
}

impl DirRootfs {
    /// Opens the directory `path`.
    ///
    /// # Errors
    /// When it is no directory that can be read, the kernel has no `openat2` (before Linux 5.6), or `/proc`, through
    /// which extended attributes are read, is not mounted.
    pub fn open(path: &Path) -> Result<Self, io::Error> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open(path, flags, Mode::empty())?;
        match openat2(&root, ".", flags, Mode::empty(), RESOLVE) {
            Ok(_) => {}
            Err(Errno::NOSYS) => {
                return Err(io::Error::new(
                    io::ErrorKind::Unsupported,
                    "the kernel has no openat2 (Linux 5.6)",
                ));
            }
            Err(error) => return Err(error.into()),
        }
        if rustix::fs::stat(format!("/proc/self/fd/{}", root.as_raw_fd())).is_err() {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "`/proc` is not mounted"));
        }
        Ok(Self {
            root: Rc::new(root),
            directories: RefCell::default(),
            files: RefCell::default(),
            stats: RefCell::default(),
        })
    }

    /// For copies, from any thread.
    pub fn opener(&self) -> Opener<'_> {
        Opener { root: self.root.as_fd() }
    }

    /// The directory, links followed; `None` when it is missing or no directory.
    fn directory(&self, dir: &RootfsPath) -> Result<Option<Rc<OwnedFd>>, RootfsError> {
        if dir.is_root() {
            return Ok(Some(Rc::clone(&self.root)));
        }
        if let Some(known) = self.directories.borrow().get(dir) {
            return Ok(known.clone());
        }
        let opened = match self.opener().open_inside(dir, OFlags::PATH | OFlags::DIRECTORY) {
            Ok(descriptor) => Some(Rc::new(descriptor)),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::NAMETOOLONG) => None,
            Err(errno) => return Err(error(dir, errno)),
        };
        let mut known = self.directories.borrow_mut();
        if known.len() >= MAX_OPEN_DIRECTORIES {
            known.clear();
        }
        known.insert(dir.clone(), opened.clone());
        Ok(opened)
    }

    fn file(&self, file: &RootfsPath) -> Result<Rc<OpenFile>, RootfsError> {
        if let Some(open) = self.files.borrow().get(file) {
            return Ok(Rc::clone(open));
        }
        let open = Rc::new(self.opener().open_regular(file)?);
        let mut files = self.files.borrow_mut();
        if files.len() >= MAX_OPEN_FILES {
            files.clear();
        }
        files.insert(file.clone(), Rc::clone(&open));
        Ok(open)
    }

    /// What a directory says of its entries, sorted by name.
    fn entries(&self, dir: &RootfsPath) -> Result<(OwnedFd, Vec<Listed>), RootfsError> {
        let fail = |errno| error(dir, errno);
        let descriptor = self.opener().open_inside(dir, OFlags::RDONLY | OFlags::DIRECTORY).map_err(fail)?;
        let mut names = Vec::new();
        for entry in Dir::read_from(&descriptor).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let name = entry.file_name().to_bytes();
            if matches!(name, b"." | b"..") {
                continue;
            }
            if names.len() >= MAX_DIRECTORY_ENTRIES {
                return Err(RootfsError::TooManyEntries { path: dir.clone(), limit: MAX_DIRECTORY_ENTRIES });
            }
            names.push((name.to_vec(), entry.file_type()));
        }
        names.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        Ok((descriptor, names))
    }

    fn keep(&self, path: RootfsPath, stat: Option<Stat>) {
        let mut stats = self.stats.borrow_mut();
        if stats.len() >= MAX_KEPT_STATS {
            stats.clear();
        }
        stats.insert(path, stat);
    }
}

/// Opens what lies in a directory that is a root file system.
#[derive(Clone, Copy, Debug)]
pub struct Opener<'a> {
    root: BorrowedFd<'a>,
}

impl Opener<'_> {
    /// The regular file at `file` (links followed inside the root), open for reading.
    ///
    /// # Errors
    /// When there is no regular file.
    pub fn open_file(self, file: &RootfsPath) -> Result<OwnedFd, RootfsError> {
        Ok(self.open_regular(file)?.descriptor)
    }

    fn open_regular(self, file: &RootfsPath) -> Result<OpenFile, RootfsError> {
        // Opening a fifo or a device for reading can hang or do things, so look before.
        let seen = self.open_inside(file, OFlags::PATH).map_err(|errno| error(file, errno))?;
        let before = status(&seen).map_err(|errno| error(file, errno))?;
        if kind_bits(&before) != S_IFREG {
            return Err(RootfsError::NotAFile(file.clone()));
        }
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let descriptor = self.open_inside(file, flags).map_err(|errno| error(file, errno))?;
        let after = status(&descriptor).map_err(|errno| error(file, errno))?;
        if identity(&before) != identity(&after) {
            return Err(RootfsError::NotAFile(file.clone()));
        }
        Ok(OpenFile { descriptor, size: after.stx_size })
    }

    /// Opens by path inside the root, links followed.
    fn open_inside(self, path: &RootfsPath, flags: OFlags) -> Result<OwnedFd, Errno> {
        let relative = path.as_bytes().strip_prefix(b"/").filter(|rest| !rest.is_empty()).unwrap_or(b".");
        let name = OsStr::from_bytes(relative);
        // EAGAIN says that a rename elsewhere raced with a `..` of the walk (openat2(2)).
        for _ in 0..EAGAIN_TRIES {
            match openat2(self.root, name, flags | OFlags::CLOEXEC, Mode::empty(), RESOLVE) {
                Err(Errno::AGAIN) => {}
                answer => return answer,
            }
        }
        Err(Errno::AGAIN)
    }
}

impl Rootfs for DirRootfs {
    fn list(&self, dir: &RootfsPath) -> Result<Vec<Entry>, RootfsError> {
        let (descriptor, names) = self.entries(dir)?;
        let mut entries = Vec::with_capacity(names.len());
        for (name, _) in names {
            let path = dir.join(&name);
            if let Some(stat) = stat_at(descriptor.as_fd(), &name).map_err(|errno| error(&path, errno))? {
                self.keep(path, Some(stat.clone()));
                entries.push(Entry { name, stat });
            }
        }
        Ok(entries)
    }

    fn names(&self, dir: &RootfsPath) -> Result<Vec<Name>, RootfsError> {
        let (descriptor, names) = self.entries(dir)?;
        let mut found = Vec::with_capacity(names.len());
        for (name, kind) in names {
            let directory = match kind {
                // Not every file system says it.
                FileType::Unknown => stat_at(descriptor.as_fd(), &name)
                    .map_err(|errno| error(&dir.join(&name), errno))?
                    .is_some_and(|stat| stat.kind == FileKind::Directory),
                kind => kind == FileType::Directory,
            };
            found.push(Name { name, directory });
        }
        Ok(found)
    }

    fn stat(&self, path: &RootfsPath) -> Result<Option<Stat>, RootfsError> {
        if let Some(known) = self.stats.borrow().get(path) {
            return Ok(known.clone());
        }
        let parent = path.parent().unwrap_or_else(RootfsPath::root);
        let name = if path.is_root() { b"." } else { path.name() };
        let found = match self.directory(&parent)? {
            Some(descriptor) => stat_at((*descriptor).as_fd(), name).map_err(|errno| error(path, errno))?,
            None => None,
        };
        self.keep(path.clone(), found.clone());
        Ok(found)
    }

    fn read(&self, file: &RootfsPath, range: Range<u64>) -> Result<Vec<u8>, RootfsError> {
        let open = self.file(file)?;
        let length = range.end.min(open.size).saturating_sub(range.start);
        if length > MAX_READ_BYTES {
            return Err(RootfsError::TooLarge { path: file.clone(), limit: MAX_READ_BYTES });
        }
        let length = usize::try_from(length).unwrap_or(0);
        let mut bytes = Vec::with_capacity(length);
        while bytes.len() < length {
            let at = range.start + bytes.len() as u64;
            match rustix::io::pread(&open.descriptor, spare_capacity(&mut bytes), at) {
                Ok(0) => break,
                Ok(_) | Err(Errno::INTR) => {}
                Err(errno) => return Err(error(file, errno)),
            }
        }
        bytes.truncate(length);
        Ok(bytes)
    }
}

/// A name in a directory and what the directory itself says of it.
type Listed = (Vec<u8>, FileType);

/// The entry `name` of an open directory, not followed; `None` when it is missing.
fn stat_at(dir: BorrowedFd<'_>, name: &[u8]) -> Result<Option<Stat>, Errno> {
    let file_name = OsStr::from_bytes(name);
    let found = match statx(dir, file_name, AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT, STATX_FIELDS) {
        Ok(found) => found,
        Err(Errno::NOENT | Errno::NOTDIR | Errno::NAMETOOLONG) => return Ok(None),
        Err(errno) => return Err(errno),
    };
    let kind = match kind_bits(&found) {
        S_IFREG => FileKind::Regular,
        S_IFDIR => FileKind::Directory,
        S_IFLNK => FileKind::Symlink(readlinkat(dir, file_name, Vec::new())?.into_bytes()),
        S_IFCHR => FileKind::CharDevice,
        S_IFBLK => FileKind::BlockDevice,
        S_IFIFO => FileKind::Fifo,
        _ => FileKind::Socket,
    };
    let linked = kind == FileKind::Regular && found.stx_nlink > 1;
    let device = (u64::from(found.stx_dev_major) << 32) | u64::from(found.stx_dev_minor);
    Ok(Some(Stat {
        mode: u32::from(found.stx_mode) & 0o7777,
        uid: found.stx_uid,
        gid: found.stx_gid,
        size: if kind == FileKind::Regular { found.stx_size } else { 0 },
        mtime_ns: found
            .stx_mtime
            .tv_sec
            .saturating_mul(1_000_000_000)
            .saturating_add(i64::from(found.stx_mtime.tv_nsec)),
        hardlink: linked.then_some((device, found.stx_ino)),
        xattrs: xattrs_at(dir, name)?,
        kind,
    }))
}

/// The extended attributes of an entry itself. There is no `lgetxattrat` before Linux 6.13; the directory's
/// descriptor in `/proc` with a single name below it is the same.
fn xattrs_at(dir: BorrowedFd<'_>, name: &[u8]) -> Result<Vec<Xattr>, Errno> {
    let mut path = format!("/proc/self/fd/{}/", dir.as_raw_fd()).into_bytes();
    path.extend_from_slice(name);
    let path = OsStr::from_bytes(&path);
    match llistxattr_query(path) {
        // Entries of other kinds and of file systems without attributes refuse.
        Ok(0) | Err(Errno::OPNOTSUPP | Errno::PERM | Errno::NOENT) => return Ok(Vec::new()),
        Ok(_) => {}
        Err(errno) => return Err(errno),
    }
    let mut list = vec![0; XATTR_BYTES];
    let length = llistxattr(path, &mut list[..])?;
    let mut found = Vec::new();
    let names = list[..length].split(|byte| *byte == 0);
    for name in names.filter(|name| !name.is_empty()) {
        if FOREIGN_XATTRS.iter().any(|prefix| name.starts_with(prefix)) {
            continue;
        }
        let mut value = vec![0; XATTR_BYTES];
        match lgetxattr(path, OsStr::from_bytes(name), &mut value[..]) {
            Ok(length) => {
                value.truncate(length);
                found.push((name.to_vec(), value));
            }
            Err(Errno::NODATA) => {}
            Err(errno) => return Err(errno),
        }
    }
    found.sort_unstable();
    Ok(found)
}

fn status(descriptor: &OwnedFd) -> Result<Statx, Errno> {
    statx(descriptor, "", AtFlags::EMPTY_PATH, STATX_FIELDS)
}

fn identity(found: &Statx) -> (u32, u32, u64, u32) {
    (found.stx_dev_major, found.stx_dev_minor, found.stx_ino, kind_bits(found))
}

fn kind_bits(found: &Statx) -> u32 {
    u32::from(found.stx_mode) & 0o170_000
}

fn error(path: &RootfsPath, errno: Errno) -> RootfsError {
    match errno {
        Errno::NOENT => RootfsError::NotFound(path.clone()),
        Errno::NOTDIR => RootfsError::NotADirectory(path.clone()),
        Errno::LOOP => RootfsError::LinkLoop(path.clone()),
        errno => RootfsError::Io { path: path.clone(), source: errno.into() },
    }
}

/// Name and value.
type Xattr = (Vec<u8>, Vec<u8>);

const RESOLVE: ResolveFlags = ResolveFlags::IN_ROOT.union(ResolveFlags::NO_MAGICLINKS);
const STATX_FIELDS: StatxFlags = StatxFlags::BASIC_STATS;
const EAGAIN_TRIES: usize = 16;

/// File types in `st_mode` (`inode(7)`).
const S_IFIFO: u32 = 0o010_000;
const S_IFCHR: u32 = 0o020_000;
const S_IFDIR: u32 = 0o040_000;
const S_IFBLK: u32 = 0o060_000;
const S_IFREG: u32 = 0o100_000;
const S_IFLNK: u32 = 0o120_000;

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn text(rootfs: &DirRootfs, path: &str) -> String {
        match rootfs.read(&RootfsPath::from(path), 0..100) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn links_never_leave_the_root() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret"), "outside").unwrap();
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        std::fs::create_dir(at("dir")).unwrap();
        std::fs::write(at("secret"), "inside").unwrap();
        symlink(outside.path().join("secret"), at("absolute")).unwrap();
        symlink("../../../../secret", at("dir/up")).unwrap();
        symlink("/secret", at("dir/top")).unwrap();
        symlink("loop", at("loop")).unwrap();
        symlink("/proc/self/root/etc/passwd", at("magic")).unwrap();
        let rootfs = DirRootfs::open(root.path()).unwrap();
        for (summary, path, expected) in [
            ("an absolute link starts at the root", "/absolute", "`/absolute` does not exist"),
            ("parents stop at the root", "/dir/up", "inside"),
            ("an absolute link below a directory", "/dir/top", "inside"),
            ("a loop ends", "/loop", "`/loop` leads through too many symbolic links"),
            ("links of proc lead nowhere", "/magic", "`/magic` does not exist"),
            ("a directory is no file", "/dir", "`/dir` is not a regular file"),
            ("a file is no directory", "/secret/x", "`/secret/x` is not a directory"),
        ] {
            assert_eq!(text(&rootfs, path), expected, "{summary}");
        }
    }

    #[test]
    fn a_fifo_is_seen_but_never_opened() {
        let root = tempfile::tempdir().unwrap();
        let fifo = root.path().join("fifo");
        rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, Mode::RUSR).unwrap();
        let rootfs = DirRootfs::open(root.path()).unwrap();
        assert_eq!(rootfs.stat(&RootfsPath::from("/fifo")).unwrap().unwrap().kind, FileKind::Fifo);
        assert_eq!(text(&rootfs, "/fifo"), "`/fifo` is not a regular file");
    }

    #[test]
    fn names_are_bytes_and_hard_links_share_an_id() {
        let root = tempfile::tempdir().unwrap();
        let odd = root.path().join(OsStr::from_bytes(b"a\xff\n"));
        std::fs::write(&odd, "x").unwrap();
        std::fs::hard_link(&odd, root.path().join("b")).unwrap();
        let rootfs = DirRootfs::open(root.path()).unwrap();
        let entries = rootfs.list(&RootfsPath::root()).unwrap();
        assert_eq!(
            entries.iter().map(|entry| entry.name.as_slice()).collect::<Vec<_>>(),
            [&b"a\xff\n"[..], b"b"]
        );
        assert_eq!(entries[0].stat.hardlink, entries[1].stat.hardlink);
        assert!(entries[0].stat.hardlink.is_some());
    }

    #[test]
    fn ranges_are_cut_at_the_end() {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("f"), "0123456789").unwrap();
        let rootfs = DirRootfs::open(root.path()).unwrap();
        let file = RootfsPath::from("/f");
        for (range, expected) in
            [(0..4, "0123"), (8..40, "89"), (10..20, ""), (50..60, ""), (0..u64::MAX, "0123456789")]
        {
            assert_eq!(rootfs.read(&file, range.clone()).unwrap(), expected.as_bytes(), "{range:?}");
        }
    }

    #[test]
    fn missing_parents_are_nothing_and_no_error() {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("f"), "").unwrap();
        let rootfs = DirRootfs::open(root.path()).unwrap();
        for path in ["/none", "/none/below", "/f/below", "/f/below/deeper"] {
            assert_eq!(rootfs.stat(&RootfsPath::from(path)).unwrap(), None, "{path}");
        }
        assert!(rootfs.stat(&RootfsPath::root()).unwrap().is_some());
    }
}
