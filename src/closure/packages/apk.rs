//! Alpine's package database: apk `installed` (apk-tools `src/database.c`).

use std::cell::OnceCell;
use std::collections::BTreeSet;

use crate::closure::packages::index::Index;
use crate::closure::packages::merge::Merge;
use crate::closure::packages::{Package, PackageDb, PackageId, PackagesError, Record, owners, read_optional};
use crate::rootfs::{Rootfs, RootfsError, RootfsPath};

/// Places of the database: the second since merged `/usr` (Wolfi, Alpine 3.22 and later).
const PLACES: [&str; 2] = ["/lib/apk/db/installed", "/usr/lib/apk/db/installed"];

/// What was asked for (`apk-world(5)`).
const WORLD: &str = "/etc/apk/world";

/// About 4 KB for each package.
const MAX_BYTES: u64 = 256 << 20;

/// An apk database.
pub struct Apk<'fs> {
    rootfs: &'fs dyn Rootfs,
    path: RootfsPath,
    packages: Vec<Package>,
    records: Vec<ApkRecord>,
    merge: Merge,
    index: OnceCell<Index>,
}

/// One package's lines.
#[derive(Default)]
struct ApkRecord {
    /// The lines before the first directory.
    head: Vec<Vec<u8>>,
    directories: Vec<ApkDirectory>,
}

/// `F:` with the lines that belong to it.
struct ApkDirectory {
    /// As in the database, relative to the root.
    name: Vec<u8>,
    /// `F:` and `M:`.
    lines: Vec<Vec<u8>>,
    files: Vec<ApkFile>,
}

/// `R:` with the lines that belong to it.
struct ApkFile {
    name: Vec<u8>,
    lines: Vec<Vec<u8>>,
}

impl<'fs> Apk<'fs> {
    /// Reads the database; `None` when the root has none.
    ///
    /// # Errors
    /// When it is there but cannot be read.
    pub fn open(rootfs: &'fs dyn Rootfs) -> Result<Option<Self>, PackagesError> {
        for place in PLACES.map(RootfsPath::from) {
            if let Some(text) = read_optional(rootfs, &place, MAX_BYTES)? {
                let mut apk = Self {
                    rootfs,
                    path: place,
                    packages: Vec::new(),
                    records: Vec::new(),
                    merge: Merge::of(rootfs)?,
                    index: OnceCell::new(),
                };
                apk.path = apk.merge.real(apk.path.clone());
                for paragraph in split_paragraphs(&text) {
                    apk.read_paragraph(&paragraph);
                }
                return Ok(Some(apk));
            }
        }
        Ok(None)
    }

    fn read_paragraph(&mut self, lines: &[&[u8]]) {
        let field = |key: &[u8]| {
            let line = lines.iter().find_map(|line| line.strip_prefix(key));
            line.map(|value| String::from_utf8_lossy(value).into_owned())
        };
        let (Some(name), Some(version)) = (field(b"P:"), field(b"V:")) else { return };
        let mut record = ApkRecord::default();
        for line in lines {
            let (key, value) = line.split_at_checked(2).unwrap_or((*line, b""));
            match (key, record.directories.last_mut()) {
                (b"F:", _) => {
                    let directory =
                        ApkDirectory { name: value.to_vec(), lines: vec![line.to_vec()], files: Vec::new() };
                    record.directories.push(directory);
                }
                (b"R:", Some(directory)) => {
                    directory.files.push(ApkFile { name: value.to_vec(), lines: vec![line.to_vec()] });
                }
                (b"a:" | b"Z:", Some(directory)) if !directory.files.is_empty() => {
                    if let Some(file) = directory.files.last_mut() {
                        file.lines.push(line.to_vec());
                    }
                }
                (b"M:", Some(directory)) => directory.lines.push(line.to_vec()),
                _ => record.head.push(line.to_vec()),
            }
        }
        self.packages.push(Package {
            source: (field(b"o:").unwrap_or_else(|| name.clone()), version.clone()),
            architecture: field(b"A:").unwrap_or_default(),
            licence: field(b"L:"),
            maintainer: field(b"m:"),
            name,
            version,
        });
        self.records.push(record);
    }

    fn index(&self) -> &Index {
        self.index.get_or_init(|| {
            let mut entries = Vec::new();
            for (at, record) in self.records.iter().enumerate() {
                let id = PackageId(u32::try_from(at).unwrap_or(u32::MAX));
                entries.extend(self.paths(record).into_iter().map(|path| (path, id)));
            }
            Index::new(entries)
        })
    }

    fn paths(&self, record: &ApkRecord) -> Vec<RootfsPath> {
        let mut paths = Vec::new();
        for directory in &record.directories {
            let at = RootfsPath::parse(&directory.name);
            paths.extend(directory.files.iter().map(|file| self.merge.real(at.join(&file.name))));
            paths.push(self.merge.real(at));
        }
        paths
    }

    /// A package's lines with only the directories and files that are shipped.
    fn cut(&self, record: &ApkRecord, shipped: &BTreeSet<RootfsPath>) -> Vec<u8> {
        let mut text: Vec<u8> = Vec::new();
        let mut put =
            |lines: &[Vec<u8>]| lines.iter().for_each(|line| text.extend([&line[..], b"\n"].concat()));
        put(&record.head);
        for directory in &record.directories {
            let at = RootfsPath::parse(&directory.name);
            let kept = |file: &&ApkFile| shipped.contains(&self.merge.real(at.join(&file.name)));
            let files: Vec<&ApkFile> = directory.files.iter().filter(kept).collect();
            if !files.is_empty() || shipped.contains(&self.merge.real(at.clone())) {
                put(&directory.lines);
                for file in files {
                    put(&file.lines);
                }
            }
        }
        text.push(b'\n');
        text
    }
}

impl PackageDb for Apk<'_> {
    fn kind(&self) -> &'static str {
        "apk"
    }

    fn packages(&self) -> &[Package] {
        &self.packages
    }

    fn owner(&self, path: &RootfsPath) -> Result<Option<PackageId>, PackagesError> {
        Ok(self.index().owner(path))
    }

    fn files(&self, package: PackageId) -> Result<Vec<RootfsPath>, PackagesError> {
        let record = self.records.get(package.0 as usize);
        let paths: BTreeSet<RootfsPath> = record.into_iter().flat_map(|record| self.paths(record)).collect();
        Ok(paths.into_iter().collect())
    }

    /// All that `/etc/apk/world` does not name; without that file none.
    fn automatic(&self) -> Result<BTreeSet<PackageId>, PackagesError> {
        let Some(text) = read_optional(self.rootfs, &RootfsPath::from(WORLD), MAX_BYTES)? else {
            return Ok(BTreeSet::new());
        };
        let text = String::from_utf8_lossy(&text);
        // `name=version`, `name@repository`, `name>1`.
        let names = text.split_whitespace().filter_map(|word| word.split(['=', '<', '>', '~', '@']).next());
        let world: BTreeSet<&str> = names.collect();
        let ids =
            self.packages.iter().enumerate().filter(|(_, package)| !world.contains(package.name.as_str()));
        Ok(ids.filter_map(|(at, _)| u32::try_from(at).ok()).map(PackageId).collect())
    }

    /// Only what is named by package: `so:…` and `cmd:…` are not resolved.
    fn depends(&self, package: PackageId) -> Vec<String> {
        let Some(record) = self.records.get(package.0 as usize) else { return Vec::new() };
        let line = record.head.iter().find_map(|line| line.strip_prefix(b"D:"));
        let text = String::from_utf8_lossy(line.unwrap_or_default()).into_owned();
        let words = text.split_whitespace().filter(|word| !word.contains(':') && !word.starts_with('!'));
        words.filter_map(|word| word.split(['=', '<', '>', '~']).next()).map(str::to_owned).collect()
    }

    /// apk knows no recommendations.
    fn recommends(&self, _package: PackageId) -> Vec<String> {
        Vec::new()
    }

    fn licence_files(&self, package: PackageId) -> Result<Vec<RootfsPath>, PackagesError> {
        let Some(found) = self.packages.get(package.0 as usize) else { return Ok(Vec::new()) };
        let directory = RootfsPath::from("/usr/share/licenses").join(found.name.as_bytes());
        match self.rootfs.list(&directory) {
            Ok(entries) => Ok(entries.iter().map(|entry| directory.join(&entry.name)).collect()),
            Err(RootfsError::NotFound(_) | RootfsError::NotADirectory(_) | RootfsError::LinkLoop(_)) => {
                Ok(Vec::new())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn records(
        &self,
        shipped: &BTreeSet<RootfsPath>,
        also: &BTreeSet<PackageId>,
    ) -> Result<Vec<Record>, PackagesError> {
        let mut wanted = owners(self, self.rootfs, shipped)?;
        wanted.extend(also);
        let known: Vec<PackageId> =
            wanted.into_iter().filter(|id| self.records.len() > id.0 as usize).collect();
        if known.is_empty() {
            return Ok(Vec::new());
        }
        let content = known.iter().flat_map(|id| self.cut(&self.records[id.0 as usize], shipped)).collect();
        Ok(vec![Record { path: self.path.clone(), packages: known, content }])
    }
}

fn split_paragraphs(text: &[u8]) -> Vec<Vec<&[u8]>> {
    let mut paragraphs = vec![Vec::new()];
    for line in text.split(|byte| *byte == b'\n') {
        match paragraphs.last_mut() {
            Some(last) if !line.is_empty() => last.push(line),
            Some(last) if !last.is_empty() => paragraphs.push(Vec::new()),
            _ => {}
        }
    }
    paragraphs.retain(|lines| !lines.is_empty());
    paragraphs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rootfs::tree::TreeRootfs;

    #[test]
    fn owners_and_cut_records() {
        let tree = TreeRootfs::parse(
            r#"
            /lib/ld-musl-x86_64.so.1 text m
            /bin/busybox text b
            /bin/sh -> /bin/busybox
            /usr/share/licenses/musl/COPYRIGHT text c
            /lib/apk/db/installed text "C:Q1x=\nP:musl\nV:1.2.5-r0\nA:x86_64\nL:MIT\no:musl\nF:lib\nR:ld-musl-x86_64.so.1\na:0:0:755\nZ:Q1y=\nR:libc.musl-x86_64.so.1\nZ:Q1z=\nF:usr\nF:usr/lib\nM:0:0:755\n\nP:busybox\nV:1.36\nA:x86_64\nF:bin\nR:busybox\nZ:Q1b=\nR:sh\n\n"
            "#,
        )
        .unwrap();
        let apk = Apk::open(&tree).unwrap().unwrap();
        let owner = |path: &str| apk.owner(&RootfsPath::from(path)).unwrap();
        assert_eq!(owner("/lib/ld-musl-x86_64.so.1"), Some(PackageId(0)));
        assert_eq!(owner("/bin/sh"), Some(PackageId(1)));
        assert_eq!(owner("/etc/passwd"), None);
        assert_eq!(apk.packages()[0].licence.as_deref(), Some("MIT"));
        assert_eq!(
            apk.licence_files(PackageId(0)).unwrap(),
            [RootfsPath::from("/usr/share/licenses/musl/COPYRIGHT")]
        );
        let shipped = ["/lib", "/lib/ld-musl-x86_64.so.1"].map(RootfsPath::from).into_iter().collect();
        let records = apk.records(&shipped, &BTreeSet::new()).unwrap();
        assert_eq!(records[0].path, RootfsPath::from("/lib/apk/db/installed"));
        assert_eq!(
            String::from_utf8_lossy(&records[0].content),
            "C:Q1x=\nP:musl\nV:1.2.5-r0\nA:x86_64\nL:MIT\no:musl\nF:lib\n\
             R:ld-musl-x86_64.so.1\na:0:0:755\nZ:Q1y=\n\n"
        );
    }
}
