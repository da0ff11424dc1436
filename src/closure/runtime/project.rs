//! The tree that a program of a language runs from.

use crate::closure::application::places::is_system_directory;
use crate::closure::glob;
use crate::closure::reason;
use crate::closure::roots::Wish;
use crate::closure::set::{Closure, Strength};
use crate::closure::view::Place;
use crate::distill::manifest::Reason;
use crate::distill::spec::Mode;
use crate::rootfs::{FileKind, Rootfs, RootfsError, RootfsPath};
use crate::rules::Runtime;

impl Closure<'_> {
    /// Brings the project of a script at a real path, and what lies in the directories above it. What the stage itself
    /// put there is the user's choice: nothing is added to it.
    ///
    /// # Errors
    /// What the roots answer.
    pub(super) fn project(
        &mut self,
        rule: &Runtime,
        script: &RootfsPath,
        view: usize,
        chain: &[Reason],
        wishes: &mut Vec<Wish>,
    ) -> Result<(), RootfsError> {
        for name in &rule.ancestors {
            let mut at = script.parent();
            while let Some(dir) = at {
                let path = dir.join(name.as_bytes());
                if self.world.views[view].stat(&path)?.is_some() {
                    let chain = reason::then(chain, "packages", reason::escaped(&path));
                    self.bring_project_tree(rule, &path, view, &chain, wishes)?;
                }
                at = dir.parent();
            }
        }
        let place = self.world.views[view].place(script)?;
        let users = match (self.world.spec.mode, place) {
            (_, None) => true,
            // Instructions are better evidence, and there is one for all that was copied.
            (Mode::Distil, Some(_)) => self.world.changes.is_put(script),
            (_, Some((place, _))) => place == Place::Tree,
        };
        if users {
            return Ok(());
        }
        let working = self.working_directory();
        let directory = self.project_directory(rule, script, view)?;
        // All of WORKDIR is the application's in a stage that is cut down.
        let known = |dir: &RootfsPath| self.world.spec.mode == Mode::Distil && dir.is_within(&working);
        if let Some(directory) = directory.filter(|dir| working.is_root() || !known(dir)) {
            let chain = reason::then(chain, "project", reason::escaped(&directory));
            self.bring_project_tree(rule, &directory, view, &chain, wishes)?;
        }
        Ok(())
    }

    /// The nearest directory above the script that a marker stands in, else WORKDIR, else the script's own directory.
    fn project_directory(
        &self,
        rule: &Runtime,
        script: &RootfsPath,
        view: usize,
    ) -> Result<Option<RootfsPath>, RootfsError> {
        let mut at = script.parent();
        while let Some(dir) = at.filter(|dir| !is_no_project(dir)) {
            for marker in &rule.project {
                if self.world.views[view].stat(&dir.join(marker.as_bytes()))?.is_some() {
                    return Ok(Some(dir));
                }
            }
            at = dir.parent();
        }
        let working = self.working_directory();
        if !is_no_project(&working) {
            return Ok(Some(working));
        }
        let own =
            script.parent().filter(|dir| !is_no_project(dir) && !matches!(dir.name(), b"bin" | b"sbin"));
        Ok(own)
    }

    /// The directory that the image's command starts in.
    pub(in crate::closure) fn working_directory(&self) -> RootfsPath {
        RootfsPath::parse(self.world.spec.config.working_dir.as_bytes())
    }

    /// Brings a directory of a project without what its tools fill again.
    ///
    /// # Errors
    /// What the roots answer.
    pub(super) fn bring_project_tree(
        &mut self,
        rule: &Runtime,
        path: &RootfsPath,
        view: usize,
        chain: &[Reason],
        wishes: &mut Vec<Wish>,
    ) -> Result<(), RootfsError> {
        if is_no_project(path) {
            return Ok(());
        }
        let cache = |path: &RootfsPath| {
            rule.build.caches.iter().any(|name| glob::matches_name(name.as_bytes(), path.name()))
        };
        for path in self.bring_tree(view, path, chain, Strength::Swept, &cache)? {
            let directory = self.items.get(&path).is_some_and(|item| item.stat.kind == FileKind::Directory);
            if !directory {
                wishes.push(Wish { path, strength: Strength::Swept, started: false });
            }
        }
        Ok(())
    }
}

/// Whether a directory is no project's: the root, the system's, or one that holds many.
pub(super) fn is_no_project(path: &RootfsPath) -> bool {
    path.is_root() || is_system_directory(path) || path.components().count() == 1 && path.name() == b"opt"
}
