//! Packages of the distribution, by the records in the image.

use std::collections::BTreeMap;

use super::SbomError;
use super::inventory::{Component, Inventory};
use super::purl::purl;
use crate::closure::packages::{self, Package, PackageId};
use crate::closure::{identity_of, reason};
use crate::distill::manifest::Manifest;
use crate::rootfs::{Rootfs, RootfsPath};

/// Adds the packages of the image's database with their files: those that the manifest gives to them, since a record
/// names no configuration and nothing that was moved; of files that the manifest does not know, those of the records.
///
/// # Errors
/// When the records cannot be read.
pub(super) fn add(
    inventory: &mut Inventory,
    rootfs: &dyn Rootfs,
    manifest: Option<&Manifest>,
) -> Result<(), SbomError> {
    let Some(database) = packages::open(rootfs)? else { return Ok(()) };
    let identity = identity_of(rootfs);
    let purls: Vec<String> = database
        .packages()
        .iter()
        .map(|package| purl_of(package, database.kind(), identity.as_ref()))
        .collect();
    for (package, purl) in database.packages().iter().zip(&purls) {
        inventory.add(purl, component(package));
    }
    let index = |name: &str| database.packages().iter().position(|package| package.name == name);
    let known: BTreeMap<&str, Option<&str>> = manifest
        .into_iter()
        .flat_map(|manifest| &manifest.entries)
        .map(|entry| (entry.path.as_str(), entry.package.as_deref()))
        .collect();
    let paths: Vec<RootfsPath> = inventory.files.keys().cloned().collect();
    for path in paths {
        let recorded = database.owner(&path)?.map(|PackageId(id)| id as usize);
        let owner = match known.get(reason::escaped(&path).as_str()) {
            Some(Some(name)) => {
                // Of packages for several architectures the record knows which.
                recorded.filter(|id| database.packages()[*id].name == **name).or_else(|| index(name))
            }
            Some(None) => None,
            None => recorded,
        };
        if let Some(purl) = owner.and_then(|id| purls.get(id)) {
            inventory.claim(&path, purl);
        }
    }
    Ok(())
}

fn component(package: &Package) -> Component {
    Component {
        name: package.name.clone(),
        version: package.version.clone(),
        supplier: package.maintainer.clone(),
        licence: package.licence.clone(),
        comment: Some("Only those of its files that the image needs are shipped."),
        ..Component::default()
    }
}

/// What scanners look up: without `distro` they find nothing.
fn purl_of(package: &Package, database: &str, identity: Option<&(String, String)>) -> String {
    let (kind, usual) = if database == "apk" { ("apk", "alpine") } else { ("deb", "debian") };
    let id = identity.map_or(usual, |(id, _)| id.as_str());
    let distro = match identity {
        Some((id, version)) if !version.is_empty() => format!("{id}-{version}"),
        _ => String::new(),
    };
    let (source, version) = &package.source;
    let upstream = match (*source == package.name, *version == package.version) {
        (true, true) => String::new(),
        (false, true) => source.clone(),
        (_, false) => format!("{source}@{version}"),
    };
    let qualifiers = [("arch", &*package.architecture), ("distro", &*distro), ("upstream", &*upstream)];
    purl(kind, id, &package.name, &package.version, &qualifiers)
}
