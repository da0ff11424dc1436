//! Packages that were installed for Python (Python packaging, "Recording installed projects").

use super::inventory::{Component, Inventory, text};
use super::purl::purl;
use crate::closure::packages::paragraph::paragraphs;
use crate::rootfs::{Rootfs, RootfsError, RootfsPath};

/// Adds what `*.dist-info` and `*.egg-info` describe, with the files that their RECORD names.
///
/// # Errors
/// What the root answers.
pub(super) fn add(inventory: &mut Inventory, rootfs: &dyn Rootfs) -> Result<(), RootfsError> {
    for path in inventory.free(|path, _| is_description(path)) {
        let description = text(rootfs, &path)?;
        let found = paragraphs(description.as_bytes());
        let Some(head) = found.first() else { continue };
        let (Some(name), Some(version)) = (head.field("Name"), head.field("Version")) else { continue };
        // Names are compared so (`purl-spec`, type pypi).
        let purl = purl("pypi", "", &name.to_lowercase().replace('_', "-"), &version, &[]);
        let licence = head.field("License-Expression").or_else(|| head.field("License"));
        let licence = licence.filter(|text| !text.is_empty() && text.len() < MAX_LICENCE_BYTES);
        inventory.add(&purl, Component { name, version, licence, ..Component::default() });
        inventory.claim(&path, &purl);
        let Some(directory) = path.parent() else { continue };
        let record = directory.join(b"RECORD");
        let Some(site) = directory.parent().filter(|_| inventory.files.contains_key(&record)) else {
            continue;
        };
        for line in text(rootfs, &record)?.lines() {
            inventory.claim(&site.join(first_field(line).as_bytes()), &purl);
        }
    }
    Ok(())
}

fn is_description(path: &RootfsPath) -> bool {
    let parent = path.parent().unwrap_or_else(RootfsPath::root);
    match path.name() {
        b"METADATA" => parent.name().ends_with(b".dist-info"),
        b"PKG-INFO" => parent.name().ends_with(b".egg-info") || parent.name() == b"EGG-INFO",
        name => name.ends_with(b".egg-info"),
    }
}

/// The first field of a CSV line.
fn first_field(line: &str) -> String {
    match line.strip_prefix('"') {
        Some(quoted) => {
            let end = quoted.rfind("\",").unwrap_or(quoted.len());
            quoted[..end].replace("\"\"", "\"")
        }
        None => line.split(',').next().unwrap_or_default().to_owned(),
    }
}

/// Some put the whole text of their licence there.
const MAX_LICENCE_BYTES: usize = 200;

#[cfg(test)]
mod tests {
    use super::first_field;

    #[test]
    fn fields_of_a_record() {
        assert_eq!(first_field("a/b.py,sha256=x,1"), "a/b.py");
        assert_eq!(first_field("\"a,\"\"b.py\",sha256=x,1"), "a,\"b.py");
        assert_eq!(first_field("\"a"), "a");
        assert_eq!(first_field(""), "");
    }
}
