//! From a spec and root file systems to the computed file set.

use std::collections::BTreeMap;

use crate::distill::manifest::{FinalConfig, Finding, Layer, Package, Reason};
use crate::distill::spec::AssembleSpec;
use crate::rootfs::{Rootfs, RootfsPath};
use crate::rules::Rules;

/// The set, ready to be written.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Every directory, file and link of the final tree; parents are always present.
    pub entries: BTreeMap<RootfsPath, PlannedEntry>,
    pub config: FinalConfig,
    /// Packages that files came from, sorted by name.
    pub packages: Vec<Package>,
    /// Warnings and notices; an error makes planning fail.
    pub findings: Vec<Finding>,
    /// Why the stage stays as it is; then there are no entries.
    pub left: Option<String>,
    /// What each program of the set loads, for the check of the output alone.
    pub programs: Vec<LoadedProgram>,
}

/// A dynamic program of the set and the files that its loader takes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LoadedProgram {
    pub path: RootfsPath,
    /// Real paths, sorted, the program left out.
    pub libraries: Vec<RootfsPath>,
    /// Whether an unmet need of it is an error.
    pub strict: bool,
}

#[derive(Clone, Debug)]
pub struct PlannedEntry {
    pub content: Content,
    /// Permission bits (`07777`).
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    /// Sorted by name.
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    /// Entries with an equal key are one inode in the output: (mount, device, inode).
    pub hardlink: Option<(String, u64, u64)>,
    pub layer: Layer,
    pub reason: Vec<Reason>,
    pub hard: bool,
    /// Package name.
    pub package: Option<String>,
    /// Index in the spec's steps.
    pub step: Option<usize>,
}

#[derive(Clone, Debug)]
pub enum Content {
    Directory,
    Symlink(Vec<u8>),
    /// A regular file copied from `path` of the root file system at `mount`.
    Copy {
        mount: String,
        path: RootfsPath,
        size: u64,
    },
    /// A generated file.
    Bytes(Vec<u8>),
}

/// The root file systems that a spec names, by their mount.
pub type Roots<'a> = BTreeMap<String, &'a dyn Rootfs>;

/// Computes the set for `spec`: pure, and the same for the same input.
///
/// # Errors
/// Everything that is wrong, sorted, together with the warnings found on the way.
pub fn plan(spec: &AssembleSpec, roots: &Roots<'_>, rules: &Rules) -> Result<Plan, Vec<Finding>> {
    let _ = (spec, roots, rules);
    Err(Vec::new())
}

/// Resolves the written output alone and compares with `plan`: an error for each different answer.
pub fn verify(output: &dyn Rootfs, spec: &AssembleSpec, plan: &Plan) -> Vec<Finding> {
    let _ = (output, spec, plan);
    Vec::new()
}
