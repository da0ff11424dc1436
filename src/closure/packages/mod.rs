//! Which package owns a file, and the package records for the files that are shipped.

pub mod apk;
pub mod dpkg;
mod index;
mod merge;
pub(crate) mod paragraph;

use std::collections::BTreeSet;

use crate::rootfs::{FileKind, Rootfs, RootfsError, RootfsPath};

/// Index of a package in its database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PackageId(pub u32);

/// An installed package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    pub name: String,
    pub version: String,
    pub architecture: String,
    /// Name and version of the source package (its own when not stated).
    pub source: (String, String),
    /// What its record says about licences (apk); Debian's are in [`PackageDb::licence_files`].
    pub licence: Option<String>,
    /// `Name <address>`, as its record has it.
    pub maintainer: Option<String>,
}

/// A file of package records for the output.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Record {
    pub path: RootfsPath,
    /// The packages that it speaks of.
    pub packages: Vec<PackageId>,
    pub content: Vec<u8>,
}

#[derive(Debug, thiserror::Error)]
pub enum PackagesError {
    #[error("`{path}` line {line}: {why}")]
    Malformed { path: RootfsPath, line: usize, why: &'static str },
    #[error("`{path}` is larger than {limit} bytes")]
    TooLarge { path: RootfsPath, limit: u64 },
    #[error(transparent)]
    Read(#[from] RootfsError),
}

/// The package database of a root file system.
///
/// Paths in questions are real paths (no component is a link); what the database spells through the merge links
/// (`/lib/…` for `/usr/lib/…`) is found under them.
pub trait PackageDb {
    /// Which kind it is: `dpkg`, `apk`.
    fn kind(&self) -> &'static str;

    /// All packages; [`PackageId`] is the index.
    fn packages(&self) -> &[Package];

    /// The package that owns `path`. A directory has many owners: the first in the database is named.
    ///
    /// # Errors
    /// When the database's lists cannot be read.
    fn owner(&self, path: &RootfsPath) -> Result<Option<PackageId>, PackagesError>;

    /// The real paths of the files, links and directories of a package, sorted.
    ///
    /// # Errors
    /// As [`owner`](Self::owner).
    fn files(&self, package: PackageId) -> Result<Vec<RootfsPath>, PackagesError>;

    /// The packages that were installed only because others depend on them.
    ///
    /// # Errors
    /// When the database's marks cannot be read.
    fn automatic(&self) -> Result<BTreeSet<PackageId>, PackagesError>;

    /// The names of the packages that a package depends on directly, alternatives and all.
    fn depends(&self, package: PackageId) -> Vec<String>;

    /// The names of the packages that a package recommends.
    fn recommends(&self, package: PackageId) -> Vec<String>;

    /// The copyright and licence files of a package that exist in the root.
    ///
    /// # Errors
    /// As [`owner`](Self::owner).
    fn licence_files(&self, package: PackageId) -> Result<Vec<RootfsPath>, PackagesError>;

    /// The records of the packages that own a file of `shipped` (real paths; directories belong to
    /// many packages and so to none here) or are named in `also`, cut to what is shipped; sorted by path.
    ///
    /// # Errors
    /// As [`owner`](Self::owner).
    fn records(
        &self,
        shipped: &BTreeSet<RootfsPath>,
        also: &BTreeSet<PackageId>,
    ) -> Result<Vec<Record>, PackagesError>;
}

/// Opens the package database that the root has; `None` when it has none that is known.
///
/// # Errors
/// When there is one that cannot be read.
pub fn open<'fs>(rootfs: &'fs dyn Rootfs) -> Result<Option<Box<dyn PackageDb + 'fs>>, PackagesError> {
    if let Some(dpkg) = dpkg::Dpkg::open(rootfs)? {
        return Ok(Some(Box::new(dpkg)));
    }
    if let Some(apk) = apk::Apk::open(rootfs)? {
        return Ok(Some(Box::new(apk)));
    }
    Ok(None)
}

/// Reads a file of the database whole; `None` when it is not there.
fn read_optional(
    rootfs: &dyn Rootfs,
    path: &RootfsPath,
    limit: u64,
) -> Result<Option<Vec<u8>>, PackagesError> {
    match rootfs.read(path, 0..limit + 1) {
        Ok(bytes) if bytes.len() as u64 > limit => Err(PackagesError::TooLarge { path: path.clone(), limit }),
        Ok(bytes) => Ok(Some(bytes)),
        Err(RootfsError::NotFound(_) | RootfsError::NotADirectory(_) | RootfsError::NotAFile(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The packages that own a file or link of `shipped`.
fn owners(
    database: &dyn PackageDb,
    rootfs: &dyn Rootfs,
    shipped: &BTreeSet<RootfsPath>,
) -> Result<BTreeSet<PackageId>, PackagesError> {
    let mut owners = BTreeSet::new();
    for path in shipped {
        let Some(owner) = database.owner(path)? else { continue };
        if rootfs.stat(path)?.is_none_or(|stat| stat.kind != FileKind::Directory) {
            owners.insert(owner);
        }
    }
    Ok(owners)
}
