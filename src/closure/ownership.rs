//! Which package each file of the set is from, and what of the package databases goes along.

use std::collections::{BTreeMap, BTreeSet};

use super::finding;
use super::reason;
use super::set::{Closure, Strength};
use super::view::Place;
use crate::closure::packages::{PackageDb, PackageId, Record};
use crate::distill::manifest::Package;
use crate::rootfs::links::{self, Resolved};
use crate::rootfs::{FileKind, RootfsPath};

/// A package of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Owner {
    pub(super) source: usize,
    pub(super) package: PackageId,
}

/// The packages of a finished set.
#[derive(Default)]
pub(super) struct Ownership {
    /// Package names by path.
    pub(super) names: BTreeMap<RootfsPath, String>,
    pub(super) packages: Vec<Package>,
    /// Records with the package names that they speak of.
    pub(super) records: Vec<(RootfsPath, Vec<u8>, Vec<String>)>,
}

impl<'a> Closure<'a> {
    fn database(&self, source: usize) -> Option<&'a dyn PackageDb> {
        self.world.sources.get(source)?.packages.as_deref()
    }

    /// Where an item lay in a source.
    fn source_of(&self, path: &RootfsPath) -> Option<(usize, RootfsPath)> {
        let (index, from) = match &self.items.get(path)?.place {
            // What the user put over a package's file is no longer the package's.
            Place::Source(0, from) if self.world.changes.is_put(from) => return None,
            Place::Source(index, from) => (*index, from.clone()),
            Place::Tree => {
                let origin = self.node(path)?.came.origin.clone()?;
                (origin.source, origin.path)
            }
        };
        // Databases are asked by real path; a view may have spelt it through a link of the source.
        let root = self.world.sources.get(index)?.root;
        match links::resolve_parent(root, &from) {
            Ok(Resolved::Found { path, .. }) => Some((index, path)),
            _ => Some((index, from)),
        }
    }

    /// The package that an item is from.
    pub(super) fn owner_of(&self, path: &RootfsPath) -> Option<Owner> {
        let (source, from) = self.source_of(path)?;
        let package = self.database(source)?.owner(&from).ok()??;
        Some(Owner { source, package })
    }

    /// All files of the package that an item is from, as in its source.
    pub(super) fn package_files(&self, path: &RootfsPath) -> Vec<RootfsPath> {
        let Some(owner) = self.owner_of(path) else { return Vec::new() };
        let files = self.database(owner.source).and_then(|database| database.files(owner.package).ok());
        files.unwrap_or_default()
    }

    /// Brings the licence files of every package that something of the set is from.
    pub(super) fn bring_licences(&mut self) {
        let mut owners: BTreeMap<Owner, RootfsPath> = BTreeMap::new();
        for (path, item) in &self.items {
            if item.stat.kind == FileKind::Regular
                && let Some(owner) = self.owner_of(path)
            {
                owners.entry(owner).or_insert_with(|| path.clone());
            }
        }
        for owner in owners.into_keys() {
            let Some(database) = self.database(owner.source) else { continue };
            let name = database.packages().get(owner.package.0 as usize).map(|package| package.name.clone());
            let chain = reason::root(LICENCE_WHY, name.unwrap_or_default());
            for file in database.licence_files(owner.package).unwrap_or_default() {
                // A licence that cannot be read is no reason to fail.
                let _ = self.bring(owner.source, &file, &chain, Strength::Soft);
            }
        }
    }

    /// Names, packages and records of the finished set.
    pub(super) fn ownership(&mut self) -> Ownership {
        let mut out = Ownership::default();
        let mut shipped: BTreeMap<usize, BTreeSet<RootfsPath>> = BTreeMap::new();
        let mut also: BTreeMap<usize, BTreeSet<PackageId>> = BTreeMap::new();
        let mut sums: BTreeMap<Owner, (u32, u64)> = BTreeMap::new();
        let mut broken: BTreeSet<String> = BTreeSet::new();
        for (path, item) in &self.items {
            if item.stat.kind == FileKind::Directory {
                continue;
            }
            let found =
                self.source_of(path).and_then(|(source, from)| match self.database(source)?.owner(&from) {
                    Ok(Some(package)) => Some((Owner { source, package }, Some(from))),
                    Ok(None) => {
                        let name = item.counts_to.as_ref()?;
                        let package =
                            self.database(source)?.packages().iter().position(|p| p.name == *name)?;
                        let package = PackageId(u32::try_from(package).ok()?);
                        Some((Owner { source, package }, None))
                    }
                    Err(error) => {
                        broken.insert(error.to_string());
                        None
                    }
                });
            let Some((owner, from)) = found else { continue };
            let Some(database) = self.database(owner.source) else { continue };
            let Some(package) = database.packages().get(owner.package.0 as usize) else { continue };
            out.names.insert(path.clone(), package.name.clone());
            let sum = sums.entry(owner).or_default();
            sum.0 += 1;
            if item.stat.kind == FileKind::Regular {
                sum.1 += item.stat.size;
            }
            match from.filter(|from| self.is_spelt(owner.source, from, path)) {
                Some(from) => {
                    shipped.entry(owner.source).or_default().insert(from);
                }
                // A moved file is the package's, but not at the path that the record names.
                None => {
                    also.entry(owner.source).or_default().insert(owner.package);
                }
            }
        }
        for error in broken {
            self.findings.add(finding::warning(
                finding::UNREADABLE_SOURCE,
                format!("the package database cannot be read: {error}"),
            ));
        }
        self.records(&mut out, &shipped, &also);
        out.packages = self.summaries(&sums);
        out
    }

    /// Whether a file has the same path in the set as in its source, the merge links aside.
    fn is_spelt(&self, source: usize, from: &RootfsPath, path: &RootfsPath) -> bool {
        if from == path {
            return true;
        }
        let Some(eyes) = self.world.views.get(source) else { return false };
        matches!(links::resolve_parent(eyes, from), Ok(Resolved::Found { path: real, .. }) if real == *path)
    }

    fn records(
        &mut self,
        out: &mut Ownership,
        shipped: &BTreeMap<usize, BTreeSet<RootfsPath>>,
        also: &BTreeMap<usize, BTreeSet<PackageId>>,
    ) {
        let mut merged: BTreeMap<RootfsPath, (Vec<u8>, Vec<String>)> = BTreeMap::new();
        let sources: BTreeSet<usize> = shipped.keys().chain(also.keys()).copied().collect();
        let none = (BTreeSet::new(), BTreeSet::new());
        for source in sources {
            let Some(database) = self.database(source) else { continue };
            let files = shipped.get(&source).unwrap_or(&none.0);
            let more = also.get(&source).unwrap_or(&none.1);
            let records = match database.records(files, more) {
                Ok(records) => records,
                Err(error) => {
                    self.findings.add(finding::warning(
                        finding::UNREADABLE_SOURCE,
                        format!("the package records cannot be written: {error}"),
                    ));
                    continue;
                }
            };
            for Record { path, packages, content } in records {
                let names: Vec<String> = packages
                    .iter()
                    .filter_map(|id| database.packages().get(id.0 as usize))
                    .map(|package| package.name.clone())
                    .collect();
                match merged.get_mut(&path) {
                    // Sums of one package from two sources are one list; a stanza is the first source's.
                    Some((old, _)) if path.name().ends_with(b".md5sums") => {
                        *old = union_of_lines(old, &content);
                    }
                    Some(_) => {}
                    None => {
                        merged.insert(path, (content, names));
                    }
                }
            }
        }
        out.records = merged.into_iter().map(|(path, (content, names))| (path, content, names)).collect();
    }

    fn summaries(&self, sums: &BTreeMap<Owner, (u32, u64)>) -> Vec<Package> {
        let mut packages: BTreeMap<(String, String), Package> = BTreeMap::new();
        for (owner, (files, size)) in sums {
            let Some(database) = self.database(owner.source) else { continue };
            let Some(package) = database.packages().get(owner.package.0 as usize) else { continue };
            let entry =
                packages.entry((package.name.clone(), package.version.clone())).or_insert_with(|| Package {
                    name: package.name.clone(),
                    version: package.version.clone(),
                    kind: match database.kind() {
                        "dpkg" => "deb".to_owned(),
                        other => other.to_owned(),
                    },
                    files: 0,
                    size: 0,
                });
            entry.files += files;
            entry.size += size;
        }
        packages.into_values().collect()
    }
}

/// The lines of two lists of sums, sorted by path; where both have a path, the first.
pub(super) fn union_of_lines(a: &[u8], b: &[u8]) -> Vec<u8> {
    // Sorted by path, which follows the sum and two blanks.
    let key = |line: &[u8]| line.get(34..).unwrap_or_default().to_vec();
    let lines: BTreeMap<Vec<u8>, &[u8]> = b
        .split(|byte| *byte == b'\n')
        .chain(a.split(|byte| *byte == b'\n'))
        .filter(|line| !line.is_empty())
        .map(|line| (key(line), line))
        .collect();
    lines.into_values().flat_map(|line| [line, b"\n"].concat()).collect()
}

/// Two lists of packages as one: what is in both counts together.
pub(super) fn union_of_packages(mut packages: Vec<Package>, more: &[Package]) -> Vec<Package> {
    for package in more {
        match packages.iter_mut().find(|known| known.name == package.name && known.version == package.version)
        {
            Some(known) => {
                known.files += package.files;
                known.size += package.size;
            }
            None => packages.push(package.clone()),
        }
    }
    packages.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    packages
}

/// Why of licence files.
pub(super) const LICENCE_WHY: &str = "licence";

/// Why of package records.
pub(super) const RECORD_WHY: &str = "package record";
