//! Compiled files of Python (`__pycache__/m.cpython-312.pyc`, PEP 3147 and 552).
//!
//! A compiled file that records the time of its source is stale in the output, where all times are 1970: Python would
//! compile its source again at each start. Where it fits its source as that is in the stage, its copy records 1970;
//! where it does not, nobody would use it in the stage either, and it stays out. Those that record a digest stay.

use std::collections::{BTreeMap, BTreeSet};

use crate::closure::reason;
use crate::closure::set::{Closure, Item, Strength};
use crate::closure::view::Place;
use crate::rootfs::links::{self, Resolved};
use crate::rootfs::{FileKind, Rootfs, RootfsError, RootfsPath};
use crate::rules::Mechanism;

impl Closure<'_> {
    /// Brings the compiled file of each source file of the set, and leaves out those that nobody would use.
    ///
    /// # Errors
    /// What the roots answer.
    pub(in crate::closure) fn compiled_files(&mut self) -> Result<(), RootfsError> {
        let tags = self.python_tags();
        if tags.is_empty() {
            return Ok(());
        }
        let mut caches: BTreeMap<RootfsPath, BTreeSet<Vec<u8>>> = BTreeMap::new();
        let mut left = MAX_BYTES;
        let mut used: BTreeSet<RootfsPath> = BTreeSet::new();
        let sources: Vec<(RootfsPath, Item)> = self
            .items
            .iter()
            .filter(|(path, _)| path.name().ends_with(b".py"))
            .map(|(path, item)| (path.clone(), item.clone()))
            .collect();
        for (source, mut item) in sources {
            if let FileKind::Symlink(_) = item.stat.kind {
                // Python asks for the time of what the link leads to.
                let eyes = &self.world.views[self.view_of(&source)];
                let Ok(Resolved::Found { stat, .. }) = links::resolve(eyes, &source) else { continue };
                item.stat = stat;
            }
            if item.stat.kind != FileKind::Regular {
                continue;
            }
            let Some(cache) = source.parent().map(|parent| parent.join(b"__pycache__")) else { continue };
            let view = self.view_of(&source);
            if !caches.contains_key(&cache) {
                let names = match self.world.views[view].list(&cache) {
                    Ok(entries) => entries.into_iter().map(|entry| entry.name).collect(),
                    Err(RootfsError::NotFound(_) | RootfsError::NotADirectory(_)) => BTreeSet::new(),
                    Err(error) => return Err(error),
                };
                caches.insert(cache.clone(), names);
            }
            let stem = &source.name()[..source.name().len() - SOURCE_SUFFIX.len()];
            for tag in &tags {
                let name = [stem, b".", tag.as_bytes(), b".pyc"].concat();
                if caches.get(&cache).is_some_and(|names| names.contains(&name))
                    && self.compiled_file(&source, &item, &cache.join(&name), view, &mut left)?
                {
                    used.insert(cache.join(&name));
                }
            }
        }
        self.items.retain(|path, item| {
            let cached = path.name().ends_with(b".pyc")
                && path.parent().is_some_and(|parent| parent.name() == b"__pycache__");
            !cached || item.stat.kind != FileKind::Regular || used.contains(path)
        });
        // A cache that nothing is left of.
        let holding: BTreeSet<RootfsPath> = self.items.keys().filter_map(RootfsPath::parent).collect();
        self.items.retain(|path, item| {
            path.name() != b"__pycache__" || item.stat.kind != FileKind::Directory || holding.contains(path)
        });
        Ok(())
    }

    /// The tags in the names of compiled files that the interpreters of the set read: `cpython-312`.
    fn python_tags(&self) -> BTreeSet<String> {
        let level = self.env("PYTHONOPTIMIZE").filter(|level| !level.is_empty());
        let level = match level.map(|level| level.parse::<u32>()) {
            Some(Ok(0)) | None => String::new(),
            Some(Ok(level)) => format!(".opt-{}", level.min(2)),
            Some(Err(_)) => ".opt-1".to_owned(),
        };
        let engines = self.runtimes.engines.iter();
        let compiling = engines.filter(|engine| engine.rule.mechanism.contains(&Mechanism::Pyc));
        let versions = compiling.filter_map(|engine| {
            let kind = if engine.program.name().starts_with(b"pypy") { "pypy" } else { "cpython-" };
            let version = engine.values.get("version")?.first()?;
            let digits: String = version.chars().filter(char::is_ascii_digit).collect();
            Some(format!("{kind}{digits}{level}"))
        });
        versions.collect()
    }

    /// Brings one compiled file when Python would use it; whether it does.
    fn compiled_file(
        &mut self,
        source: &RootfsPath,
        item: &Item,
        path: &RootfsPath,
        view: usize,
        left: &mut u64,
    ) -> Result<bool, RootfsError> {
        let Some((place, stat)) = self.world.views[view].place(path)? else { return Ok(false) };
        let same_side = matches!(
            (&place, &item.place),
            (Place::Tree, Place::Tree) | (Place::Source(..), Place::Source(..))
        );
        if stat.kind != FileKind::Regular || stat.size > *left || !same_side || self.is_excluded(path) {
            return Ok(false);
        }
        let bytes = self.world.views[view].read(path, 0..stat.size)?;
        let Some(header) = bytes.first_chunk::<HEADER_BYTES>() else { return Ok(false) };
        let written = match Header::read(header) {
            Header::Digest => None,
            Header::Time { seconds, size }
                if seconds == low_bits(item.stat.mtime_ns.div_euclid(1_000_000_000))
                    && u64::from(size) == item.stat.size & u64::from(u32::MAX) =>
            {
                Some(with_time_zero(bytes))
            }
            Header::Time { .. } => return Ok(false),
        };
        *left -= stat.size;
        let chain = reason::then(&item.reason, "compiled", reason::escaped(source));
        if !self.items.contains_key(path) {
            self.put(path, place, stat, &chain, Strength::Swept)?;
        }
        let engines = &self.runtimes.engines;
        if engines.iter().any(|engine| engine.fixed.holds(source) || engine.packages.holds(source)) {
            self.runtimes.compiled.insert(path.clone());
        }
        self.runtimes.rewritten.extend(written.map(|bytes| (path.clone(), bytes)));
        Ok(true)
    }
}

/// How a compiled file is compared with its source.
#[derive(Debug, PartialEq, Eq)]
enum Header {
    /// By the source's time and size, both cut to 32 bits.
    Time { seconds: u32, size: u32 },
    /// By a digest, or not at all.
    Digest,
}

impl Header {
    /// Magic number, flags, then time and size, or a digest (little-endian, `importlib._bootstrap_external`).
    fn read(bytes: &[u8; HEADER_BYTES]) -> Self {
        let number = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        if number(4) & 1 == 1 { Self::Digest } else { Self::Time { seconds: number(8), size: number(12) } }
    }
}

fn with_time_zero(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes[TIME..TIME + 4].fill(0);
    bytes
}

fn low_bits(seconds: i64) -> u32 {
    u32::try_from(seconds & i64::from(u32::MAX)).expect("32 bits were kept")
}

const HEADER_BYTES: usize = 16;

/// Where the time of the source stands.
const TIME: usize = 8;

const SOURCE_SUFFIX: &str = ".py";

/// Bytes of all compiled files together: they are kept in memory until they are written.
const MAX_BYTES: u64 = 512 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_by_time_and_by_digest() {
        let header = |flags: u8| {
            let mut bytes = [0; HEADER_BYTES];
            bytes[4] = flags;
            bytes[8..16].copy_from_slice(&[1, 0, 0, 0, 2, 0, 0, 0]);
            bytes
        };
        assert_eq!(Header::read(&header(0)), Header::Time { seconds: 1, size: 2 });
        assert_eq!(Header::read(&header(1)), Header::Digest);
        assert_eq!(Header::read(&header(3)), Header::Digest);
        assert_eq!(
            Header::read(&with_time_zero(header(0).to_vec()).try_into().unwrap()),
            Header::Time { seconds: 0, size: 2 }
        );
        assert_eq!(low_bits(-1), u32::MAX);
    }
}
