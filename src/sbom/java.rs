//! Java archives: what Maven wrote into them, else what their manifest says.

use super::inventory::{Component, Inventory};
use super::purl::purl;
use crate::closure::elf::{ByteSource, FileBytes};
use crate::closure::jar::{
    MANIFEST, MAX_DEPTH, MAX_JAR_BYTES, MAX_MANIFEST_BYTES, is_archive, main_attributes,
};
use crate::closure::zip::{Archive, Held};
use crate::rootfs::{Rootfs, RootfsError};

/// Adds the packages of all archives and of those in them; an archive is its own package's file.
///
/// # Errors
/// What the root answers.
pub(super) fn add(inventory: &mut Inventory, rootfs: &dyn Rootfs) -> Result<(), RootfsError> {
    for path in inventory.free(|path, _| is_archive(path.name())) {
        let size = inventory.files.get(&path).map_or(0, |file| file.size);
        let mut found = Found { artifacts: Vec::new(), left: MAX_BYTES };
        found.read(&FileBytes { rootfs, path: &path }, path.name(), size, 0)?;
        for Artifact { group, name, version, depth } in found.artifacts {
            let purl = purl("maven", &group, &name, &version, &[]);
            let own = depth == 0 && path.name().starts_with(name.as_bytes());
            let shown = if group.is_empty() { name } else { format!("{group}:{name}") };
            inventory.add(&purl, Component { name: shown, version, ..Component::default() });
            if own {
                inventory.claim(&path, &purl);
            }
        }
    }
    Ok(())
}

/// What an archive says it is, or what is put together in it.
struct Artifact {
    group: String,
    name: String,
    version: String,
    /// Archives around it.
    depth: usize,
}

struct Found {
    artifacts: Vec<Artifact>,
    /// Bytes that may still be unpacked.
    left: u64,
}

impl Found {
    fn read(
        &mut self,
        source: &dyn ByteSource,
        name: &[u8],
        size: u64,
        depth: usize,
    ) -> Result<(), RootfsError> {
        let Some(archive) = Archive::open(source, size)? else { return Ok(()) };
        let before = self.artifacts.len();
        let mut manifest = String::new();
        for entry in &archive.entries {
            let is_manifest = entry.name == MANIFEST;
            if is_manifest || (entry.name.starts_with(MAVEN) && entry.name.ends_with(PROPERTIES)) {
                let content = archive.read(entry, MAX_MANIFEST_BYTES.min(self.left))?;
                self.left -= self.left.min(content.len() as u64);
                let text = String::from_utf8_lossy(&content).into_owned();
                if is_manifest {
                    manifest = text;
                } else {
                    self.artifacts.extend(maven(&text, depth));
                }
            } else if is_archive(&entry.name) && depth < MAX_DEPTH {
                if let Some(part) = archive.part(entry)? {
                    self.read(&part, &entry.name, part.size, depth + 1)?;
                } else {
                    let held = Held(archive.read(entry, MAX_JAR_BYTES.min(self.left))?);
                    let size = held.0.len() as u64;
                    self.left -= self.left.min(size);
                    self.read(&held, &entry.name, size, depth + 1)?;
                }
            }
        }
        if !self.artifacts[before..].iter().any(|artifact| artifact.depth == depth) {
            self.artifacts.extend(unnamed(&manifest, name, depth));
        }
        Ok(())
    }
}

/// `pom.properties`.
fn maven(text: &str, depth: usize) -> Option<Artifact> {
    let field = |key: &str| {
        let mut values = text.lines().filter_map(|line| line.split_once('='));
        values.find(|(found, _)| found.trim() == key).map(|(_, value)| value.trim().to_owned())
    };
    let (group, name, version) = (field("groupId")?, field("artifactId")?, field("version")?);
    Some(Artifact { group, name, version, depth })
}

/// An archive that Maven did not make: named by its file, with the version of file or manifest.
fn unnamed(manifest: &str, file: &[u8], depth: usize) -> Option<Artifact> {
    let file = String::from_utf8_lossy(file).into_owned();
    let stem = file.rsplit('/').next()?.rsplit_once('.')?.0;
    let digit = |after: &str| after.starts_with(|letter: char| letter.is_ascii_digit());
    let dash = stem.match_indices('-').map(|(at, _)| at).find(|at| digit(&stem[at + 1..]));
    let (name, version) = dash.map_or((stem, None), |at| (&stem[..at], Some(stem[at + 1..].to_owned())));
    let attributes = main_attributes(manifest);
    let field = |key: &str| {
        let mut values = attributes.iter().filter(|(found, _)| found.eq_ignore_ascii_case(key));
        values.next().map(|(_, value)| value.clone())
    };
    let version = version.or_else(|| field("Implementation-Version")).or_else(|| field("Bundle-Version"))?;
    let group = field("Implementation-Vendor-Id").unwrap_or_default();
    (!name.is_empty()).then(|| Artifact { group, name: name.to_owned(), version, depth })
}

const MAVEN: &[u8] = b"META-INF/maven/";
const PROPERTIES: &[u8] = b"/pom.properties";

/// Bytes that are unpacked of one archive and those in it.
const MAX_BYTES: u64 = 512 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_without_maven() {
        let named = |manifest: &str, file: &str| {
            unnamed(manifest, file.as_bytes(), 0)
                .map(|found| format!("{}/{}@{}", found.group, found.name, found.version))
        };
        let manifest = "Implementation-Version: 3\nImplementation-Vendor-Id: org.x\n";
        assert_eq!(named("", "lib/gson-2.10.1.jar").as_deref(), Some("/gson@2.10.1"));
        assert_eq!(named(manifest, "a-b.jar").as_deref(), Some("org.x/a-b@3"));
        assert_eq!(named("", "app.jar"), None);
    }
}
