//! What fuzz targets share: a root file system of a few files, and a walk through a package database.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use decant::closure::packages;
use decant::rootfs::{Entry, FileKind, Rootfs, RootfsError, RootfsPath, Stat};

/// Files at fixed paths; the parts of the input, which stand between lines of `%%`, are their contents.
#[derive(Debug)]
pub struct Files(BTreeMap<RootfsPath, Vec<u8>>);

impl Files {
    pub fn split(data: &[u8], paths: &[&str]) -> Self {
        let mut rest = data;
        let mut files = BTreeMap::new();
        for (at, path) in paths.iter().enumerate() {
            let end = if at + 1 == paths.len() { None } else { find(rest, b"\n%%\n") };
            let (part, next) = match end {
                Some(end) => (&rest[..=end], &rest[end + 4..]),
                None => (rest, &[][..]),
            };
            files.insert(RootfsPath::parse(path.as_bytes()), part.to_vec());
            rest = next;
        }
        Self(files)
    }
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

fn stat(kind: FileKind, size: usize) -> Stat {
    Stat { kind, mode: 0o644, uid: 0, gid: 0, size: size as u64, mtime_ns: 0, hardlink: None, xattrs: Vec::new() }
}

impl Rootfs for Files {
    fn list(&self, dir: &RootfsPath) -> Result<Vec<Entry>, RootfsError> {
        let mut names: BTreeMap<Vec<u8>, Stat> = BTreeMap::new();
        let depth = dir.components().count();
        for (path, content) in self.0.iter().filter(|(path, _)| path.is_within(dir) && *path != dir) {
            let Some(name) = path.components().nth(depth) else { continue };
            let last = path.components().count() == depth + 1;
            let kind = if last { FileKind::Regular } else { FileKind::Directory };
            names.insert(name.to_vec(), stat(kind, content.len()));
        }
        if names.is_empty() {
            return Err(RootfsError::NotFound(dir.clone()));
        }
        Ok(names.into_iter().map(|(name, stat)| Entry { name, stat }).collect())
    }

    fn stat(&self, path: &RootfsPath) -> Result<Option<Stat>, RootfsError> {
        if let Some(content) = self.0.get(path) {
            return Ok(Some(stat(FileKind::Regular, content.len())));
        }
        let directory = self.0.keys().any(|known| known.is_within(path));
        Ok(directory.then(|| stat(FileKind::Directory, 0)))
    }

    fn read(&self, file: &RootfsPath, range: Range<u64>) -> Result<Vec<u8>, RootfsError> {
        let content = self.0.get(file).ok_or_else(|| RootfsError::NotFound(file.clone()))?;
        let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX).min(content.len());
        Ok(content[at(range.start)..at(range.end).max(at(range.start))].to_vec())
    }
}

/// Reads all that a package database says.
pub fn read_packages(root: &Files) {
    let Ok(Some(database)) = packages::open(root) else { return };
    let mut all = BTreeSet::new();
    let most = u32::try_from(database.packages().len()).unwrap_or(u32::MAX).min(64);
    for id in (0..most).map(packages::PackageId) {
        if let Ok(files) = database.files(id) {
            all.extend(files.into_iter().take(64));
        }
        let _ = database.licence_files(id);
    }
    for path in &all {
        let _ = database.owner(path);
    }
    let _ = database.records(&all, &BTreeSet::new());
}
