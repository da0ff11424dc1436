//! Reads the source text of the set's languages: evidence for rules.

use std::collections::BTreeSet;

use super::foreign::ForeignNames;
use super::shared_packages::SHARED;
use super::text::imported;
use crate::closure::evidence::{Facts, Needles};
use crate::closure::finding;
use crate::closure::resources::Asked;
use crate::closure::set::{Closure, Strength};
use crate::closure::zip::Archive;
use crate::distill::manifest::Reason;
use crate::rootfs::{FileKind, RootfsError, RootfsPath};
use crate::rules::Imports;

impl Closure<'_> {
    /// Reads each file of source text once, those of the runtime layer left out: a language's own library names all
    /// that it could use.
    ///
    /// # Errors
    /// What the roots answer.
    pub(in crate::closure) fn read_texts(
        &mut self,
        needles: &Needles,
        asked: &mut Asked,
    ) -> Result<(), RootfsError> {
        if self.runtimes.engines.is_empty() {
            return Ok(());
        }
        for (path, imports) in self.unread_texts(&asked.texts) {
            if self.is_jar(&path) {
                let facts = self.read_jar(&path, needles)?;
                if !facts.words.is_empty() {
                    asked.facts.insert(path.clone(), facts);
                }
            } else if let Some((rootfs, file)) = self.file_of(&path) {
                let text = rootfs.read(&file, 0..MAX_TEXT_BYTES)?;
                let mut facts = Facts::default();
                read_text(&text, imports, needles, &mut facts);
                if is_archive(path.name(), &text) {
                    self.read_archive(&path, imports, needles, &mut facts)?;
                }
                if facts.say_something() {
                    asked.facts.insert(path.clone(), facts);
                }
            }
            asked.texts.insert(path);
        }
        for (number, (id, code, _)) in self.runtimes.code.iter().enumerate() {
            let imports =
                self.world.rules.runtime.iter().find(|rule| rule.id == *id).and_then(|rule| rule.imports);
            // No file has such a name: a root has no name at all.
            let path = RootfsPath::root().join(format!("{COMMAND}{number}").as_bytes());
            if asked.texts.insert(path.clone()) {
                let mut facts = Facts::default();
                read_text(code.as_bytes(), imports, needles, &mut facts);
                asked.facts.insert(path, facts);
            }
        }
        Ok(())
    }

    /// Reads the source text inside an archive that is a program (`zipapp`) or a package.
    fn read_archive(
        &self,
        path: &RootfsPath,
        imports: Option<Imports>,
        needles: &Needles,
        facts: &mut Facts,
    ) -> Result<(), RootfsError> {
        let Some(size) = self.items.get(path).map(|item| item.stat.size) else { return Ok(()) };
        let read = self.with_bytes(path, |bytes| {
            let Some(archive) = Archive::open(bytes, size)? else { return Ok(()) };
            let mut left = MAX_ARCHIVE_BYTES;
            for entry in &archive.entries {
                let name = entry.name.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
                if self.runtimes.engines.iter().any(|engine| engine.is_text(name)) {
                    let text = archive.read(entry, left.min(MAX_TEXT_BYTES))?;
                    left = left.saturating_sub(text.len() as u64);
                    read_text(&text, imports, needles, facts);
                }
            }
            Ok(())
        });
        read.unwrap_or(Ok(()))
    }

    /// Says which source text of the application may start a shell: one file for each language.
    pub(in crate::closure) fn hint_shell_text(&mut self, asked: &Asked) {
        for index in 0..self.runtimes.engines.len() {
            let rule = self.runtimes.engines[index].rule;
            let shown = asked.facts.iter().find_map(|(path, facts)| {
                let installed = self.is_language_package(path) || self.runtimes.engines[index].installs(path);
                let word = rule.shell.iter().find(|word| facts.words.contains(*word))?;
                (!installed && self.items.contains_key(path)).then(|| (path.clone(), word.clone()))
            });
            let Some((path, word)) = shown else { continue };
            self.findings.add(
                finding::notice(
                    finding::SHELL_HINT,
                    format!("`{path}` may start a shell (`{word}`): none is in the image"),
                )
                .hint("add `program=sh` if the program does, and `program=` for what the shell starts")
                .at(self.instruction_of(&path)),
            );
        }
    }

    /// Why a file of source text, or the program text of a command, is there.
    pub(in crate::closure) fn reason_of_text(&self, path: &RootfsPath) -> Vec<Reason> {
        if let Some(item) = self.items.get(path) {
            return item.reason.clone();
        }
        let number = path.name().strip_prefix(COMMAND.as_bytes());
        let number = number.and_then(|number| std::str::from_utf8(number).ok()?.parse::<usize>().ok());
        let code = number.and_then(|number| self.runtimes.code.get(number));
        code.map(|(_, _, chain)| chain.clone()).unwrap_or_default()
    }

    /// The files of source text that were not read, with how they import modules.
    fn unread_texts(&self, read: &BTreeSet<RootfsPath>) -> Vec<(RootfsPath, Option<Imports>)> {
        let mut unread = Vec::new();
        let left = self.left();
        // Packages of Node.js matter only where a distribution shares some.
        let shared = self.runtimes.engines.iter().any(|engine| !engine.paths(SHARED).is_empty());
        for (path, item) in &self.items {
            if item.stat.kind != FileKind::Regular || read.contains(path) || self.elves.contains_key(path) {
                continue;
            }
            let engines = self.runtimes.engines.iter();
            let script = item.stat.mode & 0o111 != 0 && !path.name().contains(&b'.');
            let mut of = engines
                .filter(|engine| script || engine.is_text(path.name()) || is_archive_name(path.name()));
            let Some(engine) = of.next() else { continue };
            let fixed = self.runtimes.engines.iter().any(|engine| engine.fixed.holds(path));
            if fixed || item.strength <= Strength::Soft && left.holds(path) {
                continue;
            }
            let asked = shared || engine.rule.imports != Some(Imports::Node);
            unread.push((path.clone(), engine.rule.imports.filter(|_| asked)));
        }
        unread
    }
}

/// Adds what a text says.
fn read_text(text: &[u8], imports: Option<Imports>, needles: &Needles, facts: &mut Facts) {
    needles.words.find(text, &mut facts.words);
    if let Some(imports) = imports {
        imported(text, imports, &mut facts.modules);
    }
    if imports == Some(Imports::Python) {
        facts.foreign.extend(ForeignNames::read(text));
    }
}

/// Whether a file is a zip archive: by its name, or a script with one behind its first line.
fn is_archive(name: &[u8], text: &[u8]) -> bool {
    let line = text.iter().take(MAX_LINE_BYTES).position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    text.starts_with(ARCHIVE_MAGIC) && is_archive_name(name)
        || text.starts_with(b"#!") && text[line..].starts_with(ARCHIVE_MAGIC)
}

fn is_archive_name(name: &[u8]) -> bool {
    [&b".pyz"[..], b".pyzw", b".pex", b".zip", b".egg", b".whl"].iter().any(|end| name.ends_with(end))
}

/// The signature of the first file in a zip archive (APPNOTE.TXT 4.3.7).
const ARCHIVE_MAGIC: &[u8] = b"PK\x03\x04";

/// Bytes of a `#!` line.
const MAX_LINE_BYTES: usize = 4096;

/// Bytes of source text that are read in one archive.
const MAX_ARCHIVE_BYTES: u64 = 64 << 20;

/// Bytes of one file that are read: bundles of JavaScript are larger than any file that a person writes.
const MAX_TEXT_BYTES: u64 = 16 << 20;

/// Stands for the program text of a command among the files.
const COMMAND: &str = "\0command ";
