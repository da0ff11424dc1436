//! Directories that a database names through links: merged `/usr`, and `/var/run`.

use crate::rootfs::links::{self, Resolved};
use crate::rootfs::{Rootfs, RootfsError, RootfsPath};

/// Directories that distributions have turned into links after packages had named files below them.
const ALIASES: [&str; 11] = [
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/libo32",
    "/usr/sbin",
    "/usr/lib64",
    "/var/run",
    "/var/lock",
];

/// The links among those directories of one root.
#[derive(Clone, Debug, Default)]
pub(super) struct Merge {
    /// (link, real directory).
    links: Vec<(RootfsPath, RootfsPath)>,
}

impl Merge {
    /// Looks which of the directories are links.
    ///
    /// # Errors
    /// What the root answers.
    pub(super) fn of(rootfs: &dyn Rootfs) -> Result<Self, RootfsError> {
        let mut links = Vec::new();
        for alias in ALIASES.map(RootfsPath::from) {
            match links::resolve(rootfs, &alias) {
                Ok(Resolved::Found { path, .. }) if path != alias => links.push((alias, path)),
                Ok(_) | Err(RootfsError::LinkLoop(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Self { links })
    }

    /// The real path of a path as the database has it. The link itself stays: it is an entry of its own.
    pub(super) fn real(&self, path: RootfsPath) -> RootfsPath {
        let through = self.links.iter().find(|(link, _)| path.is_within(link) && path != *link);
        match through {
            // What is left begins with the slash after the link's name.
            Some((link, real)) => real.join(&path.as_bytes()[link.as_bytes().len() + 1..]),
            None => path,
        }
    }
}
