//! What exists in the stage, stays out, and may be missed: paths in the application's own programs, and what RUN made
//! that nothing names.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::files::{STAGE, is_below};
use super::patterns::Patterns;
use super::places::{Places, is_system_directory};
use super::words;
use crate::closure::finding;
use crate::closure::hygiene;
use crate::closure::report::megabytes;
use crate::closure::set::Closure;
use crate::closure::strings;
use crate::closure::view::is_libc_family;
use crate::distill::spec::Mode;
use crate::rootfs::links::{self, Resolved};
use crate::rootfs::{FileKind, Rootfs, RootfsError, RootfsPath};

/// Which paths in a program's data are worth a word.
struct Telling {
    /// Only what lies below these.
    below: Patterns,
    ignored: Patterns,
    /// Source text of a compiled language: debug information names it.
    sources: Patterns,
}

impl Closure<'_> {
    /// Tells what may be missed, each with the entry that keeps it.
    ///
    /// # Errors
    /// What the roots answer.
    pub(in crate::closure) fn hint_data(&mut self) -> Result<(), RootfsError> {
        self.hint_named()?;
        if self.world.spec.mode == Mode::Distil && !self.world.sources.is_empty() {
            self.hint_made()?;
        }
        Ok(())
    }

    /// Paths in the application's own programs.
    fn hint_named(&mut self) -> Result<(), RootfsError> {
        let own: Vec<RootfsPath> = self
            .elves
            .keys()
            .filter(|path| {
                self.step_of(path).is_some() && self.owner_of(path).is_none() && !is_libc_family(path)
            })
            .cloned()
            .collect();
        let rules = &self.world.rules;
        let telling = Telling {
            below: Patterns::new(&rules.application.hint.below),
            ignored: Patterns::new(&rules.application.hint.ignored),
            sources: Patterns::new(rules.runtime.iter().flat_map(|runtime| &runtime.build.sources)),
        };
        for program in own {
            let mut texts: BTreeSet<RootfsPath> = BTreeSet::new();
            let scanned = self.with_bytes(&program, |bytes| {
                strings::scan(bytes, SHORTEST, &mut |text| {
                    if texts.len() < MAX_PATHS {
                        texts.extend(words::paths(text));
                    }
                })
            });
            // A program whose data cannot be read names nothing.
            let _ = scanned;
            let searched = self.search_path(&program);
            let mut missed: Vec<RootfsPath> = Vec::new();
            for path in texts {
                let above = missed.iter().any(|dir| path.is_within(dir));
                if !above && !searched.contains(&path) && self.may_be_missed(&path, &telling)? {
                    missed.push(path);
                }
            }
            if missed.is_empty() {
                continue;
            }
            let more = missed.len().saturating_sub(SHOWN);
            missed.truncate(SHOWN);
            let names: Vec<String> = missed.iter().map(|path| format!("`{path}`")).collect();
            let entry: Vec<String> = missed.iter().map(ToString::to_string).collect();
            let verb = if names.len() == 1 { "is" } else { "are" };
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let message = format!(
                "`{program}` names {}{more}, which {verb} in {} and not in the image",
                names.join(", "),
                self.sources_text()
            );
            let finding = finding::notice(finding::DATA_HINT, message)
                .hint(format!("`include={}` brings what it reads", entry.join(",")))
                .at(self.instruction_of(&program));
            self.findings.add(finding);
        }
        Ok(())
    }

    /// The directories that a program's header names for its libraries.
    fn search_path(&self, program: &RootfsPath) -> BTreeSet<RootfsPath> {
        let Some(elf) = self.elves.get(program) else { return BTreeSet::new() };
        let lists = elf.rpath.iter().chain(&elf.runpath);
        lists.flat_map(|list| list.split(|byte| *byte == b':')).map(RootfsPath::parse).collect()
    }

    /// Whether a path that a program names exists in its source and is not in the set.
    fn may_be_missed(&self, path: &RootfsPath, telling: &Telling) -> Result<bool, RootfsError> {
        if !telling.below.cover(path) || is_system_directory(path) || telling.ignored.cover(path) {
            return Ok(false);
        }
        if self.is_in_set(path) || telling.sources.matches(path) {
            return Ok(false);
        }
        let eyes = &self.world.views[self.first_view()];
        match links::resolve(eyes, path) {
            Ok(Resolved::Found { path: real, stat, .. }) => match stat.kind {
                FileKind::Regular => Ok(!self.is_in_set(&real)),
                FileKind::Directory => Ok(!self.is_in_set(&real) && !eyes.list(&real)?.is_empty()),
                _ => Ok(false),
            },
            Ok(Resolved::Missing { .. }) | Err(RootfsError::LinkLoop(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether it, or something below it, is in the set.
    fn is_in_set(&self, path: &RootfsPath) -> bool {
        self.items.range(path..).next().is_some_and(|(found, _)| found.is_within(path))
            || self.items.range(path.join(b"\x01")..).next().is_some_and(|(found, _)| found.is_within(path))
    }

    /// What RUN made outside of the application's directories and nothing names, one finding for each RUN.
    fn hint_made(&mut self) -> Result<(), RootfsError> {
        let mut left: BTreeMap<usize, Vec<(RootfsPath, Size)>> = BTreeMap::new();
        for (path, step) in self.unnamed_tops()? {
            // Nobody is told how to keep a secret.
            if hygiene::is_secret_path(&path) {
                continue;
            }
            let size = self.size_below(&path)?;
            if size.bytes > 0 {
                left.entry(step).or_default().push((path, size));
            }
        }
        for (step, mut tops) in left {
            tops.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
            let more = tops.len().saturating_sub(SHOWN);
            tops.truncate(SHOWN);
            let names: Vec<String> = tops.iter().map(|(path, size)| format!("`{path}` ({size})")).collect();
            let keep: Vec<String> = tops.iter().map(|(path, _)| entry_for(path)).collect();
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let message = format!(
                "left out {}{more}: RUN made it, and nothing in the image names it",
                names.join(", ")
            );
            let id = self.world.spec.steps.get(step).map(|step| &step.id);
            let finding = finding::notice(finding::DATA_HINT, message)
                .hint(format!("{} would keep it", keep.join(", ")))
                .at(id);
            self.findings.add(finding);
        }
        Ok(())
    }

    /// The topmost files and directories that RUN made, with nothing of the set in them, and their steps.
    fn unnamed_tops(&self) -> Result<Vec<(RootfsPath, usize)>, RootfsError> {
        let world = self.world;
        let rules = &world.rules.application;
        let stage = world.sources[STAGE].root;
        let places = Places::of(world.spec, stage, world.changes)?;
        let generated = Patterns::new(&rules.generated);
        let packages = Patterns::new(&rules.dependencies);
        let unsaid = Patterns::new(&rules.hint.unsaid);
        let left = self.left();
        let mut tops: Vec<(RootfsPath, usize)> = Vec::new();
        let mut above: BTreeSet<RootfsPath> = BTreeSet::new();
        for (path, touched) in world.changes.iter() {
            let Some(step) = touched.run.filter(|_| touched.put.is_none() && touched.work.is_none()) else {
                continue;
            };
            if is_below(path, &above)
                || places.hold(path)
                || generated.cover(path)
                || packages.cover(path)
                || unsaid.cover(path)
                || left.holds(path)
            {
                continue;
            }
            if world.changes.in_base(path)?.is_some() || self.is_packaged(path) || self.is_in_set(path) {
                continue;
            }
            let Some(stat) = stage.stat(path)? else { continue };
            let told = match stat.kind {
                FileKind::Directory => !is_system_directory(path),
                // Small scripts on PATH start what a language's packages hold.
                FileKind::Regular => !stage.read(path, 0..2)?.starts_with(b"#!"),
                _ => false,
            };
            if told {
                above.insert(path.clone());
                tops.push((path.clone(), step));
            }
        }
        Ok(tops)
    }

    /// Bytes of what RUN made at and below a path, packages' files left out.
    fn size_below(&self, path: &RootfsPath) -> Result<Size, RootfsError> {
        let mut size = Size { bytes: 0, more: false };
        for (looked_at, (path, _)) in self.world.changes.within(path).enumerate() {
            if looked_at == MAX_SIZES {
                size.more = true;
                break;
            }
            if !self.is_packaged(path)
                && let Some(stat) = self.world.sources[STAGE].root.stat(path)?
                && stat.kind == FileKind::Regular
            {
                size.bytes = size.bytes.saturating_add(stat.size);
            }
        }
        Ok(size)
    }
}

/// Bytes of the files of a tree.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Size {
    bytes: u64,
    /// There are more files than were looked at.
    more: bool,
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.more { "over " } else { "" }, megabytes(self.bytes))
    }
}

/// The entry that brings a path.
fn entry_for(path: &RootfsPath) -> String {
    let program = path.parent().is_some_and(|dir| matches!(dir.name(), b"bin" | b"sbin"));
    if program { format!("`program={path}`") } else { format!("`include={path}`") }
}

/// Names in one finding.
const SHOWN: usize = 6;

/// Shorter texts are no paths that tell anything.
const SHORTEST: usize = 5;

/// Files whose sizes are asked for one notice.
const MAX_SIZES: usize = 20_000;

/// Paths kept of one program.
const MAX_PATHS: usize = 20_000;
