//! Modules that are built into Go programs.

use std::collections::BTreeSet;

use super::inventory::{Component, Inventory};
use super::purl::purl;
use crate::closure::elf::{FileBytes, go};
use crate::rootfs::Rootfs;

/// Adds the modules that the build information of programs names; a program is its main module's.
pub(super) fn add(inventory: &mut Inventory, rootfs: &dyn Rootfs) {
    for path in inventory.free(|_, file| file.executable && file.size >= MIN_BYTES) {
        // What is no program has no modules.
        let Ok(Some(build)) = go::read(&FileBytes { rootfs, path: &path }) else { continue };
        // `go1.26.1 X:experiment`; a development version is no release.
        let toolchain = build.version.split_whitespace().next().unwrap_or_default();
        let version = toolchain.strip_prefix("go").unwrap_or_default();
        let mut modules = vec![("stdlib".to_owned(), version.to_owned())];
        for (index, module) in build.modules.iter().enumerate() {
            modules.push(build.replaced.get(&index).unwrap_or(module).clone());
        }
        // Without a main module there are only those that it was put together from.
        let package = build.path.as_deref().unwrap_or_default();
        let is_main = |module: &str| {
            package
                .strip_prefix(module)
                .is_some_and(|rest| matches!(rest.as_bytes().first(), None | Some(b'/')))
        };
        let main = modules.get(1).map(|module| module.0.clone()).filter(|module| is_main(module));
        let mut depends = BTreeSet::new();
        for (name, version) in modules {
            let version = if version == DEVELOPMENT { String::new() } else { version };
            let (namespace, bare) = name.rsplit_once('/').unwrap_or(("", &name));
            let purl = purl("golang", namespace, bare, &version, &[]);
            inventory.add(&purl, Component { name: name.clone(), version, ..Component::default() });
            if Some(&name) == main.as_ref() {
                inventory.claim(&path, &purl);
            } else {
                depends.insert(purl);
            }
        }
        if let Some(owner) = inventory.owners.get(&path).cloned()
            && let Some(main) = inventory.components.get_mut(&owner)
        {
            main.depends.extend(depends);
        }
    }
}

/// Bytes of the smallest file with an ELF header.
const MIN_BYTES: u64 = 52;

/// The version of a main module that was built where it is written.
const DEVELOPMENT: &str = "(devel)";
