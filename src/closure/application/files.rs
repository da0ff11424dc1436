//! Which of the touched files are the application's: all that was copied, and what RUN made in the application's
//! directories and in /etc.

use std::collections::BTreeSet;

use super::changes::Touched;
use super::material::is_empty;
use super::patterns::{Patterns, is_in_tests};
use super::places::{Places, is_system_directory};
use crate::closure::admission::{self, Claim, Verdict};
use crate::closure::finding;
use crate::closure::reason;
use crate::closure::roots::Wish;
use crate::closure::set::{Closure, Strength};
use crate::closure::view::Place;
use crate::distill::manifest::Reason;
use crate::rootfs::links::{self, Resolved};
use crate::rootfs::{FileKind, RootfsError, RootfsPath, Stat};

/// The source that a stage which is cut down is.
pub(super) const STAGE: usize = 0;

impl Closure<'_> {
    /// The application's files of a stage that is cut down, with their needs to be followed.
    ///
    /// # Errors
    /// What the roots answer.
    pub(in crate::closure) fn application_files(&mut self) -> Result<Vec<Wish>, RootfsError> {
        let world = self.world;
        let Some(source) = world.sources.get(STAGE) else { return Ok(Vec::new()) };
        if world.changes.partial {
            self.findings.add(
                finding::notice(
                    finding::PARTIAL_EVIDENCE,
                    "what RUN made is seen only below WORKDIR, /etc and what COPY and ADD write to",
                )
                .hint(
                    "use a BuildKit that can make differences (cap `diffop`), or `include=` what is missing",
                ),
            );
        }
        let places = Places::of(world.spec, source.root, world.changes)?;
        let generated = Patterns::new(&world.rules.application.generated);
        let mut wishes = Vec::new();
        let mut refused: BTreeSet<RootfsPath> = BTreeSet::new();
        let mut material = self.build_material(&places);
        let mut prefix = self.copied_prefix();
        let mut caches: BTreeSet<RootfsPath> = BTreeSet::new();
        for (path, touched) in world.changes.iter() {
            if is_below(path, &refused) {
                continue;
            }
            let intended = touched.put.is_some() || touched.work.is_some() || places.hold(path);
            // Most of what RUN touched is packages', and told apart without a look at the file.
            if !intended && (generated.cover(path) || self.is_packaged(path)) {
                continue;
            }
            let Some(stat) = source.root.stat(path)? else { continue };
            if self.leaves_of_prefix(&mut prefix, path, &stat, touched) {
                continue;
            }
            if material.is_some() && (touched.put.is_some() || places.hold(path)) {
                let directory = stat.kind == FileKind::Directory;
                let cached = is_below(path, &caches);
                if !cached && directory && !material.leaves_out(path, &stat) && !is_empty(self, path) {
                    // It comes as the parent of what is kept in it.
                    continue;
                }
                if !self.items.contains_key(path) && (cached || material.leaves_out(path, &stat)) {
                    material.leave(path, &stat, &places);
                    if directory {
                        caches.insert(path.clone());
                    }
                    continue;
                }
            }
            let Some(chain) = self.wanted(path, &stat, touched, intended)? else { continue };
            if !self.admit(path, stat, touched, &chain, &mut wishes)? {
                refused.insert(path.clone());
            }
        }
        self.work_directory(&places, &mut wishes)?;
        self.report_material(&material);
        self.report_prefix(&prefix);
        Ok(wishes)
    }

    /// Why a touched path is the application's; `None` when it is not.
    fn wanted(
        &self,
        path: &RootfsPath,
        stat: &Stat,
        touched: &Touched,
        intended: bool,
    ) -> Result<Option<Vec<Reason>>, RootfsError> {
        let directory = stat.kind == FileKind::Directory;
        if directory && self.is_as_in_base(path, stat)? {
            return Ok(None);
        }
        let wanted = if intended {
            true
        } else if directory {
            // Directories made with an owner or a mode are there to be written to.
            (stat.uid, stat.gid, stat.mode & 0o7777) != (0, 0, 0o755)
        } else {
            path.is_within(&RootfsPath::from("/etc")) && !self.leads_to_packaged(path, stat)?
        };
        let Some(step) = touched.step().filter(|_| wanted) else { return Ok(None) };
        let Some(step) = self.world.spec.steps.get(step) else { return Ok(None) };
        let word = step.id.text.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
        let why = match word.as_str() {
            "add" => "added",
            "workdir" => "workdir",
            "run" => "run",
            _ => "copied",
        };
        Ok(Some(reason::root(why, step.id.text.clone())))
    }

    /// Whether the base image has the same directory.
    fn is_as_in_base(&self, path: &RootfsPath, stat: &Stat) -> Result<bool, RootfsError> {
        let base = self.world.changes.in_base(path)?;
        Ok(base.is_some_and(|base| {
            (&base.kind, base.mode, base.uid, base.gid) == (&stat.kind, stat.mode, stat.uid, stat.gid)
        }))
    }

    /// Whether a package of the stage owns a real path.
    pub(in crate::closure) fn is_packaged(&self, path: &RootfsPath) -> bool {
        let packages = self.world.sources.get(STAGE).and_then(|source| source.packages.as_deref());
        packages.is_some_and(|packages| matches!(packages.owner(path), Ok(Some(_))))
    }

    /// Whether it is a link that ends at a package's file: an alternative, an enabled module.
    fn leads_to_packaged(&self, path: &RootfsPath, stat: &Stat) -> Result<bool, RootfsError> {
        let FileKind::Symlink(_) = stat.kind else { return Ok(false) };
        match links::resolve(self.world.sources[STAGE].root, path) {
            Ok(resolved) => Ok(resolved.path().is_some_and(|real| self.is_packaged(real))),
            Err(RootfsError::LinkLoop(_)) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Brings a file of the application; whether it may come.
    fn admit(
        &mut self,
        path: &RootfsPath,
        mut stat: Stat,
        touched: &Touched,
        chain: &[Reason],
        wishes: &mut Vec<Wish>,
    ) -> Result<bool, RootfsError> {
        let named = touched.named && touched.put.is_some();
        let strength = if named { Strength::Strict } else { Strength::Soft };
        if self.is_excluded(path) {
            return Ok(false);
        }
        let known = self.items.contains_key(path);
        let root = self.world.sources[STAGE].root;
        let steps = &self.world.spec.steps;
        let id = touched.step().and_then(|step| steps.get(step)).map(|step| &step.id);
        let claim = Claim { id, named, secret: touched.secret };
        match admission::judge(root, path, &stat, claim)? {
            Verdict::Admitted(told) => self.findings.extend(told),
            // What a command names is in the set already.
            Verdict::Refused(_) if known => {}
            Verdict::Refused(told) => {
                if told.rule != finding::SECRET_SKIPPED || !is_in_tests(&self.world.rules.application, path) {
                    self.findings.add(told);
                }
                return Ok(false);
            }
        }
        if !known {
            self.findings.extend(admission::take_privileges(path, &mut stat, claim));
        }
        // A directory of the base set has the base set's owner and mode.
        if stat.kind == FileKind::Directory && self.node(path).is_some() {
            return Ok(true);
        }
        if self.node(path).is_none_or(|node| node.came.step.is_none()) {
            let kind = stat.kind.clone();
            self.put(path, Place::Source(STAGE, path.clone()), stat, chain, strength)?;
            match kind {
                FileKind::Symlink(_) => self.linked_tree(path, chain, wishes)?,
                FileKind::Regular => {}
                _ => return Ok(true),
            }
            wishes.push(Wish { path: path.clone(), strength, started: false });
        }
        Ok(true)
    }

    /// A link to a directory elsewhere: what is in it belongs to the application as well.
    fn linked_tree(
        &mut self,
        path: &RootfsPath,
        chain: &[Reason],
        wishes: &mut Vec<Wish>,
    ) -> Result<(), RootfsError> {
        let Ok(Resolved::Found { path: real, stat, .. }) =
            links::resolve(self.world.sources[STAGE].root, path)
        else {
            return Ok(());
        };
        let changed = self.world.changes.get(&real).is_some_and(|touched| touched.put.is_some());
        if stat.kind != FileKind::Directory || changed || is_system_directory(&real) || path.is_within(&real)
        {
            return Ok(());
        }
        let chain = reason::then(chain, "symlink", reason::escaped(&real));
        for path in self.bring_tree(STAGE, &real, &chain, Strength::Soft, &|_| false)? {
            wishes.push(Wish { path, strength: Strength::Soft, started: false });
        }
        Ok(())
    }

    /// What the base image has in WORKDIR, and the links that WORKDIR leads through.
    fn work_directory(&mut self, places: &Places, wishes: &mut Vec<Wish>) -> Result<(), RootfsError> {
        let Some(work) = &places.work else { return Ok(()) };
        let world = self.world;
        let directory = RootfsPath::parse(world.spec.config.working_dir.as_bytes());
        let chain = reason::root("workdir", reason::escaped(&directory));
        self.bring(STAGE, &directory, &chain, Strength::Soft)?;
        let never = Patterns::new(&world.rules.application.never);
        let except = |path: &RootfsPath| {
            let touched = world.changes.get(path).is_some();
            let base = world.changes.in_base(path).ok().flatten();
            let descend = base.is_some_and(|stat| stat.kind == FileKind::Directory);
            touched && !descend || never.matches(path)
        };
        for path in self.bring_tree(STAGE, work, &chain, Strength::Soft, &except)? {
            wishes.push(Wish { path, strength: Strength::Soft, started: false });
        }
        Ok(())
    }
}

/// Whether a directory above the path is one of these.
pub(super) fn is_below(path: &RootfsPath, directories: &BTreeSet<RootfsPath>) -> bool {
    let mut at = path.parent();
    while let Some(path) = at.filter(|_| !directories.is_empty()) {
        if directories.contains(&path) {
            return true;
        }
        at = path.parent();
    }
    false
}
