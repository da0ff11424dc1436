//! One directory of a search path, as text, made a place in the root: `..` is followed physically.

use crate::rootfs::links::{self, Resolved};
use crate::rootfs::{FileKind, Rootfs, RootfsError, RootfsPath};

/// A directory as a loader names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// An equal path without `..`; other links are not resolved.
    pub(super) directory: RootfsPath,
    /// The directories before each `..`: the loader walks through them, so they must exist.
    pub(super) passes: Vec<RootfsPath>,
}

impl Place {
    /// The directory that `text` names; `None` when a part before a `..` is missing. A relative text counts from
    /// `cwd`.
    ///
    /// # Errors
    /// What the root answers.
    pub(super) fn of(
        rootfs: &dyn Rootfs,
        text: &[u8],
        cwd: &RootfsPath,
    ) -> Result<Option<Self>, RootfsError> {
        let mut directory = if text.first() == Some(&b'/') { RootfsPath::root() } else { cwd.clone() };
        let mut passes = Vec::new();
        for part in text.split(|byte| *byte == b'/').filter(|part| !matches!(*part, b"" | b".")) {
            if part != b".." {
                directory = directory.join(part);
                continue;
            }
            match links::resolve(rootfs, &directory) {
                Ok(Resolved::Found { path, stat, .. }) if stat.kind == FileKind::Directory => {
                    passes.push(directory);
                    directory = path.parent().unwrap_or_else(RootfsPath::root);
                }
                Ok(_) | Err(RootfsError::LinkLoop(_)) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        Ok(Some(Self { directory, passes }))
    }

    /// Whether it is a directory now.
    ///
    /// # Errors
    /// What the root answers.
    pub(super) fn exists(&self, rootfs: &dyn Rootfs) -> Result<bool, RootfsError> {
        is_directory(rootfs, &self.directory)
    }
}

/// Whether `path` leads to a directory.
///
/// # Errors
/// What the root answers.
pub(super) fn is_directory(rootfs: &dyn Rootfs, path: &RootfsPath) -> Result<bool, RootfsError> {
    match links::resolve(rootfs, path) {
        Ok(Resolved::Found { stat, .. }) => Ok(stat.kind == FileKind::Directory),
        Ok(Resolved::Missing { .. }) | Err(RootfsError::LinkLoop(_)) => Ok(false),
        Err(error) => Err(error),
    }
}
