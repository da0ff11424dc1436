//! What the step is given: the spec, and the root file systems that it names.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use crate::closure::plan::Roots;
use crate::distill::spec::{self, AssembleSpec, SpecError, StepKind};
use crate::distill::step::{BUSYBOX_MOUNT, SPEC_PATH};
use crate::rootfs::Rootfs;
use crate::rootfs::dir::DirRootfs;

/// The spec with its root file systems, open for reading.
#[derive(Debug)]
pub(super) struct Inputs {
    pub(super) spec: AssembleSpec,
    roots: BTreeMap<String, DirRootfs>,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum InputError {
    #[error("reading the spec {}: {source}", path.display())]
    Spec { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Malformed(#[from] SpecError),
    #[error("opening the root file system {}: {}", path.display(), explain(source))]
    Root { path: PathBuf, source: io::Error },
}

/// Reads the spec below `root`, and opens what it names there.
pub(super) fn open(root: &Path) -> Result<Inputs, InputError> {
    let path = inside(root, SPEC_PATH);
    let bytes = std::fs::read(&path).map_err(|source| InputError::Spec { path, source })?;
    let spec = spec::from_bytes(&bytes)?;
    let mut roots = BTreeMap::new();
    for mount in mounts(&spec) {
        let path = inside(root, mount);
        let rootfs = DirRootfs::open(&path).map_err(|source| InputError::Root { path, source })?;
        roots.insert(mount.to_owned(), rootfs);
    }
    Ok(Inputs { spec, roots })
}

impl Inputs {
    /// The root file systems as the plan asks for them.
    pub(super) fn roots(&self) -> Roots<'_> {
        self.roots.iter().map(|(mount, rootfs)| (mount.clone(), rootfs as &dyn Rootfs)).collect()
    }

    /// The directory behind a mount of the spec.
    pub(super) fn directory(&self, mount: &str) -> Option<&DirRootfs> {
        self.roots.get(mount)
    }
}

/// All mounts that a spec names.
fn mounts(spec: &AssembleSpec) -> Vec<&str> {
    let mut mounts = Vec::new();
    for step in &spec.steps {
        match &step.kind {
            StepKind::Base { mount } => mounts.push(mount.as_str()),
            StepKind::Tree(tree) => mounts.push(&tree.mount),
            StepKind::Run { before, after } => mounts.extend([before.as_str(), after]),
            StepKind::Changed(change) => {
                mounts.push(&change.mount);
                mounts.extend(change.before.as_deref());
            }
        }
    }
    for source in &spec.sources {
        mounts.push(&source.mount);
        mounts.extend(source.base.as_deref());
    }
    if spec.variant.debug {
        mounts.push(BUSYBOX_MOUNT);
    }
    mounts
}

/// A path of the container below the directory that stands for its root.
pub(super) fn inside(root: &Path, path: &str) -> PathBuf {
    root.join(path.trim_start_matches('/'))
}

fn explain(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(code)
            if [rustix::io::Errno::NOSYS, rustix::io::Errno::PERM]
                .iter()
                .any(|errno| errno.raw_os_error() == code) =>
        {
            format!(
                "{error}: openat2 is refused; it needs Linux 5.6 and a runc whose seccomp profile knows it (1.0.0-rc93)"
            )
        }
        _ => error.to_string(),
    }
}
