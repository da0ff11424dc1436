//! The final tree as a requester sees it: the stage's own tree, and below it the sources, the requester's first.
//!
//! A library is searched in the world that the output is going to be, so that what the user put there wins, and
//! everything else is where its source has it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::tree::Tree;
use crate::closure::packages::PackageDb;
use crate::rootfs::links::{self, Resolved};
use crate::rootfs::{Entry, FileKind, Rootfs, RootfsError, RootfsPath, Stat};

/// A source of the spec with its root file system.
pub(super) struct SourceRoot<'a> {
    pub(super) name: &'a str,
    pub(super) mount: &'a str,
    pub(super) root: &'a dyn Rootfs,
    pub(super) packages: Option<Box<dyn PackageDb + 'a>>,
}

/// Which source is taken where several have different files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pins {
    /// By path in the final tree.
    pub(super) paths: BTreeMap<RootfsPath, usize>,
    /// For the loader and the libraries that belong to it.
    pub(super) libc: Option<usize>,
}

/// Where a name of a view is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// In the stage's own tree, at the same path.
    Tree,
    /// In a source, under this path.
    Source(usize, RootfsPath),
}

type Lookup = Option<(Place, Stat)>;

/// A union of file systems, read-only.
pub(super) struct View<'a> {
    tree: &'a Tree<'a>,
    sources: &'a [SourceRoot<'a>],
    /// Indices of the sources in the order of this view.
    order: Vec<usize>,
    pins: &'a Pins,
    /// Top-level links of the tree with their targets (`/lib`, `/usr/lib`): a source that has a directory there
    /// is looked up under both.
    merges: Vec<(RootfsPath, RootfsPath)>,
    known: RefCell<BTreeMap<RootfsPath, Lookup>>,
    /// Directories that no link leads to.
    directories: RefCell<BTreeSet<RootfsPath>>,
}

impl<'a> View<'a> {
    /// The view of a requester from source `first`.
    pub(super) fn new(
        tree: &'a Tree<'a>,
        sources: &'a [SourceRoot<'a>],
        usable: &BTreeSet<usize>,
        first: usize,
        pins: &'a Pins,
    ) -> Self {
        let mut order: Vec<usize> = usable.iter().copied().filter(|index| *index < sources.len()).collect();
        order.sort_by_key(|index| (*index != first, *index));
        let merges = MERGED.iter().filter_map(|name| merge_of(tree, name)).collect();
        Self {
            tree,
            sources,
            order,
            pins,
            merges,
            known: RefCell::default(),
            directories: RefCell::default(),
        }
    }

    /// What is at a real path: none of its parents is a link of the view.
    pub(super) fn place(&self, real: &RootfsPath) -> Result<Lookup, RootfsError> {
        if let Some(known) = self.known.borrow().get(real) {
            return Ok(known.clone());
        }
        let found = self.look_up(real)?;
        self.known.borrow_mut().insert(real.clone(), found.clone());
        Ok(found)
    }

    fn look_up(&self, real: &RootfsPath) -> Result<Lookup, RootfsError> {
        if let Some(node) = self.tree.get(real) {
            return Ok(Some((Place::Tree, node.stat())));
        }
        let pinned = match self.pins.paths.get(real) {
            Some(source) => Some(*source),
            None if is_libc_family(real) => self.pins.libc,
            None => None,
        };
        // A file that only others have is taken from them: the pin chooses, it does not take away.
        let others = self.order.iter().copied().filter(|index| Some(*index) != pinned);
        for index in pinned.into_iter().chain(others) {
            for path in self.spellings(index, real)? {
                if let Some(stat) = self.sources[index].root.stat(&path)? {
                    return Ok(Some((Place::Source(index, path), stat)));
                }
            }
        }
        Ok(None)
    }

    /// The path in a source that a path of the view may have.
    pub(super) fn spellings(&self, source: usize, real: &RootfsPath) -> Result<Vec<RootfsPath>, RootfsError> {
        let mut paths = vec![real.clone()];
        for (link, target) in &self.merges {
            if !real.is_within(target) || real == target {
                continue;
            }
            let stat = self.sources[source].root.stat(link)?;
            if stat.is_some_and(|stat| stat.kind == FileKind::Directory) {
                paths.push(link.join(&real.as_bytes()[target.as_bytes().len() + 1..]));
            }
        }
        Ok(paths)
    }

    /// The real path of a regular file at `path`, links followed.
    pub(super) fn file(&self, path: &RootfsPath) -> Result<Option<RootfsPath>, RootfsError> {
        match links::resolve(self, path) {
            Ok(Resolved::Found { path, stat, .. }) if stat.kind == FileKind::Regular => Ok(Some(path)),
            Ok(_) | Err(RootfsError::LinkLoop(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Rootfs for View<'_> {
    fn list(&self, dir: &RootfsPath) -> Result<Vec<Entry>, RootfsError> {
        let real = match links::resolve(self, dir)? {
            Resolved::Found { path, stat, .. } if stat.kind == FileKind::Directory => path,
            Resolved::Found { .. } => return Err(RootfsError::NotADirectory(dir.clone())),
            Resolved::Missing { .. } => return Err(RootfsError::NotFound(dir.clone())),
        };
        let mut names: BTreeSet<Vec<u8>> = BTreeSet::new();
        if self.tree.get(&real).is_some() {
            names.extend(self.tree.list(&real)?.into_iter().map(|entry| entry.name));
        }
        for &index in &self.order {
            for path in self.spellings(index, &real)? {
                match self.sources[index].root.list(&path) {
                    Ok(entries) => names.extend(entries.into_iter().map(|entry| entry.name)),
                    Err(RootfsError::NotFound(_) | RootfsError::NotADirectory(_)) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        let mut entries = Vec::with_capacity(names.len());
        for name in names {
            if let Some((_, stat)) = self.place(&real.join(&name))? {
                entries.push(Entry { name, stat });
            }
        }
        Ok(entries)
    }

    fn stat(&self, path: &RootfsPath) -> Result<Option<Stat>, RootfsError> {
        let above = path.parent();
        if above.as_ref().is_none_or(|above| self.directories.borrow().contains(above)) {
            return Ok(self.place(path)?.map(|(_, stat)| stat));
        }
        let mut at = RootfsPath::root();
        let names: Vec<&[u8]> = path.components().collect();
        let Some((last, parents)) = names.split_last() else { return Ok(None) };
        for (index, name) in parents.iter().enumerate() {
            at = at.join(name);
            match self.place(&at)? {
                Some((_, stat)) if stat.kind == FileKind::Directory => {}
                Some((_, Stat { kind: FileKind::Symlink(_), .. })) => {
                    // `links` asks for real paths only; here someone asks through a link.
                    let rest = names[index + 1..parents.len()].join(&b'/');
                    let parent = match links::resolve(self, &at)? {
                        Resolved::Found { path, .. } => path.join(&rest),
                        Resolved::Missing { .. } => return Ok(None),
                    };
                    return match links::resolve(self, &parent)? {
                        Resolved::Found { path, stat, .. } if stat.kind == FileKind::Directory => {
                            Ok(self.place(&path.join(last))?.map(|(_, stat)| stat))
                        }
                        _ => Ok(None),
                    };
                }
                _ => return Ok(None),
            }
        }
        let found = self.place(&at.join(last))?;
        self.directories.borrow_mut().insert(at);
        Ok(found.map(|(_, stat)| stat))
    }

    fn read(&self, file: &RootfsPath, range: Range<u64>) -> Result<Vec<u8>, RootfsError> {
        let Resolved::Found { path: real, .. } = links::resolve(self, file)? else {
            return Err(RootfsError::NotFound(file.clone()));
        };
        match self.place(&real)? {
            Some((Place::Tree, _)) => self.tree.read(&real, range),
            Some((Place::Source(index, path), _)) => self.sources[index].root.read(&path, range),
            None => Err(RootfsError::NotFound(file.clone())),
        }
    }
}

/// Whether a file belongs to glibc or musl: these are only good together.
pub(super) fn is_libc_family(path: &RootfsPath) -> bool {
    let name = path.name();
    let listed = LIBC_FAMILY.iter().any(|known| {
        name.strip_prefix(known.as_bytes())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(b".so") || rest.starts_with(b"-2."))
    });
    let loader =
        name.starts_with(b"ld-linux") || name.starts_with(b"ld-musl") || name.starts_with(b"ld64.so");
    listed || loader || path.parent().is_some_and(|parent| parent.name() == b"gconv")
}

/// Libraries of glibc's own packages.
const LIBC_FAMILY: [&str; 15] = [
    "libc",
    "libm",
    "libmvec",
    "libpthread",
    "libdl",
    "librt",
    "libutil",
    "libresolv",
    "libanl",
    "libBrokenLocale",
    "libthread_db",
    "libnss_files",
    "libnss_dns",
    "libnss_compat",
    "libnss_hesiod",
];

/// Names that distributions merged into /usr (file-hierarchy(7)).
pub(super) const MERGED: [&str; 6] = ["/bin", "/lib", "/lib32", "/lib64", "/libx32", "/sbin"];

fn merge_of(tree: &Tree<'_>, name: &str) -> Option<(RootfsPath, RootfsPath)> {
    let link = RootfsPath::from(name);
    let super::plan::Content::Symlink(target) = &tree.get(&link)?.content else { return None };
    let target = link.follow(target);
    Some((link, target))
}
