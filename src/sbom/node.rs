//! Packages that were installed for Node.js.

use std::collections::BTreeMap;

use serde_json::Value;

use super::inventory::{Component, Inventory, text};
use super::purl::purl;
use crate::rootfs::{Rootfs, RootfsError, RootfsPath};

/// Adds the packages in `node_modules`; all files below one that are of no inner one are its.
///
/// # Errors
/// What the root answers.
pub(super) fn add(inventory: &mut Inventory, rootfs: &dyn Rootfs) -> Result<(), RootfsError> {
    let mut directories: BTreeMap<RootfsPath, String> = BTreeMap::new();
    for path in inventory.free(|path, _| path.name() == b"package.json") {
        let Some(directory) = path.parent().filter(is_package) else { continue };
        let package: Value = serde_json::from_str(&text(rootfs, &path)?).unwrap_or_default();
        let field = |name: &str| package.get(name).and_then(Value::as_str);
        let (Some(name), Some(version)) = (field("name"), field("version")) else { continue };
        let (scope, bare) = name.rsplit_once('/').unwrap_or(("", name));
        let purl = purl("npm", scope, bare, version, &[]);
        let licence = field("license").map(str::to_owned);
        let (name, version) = (name.to_owned(), version.to_owned());
        inventory.add(&purl, Component { name, version, licence, ..Component::default() });
        directories.insert(directory, purl);
    }
    if directories.is_empty() {
        return Ok(());
    }
    for path in inventory.free(|_, _| true) {
        let parents = std::iter::successors(path.parent(), RootfsPath::parent);
        let purl = parents.into_iter().find_map(|parent| directories.get(&parent));
        if let Some(purl) = purl {
            inventory.claim(&path, purl);
        }
    }
    Ok(())
}

/// Whether a directory is one that a package is installed in: `node_modules/name`, `node_modules/@scope/name`.
fn is_package(directory: &RootfsPath) -> bool {
    let Some(parent) = directory.parent() else { return false };
    let in_scope = || parent.parent().is_some_and(|above| above.name() == MODULES);
    parent.name() == MODULES || (parent.name().starts_with(b"@") && in_scope())
}

const MODULES: &[u8] = b"node_modules";
