//! Data files and libraries that no header names: the rules applied to what the files of the set show.

use std::collections::{BTreeMap, BTreeSet};

use super::application::mentions::Mentions;
use super::application::own_data::OwnData;
use super::evidence::{self, Facts, Needles};
use super::finding;
use super::glob;
use super::libraries::system_directories;
use super::reason;
use super::roots::Wish;
use super::runtime::places::{Values, fill};
use super::set::{Closure, Strength};
use super::view::is_libc_family;
use crate::closure::elf::{DlopenPriority, ElfError};
use crate::closure::search::Loader;
use crate::distill::manifest::Reason;
use crate::distill::spec::Mode;
use crate::rootfs::{FileKind, Rootfs, RootfsError, RootfsPath};
use crate::rules::{Evidence, Include, Resource};

/// What the rules asked for so far.
#[derive(Default)]
pub(super) struct Asked {
    pub(super) facts: BTreeMap<RootfsPath, Facts>,
    /// Source text that was read.
    pub(super) texts: BTreeSet<RootfsPath>,
    /// (rule, pattern) that were looked for, and whether something was there.
    done: BTreeMap<(Rule, String), bool>,
    /// Parts of rules that nothing was found for, with who asked.
    missed: BTreeMap<(usize, usize), (String, RootfsPath)>,
    found: BTreeSet<(usize, usize)>,
    /// What `{name}` in a path stands for in this round.
    values: Values,
    /// What the application names of what its stage made.
    mentions: Mentions,
    pub(super) own_data: OwnData,
}

/// A rule that applies, by its place among those of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rule {
    Resource(usize),
    /// An interpreter of the set.
    Engine(usize),
}

/// One rule that applies, and why.
struct Application<'r> {
    rule: Rule,
    /// The parts of the rule, by their places in it.
    parts: Vec<(usize, &'r Include)>,
    /// What files that no package owns count to.
    package: Option<&'r String>,
    chain: Vec<Reason>,
    /// The file that shows it; absent: the environment.
    file: Option<RootfsPath>,
    value: Option<String>,
    /// What source text names may never be used: nothing is said when no source has it.
    perhaps: bool,
}

impl<'r> Application<'r> {
    fn of_resource(index: usize, resource: &'r Resource, chain: Vec<Reason>) -> Self {
        Self {
            rule: Rule::Resource(index),
            parts: resource.include.iter().enumerate().collect(),
            package: resource.package.as_ref(),
            chain,
            file: None,
            value: None,
            perhaps: false,
        }
    }
}

impl<'a> Closure<'a> {
    /// Applies the rules until nothing new comes.
    ///
    /// # Errors
    /// What the roots answer.
    pub(super) fn apply_rules(&mut self) -> Result<(), RootfsError> {
        let needles = Needles::new(self.world.rules);
        let mut asked = Asked::default();
        for _ in 0..MAX_ROUNDS {
            let before = (self.items.len(), self.processes.len(), self.elves.len(), asked.done.len());
            self.settle_runtimes()?;
            let mut wishes = Vec::new();
            for application in self.engine_applications(&asked, false) {
                self.apply(&application, &mut asked, &mut wishes)?;
            }
            self.follow(wishes)?;
            self.read_facts(&needles, &mut asked)?;
            self.read_texts(&needles, &mut asked)?;
            self.open_by_name(&asked)?;
            self.foreign_libraries(&asked)?;
            asked.values = self.values(&asked.facts);
            let mut wishes = Vec::new();
            self.python_paths(&mut wishes)?;
            self.shared_packages(&asked, &mut wishes)?;
            let mut applications = self.applications(&asked);
            applications.extend(self.engine_applications(&asked, true));
            for application in applications {
                self.apply(&application, &mut asked, &mut wishes)?;
            }
            wishes.extend(self.follow_mentions(&mut asked.mentions)?);
            wishes.extend(self.follow_own_data(&mut asked.own_data)?);
            self.follow(wishes)?;
            if before == (self.items.len(), self.processes.len(), self.elves.len(), asked.done.len()) {
                break;
            }
        }
        self.leave_installers();
        self.name_accounts_of_programs(&asked);
        self.compiled_files()?;
        self.report_missing(&asked);
        self.offer_shell(&asked)
    }

    fn read_facts(&mut self, needles: &Needles, asked: &mut Asked) -> Result<(), RootfsError> {
        let unread: Vec<RootfsPath> =
            self.elves.keys().filter(|path| !asked.facts.contains_key(*path)).cloned().collect();
        for path in unread {
            let Some(elf) = self.elves.get(&path).cloned() else { continue };
            let hard = self.items.get(&path).is_some_and(|item| item.hard);
            let own = self.owner_of(&path).is_none() || hard && elf.is_program();
            // The texts in an interpreter are its own affair: what its programs open is in their source text.
            let own = own && !is_libc_family(&path) && !self.is_known_interpreter(&path);
            let rules = self.world.rules;
            let read =
                self.with_bytes(&path, |bytes| Facts::read(&elf, bytes, path.name(), own, rules, needles));
            let facts = match read {
                Some(Ok(facts)) => facts,
                Some(Err(ElfError::Read(error))) => return Err(error),
                // Its loading facts could be read, so it runs; what else it says is lost.
                Some(Err(_)) | None => Facts::default(),
            };
            asked.facts.insert(path, facts);
        }
        Ok(())
    }

    /// Libraries that are opened by a name that is in the file.
    fn open_by_name(&mut self, asked: &Asked) -> Result<(), RootfsError> {
        let mut index = 0;
        while index < self.processes.len() {
            while self.processes[index].opened < self.processes[index].loaded.len() {
                let by = self.processes[index].opened;
                self.processes[index].opened += 1;
                let loaded = &self.processes[index].loaded[by];
                let (path, elf) = (loaded.path.clone(), loaded.object.elf.clone());
                if is_libc_family(&path) {
                    continue;
                }
                for note in elf.dlopen.iter().filter(|note| note.priority != DlopenPriority::Suggested) {
                    let mut there = false;
                    for soname in &note.sonames {
                        there = there || self.dlopen(index, by, soname.as_bytes())?;
                    }
                    if !there && note.priority == DlopenPriority::Required {
                        self.unresolved(&path, &note.sonames.join("` or `"));
                    }
                }
                let Some(facts) = asked.facts.get(&path) else { continue };
                let names: Vec<Vec<u8>> = facts.library_names.iter().cloned().collect();
                for name in names {
                    let noted =
                        elf.dlopen.iter().any(|note| note.sonames.iter().any(|so| so.as_bytes() == name));
                    if !noted && !self.dlopen(index, by, &name)? && self.owner_of(&path).is_none() {
                        self.unresolved(&path, &String::from_utf8_lossy(&name));
                    }
                }
            }
            index += 1;
        }
        Ok(())
    }

    fn dlopen(&mut self, process: usize, by: usize, name: &[u8]) -> Result<bool, RootfsError> {
        let text = String::from_utf8_lossy(name).into_owned();
        let chain = reason::then(&self.processes[process].loaded[by].reason, "dlopen", text);
        self.open_library(process, by, name, &chain)
    }

    fn unresolved(&mut self, path: &RootfsPath, name: &str) {
        if self.items.get(path).is_some_and(|item| item.strength == Strength::Swept)
            || self.lacks_it_anyway(path)
        {
            return;
        }
        let message =
            format!("`{path}` may open `{name}`, which no search path of {} holds", self.sources_text());
        self.findings.add(
            finding::warning(finding::UNRESOLVED_DLOPEN, message)
                .hint("install it in the build stage if the program uses it")
                .at(self.instruction_of(path)),
        );
    }

    /// The rules that apply, in order of rule and file.
    fn applications(&self, asked: &Asked) -> Vec<Application<'a>> {
        let rules = self.world.rules;
        let env = &self.world.spec.config.env;
        let glibc = self.glibc_versions();
        let mut all = Vec::new();
        for (index, resource) in rules.resource.iter().enumerate() {
            // Paths are looked for once for each view; a library once for each program.
            let for_all = resource.include.iter().any(|include| !include.library.is_empty());
            let mut told: BTreeSet<(Option<String>, usize)> = BTreeSet::new();
            for when in &resource.when {
                let Some(variables) = evidence::variables(when, env).filter(|_| self.may_hold(when)) else {
                    continue;
                };
                let values: Vec<Option<String>> = match variables.as_slice() {
                    [] => vec![None],
                    some => some.iter().map(|(_, value)| Some(value.clone())).collect(),
                };
                if !evidence::asks_file(when) {
                    let engine =
                        self.runtimes.engines.iter().find(|engine| when.runtime.contains(&engine.rule.id));
                    let chain = match (variables.first(), engine) {
                        (Some((name, _)), _) => reason::root("environment", name.clone()),
                        (None, engine) => engine.map(|engine| engine.chain.clone()).unwrap_or_default(),
                    };
                    let chain = reason::then(&chain, "rule", resource.id.clone());
                    all.extend(values.into_iter().map(|value| Application {
                        file: engine.map(|engine| engine.program.clone()),
                        value,
                        perhaps: !when.runtime.is_empty(),
                        ..Application::of_resource(index, resource, chain.clone())
                    }));
                    continue;
                }
                for (path, facts) in &asked.facts {
                    if is_libc_family(path) || !facts.show(when, glibc.get(path).copied()) {
                        continue;
                    }
                    let chain = reason::then(&self.reason_of_text(path), "rule", resource.id.clone());
                    let view = self.view_of(path);
                    let new = values.iter().filter(|value| told.insert(((*value).clone(), view)) || for_all);
                    all.extend(new.map(|value| Application {
                        file: Some(path.clone()),
                        value: value.clone(),
                        perhaps: !when.text.is_empty() || !when.module.is_empty(),
                        ..Application::of_resource(index, resource, chain.clone())
                    }));
                }
            }
        }
        all
    }

    /// Whether the languages that evidence asks for are in the set.
    fn may_hold(&self, when: &Evidence) -> bool {
        when.runtime.is_empty() || when.runtime.iter().any(|id| self.has_runtime(id))
    }

    /// What comes with the interpreters: the parts of their rules that always apply, or those that something shows.
    fn engine_applications(&self, asked: &Asked, on_evidence: bool) -> Vec<Application<'a>> {
        let mut all = Vec::new();
        for (index, engine) in self.runtimes.engines.iter().enumerate() {
            for (part, include) in engine.rule.include.iter().enumerate() {
                if include.when.is_empty() == on_evidence {
                    continue;
                }
                let chain = if on_evidence {
                    include.when.iter().find_map(|when| self.shown(when, asked))
                } else {
                    Some((engine.chain.clone(), None))
                };
                let Some((chain, value)) = chain else { continue };
                all.push(Application {
                    rule: Rule::Engine(index),
                    parts: vec![(part, include)],
                    package: None,
                    chain: reason::then(&chain, "rule", engine.rule.id.clone()),
                    file: Some(engine.program.clone()),
                    value,
                    perhaps: true,
                });
            }
        }
        all
    }

    /// What shows that evidence holds, with the value of its variable.
    fn shown(&self, when: &Evidence, asked: &Asked) -> Option<(Vec<Reason>, Option<String>)> {
        let variables =
            evidence::variables(when, &self.world.spec.config.env).filter(|_| self.may_hold(when))?;
        let value = variables.first().map(|(_, value)| value.clone());
        if !evidence::asks_file(when) {
            let (name, _) = variables.first()?;
            return Some((reason::root("environment", name.clone()), value));
        }
        let (path, _) = asked.facts.iter().find(|(_, facts)| facts.show(when, None))?;
        Some((self.reason_of_text(path), value))
    }

    /// The version of the glibc that each file is loaded with.
    fn glibc_versions(&self) -> BTreeMap<&RootfsPath, (u32, u32)> {
        let mut versions = BTreeMap::new();
        for process in &self.processes {
            if let Loader::Glibc(glibc) = &*process.loader
                && let Some(version) = glibc.version
            {
                for loaded in &process.loaded {
                    versions.entry(&loaded.path).or_insert(version);
                }
            }
        }
        versions
    }

    fn apply(
        &mut self,
        application: &Application<'a>,
        asked: &mut Asked,
        wishes: &mut Vec<Wish>,
    ) -> Result<(), RootfsError> {
        let view = application.file.as_ref().map_or_else(|| self.first_view(), |file| self.view_of(file));
        for (part, include) in &application.parts {
            let mut found = false;
            for pattern in &include.all {
                for pattern in self.expand(pattern, application, asked) {
                    found |= self.apply_pattern(view, &pattern, application, include, asked, wishes)?;
                }
            }
            for pattern in &include.first {
                for pattern in self.expand(pattern, application, asked) {
                    found =
                        found || self.apply_pattern(view, &pattern, application, include, asked, wishes)?;
                }
            }
            for tree in &include.chosen {
                for tree in self.expand(tree, application, asked) {
                    let tree = RootfsPath::parse(tree.as_bytes());
                    for path in self.bring_chosen(view, &tree, &application.chain)? {
                        found = true;
                        wishes.push(Wish { path, strength: Strength::Soft, started: false });
                    }
                }
            }
            for name in &include.program {
                let Some(program) = self.find_program(name)? else { continue };
                let chain = reason::then(&application.chain, "starts", reason::escaped(&program));
                if let Some(path) = self.bring(view, &program, &chain, Strength::Soft)? {
                    found = true;
                    self.started_as(&program, &path);
                    wishes.push(Wish { path, strength: Strength::Soft, started: true });
                }
            }
            for name in &include.library {
                found |= self.apply_library(name, application, asked)?;
            }
            let Rule::Resource(index) = application.rule else { continue };
            let key = (index, *part);
            if found {
                asked.found.insert(key);
            } else if !include.optional && !application.perhaps {
                let who = application.file.clone().unwrap_or_else(RootfsPath::root);
                asked.missed.entry(key).or_insert((application.value.clone().unwrap_or_default(), who));
            }
        }
        Ok(())
    }

    /// Brings what matches a pattern; whether something is there.
    fn apply_pattern(
        &mut self,
        view: usize,
        pattern: &str,
        application: &Application<'a>,
        include: &Include,
        asked: &mut Asked,
        wishes: &mut Vec<Wish>,
    ) -> Result<bool, RootfsError> {
        let key = (application.rule, pattern.to_owned());
        if let Some(found) = asked.done.get(&key) {
            return Ok(*found);
        }
        let (strength, excepted) = match application.rule {
            Rule::Resource(_) => (Strength::Soft, include.except.clone()),
            Rule::Engine(index) => {
                (Strength::Swept, self.runtimes.engines[index].except(include, &asked.values))
            }
        };
        let (base, whole) = match pattern.strip_suffix("/**") {
            Some(base) => (base, true),
            None => (pattern, false),
        };
        let except = |path: &RootfsPath| excepted.iter().any(|part| glob::covers(part.as_bytes(), path));
        let mut found = false;
        for path in glob::expand(&self.world.views[view], base.as_bytes())? {
            let target = self.world.views[view].stat(&path)?.map(|stat| stat.kind);
            let unwanted = |text: &[u8]| {
                include.except_target.iter().any(|part| glob::matches_name(part.as_bytes(), text))
            };
            if include.made && !self.is_made(&path)
                || except(&path)
                || matches!(target, Some(FileKind::Symlink(text)) if unwanted(&text))
            {
                continue;
            }
            let chain = &application.chain;
            let brought = if whole {
                self.bring_tree(view, &path, chain, strength, &except)?
            } else {
                self.bring(view, &path, chain, strength)?.into_iter().collect()
            };
            found |= !brought.is_empty();
            if let Rule::Engine(index) = application.rule {
                let engine = &mut self.runtimes.engines[index];
                engine.note(include, whole, &path, &excepted);
                // A link may lead out of the tree.
                for path in &brought {
                    engine.note(include, false, path, &[]);
                }
            }
            for path in brought {
                if application.package.is_some()
                    && let Some(item) = self.items.get_mut(&path)
                {
                    item.counts_to = application.package.cloned();
                }
                wishes.push(Wish { path, strength, started: false });
            }
        }
        asked.done.insert(key, found);
        Ok(found)
    }

    /// Whether a RUN of the stage made a file that no package owns.
    fn is_made(&self, path: &RootfsPath) -> bool {
        let touched = self.world.changes.get(path);
        touched.is_some_and(|touched| touched.run.is_some() && touched.put.is_none())
            && !self.is_packaged(path)
    }

    /// Opens a library for every program that has loaded the file; whether it is there for one.
    fn apply_library(
        &mut self,
        name: &str,
        application: &Application<'a>,
        asked: &mut Asked,
    ) -> Result<bool, RootfsError> {
        let Some(file) = &application.file else { return Ok(true) };
        let mut found = false;
        let mut any = false;
        for index in 0..self.processes.len() {
            let process = &self.processes[index];
            let Some(by) = process.loaded.iter().position(|loaded| loaded.path == *file) else { continue };
            any = true;
            if process.named(name.as_bytes()).is_some() {
                found = true;
                continue;
            }
            let key = (application.rule, format!("{name} for {}", process.program));
            let there = match asked.done.get(&key) {
                Some(there) => *there,
                None => self.open_library(index, by, name.as_bytes(), &application.chain)?,
            };
            asked.done.insert(key, there);
            found |= there;
        }
        Ok(found || !any)
    }

    /// A pattern with its `{…}` replaced, in every way that there is.
    fn expand(&self, pattern: &str, application: &Application<'a>, asked: &Asked) -> Vec<String> {
        let value = application.value.as_deref();
        let own = Values::from([
            ("value".to_owned(), value.map(str::to_owned).into_iter().collect()),
            ("locale".to_owned(), value.map(evidence::locale_names).unwrap_or_default()),
        ]);
        match application.rule {
            Rule::Resource(_) => fill(pattern, &[&own, &asked.values]),
            Rule::Engine(index) => {
                fill(pattern, &[&self.runtimes.engines[index].values, &own, &asked.values])
            }
        }
    }

    /// What names in paths stand for: the loaders' directories, and what was cut out of libraries.
    fn values(&self, facts: &BTreeMap<RootfsPath, Facts>) -> Values {
        let mut captured: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (name, value) in facts.values().flat_map(|facts| &facts.captured) {
            captured.entry(name.clone()).or_default().insert(value.clone());
        }
        let mut values: Values =
            captured.into_iter().map(|(name, values)| (name, values.into_iter().collect())).collect();
        values.insert("libdir".to_owned(), self.library_directories());
        values
    }

    /// The directories that the loaders of the set always search.
    fn library_directories(&self) -> Vec<String> {
        let mut directories: Vec<String> = Vec::new();
        for process in &self.processes {
            for directory in system_directories(&process.loader) {
                let text = directory.to_string();
                if !directories.contains(&text) {
                    directories.push(text);
                }
            }
        }
        directories
    }

    fn report_missing(&mut self, asked: &Asked) {
        for ((rule, part), (value, file)) in &asked.missed {
            if asked.found.contains(&(*rule, *part)) {
                continue;
            }
            let resource = &self.world.rules.resource[*rule];
            let Some(hint) = &resource.missing else { continue };
            // The ordinary image lacks it as well, and the package that asks was built to do without.
            if self.world.spec.mode == Mode::Distil && self.owner_of(file).is_some() {
                continue;
            }
            if self.lacks_it_anyway(file) {
                continue;
            }
            let who = if file.is_root() { "the environment".to_owned() } else { format!("`{file}`") };
            let value = if value.is_empty() { String::new() } else { format!(" (`{value}`)") };
            let holder = if self.world.usable.is_empty() {
                "the stage does not hold".to_owned()
            } else {
                format!("{} does not hold", self.sources_text())
            };
            let message = format!("{who} asks for {}{value}, which {holder}", resource.title);
            self.findings.add(
                finding::warning(finding::RESOURCE_MISSING, message)
                    .hint(hint.clone())
                    .at(self.instruction_of(file)),
            );
        }
    }
}

/// Rounds in which new files may bring new evidence: each chain of evidence ends after two or three.
const MAX_ROUNDS: usize = 16;
