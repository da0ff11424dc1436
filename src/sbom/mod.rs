//! From the final tree of a distroless stage to SPDX: exactly the files that are shipped, and the packages they are of.
//!
//! ```text
//! files (walk, checksums) ─▶ packages (records of the image, then languages) ─▶ document
//! ```
//!
//! A file is of one package at most; a package of a distribution comes first, since it is that one which gets repaired.

mod document;
mod files;
mod go;
mod inventory;
mod java;
mod licence;
mod node;
mod purl;
mod python;
mod spdx;
mod system;

use crate::closure::packages::PackagesError;
use crate::distill::manifest;
use crate::rootfs::{Rootfs, RootfsError, RootfsPath};
use document::Header;
use inventory::Inventory;

/// Why there is no document.
#[derive(Debug, thiserror::Error)]
pub enum SbomError {
    #[error(transparent)]
    Tree(#[from] RootfsError),
    #[error("the package records of the image: {0}")]
    Packages(#[from] PackagesError),
}

/// The SPDX document of a tree, as JSON. `created` is its time as SPDX writes it (`1970-01-01T00:00:00Z`).
///
/// # Errors
/// When the tree or its package records cannot be read.
pub fn document(rootfs: &dyn Rootfs, created: &str) -> Result<Vec<u8>, SbomError> {
    let manifest = rootfs.read(&RootfsPath::from(manifest::PATH), 0..manifest::MAX_BYTES).ok();
    let manifest = manifest.and_then(|packed| manifest::unpack(&packed).ok());
    let mut inventory = Inventory::new(files::walk(rootfs)?);
    system::add(&mut inventory, rootfs, manifest.as_ref())?;
    python::add(&mut inventory, rootfs)?;
    node::add(&mut inventory, rootfs)?;
    java::add(&mut inventory, rootfs)?;
    go::add(&mut inventory, rootfs);
    let name = manifest.map_or_else(
        || "image".to_owned(),
        |manifest| format!("{} {}", manifest.stage, manifest.platform.format_all()),
    );
    Ok(document::write(&Header { name: &name, created }, &inventory))
}

#[cfg(test)]
mod tests;
