//! Which package owns a file, and the package records for the files that are shipped.

pub mod apk;
pub mod dpkg;

use std::collections::BTreeSet;

use crate::rootfs::{Rootfs, RootfsError, RootfsPath};

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
    /// All packages; [`PackageId`] is the index.
    fn packages(&self) -> &[Package];

    /// The package that owns `path`.
    ///
    /// # Errors
    /// When the database's lists cannot be read.
    fn owner(&self, path: &RootfsPath) -> Result<Option<PackageId>, PackagesError>;

    /// The real paths of the files, links and directories of a package, sorted.
    ///
    /// # Errors
    /// As [`owner`](Self::owner).
    fn files(&self, package: PackageId) -> Result<Vec<RootfsPath>, PackagesError>;

    /// The copyright and licence files of a package that exist in the root.
    ///
    /// # Errors
    /// As [`owner`](Self::owner).
    fn licence_files(&self, package: PackageId) -> Result<Vec<RootfsPath>, PackagesError>;

    /// The records of the packages that own something of `shipped` (real paths) or are named in `also`, cut to what
    /// is shipped.
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
    let _ = rootfs;
    todo!()
}
