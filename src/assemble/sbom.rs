//! The verb `sbom`: the SPDX document of a tree that is mounted.

use std::io::Write;

use super::inputs::inside;
use super::{Failure, Places};
use crate::distill::sbom::{DOCUMENT_FILE, TREE_DIR};
use crate::rootfs::dir::DirRootfs;
use crate::sbom;

/// Writes the document of [`TREE_DIR`]; `words` is the time of it (`1970-01-01T00:00:00Z`). The answer is the exit
/// code: 0, or 1 when the tree could not be read.
pub fn sbom(places: &Places, words: &[String], log: &mut dyn Write) -> i32 {
    super::exit_code(log, |_| {
        let created = words.first().map_or(NO_TIME, String::as_str);
        let path = inside(&places.root, TREE_DIR);
        let tree = DirRootfs::open(&path)
            .map_err(|source| super::inputs::InputError::Root { path: path.clone(), source })?;
        let document = sbom::document(&tree, created)?;
        let path = places.out().join(DOCUMENT_FILE);
        std::fs::write(&path, document).map_err(|source| Failure::Report { path, source })
    })
}

/// The time of builds that have none.
const NO_TIME: &str = "1970-01-01T00:00:00Z";
