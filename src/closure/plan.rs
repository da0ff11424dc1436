//! From a spec and root file systems to the computed file set.

use std::collections::{BTreeMap, BTreeSet};

use super::application::changes::Changes;
use super::check;
use super::compose::compose;
use super::conflicts::Choice;
use super::finding::{self, Findings};
use super::finish::finish;
use super::roots;
use super::set::{self, Closure, World};
use super::view::{Pins, SourceRoot, View};
use crate::closure::search::Objects;
use crate::distill::manifest::{FinalConfig, Finding, Layer, Package, Reason, Severity};
use crate::distill::spec::{AssembleSpec, Mode};
use crate::rootfs::{Rootfs, RootfsError, RootfsPath};
use crate::rules::Rules;

pub use super::verify::verify;

/// The set, ready to be written.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Every directory, file and link of the final tree; parents are always present.
    pub entries: BTreeMap<RootfsPath, PlannedEntry>,
    pub config: FinalConfig,
    /// Packages that files came from, sorted by name.
    pub packages: Vec<Package>,
    /// Warnings and notices; an error makes planning fail.
    pub findings: Vec<Finding>,
    /// Why the stage stays as it is; then there are no entries.
    pub left: Option<String>,
    /// What each program of the set loads, for the check of the output alone.
    pub programs: Vec<LoadedProgram>,
    /// What the runtime layer is called: `python3.11`.
    pub runtimes: Vec<String>,
}

/// A dynamic program of the set and the files that its loader takes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LoadedProgram {
    pub path: RootfsPath,
    /// Real paths, sorted, the program left out.
    pub libraries: Vec<RootfsPath>,
    /// Whether an unmet need of it is an error.
    pub strict: bool,
}

#[derive(Clone, Debug)]
pub struct PlannedEntry {
    pub content: Content,
    /// Permission bits (`07777`).
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    /// Sorted by name.
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    /// Entries with an equal key are one inode in the output: (mount, device, inode).
    pub hardlink: Option<(String, u64, u64)>,
    pub layer: Layer,
    pub reason: Vec<Reason>,
    pub hard: bool,
    /// Package name.
    pub package: Option<String>,
    /// Index in the spec's steps.
    pub step: Option<usize>,
}

#[derive(Clone, Debug)]
pub enum Content {
    Directory,
    Symlink(Vec<u8>),
    /// A regular file copied from `path` of the root file system at `mount`.
    Copy {
        mount: String,
        path: RootfsPath,
        size: u64,
    },
    /// A generated file.
    Bytes(Vec<u8>),
}

/// The root file systems that a spec names, by their mount.
pub type Roots<'a> = BTreeMap<String, &'a dyn Rootfs>;

/// Computes the set for `spec`: pure, and the same for the same input.
///
/// # Errors
/// Everything that is wrong, sorted, together with the warnings found on the way.
pub fn plan(spec: &AssembleSpec, roots: &Roots<'_>, rules: &Rules) -> Result<Plan, Vec<Finding>> {
    let read = |error: &dyn std::fmt::Display| {
        vec![finding::error(finding::UNREADABLE_SOURCE, format!("a file system cannot be read: {error}"))]
    };
    let sources = open_sources(spec, roots).map_err(|error| read(&error))?;
    if let Some(left) = check::left_as_it_is(spec, &sources).map_err(|error| read(&error))? {
        return left;
    }
    let changes = Changes::read(spec, roots, rules).map_err(|error| read(&error))?;
    let given = Given { spec, roots, rules, sources: &sources, changes: &changes };
    let named: BTreeSet<usize> = (0..sources.len()).filter(|index| !spec.sources[*index].fallback).collect();
    let all: BTreeSet<usize> = (0..sources.len()).collect();
    let first = settle(&given, &named).map_err(|error| read(&error))?;
    let unmet = first.1.has_rule(Severity::Error, finding::LIBRARY_MISSING)
        || first.1.has_rule(Severity::Error, finding::PROGRAM_MISSING);
    let (plan, findings) = if unmet && all != named {
        // Something is missing, and there is a stage that no COPY names.
        let mut second = settle(&given, &all).map_err(|error| read(&error))?;
        if !second.1.has_errors() {
            let fallback: Vec<String> =
                all.difference(&named).map(|index| set::named(sources[*index].name)).collect();
            second.1.add(
                finding::notice(
                    finding::FALLBACK_SOURCE,
                    format!("files come from {}, which no COPY names", fallback.join(" and ")),
                )
                .hint("COPY --from the stage what the image needs"),
            );
        }
        second
    } else {
        first
    };
    if findings.has_errors() {
        return Err(findings.into_sorted());
    }
    Ok(Plan { findings: findings.into_sorted(), ..plan })
}

fn open_sources<'a>(
    spec: &'a AssembleSpec,
    roots: &'a Roots<'a>,
) -> Result<Vec<SourceRoot<'a>>, crate::closure::packages::PackagesError> {
    let mut sources = Vec::with_capacity(spec.sources.len());
    for source in &spec.sources {
        let Some(root) = roots.get(&source.mount).copied() else {
            return Err(RootfsError::NotFound(RootfsPath::parse(source.mount.as_bytes())).into());
        };
        sources.push(SourceRoot {
            name: &source.name,
            mount: &source.mount,
            root,
            packages: crate::closure::packages::open(root)?,
        });
    }
    Ok(sources)
}

/// What a set is computed from.
struct Given<'g> {
    spec: &'g AssembleSpec,
    roots: &'g Roots<'g>,
    rules: &'g Rules,
    sources: &'g [SourceRoot<'g>],
    changes: &'g Changes<'g>,
}

/// Plans with the given sources, until no other choice between them is better.
fn settle(given: &Given<'_>, usable: &BTreeSet<usize>) -> Result<(Plan, Findings), RootfsError> {
    let mut pins = Pins::default();
    let mut choices: BTreeSet<Choice> = BTreeSet::new();
    let mut round = 0;
    loop {
        round += 1;
        let (outcome, better) = attempt(given, usable, &pins, &choices)?;
        match better.filter(|_| round < MAX_CHOICES) {
            Some((next, choice)) => {
                pins = next;
                choices.insert(choice);
            }
            None => return Ok(outcome),
        }
    }
}

type Attempt = ((Plan, Findings), Option<(Pins, Choice)>);

/// One whole computation.
fn attempt(
    given: &Given<'_>,
    usable: &BTreeSet<usize>,
    pins: &Pins,
    choices: &BTreeSet<Choice>,
) -> Result<Attempt, RootfsError> {
    let Given { spec, roots, rules, sources, changes } = *given;
    let mut findings = Findings::default();
    let mut composition = compose(spec, roots, sources, usable, rules, &mut findings)?;
    let mut accounts = std::mem::take(&mut composition.accounts);
    let count = sources.len().max(1);
    let views: Vec<View<'_>> =
        (0..count).map(|index| View::new(&composition.tree, sources, usable, index, pins)).collect();
    let objects: Vec<Objects<'_>> = views.iter().map(|view| Objects::new(view)).collect();
    let plain: Vec<Objects<'_>> = sources.iter().map(|source| Objects::new(source.root)).collect();
    let world = World {
        spec,
        rules,
        composition: &composition,
        sources,
        changes,
        usable,
        views: &views,
        objects: &objects,
        plain: &plain,
    };
    let mut closure = Closure::new(&world);
    closure.findings = findings;
    let (mut commands, mut config, notes) = roots::commands(&spec.config);
    closure.findings.extend(notes);
    let shells = closure.see_through(&mut commands, &mut config)?;
    for command in &commands {
        let wishes = closure.command_roots(command)?;
        closure.follow(wishes)?;
    }
    closure.follow(shells)?;
    let wishes = closure.control_programs()?;
    closure.follow(wishes)?;
    let wishes = closure.copied()?;
    closure.follow(wishes)?;
    let wishes = closure.control_includes()?;
    closure.follow(wishes)?;
    if spec.mode == Mode::Distil {
        let wishes = closure.application_files()?;
        closure.follow(wishes)?;
        let wishes = closure.volume_contents()?;
        closure.follow(wishes)?;
    }
    closure.base_items()?;
    closure.apply_rules()?;
    closure.report_packages();
    closure.hint_data()?;
    let better = closure.better_pins(pins)?;
    if better.is_some() {
        return Ok(((Plan::default(), Findings::default()), better));
    }
    closure.report_versions()?;
    let notices = closure.choice_notices(choices);
    closure.findings.extend(notices);
    closure.compare_systems();
    let plan = finish(&mut closure, &mut accounts, config)?;
    Ok(((plan, std::mem::take(&mut closure.findings)), None))
}

/// Choices between sources that differ: each settles one path or the C library.
const MAX_CHOICES: usize = 32;
