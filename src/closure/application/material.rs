//! What only building needs, in a stage that also compiled the program that its command runs: the language's
//! sources, what the toolchain reads, and what it keeps to build again.

use std::collections::BTreeSet;

use super::files::STAGE;
use super::patterns::Patterns;
use super::places::Places;
use crate::closure::finding;
use crate::closure::report::{count, megabytes};
use crate::closure::set::Closure;
use crate::rootfs::{FileKind, RootfsPath, Stat};
use crate::rules::Runtime;

/// What is left out, and what was so far.
#[derive(Default)]
pub(super) struct Material {
    /// The programs that were compiled, and the names of their languages.
    programs: BTreeSet<RootfsPath>,
    languages: BTreeSet<String>,
    files: Option<Patterns>,
    directories: Option<Patterns>,
    left: u32,
    bytes: u64,
    /// Where something was left out.
    places: BTreeSet<RootfsPath>,
}

impl Closure<'_> {
    /// The languages that the stage compiled a program of its command in.
    pub(super) fn build_material(&self, places: &Places) -> Material {
        let mut material = Material::default();
        let mut names: Vec<String> = Vec::new();
        let mut directories: Vec<String> = Vec::new();
        let made: Vec<&RootfsPath> = self.items.keys().filter(|path| self.is_made_program(path)).collect();
        for runtime in &self.world.rules.runtime {
            let programs: Vec<&RootfsPath> =
                made.iter().copied().filter(|path| self.is_made_of(path, runtime)).collect();
            if programs.is_empty() || !self.has_sources(runtime, places) {
                continue;
            }
            material.programs.extend(programs.into_iter().cloned());
            material.languages.insert(runtime.title.clone());
            names.extend(runtime.build.sources.iter().chain(&runtime.build.files).cloned());
            directories.extend(runtime.build.caches.iter().cloned());
        }
        if !material.languages.is_empty() {
            material.files = Some(Patterns::new(&names));
            material.directories = Some(Patterns::new(&directories));
        }
        material
    }

    /// Whether a command starts the file, or names it, and a RUN of the stage made it.
    fn is_made_program(&self, path: &RootfsPath) -> bool {
        let Some(item) = self.items.get(path).filter(|item| item.stat.kind == FileKind::Regular) else {
            return false;
        };
        let mut whys = item.reason.iter().map(|reason| reason.why.as_str());
        let started = matches!(whys.next(), Some("entrypoint" | "cmd"))
            && whys.all(|why| matches!(why, "starts" | "called" | "argument" | "symlink"));
        let made = self
            .world
            .changes
            .get(path)
            .is_some_and(|touched| touched.run.is_some() && touched.put.is_none());
        // A tool that a package manager of the language installed was not compiled here.
        let installed = Patterns::new(&self.world.rules.application.dependencies).cover(path);
        started && made && !installed && !self.is_packaged(path)
    }

    /// Whether the language's toolchain makes such a file.
    fn is_made_of(&self, path: &RootfsPath, runtime: &Runtime) -> bool {
        runtime.build.makes.iter().any(|kind| match (kind.as_str(), self.elves.get(path)) {
            ("go", elf) => elf.is_some_and(|elf| elf.go),
            ("elf", elf) => elf.is_some_and(|elf| !elf.go),
            (name, _) => Patterns::new([&name.to_owned()]).matches(path),
        })
    }

    /// Whether the application's directories hold sources of the language.
    fn has_sources(&self, runtime: &Runtime, places: &Places) -> bool {
        let sources = Patterns::new(&runtime.build.sources);
        let dependencies = Patterns::new(&self.world.rules.application.dependencies);
        let mut touched = self.world.changes.iter();
        // Sources in installed packages are not what the stage compiled.
        touched.any(|(path, touched)| {
            sources.matches(path) && (touched.put.is_some() || places.hold(path)) && !dependencies.cover(path)
        })
    }

    /// Tells what was left out.
    pub(super) fn report_material(&mut self, material: &Material) {
        if material.left == 0 {
            return;
        }
        let join = |paths: &BTreeSet<RootfsPath>| {
            paths.iter().map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ")
        };
        let languages: Vec<&str> = material.languages.iter().map(String::as_str).collect();
        let message = format!(
            "left out what only building {} needs ({}): {}, {}",
            join(&material.programs),
            languages.join(", "),
            count(material.left, "file"),
            megabytes(material.bytes),
        );
        let keep: Vec<String> = material.places.iter().map(|path| format!("`include={path}`")).collect();
        let program = material.programs.iter().next();
        let id = program.and_then(|path| self.instruction_of(path));
        let finding = finding::notice(finding::BUILD_MATERIAL, message)
            .hint(format!("{} keeps everything", keep.join(" and ")))
            .at(id);
        self.findings.add(finding);
    }
}

impl Material {
    /// Whether something is left out at all.
    pub(super) fn is_some(&self) -> bool {
        self.files.is_some()
    }

    /// Whether a file or directory is left out.
    pub(super) fn leaves_out(&self, path: &RootfsPath, stat: &Stat) -> bool {
        let patterns = if stat.kind == FileKind::Directory { &self.directories } else { &self.files };
        patterns.as_ref().is_some_and(|patterns| patterns.matches(path))
    }

    /// Counts what is left out.
    pub(super) fn leave(&mut self, path: &RootfsPath, stat: &Stat, places: &Places) {
        if stat.kind != FileKind::Directory {
            self.left = self.left.saturating_add(1);
            self.bytes = self.bytes.saturating_add(stat.size);
            let place = places.iter().find(|place| path.is_within(place)).cloned();
            self.places.extend(place.or_else(|| path.parent()));
        }
    }
}

/// Whether the stage has nothing in a directory.
pub(super) fn is_empty(closure: &Closure<'_>, path: &RootfsPath) -> bool {
    let source = closure.world.sources.get(STAGE);
    source.is_some_and(|source| matches!(source.root.list(path), Ok(entries) if entries.is_empty()))
}
