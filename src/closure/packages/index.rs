//! Owners of paths: all lists of a database in one sorted table.

use crate::closure::packages::PackageId;
use crate::rootfs::RootfsPath;

/// Paths with their owners, sorted by path, then owner.
#[derive(Debug, Default)]
pub(super) struct Index {
    entries: Vec<(RootfsPath, PackageId)>,
}

impl Index {
    pub(super) fn new(mut entries: Vec<(RootfsPath, PackageId)>) -> Self {
        entries.sort_unstable();
        entries.dedup();
        Self { entries }
    }

    /// The first owner of a path.
    pub(super) fn owner(&self, path: &RootfsPath) -> Option<PackageId> {
        let at = self.entries.partition_point(|(found, _)| found < path);
        self.entries.get(at).filter(|(found, _)| found == path).map(|(_, owner)| *owner)
    }

    /// All paths of one owner, sorted.
    pub(super) fn files(&self, package: PackageId) -> Vec<RootfsPath> {
        self.entries.iter().filter(|(_, owner)| *owner == package).map(|(path, _)| path.clone()).collect()
    }
}
