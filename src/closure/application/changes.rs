//! What each instruction of an ordinary stage added or changed, by path: the evidence of [`StepKind::Changed`].

use std::collections::{BTreeMap, BTreeSet};

use super::patterns::Patterns;
use crate::closure::compose::{is_same, is_stub};
use crate::closure::origin::Origins;
use crate::closure::plan::Roots;
use crate::distill::spec::{AssembleSpec, Change, ChangedBy, StepKind, TreeStep};
use crate::rootfs::links::{self, Resolved};
use crate::rootfs::{Entry, FileKind, Name, Rootfs, RootfsError, RootfsPath, Stat};
use crate::rules::Rules;

/// The instructions that touched a path, as indices of the spec's steps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::closure) struct Touched {
    /// The last COPY or ADD that put it there; for a directory the first.
    pub(in crate::closure) put: Option<usize>,
    /// The last RUN that made or changed it.
    pub(in crate::closure) run: Option<usize>,
    /// The WORKDIR that made it.
    pub(in crate::closure) work: Option<usize>,
    /// The COPY names this file itself, not by its directory or a wildcard.
    pub(in crate::closure) named: bool,
    /// The COPY's own word is one that secrets have, and this is (in) it.
    pub(in crate::closure) secret: bool,
}

impl Touched {
    /// The instruction to name for it: who put it there, else who made it.
    pub(in crate::closure) fn step(&self) -> Option<usize> {
        self.put.or(self.run).or(self.work)
    }
}

/// All that the stage's instructions touched.
#[derive(Default)]
pub(in crate::closure) struct Changes<'a> {
    paths: BTreeMap<RootfsPath, Touched>,
    /// The stage's base image.
    base: Option<&'a dyn Rootfs>,
    /// Steps with their trees.
    trees: Vec<(usize, Difference<'a>)>,
    /// Only some directories were compared.
    pub(in crate::closure) partial: bool,
}

/// What one instruction changed: a tree with nothing else in it, or two whole trees.
#[derive(Clone, Copy)]
struct Difference<'a> {
    after: &'a dyn Rootfs,
    before: Option<&'a dyn Rootfs>,
}

impl Difference<'_> {
    /// What a directory holds, and whether it is as it was before.
    fn changed(&self, dir: &RootfsPath) -> Result<Vec<(Name, bool)>, RootfsError> {
        let Some(before) = self.before else {
            return Ok(self.after.names(dir)?.into_iter().map(|name| (name, false)).collect());
        };
        let old = names_of(before, dir)?;
        let new = self.after.list(dir)?.into_iter().map(|Entry { name, stat }| {
            let same = old.get(&name).is_some_and(|old| is_same(old, &stat));
            (Name { name, directory: stat.kind == FileKind::Directory }, same)
        });
        Ok(new.collect())
    }
}

impl<'a> Changes<'a> {
    /// Reads the evidence; there is none but for a stage that is cut down.
    ///
    /// # Errors
    /// What the roots answer.
    pub(in crate::closure) fn read(
        spec: &AssembleSpec,
        roots: &Roots<'a>,
        rules: &Rules,
    ) -> Result<Self, RootfsError> {
        let mut changes = Self::default();
        let Some(source) = spec.sources.first() else { return Ok(changes) };
        let Some(stage) = roots.get(&source.mount).copied() else { return Ok(changes) };
        changes.base = source.base.as_ref().and_then(|base| roots.get(base)).copied();
        for (index, step) in spec.steps.iter().enumerate() {
            let StepKind::Changed(change) = &step.kind else { continue };
            let Some(after) = roots.get(&change.mount).copied() else { continue };
            let before = change.before.as_ref().and_then(|before| roots.get(before)).copied();
            let difference = Difference { after, before };
            changes.trees.push((index, difference));
            let names = Names::new(change, after, stage)?;
            let dirs = if before.is_some() {
                changes.partial = true;
                compared(spec, stage)?
            } else {
                vec![RootfsPath::root()]
            };
            for dir in dirs {
                changes.walk(index, change.by, difference, dir, &names, rules)?;
            }
        }
        Ok(changes)
    }

    fn walk(
        &mut self,
        index: usize,
        by: ChangedBy,
        difference: Difference<'_>,
        top: RootfsPath,
        names: &Names<'_>,
        rules: &Rules,
    ) -> Result<(), RootfsError> {
        let never = Patterns::new(&rules.application.never);
        let mut pending = vec![top];
        while let Some(dir) = pending.pop() {
            let changed = match difference.changed(&dir) {
                Ok(changed) => changed,
                Err(RootfsError::NotFound(_) | RootfsError::NotADirectory(_)) => continue,
                Err(error) => return Err(error),
            };
            for (Name { name, directory }, same) in changed {
                let path = dir.join(&name);
                if is_stub(&path) || by == ChangedBy::Run && never.matches(&path) {
                    continue;
                }
                if directory {
                    pending.push(path.clone());
                }
                if same {
                    continue;
                }
                self.touch(index, by, &path, directory, names);
                if self.paths.len() > MAX_PATHS {
                    return Err(RootfsError::TooManyEntries { path, limit: MAX_PATHS });
                }
            }
        }
        Ok(())
    }

    fn touch(&mut self, index: usize, by: ChangedBy, path: &RootfsPath, directory: bool, names: &Names<'_>) {
        let touched = self.paths.entry(path.clone()).or_default();
        match by {
            ChangedBy::Run => touched.run = Some(index),
            ChangedBy::Workdir => touched.work = Some(index),
            ChangedBy::Copy | ChangedBy::Add if directory => {
                touched.put.get_or_insert(index);
                touched.secret |= names.secret(path);
            }
            ChangedBy::Copy | ChangedBy::Add => {
                touched.put = Some(index);
                touched.named = names.file(path);
                touched.secret = names.secret(path);
            }
        }
    }

    /// What touched a real path of the stage.
    pub(in crate::closure) fn get(&self, path: &RootfsPath) -> Option<&Touched> {
        self.paths.get(path)
    }

    /// Everything that was touched, sorted by path.
    pub(in crate::closure) fn iter(&self) -> impl Iterator<Item = (&RootfsPath, &Touched)> {
        self.paths.iter()
    }

    /// What was touched at and below a path.
    pub(in crate::closure) fn within<'c>(
        &'c self,
        path: &'c RootfsPath,
    ) -> impl Iterator<Item = (&'c RootfsPath, &'c Touched)> {
        let prefix = path.as_bytes();
        let range =
            self.paths.range(path..).take_while(move |(found, _)| found.as_bytes().starts_with(prefix));
        range.filter(move |(found, _)| found.is_within(path))
    }

    /// Whether a COPY or ADD put it there.
    pub(in crate::closure) fn is_put(&self, path: &RootfsPath) -> bool {
        self.get(path).is_some_and(|touched| touched.put.is_some())
    }

    /// The instruction that a file of the stage is from; absent: its base image.
    pub(in crate::closure) fn step_of(&self, path: &RootfsPath) -> Option<usize> {
        self.get(path)?.step()
    }

    /// What the base image has at a path.
    ///
    /// # Errors
    /// What the root answers.
    pub(in crate::closure) fn in_base(&self, path: &RootfsPath) -> Result<Option<Stat>, RootfsError> {
        self.base.map_or(Ok(None), |base| base.stat(path))
    }

    /// The base image, when it is known.
    pub(in crate::closure) fn base(&self) -> Option<&'a dyn Rootfs> {
        self.base
    }

    /// The trees of the steps in order: with a file that a step wrote, as it left it.
    pub(in crate::closure) fn trees(&self) -> impl Iterator<Item = (usize, &'a dyn Rootfs)> {
        self.trees.iter().map(|(index, difference)| (*index, difference.after))
    }
}

/// The directories that whole trees are compared below: WORKDIR, /etc and what COPY and ADD write to.
fn compared(spec: &AssembleSpec, stage: &dyn Rootfs) -> Result<Vec<RootfsPath>, RootfsError> {
    let mut dirs: BTreeSet<RootfsPath> = BTreeSet::from([RootfsPath::from("/etc")]);
    let work = RootfsPath::parse(spec.config.working_dir.as_bytes());
    let dests = spec.steps.iter().filter_map(|step| match &step.kind {
        StepKind::Changed(change) => change.dest.as_ref(),
        _ => None,
    });
    for path in dests.map(|dest| RootfsPath::parse(dest.as_bytes())).chain([work]) {
        let dir = match links::resolve(stage, &path)? {
            Resolved::Found { path, stat, .. } if stat.kind == FileKind::Directory => path,
            Resolved::Found { path, .. } => path.parent().unwrap_or_else(RootfsPath::root),
            Resolved::Missing { .. } => continue,
        };
        if !dir.is_root() {
            dirs.insert(dir);
        }
    }
    let all = dirs.clone();
    dirs.retain(|dir| all.iter().all(|other| other == dir || !dir.is_within(other)));
    Ok(dirs.into_iter().collect())
}

/// What an instruction names itself.
struct Names<'a> {
    origins: Option<Origins<'a>>,
    /// The destination, where it is a file.
    file: Option<RootfsPath>,
}

impl Names<'_> {
    fn new(change: &Change, tree: &dyn Rootfs, stage: &dyn Rootfs) -> Result<Self, RootfsError> {
        let Some(dest) = &change.dest else { return Ok(Self { origins: None, file: None }) };
        // The instruction wrote through links; its tree has real paths.
        let mut real = match links::resolve(stage, &RootfsPath::parse(dest.as_bytes()))? {
            Resolved::Found { path, .. } => path,
            Resolved::Missing { at, rest, .. } => at.join(&rest),
        };
        let file = tree.stat(&real)?.is_some_and(|stat| stat.kind != FileKind::Directory);
        let mut text = String::from_utf8_lossy(real.as_bytes()).into_owned();
        if dest.ends_with('/') && !text.ends_with('/') {
            text.push('/');
        }
        let step = TreeStep {
            mount: change.mount.clone(),
            from: None,
            src: change.src.clone(),
            dest: text,
            parents: false,
            closure: true,
            chown: None,
        };
        if !file {
            real = RootfsPath::root();
        }
        let file = file.then_some(real);
        Ok(Self { origins: Some(Origins::new(&step, tree, &[])?), file })
    }

    fn file(&self, path: &RootfsPath) -> bool {
        self.file.as_ref() == Some(path) || self.origins.as_ref().is_some_and(|origins| origins.names(path))
    }

    fn secret(&self, path: &RootfsPath) -> bool {
        self.origins.as_ref().is_some_and(|origins| origins.names_secret(path))
    }
}

fn names_of(rootfs: &dyn Rootfs, dir: &RootfsPath) -> Result<BTreeMap<Vec<u8>, Stat>, RootfsError> {
    match rootfs.list(dir) {
        Ok(entries) => Ok(entries.into_iter().map(|entry| (entry.name, entry.stat)).collect()),
        Err(RootfsError::NotFound(_) | RootfsError::NotADirectory(_)) => Ok(BTreeMap::new()),
        Err(error) => Err(error),
    }
}

/// Paths that all instructions of a stage together may touch.
const MAX_PATHS: usize = 4_000_000;
