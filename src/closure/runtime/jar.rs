//! Jars: the other files that their manifest names, the names in their classes, and the libraries that they carry.

use std::collections::BTreeSet;

use crate::closure::elf::{self, ByteSource, FileBytes};
use crate::closure::evidence::{Facts, Needles};
use crate::closure::reason;
use crate::closure::roots::Wish;
use crate::closure::set::{Closure, Strength};
use crate::closure::zip::{Archive, Entry, Held};
use crate::distill::manifest::Reason;
use crate::rootfs::{FileKind, Rootfs, RootfsError, RootfsPath};
use crate::rules::{Mechanism, Runtime};

impl Closure<'_> {
    /// Brings what the `Class-Path` of a jar names, relative to the jar, and what those name.
    ///
    /// # Errors
    /// What the roots answer.
    pub(super) fn class_path(
        &mut self,
        rule: &Runtime,
        jar: &RootfsPath,
        chain: &[Reason],
        wishes: &mut Vec<Wish>,
    ) -> Result<(), RootfsError> {
        if !rule.mechanism.contains(&Mechanism::ClassPath) {
            return Ok(());
        }
        let mut seen = BTreeSet::from([jar.clone()]);
        let mut pending = vec![(jar.clone(), chain.to_vec())];
        while let Some((jar, chain)) = pending.pop() {
            let Some(directory) = jar.parent() else { continue };
            for name in self.class_path_of(&jar)? {
                // An entry is a URL, mostly a relative one.
                let name = name.strip_prefix("file:").unwrap_or(&name);
                let path = directory.join(name.as_bytes());
                if seen.len() > MAX_JARS || !seen.insert(path.clone()) {
                    continue;
                }
                // A missing one is no fault: the loader passes over it.
                let Some((_, kind, view)) = self.locate(&path)? else { continue };
                let chain = reason::then(&chain, "class path", reason::escaped(&path));
                match kind {
                    FileKind::Regular => {
                        if let Some(real) = self.bring(view, &path, &chain, Strength::Soft)? {
                            wishes.push(Wish { path: real, strength: Strength::Soft, started: false });
                            pending.push((path, chain));
                        }
                    }
                    FileKind::Directory if name.ends_with('/') => {
                        for path in self.bring_tree(view, &path, &chain, Strength::Soft, &|_| false)? {
                            wishes.push(Wish { path, strength: Strength::Soft, started: false });
                        }
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn class_path_of(&self, jar: &RootfsPath) -> Result<Vec<String>, RootfsError> {
        let Some((real, FileKind::Regular, view)) = self.locate(jar)? else { return Ok(Vec::new()) };
        let eyes = &self.world.views[view];
        let Some(stat) = eyes.stat(&real)? else { return Ok(Vec::new()) };
        let bytes = FileBytes { rootfs: eyes, path: &real };
        let Some(archive) = Archive::open(&bytes, stat.size)? else { return Ok(Vec::new()) };
        let Some(manifest) = archive.entries.iter().find(|entry| entry.name == MANIFEST) else {
            return Ok(Vec::new());
        };
        let manifest = archive.read(manifest, MAX_MANIFEST_BYTES)?;
        Ok(class_path_in(&String::from_utf8_lossy(&manifest)))
    }

    /// Whether a file of the set is read as an archive of classes.
    pub(super) fn is_jar(&self, path: &RootfsPath) -> bool {
        let of = |engine: &super::Engine<'_>| {
            engine.rule.mechanism.contains(&Mechanism::ClassText) && engine.is_text(path.name())
        };
        is_archive(path.name()) && self.runtimes.engines.iter().any(of)
    }

    /// Reads the names in a jar's classes, and brings what the libraries in it need: these are unpacked when the
    /// program runs, and loaded by the machine.
    ///
    /// # Errors
    /// What the roots answer.
    pub(super) fn read_jar(&mut self, path: &RootfsPath, needles: &Needles) -> Result<Facts, RootfsError> {
        let mut contents = Contents { needles, facts: Facts::default(), needed: Vec::new(), left: MAX_BYTES };
        let Some(item) = self.items.get(path) else { return Ok(contents.facts) };
        let (size, chain) = (item.stat.size, item.reason.clone());
        let Some((rootfs, file)) = self.file_of(path) else { return Ok(contents.facts) };
        contents.read(&FileBytes { rootfs, path: &file }, size, 0)?;
        let native = |engine: &&super::Engine<'_>| engine.rule.mechanism.contains(&Mechanism::NativeInJar);
        let Some(engine) = self.runtimes.engines.iter().find(native) else { return Ok(contents.facts) };
        let program = engine.program.clone();
        let Some(index) = self.processes.iter().position(|process| process.program == program) else {
            return Ok(contents.facts);
        };
        let abi = self.elves.get(&program).map(|elf| elf.abi);
        for (library, elf) in &contents.needed {
            if Some(elf.abi) != abi {
                continue;
            }
            for name in &elf.needed {
                let chain =
                    reason::then(&chain, "library in it", String::from_utf8_lossy(library).into_owned());
                let chain = reason::then(&chain, "needed", String::from_utf8_lossy(name).into_owned());
                self.open_library(index, 0, name, &chain)?;
            }
        }
        Ok(contents.facts)
    }
}

/// What was found in an archive and those inside it.
struct Contents<'n> {
    needles: &'n Needles,
    facts: Facts,
    needed: Vec<(Vec<u8>, elf::Elf)>,
    /// Bytes that may still be unpacked.
    left: u64,
}

impl Contents<'_> {
    fn read(&mut self, source: &dyn ByteSource, size: u64, depth: usize) -> Result<(), RootfsError> {
        let Some(archive) = Archive::open(source, size)? else { return Ok(()) };
        for entry in &archive.entries {
            if self.left == 0 {
                break;
            }
            if entry.name.ends_with(b".class") {
                let class = self.unpack(&archive, entry, MAX_CLASS_BYTES)?;
                self.needles.words.find(&class, &mut self.facts.words);
            } else if is_library(&entry.name) {
                let library = self.unpack(&archive, entry, MAX_LIBRARY_BYTES)?;
                if let Ok(Some(elf)) = elf::parse(&library[..])
                    && !elf.needed.is_empty()
                    && self.needed.len() < MAX_LIBRARIES
                {
                    self.needed.push((entry.name.clone(), elf));
                }
            } else if is_archive(&entry.name) && depth < MAX_DEPTH {
                if let Some(part) = archive.part(entry)? {
                    self.read(&part, part.size, depth + 1)?;
                } else {
                    let held = Held(self.unpack(&archive, entry, MAX_JAR_BYTES)?);
                    let size = held.0.len() as u64;
                    self.read(&held, size, depth + 1)?;
                }
            }
        }
        Ok(())
    }

    fn unpack(&mut self, archive: &Archive<'_>, entry: &Entry, limit: u64) -> Result<Vec<u8>, RootfsError> {
        let content = archive.read(entry, limit.min(self.left))?;
        self.left -= self.left.min(content.len() as u64);
        Ok(content)
    }
}

/// The main attributes of a manifest: a line that begins with a blank goes on the one before (JAR file specification,
/// "Name-Value pairs and Sections").
pub(crate) fn main_attributes(manifest: &str) -> Vec<(String, String)> {
    let mut lines: Vec<String> = Vec::new();
    for line in manifest.lines() {
        match line.strip_prefix(' ') {
            Some(more) if !lines.is_empty() => lines.last_mut().expect("not empty").push_str(more),
            // The main section ends with an empty line.
            _ if line.is_empty() => break,
            _ => lines.push(line.to_owned()),
        }
    }
    let values = lines.iter().filter_map(|line| line.split_once(':'));
    values.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect()
}

/// The entries of `Class-Path` in a manifest.
fn class_path_in(manifest: &str) -> Vec<String> {
    let attributes = main_attributes(manifest);
    let path = attributes.iter().filter(|(name, _)| name.eq_ignore_ascii_case("Class-Path"));
    path.flat_map(|(_, value)| value.split_whitespace()).map(str::to_owned).collect()
}

/// Whether a file is an archive of classes by its name.
pub(crate) fn is_archive(name: &[u8]) -> bool {
    [&b".jar"[..], b".war", b".ear"].iter().any(|suffix| name.ends_with(suffix))
}

fn is_library(name: &[u8]) -> bool {
    name.ends_with(b".so") || name.windows(4).any(|window| window == b".so.")
}

/// Where a jar has its manifest.
pub(crate) const MANIFEST: &[u8] = b"META-INF/MANIFEST.MF";

/// Bytes of one manifest: a class path of thousands of jars is some hundred kilobytes.
pub(crate) const MAX_MANIFEST_BYTES: u64 = 4 << 20;

/// Jars that name each other.
const MAX_JARS: usize = 10_000;

/// Bytes that are unpacked of one jar and those in it.
const MAX_BYTES: u64 = 1 << 30;

/// Bytes of one class that are read; its constant pool stands first.
const MAX_CLASS_BYTES: u64 = 1 << 20;

/// Bytes of one library that are unpacked.
const MAX_LIBRARY_BYTES: u64 = 64 << 20;

/// Bytes of a jar that lies packed in another one.
pub(crate) const MAX_JAR_BYTES: u64 = 64 << 20;

/// Libraries of one jar: one for each system.
const MAX_LIBRARIES: usize = 256;

/// Jars in jars in an application for a server.
pub(crate) const MAX_DEPTH: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_a_class_path() {
        let manifest = "Manifest-Version: 1.0\r\nClass-Path: lib/a.jar li\r\n b/b.jar ext/\r\nMain-Class: A\r\n\r\nName: x\r\nClass-Path: no.jar\r\n";
        assert_eq!(class_path_in(manifest), ["lib/a.jar", "lib/b.jar", "ext/"]);
        assert!(class_path_in("").is_empty());
    }

    #[test]
    fn names_of_libraries() {
        assert!(is_library(b"META-INF/native/libnetty_transport_native_epoll_x86_64.so"));
        assert!(is_library(b"a/libz.so.1") && !is_library(b"a/x.sources"));
    }
}
