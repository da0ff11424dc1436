//! Languages: which interpreters the set starts, what comes with each, and what their commands name.
//!
//! ```text
//! a started program ─▶ engine (its rule, its places) ─▶ includes of the rule ─▶ evidence in source text ─▶ more includes
//! the words behind it ─▶ invocation (script, module, code, paths) ─▶ the project that it runs from
//! ```

pub(super) mod arguments;
pub(super) mod foreign;
mod includes;
mod invocation;
pub(crate) mod jar;
mod modules;
mod packages;
pub(super) mod places;
mod project;
mod pth;
mod pyc;
mod pyvenv;
mod shared_packages;
mod source;
pub(super) mod text;

use std::collections::{BTreeMap, BTreeSet};

use super::finding;
use super::follow::is_documentation;
use super::glob;
use super::reason;
use super::roots::Wish;
use super::set::{Closure, Strength};
use crate::closure::view::Place;
use crate::distill::manifest::Reason;
use crate::rootfs::links;
use crate::rootfs::{Rootfs, RootfsError, RootfsPath};
use crate::rules::Runtime;
use includes::{Part, left_by};

/// An interpreter that is started.
pub(super) struct Engine<'a> {
    pub(super) rule: &'a Runtime,
    /// Real path of the program.
    pub(super) program: RootfsPath,
    /// Where its own files are looked up.
    view: usize,
    pub(super) chain: Vec<Reason>,
    /// What `{name}` in the rule's paths stands for.
    pub(super) values: BTreeMap<String, Vec<String>>,
    /// Patterns of what only installs packages, by these values.
    leave: Vec<String>,
    /// What comes always: the runtime layer.
    fixed: Part,
    /// What else its rule brought: installed packages, parts on evidence.
    packages: Part,
}

/// What the set knows about languages.
#[derive(Default)]
pub(super) struct Runtimes<'a> {
    pub(super) engines: Vec<Engine<'a>>,
    /// The paths by which programs are started, by their real paths.
    starts: BTreeMap<RootfsPath, BTreeSet<RootfsPath>>,
    /// Program text of commands (`-c`), with the rule's id.
    code: Vec<(&'a str, String, Vec<Reason>)>,
    /// Directories besides those of installed packages that were brought.
    paths: BTreeSet<RootfsPath>,
    /// Names of packages of a distribution that were looked for.
    imported: BTreeSet<String>,
    /// How many starts the engines' places were computed for.
    settled: usize,
    /// Libraries that were opened by name, by program.
    foreign: BTreeSet<(RootfsPath, Vec<u8>)>,
    /// Files that are written with other bytes than they have in the stage.
    pub(super) rewritten: BTreeMap<RootfsPath, Vec<u8>>,
    /// Compiled files of runtimes and packages.
    compiled: BTreeSet<RootfsPath>,
}

impl<'a> Closure<'a> {
    /// Remembers by which path a program is started: an interpreter may look beside it.
    pub(super) fn started_as(&mut self, path: &RootfsPath, real: &RootfsPath) {
        self.runtimes.starts.entry(real.clone()).or_default().insert(path.clone());
    }

    /// Whether the file is a program that is started.
    pub(super) fn is_started(&self, path: &RootfsPath) -> bool {
        self.runtimes.starts.contains_key(path)
    }

    /// By which paths a program is started.
    fn starts(&self, program: &RootfsPath) -> Option<&BTreeSet<RootfsPath>> {
        self.runtimes.starts.get(program)
    }

    /// Computes the places of the interpreters again where one was started by another path since.
    ///
    /// # Errors
    /// What the roots answer.
    pub(super) fn settle_runtimes(&mut self) -> Result<(), RootfsError> {
        let starts = self.runtimes.starts.values().map(BTreeSet::len).sum();
        if self.runtimes.settled == starts {
            return Ok(());
        }
        self.runtimes.settled = starts;
        for index in 0..self.runtimes.engines.len() {
            let (rule, program) =
                (self.runtimes.engines[index].rule, self.runtimes.engines[index].program.clone());
            let values = self.places(rule, &program, self.view_of(&program))?;
            let engine = &mut self.runtimes.engines[index];
            engine.leave = left_by(rule, &values);
            engine.values = values;
        }
        Ok(())
    }

    /// The rule of the language that a program is the interpreter of: by the name it is called, else by its real name.
    ///
    /// # Errors
    /// What the roots answer.
    pub(super) fn runtime_of(&self, path: &RootfsPath) -> Result<Option<&'a Runtime>, RootfsError> {
        let eyes = &self.world.views[self.first_view()];
        let Some(real) = eyes.file(path)? else { return Ok(None) };
        let Some(rule) = self.rule_for(path).or_else(|| self.rule_for(&real)) else { return Ok(None) };
        // A script of that name is a shim: what it starts counts.
        Ok(eyes.read(&real, 0..ELF_MAGIC.len() as u64)?.starts_with(ELF_MAGIC).then_some(rule))
    }

    fn rule_for(&self, path: &RootfsPath) -> Option<&'a Runtime> {
        let matches =
            |names: &[String]| names.iter().any(|name| glob::matches_name(name.as_bytes(), path.name()));
        self.world.rules.runtime.iter().find(|runtime| matches(&runtime.interpreter))
    }

    /// A program that is started: when it is an interpreter, its language is in the set from here on.
    ///
    /// # Errors
    /// What the roots answer.
    pub(super) fn runtime(&mut self, program: &RootfsPath, next: &mut Vec<Wish>) -> Result<(), RootfsError> {
        let starts = self.runtimes.starts.get(program).into_iter().flatten();
        let rule = starts.chain([program]).find_map(|name| self.rule_for(name));
        let Some(rule) = rule else { return Ok(()) };
        if self.runtimes.engines.iter().any(|engine| engine.program == *program) {
            return Ok(());
        }
        let chain = self.items.get(program).map(|item| item.reason.clone()).unwrap_or_default();
        let view = self.view_of(program);
        let values = self.places(rule, program, view)?;
        self.runtimes.engines.push(Engine {
            rule,
            program: program.clone(),
            view,
            chain: chain.clone(),
            leave: left_by(rule, &values),
            values,
            fixed: Part::default(),
            packages: Part::default(),
        });
        self.environment_paths(rule, &chain, next)?;
        if !rule.complete {
            self.unknown_runtime(rule, program, &chain, next)?;
        }
        Ok(())
    }

    /// A language of which decant does not know what its programs need: that is said, and the whole package comes.
    fn unknown_runtime(
        &mut self,
        rule: &Runtime,
        program: &RootfsPath,
        chain: &[Reason],
        next: &mut Vec<Wish>,
    ) -> Result<(), RootfsError> {
        self.findings.add(
            finding::warning(
                finding::RUNTIME_UNKNOWN,
                format!(
                    "`{program}` runs {}: what its programs need besides libraries is not computed",
                    rule.title
                ),
            )
            .hint("name what is missing with `include=`")
            .at(self.instruction_of(program)),
        );
        let chain = reason::then(chain, "rule", rule.id.clone());
        let view = self.view_of(program);
        for file in self.package_files(program) {
            if is_documentation(&file) || self.items.contains_key(&file) {
                continue;
            }
            if let Some(real) = self.bring(view, &file, &chain, Strength::Soft)? {
                next.push(Wish { path: real, strength: Strength::Soft, started: false });
            }
        }
        Ok(())
    }

    /// Whether the interpreter of a language is started.
    pub(super) fn has_runtime(&self, id: &str) -> bool {
        self.runtimes.engines.iter().any(|engine| engine.rule.id == id)
    }

    /// Whether a file is an interpreter of which the rules know all that its programs need.
    pub(super) fn is_known_interpreter(&self, path: &RootfsPath) -> bool {
        self.runtimes.engines.iter().any(|engine| engine.rule.complete && engine.program == *path)
    }

    /// The runtime layer: what the rules always bring with an interpreter, and the libraries that these files load.
    /// It depends on the base image and the rule only.
    pub(super) fn runtime_paths(&self) -> BTreeSet<RootfsPath> {
        let mut paths: BTreeSet<RootfsPath> = BTreeSet::new();
        for engine in self.runtimes.engines.iter().filter(|engine| engine.rule.complete) {
            let fixed = self.items.keys().filter(|path| engine.fixed.holds(path));
            paths.extend(fixed.cloned());
            if matches!(self.items.get(&engine.program).map(|item| &item.place), Some(Place::Source(..))) {
                paths.insert(engine.program.clone());
            }
        }
        if paths.is_empty() {
            return paths;
        }
        let mut libraries: BTreeSet<RootfsPath> = BTreeSet::new();
        for process in self.processes.iter().filter(|process| paths.contains(&process.program)) {
            for loaded in process.loaded.iter().take(process.started) {
                if loaded.reason.iter().any(|reason| reason.why == "preload") {
                    continue;
                }
                if let Some(view) = self.world.views.get(loaded.view)
                    && let Ok(resolved) = links::resolve(view, &loaded.object.path)
                {
                    libraries.extend(resolved.links().iter().cloned());
                }
                libraries.insert(loaded.path.clone());
            }
        }
        paths.extend(libraries);
        paths
    }

    /// Whether a file is an installed package's, or another part of a language that an application does without.
    pub(super) fn is_language_package(&self, path: &RootfsPath) -> bool {
        let engines = &self.runtimes.engines;
        engines.iter().any(|engine| engine.packages.holds(path)) || self.runtimes.compiled.contains(path)
    }

    /// What is left out although an instruction put it there: it only installs packages, and nothing in the set asks for
    /// it.
    pub(super) fn left(&self) -> Left<'_> {
        let mut left = Left { engines: &self.runtimes.engines, trees: Vec::new(), patterns: Vec::new() };
        for pattern in self.runtimes.engines.iter().flat_map(Engine::leave) {
            let covers = |program: &RootfsPath| glob::covers(pattern.as_bytes(), program);
            if self.runtimes.starts.keys().any(covers) {
                continue;
            }
            if glob::has_wildcard(pattern.as_bytes()) {
                left.patterns.push(pattern.clone());
            } else {
                left.trees.push(RootfsPath::parse(&glob::literal(pattern.as_bytes())));
            }
        }
        left
    }

    /// Takes out what only installs packages.
    pub(super) fn leave_installers(&mut self) {
        let installers = self.left();
        let left: Vec<RootfsPath> = self
            .items
            .iter()
            .filter(|(path, item)| item.strength <= Strength::Soft && installers.holds(path))
            .map(|(path, _)| path.clone())
            .collect();
        for path in &left {
            self.items.remove(path);
            self.elves.remove(path);
        }
        let items = &self.items;
        self.processes.retain(|process| items.contains_key(&process.program));
    }

    /// What the runtime layer is called: `python3.11`.
    pub(super) fn runtime_labels(&self) -> Vec<String> {
        let complete = self.runtimes.engines.iter().filter(|engine| engine.rule.complete);
        let labels: BTreeSet<String> = complete.filter_map(Engine::label).collect();
        labels.into_iter().collect()
    }
}

/// What only installs packages.
pub(super) struct Left<'c> {
    engines: &'c [Engine<'c>],
    trees: Vec<RootfsPath>,
    /// Those with wildcards.
    patterns: Vec<String>,
}

impl Left<'_> {
    pub(super) fn holds(&self, path: &RootfsPath) -> bool {
        let left = self.trees.iter().any(|tree| path.is_within(tree))
            || self.patterns.iter().any(|pattern| glob::covers(pattern.as_bytes(), path))
            || self.engines.iter().any(|engine| engine.excepts(path));
        left && !self.engines.iter().any(|engine| engine.fixed.holds(path) || engine.packages.holds(path))
    }
}

impl Engine<'_> {
    /// The first pattern of its rule's `version` with the version in it.
    fn label(&self) -> Option<String> {
        let pattern = self.rule.version.first()?;
        let version = self.values.get("version").and_then(|versions| versions.first());
        Some(match version {
            Some(version) => pattern.replace('*', version),
            None => self.rule.id.clone(),
        })
    }

    /// The paths that a name of the rule stands for.
    fn paths(&self, name: &str) -> Vec<RootfsPath> {
        let values = self.values.get(name).into_iter().flatten();
        values.map(|value| RootfsPath::parse(&glob::literal(value.as_bytes()))).collect()
    }

    /// Whether a file of this name holds source text of the language.
    pub(super) fn is_text(&self, name: &[u8]) -> bool {
        self.rule.text.iter().any(|pattern| glob::matches_name(pattern.as_bytes(), name))
    }

    /// Whether a path lies in a directory of packages that is looked for above scripts (`node_modules`).
    fn installs(&self, path: &RootfsPath) -> bool {
        path.components().any(|name| self.rule.ancestors.iter().any(|ancestor| ancestor.as_bytes() == name))
    }
}

const ELF_MAGIC: &[u8] = b"\x7fELF";
