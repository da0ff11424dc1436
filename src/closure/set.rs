//! The growing set: which files are in, from where, for which reason.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::application::changes::Changes;
use super::application::is_in_tests;
use super::application::places::is_system_directory;
use super::base;
use super::compose::Composition;
use super::finding::{self, Findings};
use super::glob;
use super::process::Process;
use super::reason;
use super::runtime::Runtimes;
use super::server::Servers;
use super::shell::Scripts;
use super::tree::Node;
use super::view::{Place, SourceRoot, View};
use crate::closure::elf::{Elf, FileBytes};
use crate::closure::search::{Loader, Objects};
use crate::distill::manifest::Reason;
use crate::distill::spec::{AssembleSpec, InstructionId, Mode};
use crate::rootfs::links::{self, Resolved};
use crate::rootfs::{FileKind, Rootfs, RootfsError, RootfsPath, Stat};
use crate::rules::Rules;

/// How much depends on a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Strength {
    /// A language's rule swept it in: whether anything uses it is not known, so nothing is said about its needs.
    Swept,
    /// It lay in a directory that was copied, or evidence asks for it: an unmet need is a warning.
    Soft,
    /// The user names it: an unmet need is an error.
    Strict,
    /// The command does not run without it.
    Hard,
}

/// What closure needs to know and never changes.
pub(super) struct World<'a> {
    pub(super) spec: &'a AssembleSpec,
    pub(super) rules: &'a Rules,
    pub(super) composition: &'a Composition<'a>,
    pub(super) sources: &'a [SourceRoot<'a>],
    /// What the instructions of the stage touched that is cut down.
    pub(super) changes: &'a Changes<'a>,
    /// Indices of the sources that may be used, in order.
    pub(super) usable: &'a BTreeSet<usize>,
    /// View `k` asks source `k` first; there is one even without sources.
    pub(super) views: &'a [View<'a>],
    /// Parsed files of each view.
    pub(super) objects: &'a [Objects<'a>],
    /// Parsed files of each source by itself.
    pub(super) plain: &'a [Objects<'a>],
}

/// One file, link or directory of the set.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) place: Place,
    pub(super) stat: Stat,
    pub(super) reason: Vec<Reason>,
    pub(super) strength: Strength,
    /// Without it the command fails or answers differently.
    pub(super) hard: bool,
    /// The package that a file nobody owns counts to.
    pub(super) counts_to: Option<String>,
}

/// The set while it is closed.
pub(super) struct Closure<'a> {
    pub(super) world: &'a World<'a>,
    pub(super) items: BTreeMap<RootfsPath, Item>,
    pub(super) processes: Vec<Process>,
    /// Loaders by view and path: opening one reads its data and its cache.
    pub(super) loaders: BTreeMap<(usize, RootfsPath), Rc<Loader>>,
    /// Files that some process has loaded.
    pub(super) loaded: BTreeSet<RootfsPath>,
    /// ELF files of the set.
    pub(super) elves: BTreeMap<RootfsPath, Rc<Elf>>,
    pub(super) findings: Findings,
    /// Paths at which several sources have different files that were asked for.
    pub(super) conflicts: BTreeMap<RootfsPath, BTreeSet<usize>>,
    /// (library, version) wanted, by the final path of the library that was chosen for it.
    pub(super) complained: BTreeSet<(RootfsPath, Vec<u8>)>,
    /// Files whose needs were looked at.
    pub(super) opened: BTreeSet<RootfsPath>,
    /// Native modules that nothing in the set can load.
    pub(super) foreign: BTreeSet<RootfsPath>,
    pub(super) runtimes: Runtimes<'a>,
    pub(super) scripts: Scripts,
    pub(super) servers: Servers,
    /// Programs that only installed packages name, with the file that does.
    pub(super) doubted: BTreeMap<RootfsPath, RootfsPath>,
}

impl<'a> Closure<'a> {
    pub(super) fn new(world: &'a World<'a>) -> Self {
        Self {
            world,
            items: BTreeMap::new(),
            processes: Vec::new(),
            loaders: BTreeMap::new(),
            loaded: BTreeSet::new(),
            elves: BTreeMap::new(),
            findings: Findings::default(),
            conflicts: BTreeMap::new(),
            complained: BTreeSet::new(),
            opened: BTreeSet::new(),
            foreign: BTreeSet::new(),
            runtimes: Runtimes::default(),
            scripts: Scripts::default(),
            servers: Servers::default(),
            doubted: BTreeMap::new(),
        }
    }

    /// Brings what is at `path` with every link on the way; the real path of what it leads to, or `None` when nothing
    /// is there or `exclude` keeps it out.
    ///
    /// # Errors
    /// What the roots answer.
    pub(super) fn bring(
        &mut self,
        view: usize,
        path: &RootfsPath,
        chain: &[Reason],
        strength: Strength,
    ) -> Result<Option<RootfsPath>, RootfsError> {
        let Some(eyes) = self.world.views.get(view) else { return Ok(None) };
        let (real, links) = match links::resolve(eyes, path) {
            Ok(Resolved::Found { path, links, .. }) => (path, links),
            Ok(Resolved::Missing { at, links, .. }) if is_runtime_path(&at) && !links.is_empty() => {
                // What lies in /dev and /proc is filled by the container runtime.
                let mut own = None;
                for link in links.iter().filter(|link| !is_runtime_path(link)) {
                    self.add(view, link, chain, strength)?;
                    own = Some(link.clone());
                }
                return Ok(own);
            }
            Ok(Resolved::Missing { .. }) | Err(RootfsError::LinkLoop(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        if strength < Strength::Hard && (self.is_excluded(path) || self.is_excluded(&real)) {
            return Ok(None);
        }
        for link in &links {
            self.add(view, link, chain, strength)?;
        }
        if links.last().is_some_and(|_| real.name() != path.name()) {
            let chain = reason::then(chain, "symlink", reason::escaped(&real));
            self.add(view, &real, &chain, strength)?;
        } else {
            self.add(view, &real, chain, strength)?;
        }
        Ok(Some(real))
    }

    /// Adds what is at a real path of a view.
    fn add(
        &mut self,
        view: usize,
        real: &RootfsPath,
        chain: &[Reason],
        strength: Strength,
    ) -> Result<(), RootfsError> {
        if let Some((place, stat)) = self.world.views[view].place(real)? {
            self.put(real, place, stat, chain, strength)?;
        }
        Ok(())
    }

    /// Adds a file that has another path in its source.
    pub(super) fn put(
        &mut self,
        path: &RootfsPath,
        place: Place,
        stat: Stat,
        chain: &[Reason],
        strength: Strength,
    ) -> Result<(), RootfsError> {
        if path.is_root() || strength <= Strength::Soft && self.foreign.contains(path) {
            return Ok(());
        }
        let hard = strength == Strength::Hard && stat.kind != FileKind::Directory;
        if let Some(old) = self.items.get(path)
            && let (Place::Source(mine, _), Place::Source(other, _)) = (&old.place, &place)
            && mine != other
            && self.differs(&old.place, &old.stat, &place, &stat)?
        {
            self.conflicts.entry(path.clone()).or_default().extend([*mine, *other]);
        }
        match self.items.get_mut(path) {
            Some(old) if old.strength >= strength => {}
            Some(old) => {
                old.strength = strength;
                old.hard |= hard;
                old.reason = chain.to_vec();
            }
            None => {
                let reason = chain.to_vec();
                self.items
                    .insert(path.clone(), Item { place, stat, reason, strength, hard, counts_to: None });
            }
        }
        Ok(())
    }

    /// Whether two places hold different things.
    fn differs(&self, a: &Place, a_stat: &Stat, b: &Place, b_stat: &Stat) -> Result<bool, RootfsError> {
        if a_stat.kind != b_stat.kind || a_stat.size != b_stat.size {
            return Ok(true);
        }
        if a_stat.kind != FileKind::Regular {
            return Ok(false);
        }
        let (Place::Source(a, a_path), Place::Source(b, b_path)) = (a, b) else { return Ok(false) };
        let (a, b) = (self.world.sources[*a].root, self.world.sources[*b].root);
        let mut at = 0;
        while at < a_stat.size {
            let range = at..at + COMPARE_BYTES;
            if a.read(a_path, range.clone())? != b.read(b_path, range)? {
                return Ok(true);
            }
            at += COMPARE_BYTES;
        }
        Ok(false)
    }

    /// Whether `exclude=`, or a RUN that removed it, keeps a path out.
    pub(super) fn is_excluded(&self, path: &RootfsPath) -> bool {
        let excluded = &self.world.spec.control.exclude;
        let removed = &self.world.composition.removed;
        excluded.iter().any(|pattern| glob::covers(pattern.as_bytes(), path))
            || removed.iter().any(|gone| path.is_within(gone))
    }

    /// The bytes of an item's file.
    pub(super) fn file_of(&self, path: &RootfsPath) -> Option<(&'a dyn Rootfs, RootfsPath)> {
        match &self.items.get(path)?.place {
            Place::Tree => Some((&self.world.composition.tree, path.clone())),
            Place::Source(index, from) => Some((self.world.sources.get(*index)?.root, from.clone())),
        }
    }

    /// Calls `read` with the bytes of an item's file.
    pub(super) fn with_bytes<T>(
        &self,
        path: &RootfsPath,
        read: impl FnOnce(&FileBytes<'_>) -> T,
    ) -> Option<T> {
        let (rootfs, path) = self.file_of(path)?;
        Some(read(&FileBytes { rootfs, path: &path }))
    }

    /// The view that an item's own needs are looked up in: its source's.
    pub(super) fn view_of(&self, path: &RootfsPath) -> usize {
        let index = match self.items.get(path).map(|item| &item.place) {
            Some(Place::Source(index, _)) => Some(*index),
            Some(Place::Tree) => self.node(path).and_then(|node| node.came.source),
            None => None,
        };
        index.filter(|index| self.world.usable.contains(index)).unwrap_or_else(|| self.first_view())
    }

    /// The view of what comes from no source: the first source's.
    pub(super) fn first_view(&self) -> usize {
        self.world.usable.first().copied().unwrap_or(0)
    }

    pub(super) fn node(&self, path: &RootfsPath) -> Option<&'a Node> {
        self.world.composition.tree.get(path)
    }

    /// The step that put a file of the set there, or made it in the stage that is cut down.
    pub(super) fn step_of(&self, path: &RootfsPath) -> Option<usize> {
        match &self.items.get(path).map(|item| &item.place) {
            Some(Place::Source(0, from)) => self.world.changes.step_of(from),
            _ => self.node(path)?.came.step,
        }
    }

    /// The instruction that put a file there.
    pub(super) fn instruction_of(&self, path: &RootfsPath) -> Option<&'a InstructionId> {
        self.world.spec.steps.get(self.step_of(path)?).map(|step| &step.id)
    }

    /// Whether a file is of the stage that is cut down, where it runs as it is: what it lacks there, it lacks in the
    /// ordinary image as well, so nothing is lost.
    pub(super) fn lacks_it_anyway(&self, path: &RootfsPath) -> bool {
        let whole = self.world.spec.mode == Mode::Distil;
        whole && self.items.get(path).is_none_or(|item| matches!(item.place, Place::Source(0, _)))
    }

    /// Where the closure looked, for messages: ``stage `build` ``.
    pub(super) fn sources_text(&self) -> String {
        let names: Vec<String> =
            self.world.usable.iter().map(|index| named(self.world.sources[*index].name)).collect();
        match names.as_slice() {
            [] => "the stage itself".to_owned(),
            [one] => one.clone(),
            [all @ .., last] => format!("{} or {last}", all.join(", ")),
        }
    }

    /// Brings `path` and everything below it, without the links' targets.
    ///
    /// # Errors
    /// What the roots answer.
    pub(super) fn bring_tree(
        &mut self,
        view: usize,
        path: &RootfsPath,
        chain: &[Reason],
        strength: Strength,
        except: &dyn Fn(&RootfsPath) -> bool,
    ) -> Result<Vec<RootfsPath>, RootfsError> {
        let Some(real) = self.bring(view, path, chain, strength)? else { return Ok(Vec::new()) };
        let mut brought = vec![real.clone()];
        let mut walked = BTreeSet::from([real.clone()]);
        let top = real.clone();
        let mut pending = vec![real];
        while let Some(dir) = pending.pop() {
            let is_directory = self.items.get(&dir).is_some_and(|item| item.stat.kind == FileKind::Directory);
            if !is_directory {
                continue;
            }
            for entry in self.world.views[view].list(&dir)? {
                let path = dir.join(&entry.name);
                if except(&path) || self.is_excluded(&path) || self.refuses(view, &path)? {
                    continue;
                }
                match entry.stat.kind {
                    FileKind::Directory => {
                        self.add(view, &path, chain, strength)?;
                        pending.push(path.clone());
                        brought.push(path);
                    }
                    FileKind::Regular => {
                        self.add(view, &path, chain, strength)?;
                        brought.push(path);
                    }
                    FileKind::Symlink(_) => {
                        // A dangling link stays as it is; others bring what they lead to.
                        match self.bring(view, &path, chain, strength)? {
                            Some(real) => {
                                // A directory of its own elsewhere (a workspace's package) comes with what is in it.
                                if !real.is_within(&top) && walked.insert(real.clone()) && !is_shared(&real) {
                                    pending.push(real.clone());
                                }
                                brought.push(real);
                            }
                            None => self.add(view, &path, chain, strength)?,
                        }
                    }
                    _ => {}
                }
            }
        }
        Ok(brought)
    }

    /// Whether a file that nobody named is a secret, or nothing for an image; says so.
    pub(super) fn refuses(&mut self, view: usize, path: &RootfsPath) -> Result<bool, RootfsError> {
        if self.node(path).is_some() {
            return Ok(false);
        }
        let parent = path.parent().map(|parent| parent.name().to_vec()).unwrap_or_default();
        let eyes = &self.world.views[view];
        let secret = super::hygiene::is_secret_name(&parent, path.name())
            || super::keys::may_hold_key(path.name())
                && eyes.file(path)?.is_some()
                && super::keys::holds_key(eyes, path)?;
        if secret && !is_in_tests(&self.world.rules.application, path) {
            self.findings.add(
                finding::warning(finding::SECRET_SKIPPED, format!("`{path}` holds secrets: left out"))
                    .hint(format!("`include={path}` keeps it, and so does a COPY that names it")),
            );
        }
        Ok(secret || super::hygiene::is_whiteout(path.name()))
    }
}

impl Closure<'_> {
    /// Brings the base set, and what says which distribution the image is.
    ///
    /// # Errors
    /// What the roots answer.
    pub(super) fn base_items(&mut self) -> Result<(), RootfsError> {
        for (path, node) in self.world.composition.tree.iter() {
            if node.came.step.is_none() && !self.items.contains_key(path) {
                self.put(path, Place::Tree, node.stat(), &node.came.reason, Strength::Soft)?;
            }
        }
        let Some(identity) = base::identity_source(self.world.sources, self.world.usable) else {
            return Ok(());
        };
        for path in base::IDENTITY {
            let chain = reason::root(base::WHY, "which distribution");
            self.bring(identity, &RootfsPath::from(path), &chain, Strength::Soft)?;
        }
        Ok(())
    }

    /// Warns when packages of several distributions or releases are mixed.
    pub(super) fn compare_systems(&mut self) {
        let mut systems: BTreeMap<(String, String), usize> = BTreeMap::new();
        for (path, item) in &self.items {
            if let Place::Source(index, _) = item.place
                && systems.values().all(|known| *known != index)
                && self.owner_of(path).is_some()
                && let Some(system) = base::identity_of(self.world.sources[index].root)
            {
                systems.entry(system).or_insert(index);
            }
        }
        if systems.len() > 1 {
            let texts: Vec<String> = systems
                .iter()
                .map(|((id, version), index)| {
                    format!("{id} {version} of {}", named(self.world.sources[*index].name))
                })
                .collect();
            self.findings.add(
                finding::warning(
                    finding::MIXED_SYSTEMS,
                    format!("packages of different systems are mixed: {}", texts.join(", ")),
                )
                .hint(
                    "scanners match all packages with one of them: use one base image release in all stages",
                ),
            );
        }
    }
}

/// How a source is called in messages: ``stage `build` ``, or an image by its reference alone.
pub(super) fn named(source: &str) -> String {
    let image = source.contains(['/', ':', '.']);
    if image { format!("`{source}`") } else { format!("stage `{source}`") }
}

/// Whether a directory is not one thing's own: the root, the system's, or one that holds many.
fn is_shared(path: &RootfsPath) -> bool {
    path.is_root()
        || is_system_directory(path)
        || super::follow::is_documentation(path)
        || path.components().count() == 1
}

/// Whether the container runtime fills the path.
fn is_runtime_path(path: &RootfsPath) -> bool {
    ["/dev", "/proc", "/sys"].iter().any(|dir| path.is_within(&RootfsPath::from(*dir)))
}

/// Bytes compared at once.
const COMPARE_BYTES: u64 = 1 << 20;
