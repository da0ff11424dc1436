//! The directories that an application lives in: WORKDIR, and those that COPY and ADD made.

use std::collections::BTreeSet;

use super::changes::Changes;
use crate::distill::spec::{AssembleSpec, StepKind};
use crate::rootfs::links::{self, Resolved};
use crate::rootfs::{FileKind, Rootfs, RootfsError, RootfsPath};

/// Directories of the application, as real paths.
pub(super) struct Places {
    /// WORKDIR, unless it is the system's.
    pub(super) work: Option<RootfsPath>,
    all: BTreeSet<RootfsPath>,
}

impl Places {
    /// Finds them in the stage.
    ///
    /// # Errors
    /// What the stage answers.
    pub(super) fn of(
        spec: &AssembleSpec,
        stage: &dyn Rootfs,
        changes: &Changes<'_>,
    ) -> Result<Self, RootfsError> {
        let mut all = BTreeSet::new();
        let work = directory(stage, &spec.config.working_dir)?.filter(|path| !is_system_directory(path));
        all.extend(work.clone());
        for step in &spec.steps {
            let StepKind::Changed(change) = &step.kind else { continue };
            let Some(dest) = &change.dest else { continue };
            if !matches!(
                change.by,
                crate::distill::spec::ChangedBy::Copy | crate::distill::spec::ChangedBy::Add
            ) {
                continue;
            }
            // What is unpacked in a temporary directory is there for a later RUN.
            let Some(path) = directory(stage, dest)?.filter(|path| !is_temporary(path)) else { continue };
            if !is_system_directory(&path) && changes.in_base(&path)?.is_none() {
                all.insert(path);
            }
        }
        Ok(Self { work, all })
    }

    /// Whether a path is one of them or below.
    pub(super) fn hold(&self, path: &RootfsPath) -> bool {
        self.all.iter().any(|place| path.is_within(place))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &RootfsPath> {
        self.all.iter()
    }
}

/// The real path of a directory, or of the directory that holds a file.
fn directory(stage: &dyn Rootfs, path: &str) -> Result<Option<RootfsPath>, RootfsError> {
    match links::resolve(stage, &RootfsPath::parse(path.as_bytes())) {
        Ok(Resolved::Found { path, stat, .. }) if stat.kind == FileKind::Directory => Ok(Some(path)),
        Ok(Resolved::Found { path, .. }) => Ok(path.parent()),
        Ok(Resolved::Missing { .. }) | Err(RootfsError::LinkLoop(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_temporary(path: &RootfsPath) -> bool {
    ["/tmp", "/var/tmp"].iter().any(|dir| path.is_within(&RootfsPath::from(*dir)))
}

/// Whether a directory is the system's, not an application's: its files are there for many programs (hier(7)).
pub(in crate::closure) fn is_system_directory(path: &RootfsPath) -> bool {
    let names: Vec<&[u8]> = path.components().collect();
    match names.as_slice() {
        [] => true,
        [top] => SYSTEM.contains(top) || [&b"var"[..], b"root", b"home", b"tmp"].contains(top),
        [b"etc", name] => [&b"ssl"[..], b"default", b"profile.d"].contains(name),
        [b"usr" | b"var", _]
        | [b"usr", b"local", b"bin" | b"sbin" | b"lib" | b"share" | b"etc" | b"include"] => {
            names != [&b"var"[..], b"www"]
        }
        [top, ..] => [&b"bin"[..], b"dev", b"lib", b"lib64", b"proc", b"sbin", b"sys"].contains(top),
    }
}

const SYSTEM: [&[u8]; 11] =
    [b"bin", b"boot", b"dev", b"etc", b"lib", b"lib64", b"proc", b"run", b"sbin", b"sys", b"usr"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_of_the_system() {
        for path in [
            "/",
            "/usr",
            "/usr/share",
            "/usr/local/bin",
            "/etc",
            "/root",
            "/home",
            "/tmp",
            "/var/lib",
            "/dev/shm",
        ] {
            assert!(is_system_directory(&RootfsPath::from(path)), "{path}");
        }
        for path in [
            "/app",
            "/srv",
            "/opt",
            "/usr/src/app",
            "/usr/local/app",
            "/home/app",
            "/var/www",
            "/var/lib/app",
            "/etc/app",
        ] {
            assert!(!is_system_directory(&RootfsPath::from(path)), "{path}");
        }
    }
}
