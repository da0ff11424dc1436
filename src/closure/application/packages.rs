//! Packages that the stage's own RUN installed and nothing in the set is known to use.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::files::STAGE;
use super::own_data::is_library;
use super::patterns::Patterns;
use super::places::is_system_directory;
use crate::closure::finding;
use crate::closure::follow::is_documentation;
use crate::closure::packages::{self, PackageId, PackagesError};
use crate::closure::set::{Closure, Strength};
use crate::distill::manifest::{Reason, Severity};
use crate::distill::spec::Mode;
use crate::rootfs::{FileKind, RootfsError, RootfsPath};

/// Packages by the step that installed them, and how loud they are told.
type AllDropped = BTreeMap<(Option<usize>, Severity), Vec<Dropped>>;

/// A package that is left out, and the entry that keeps it.
struct Dropped {
    name: String,
    keep: Option<String>,
    /// Its program is named by this file of a package of a language.
    named_by: Option<RootfsPath>,
}

impl Closure<'_> {
    /// Tells which packages that the Dockerfile asked for are left out, one finding for each RUN.
    pub(in crate::closure) fn report_packages(&mut self) {
        if self.world.spec.mode != Mode::Distil {
            return;
        }
        match self.dropped_packages() {
            Ok(dropped) => {
                for ((step, severity), packages) in dropped {
                    self.report_dropped(step, severity, &packages);
                }
            }
            Err(error) => self.findings.add(finding::warning(
                finding::UNREADABLE_SOURCE,
                format!("the package database cannot be read: {error}"),
            )),
        }
    }

    fn report_dropped(&mut self, step: Option<usize>, severity: Severity, packages: &[Dropped]) {
        let names: Vec<String> = packages.iter().map(|package| format!("`{}`", package.name)).collect();
        let keep: Vec<String> = packages
            .iter()
            .filter_map(|package| package.keep.as_ref())
            .map(|keep| format!("`{keep}`"))
            .collect();
        let what = if names.len() == 1 { "it" } else { "them" };
        let mut message =
            format!("left out {}: nothing in the image is known to use {what}", names.join(", "));
        for package in packages {
            if let Some(file) = &package.named_by {
                let _ = write!(message, "; `{file}` names `{}`", package.name);
            }
        }
        let mut finding = match severity {
            Severity::Notice => finding::notice(finding::PACKAGE_DROPPED, message),
            _ => finding::warning(finding::PACKAGE_DROPPED, message),
        };
        if !keep.is_empty() {
            finding = finding.hint(format!("{} would keep {what}", keep.join(", ")));
        }
        let id = step.and_then(|step| self.world.spec.steps.get(step)).map(|step| &step.id);
        self.findings.add(finding.at(id));
    }

    fn dropped_packages(&self) -> Result<AllDropped, PackagesError> {
        let mut dropped = AllDropped::new();
        let world = self.world;
        let Some(database) = world.sources.get(STAGE).and_then(|source| source.packages.as_deref()) else {
            return Ok(dropped);
        };
        // Without its base image, what the Dockerfile installed is not known.
        let Some(base) = world.changes.base() else { return Ok(dropped) };
        let base: BTreeSet<String> = match packages::open(base)? {
            Some(base) => base.packages().iter().map(|package| package.name.clone()).collect(),
            None => BTreeSet::new(),
        };
        let automatic = database.automatic()?;
        let shipped = self.shipped_packages();
        // A file that was generated at install counts to its package.
        let generated: BTreeSet<&str> =
            self.items.values().filter_map(|item| item.counts_to.as_deref()).collect();
        let names: BTreeSet<&str> = shipped
            .iter()
            .filter_map(|id| database.packages().get(id.0 as usize))
            .map(|p| p.name.as_str())
            .collect();
        let rules = &world.rules.application.package;
        let (quiet, tools) = (Patterns::new(&rules.quiet), Patterns::new(&rules.tools));
        let mut steps = Steps::default();
        for (at, package) in database.packages().iter().enumerate() {
            let id = PackageId(u32::try_from(at).unwrap_or(u32::MAX));
            let path = RootfsPath::root().join(package.name.as_bytes());
            if base.contains(&package.name)
                || automatic.contains(&id)
                || shipped.contains(&id)
                || generated.contains(package.name.as_str())
                || quiet.matches(&path)
            {
                continue;
            }
            let files = database.files(id)?;
            let own: Vec<&RootfsPath> = files.iter().filter(|path| self.is_content(path)).collect();
            // A package without files of its own stands for those that it depends on.
            let depends = database.depends(id);
            if own.is_empty()
                && (depends.is_empty() || depends.iter().any(|name| names.contains(name.as_str())))
            {
                continue;
            }
            // `python3` and `postgresql` name the version that they depend on.
            if depends.iter().any(|name| name.starts_with(&package.name) && names.contains(name.as_str())) {
                continue;
            }
            let severity = if tools.matches(&path) { Severity::Notice } else { Severity::Warning };
            let step = steps.of(self, &package.name)?;
            let keep = keep(&package.name, &own);
            let named_by =
                self.doubted.iter().find(|(program, _)| own.contains(program)).map(|(_, file)| file.clone());
            let package = Dropped { name: package.name.clone(), keep, named_by };
            dropped.entry((step, severity)).or_default().push(package);
        }
        Ok(dropped)
    }

    /// Brings what lies in a tree because the Dockerfile chose it: what no package owns, and what is from packages that
    /// it installed by name.
    ///
    /// # Errors
    /// What the roots answer.
    pub(in crate::closure) fn bring_chosen(
        &mut self,
        view: usize,
        tree: &RootfsPath,
        chain: &[Reason],
    ) -> Result<Vec<RootfsPath>, RootfsError> {
        if self.world.spec.mode != Mode::Distil {
            return Ok(Vec::new());
        }
        let source = &self.world.sources[STAGE];
        let (Some(database), Some(base)) = (source.packages.as_deref(), self.world.changes.base()) else {
            return Ok(Vec::new());
        };
        // A database that cannot be read is told elsewhere.
        let base = packages::open(base).ok().flatten();
        let base: BTreeSet<String> =
            base.iter().flat_map(|base| base.packages()).map(|package| package.name.clone()).collect();
        let automatic = database.automatic().unwrap_or_default();
        let root = source.root;
        let other = |path: &RootfsPath| {
            let directory = matches!(root.stat(path), Ok(Some(stat)) if stat.kind == FileKind::Directory);
            let Some(id) = database.owner(path).ok().flatten().filter(|_| !directory) else { return false };
            let package = database.packages().get(id.0 as usize);
            automatic.contains(&id) || package.is_none_or(|package| base.contains(&package.name))
        };
        self.bring_tree(view, tree, chain, Strength::Soft, &other)
    }

    /// The packages that a file of the set is from.
    fn shipped_packages(&self) -> BTreeSet<PackageId> {
        let files = self.items.iter().filter(|(_, item)| item.stat.kind != FileKind::Directory);
        files
            .filter_map(|(path, _)| self.owner_of(path))
            .filter(|owner| owner.source == STAGE)
            .map(|o| o.package)
            .collect()
    }

    /// Whether a package's path is a file that a program could use. A link leads to what another path has.
    fn is_content(&self, path: &RootfsPath) -> bool {
        let stat = self.world.sources[STAGE].root.stat(path).ok().flatten();
        stat.is_some_and(|stat| !matches!(stat.kind, FileKind::Directory | FileKind::Symlink(_)))
            && !is_documentation(path)
            && !path.is_within(&RootfsPath::from("/usr/share/locale"))
    }
}

/// Which step installed a package, by the databases that the steps wrote.
#[derive(Default)]
struct Steps {
    databases: Option<Vec<(usize, BTreeSet<String>)>>,
}

impl Steps {
    fn of(&mut self, closure: &Closure<'_>, name: &str) -> Result<Option<usize>, PackagesError> {
        if self.databases.is_none() {
            let mut databases = Vec::new();
            for (step, tree) in closure.world.changes.trees() {
                if let Some(database) = packages::open(tree)? {
                    let names = database.packages().iter().map(|package| package.name.clone());
                    databases.push((step, names.collect()));
                }
            }
            self.databases = Some(databases);
        }
        let mut databases = self.databases.iter().flatten();
        Ok(databases.find(|(_, names)| names.contains(name)).map(|(step, _)| *step))
    }
}

/// The entry that would keep a package: its program, its library, or where its files are.
fn keep(name: &str, files: &[&RootfsPath]) -> Option<String> {
    let programs: Vec<&[u8]> = files.iter().filter(|path| is_program(path)).map(|path| path.name()).collect();
    // Its own name, else one that begins so: `figlet` is an alternative of the package's `figlet-figlet`.
    let own = |program: &&&[u8]| **program == name.as_bytes();
    let like = |program: &&&[u8]| program.starts_with(name.as_bytes());
    let program = programs.iter().find(own).or_else(|| programs.iter().find(like)).or(programs.first());
    if let Some(program) = program.and_then(|program| std::str::from_utf8(program).ok()) {
        return Some(format!("program={program}"));
    }
    let library = files.iter().find(|path| is_library(path));
    let path = match library {
        Some(library) => (*library).clone(),
        None => common_directory(files)?,
    };
    Some(format!("include={path}"))
}

fn is_program(path: &RootfsPath) -> bool {
    let parent = path.parent();
    parent.is_some_and(|parent| {
        ["/bin", "/sbin", "/usr/bin", "/usr/games", "/usr/sbin"]
            .iter()
            .any(|dir| parent == RootfsPath::from(*dir))
    })
}

/// The directory that holds most of the files, when it is not the system's; else the first file.
fn common_directory(files: &[&RootfsPath]) -> Option<RootfsPath> {
    let mut counts: BTreeMap<RootfsPath, usize> = BTreeMap::new();
    for file in files {
        let mut at = file.parent();
        while let Some(dir) = at.filter(|dir| !is_system_directory(dir)) {
            at = dir.parent();
            *counts.entry(dir).or_default() += 1;
        }
    }
    let most = counts.values().max().copied();
    let deepest = counts
        .iter()
        .filter(|(_, count)| Some(**count) == most)
        .max_by_key(|(path, _)| path.components().count());
    deepest.map(|(path, _)| path.clone()).or_else(|| files.first().map(|path| (*path).clone()))
}
