//! Reads the source text of the set's languages: evidence for rules.

use std::collections::BTreeSet;

use super::foreign::ForeignNames;
use super::text::imported;
use crate::closure::evidence::{Facts, Needles};
use crate::closure::resources::Asked;
use crate::closure::set::Closure;
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
                let facts = facts_of(&text, imports, needles);
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
                asked.facts.insert(path, facts_of(code.as_bytes(), imports, needles));
            }
        }
        Ok(())
    }

    /// The files of source text that were not read, with how they import modules.
    fn unread_texts(&self, read: &BTreeSet<RootfsPath>) -> Vec<(RootfsPath, Option<Imports>)> {
        let mut unread = Vec::new();
        for (path, item) in &self.items {
            if item.stat.kind != FileKind::Regular || read.contains(path) || self.elves.contains_key(path) {
                continue;
            }
            let engines = self.runtimes.engines.iter();
            let script = item.stat.mode & 0o111 != 0 && !path.name().contains(&b'.');
            let mut of = engines.filter(|engine| script || engine.is_text(path.name()));
            let Some(engine) = of.next() else { continue };
            if self.runtimes.engines.iter().any(|engine| engine.fixed.holds(path)) {
                continue;
            }
            unread.push((path.clone(), engine.rule.imports));
        }
        unread
    }
}

fn facts_of(text: &[u8], imports: Option<Imports>, needles: &Needles) -> Facts {
    let mut facts = Facts::default();
    needles.words.find(text, &mut facts.words);
    if let Some(imports) = imports {
        imported(text, imports, &mut facts.modules);
        facts.foreign = ForeignNames::read(text);
    }
    facts
}

/// Bytes of one file that are read: bundles of JavaScript are larger than any file that a person writes.
const MAX_TEXT_BYTES: u64 = 16 << 20;

/// Stands for the program text of a command among the files.
const COMMAND: &str = "\0command ";
