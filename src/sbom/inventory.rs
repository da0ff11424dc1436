//! What a tree holds: its files, the packages, and which file is of which package.

use std::collections::{BTreeMap, BTreeSet};

use super::files::File;
use crate::rootfs::{Rootfs, RootfsError, RootfsPath};

/// A package of a distribution or of a language.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Component {
    pub(super) name: String,
    /// Empty when nobody knows.
    pub(super) version: String,
    /// `Name <address>`.
    pub(super) supplier: Option<String>,
    /// As its record has it.
    pub(super) licence: Option<String>,
    pub(super) comment: Option<&'static str>,
    /// Package URLs of what is built into it.
    pub(super) depends: BTreeSet<String>,
}

/// Files and packages of a tree.
#[derive(Debug)]
pub(super) struct Inventory {
    pub(super) files: BTreeMap<RootfsPath, File>,
    /// By package URL.
    pub(super) components: BTreeMap<String, Component>,
    /// File to package URL.
    pub(super) owners: BTreeMap<RootfsPath, String>,
}

impl Inventory {
    pub(super) fn new(files: BTreeMap<RootfsPath, File>) -> Self {
        Self { files, components: BTreeMap::new(), owners: BTreeMap::new() }
    }

    /// Adds a package; what is known of one twice is the first.
    pub(super) fn add(&mut self, purl: &str, mut component: Component) {
        if component.name.len() + component.version.len() > MAX_NAME_BYTES {
            return;
        }
        component.licence = component.licence.filter(|text| text.len() <= MAX_NAME_BYTES);
        component.supplier = component.supplier.filter(|text| text.len() <= MAX_NAME_BYTES);
        if self.components.len() < MAX_COMPONENTS {
            let known = self
                .components
                .entry(purl.to_owned())
                .or_insert(Component { depends: BTreeSet::new(), ..component.clone() });
            known.depends.extend(component.depends);
        }
    }

    /// Gives a file to a package, unless it is of one already.
    pub(super) fn claim(&mut self, path: &RootfsPath, purl: &str) {
        if self.is_free(path) && self.components.contains_key(purl) {
            self.owners.insert(path.clone(), purl.to_owned());
        }
    }

    /// Whether the tree has the file, and it is of no package.
    pub(super) fn is_free(&self, path: &RootfsPath) -> bool {
        self.files.contains_key(path) && !self.owners.contains_key(path)
    }

    /// The files that are of no package and of which `is` says so.
    pub(super) fn free(&self, is: impl Fn(&RootfsPath, &File) -> bool) -> Vec<RootfsPath> {
        let free = self.files.iter().filter(|(path, file)| !self.owners.contains_key(path) && is(path, file));
        free.map(|(path, _)| path.clone()).collect()
    }
}

/// A short text file of the tree; bytes that are no UTF-8 are replaced.
///
/// # Errors
/// What the root answers.
pub(super) fn text(rootfs: &dyn Rootfs, path: &RootfsPath) -> Result<String, RootfsError> {
    Ok(String::from_utf8_lossy(&rootfs.read(path, 0..MAX_TEXT_BYTES)?).into_owned())
}

/// Bytes of what a package says of itself; what is longer is no name.
const MAX_NAME_BYTES: usize = 1000;

/// Packages of one tree: a document has to stay readable.
const MAX_COMPONENTS: usize = 50_000;

/// Bytes of one description of a package; lists of files of the largest have some hundred kilobytes.
const MAX_TEXT_BYTES: u64 = 4 << 20;
