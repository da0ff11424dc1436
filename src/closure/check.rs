//! Stages that stay as they are: what makes them so, and the check that their programs find their libraries.

use std::collections::{BTreeMap, BTreeSet};

use super::conflicts::version_text;
use super::finding::{self, Findings};
use super::libraries::env_value;
use super::plan::Plan;
use super::reason;
use super::roots::{self, DEFAULT_PATH};
use super::set::named;
use super::view::SourceRoot;
use crate::closure::elf::Shape;
use crate::closure::search::{Load, Loader, Objects, Opened, Problem, Surroundings};
use crate::distill::manifest::{Finding, Reason};
use crate::distill::spec::{AssembleSpec, Mode};
use crate::rootfs::links::{self, Resolved};
use crate::rootfs::{FileKind, Rootfs, RootfsError, RootfsPath};

/// A finished look at a stage that is not distilled.
type Left = Result<Plan, Vec<Finding>>;

/// The plan of a stage that stays as it is; `None` when it is distilled.
///
/// # Errors
/// What the root answers.
pub(super) fn left_as_it_is(
    spec: &AssembleSpec,
    sources: &[SourceRoot<'_>],
) -> Result<Option<Left>, RootfsError> {
    let Some(stage) = sources.first() else { return Ok(None) };
    let why = match spec.mode {
        Mode::Check => "its base is scratch",
        Mode::Distil if spec.implicit && is_distroless(stage.root) => "it is distroless already",
        Mode::Compose | Mode::Distil => return Ok(None),
    };
    let mut findings = Findings::default();
    findings.extend(check(spec, stage)?);
    if findings.has_errors() {
        return Ok(Some(Err(findings.into_sorted())));
    }
    let plan = Plan { left: Some(why.to_owned()), findings: findings.into_sorted(), ..Plan::default() };
    Ok(Some(Ok(plan)))
}

/// Whether a root has neither a shell nor a package manager.
fn is_distroless(rootfs: &dyn Rootfs) -> bool {
    for dir in ["/bin", "/usr/bin", "/sbin", "/usr/sbin", "/usr/local/bin"] {
        for name in SHELLS_AND_MANAGERS {
            let path = RootfsPath::from(dir).join(name.as_bytes());
            if let Ok(Resolved::Found { stat, .. }) = links::resolve(rootfs, &path)
                && stat.kind == FileKind::Regular
            {
                return false;
            }
        }
    }
    true
}

const SHELLS_AND_MANAGERS: [&str; 18] = [
    "sh", "bash", "dash", "ash", "zsh", "ksh", "busybox", "apt", "apt-get", "dpkg", "apk", "dnf", "microdnf",
    "yum", "rpm", "zypper", "pacman", "tdnf",
];

/// Loads the programs that the commands name, in the stage alone.
fn check(spec: &AssembleSpec, stage: &SourceRoot<'_>) -> Result<Vec<Finding>, RootfsError> {
    let mut findings = Vec::new();
    let objects = Objects::new(stage.root);
    let (commands, _, _) = roots::commands(&spec.config);
    let holder = spec.sources.first().map_or("", |source| source.name.as_str());
    let mut seen: BTreeSet<RootfsPath> = BTreeSet::new();
    for command in &commands {
        let Some(program) = command.args.first() else { continue };
        let Some(path) = find(spec, stage.root, program) else {
            let message = format!("the command names `{program}`, which the image does not hold");
            findings.push(finding::warning(finding::PROGRAM_MISSING, message).at(command.id.as_ref()));
            continue;
        };
        if !seen.insert(path.clone()) {
            continue;
        }
        let Some(object) = objects.program(&path)? else { continue };
        let chain = reason::root(command.why, reason::escaped(&path));
        let Some(interp) = object.elf.interp.clone().filter(|_| object.elf.shape == Shape::Dynamic) else {
            continue;
        };
        let interp = RootfsPath::parse(&interp);
        if objects.open(&interp)? == Opened::Missing {
            let message = format!(
                "`{path}` needs the loader `{interp}`, which {} does not hold ({})",
                named(holder),
                reason::arrows(&reason::then(&chain, "interpreter", interp.to_string()))
            );
            findings.push(
                finding::error(finding::LIBRARY_MISSING, message)
                    .hint("link the program statically, or use `FROM distroless` as the last stage")
                    .at(command.id.as_ref()),
            );
            continue;
        }
        let loader = Loader::open(&objects, &interp, object.elf.abi)?;
        let load = Load::start(&loader, &objects, object, &[], &surroundings(spec, false))?;
        for problem in &highest_versions(&load.problems) {
            if let Some(finding) = describe(problem, &load, &chain, holder) {
                findings.push(finding.at(command.id.as_ref()));
            }
        }
    }
    Ok(findings)
}

/// The surroundings that the image gives to its programs.
pub(super) fn surroundings(spec: &AssembleSpec, secure: bool) -> Surroundings {
    let path = env_value(&spec.config.env, "LD_LIBRARY_PATH").filter(|path| !path.is_empty());
    Surroundings {
        library_path: path.map(String::into_bytes),
        directory: RootfsPath::parse(spec.config.working_dir.as_bytes()),
        secure,
    }
}

fn find(spec: &AssembleSpec, root: &dyn Rootfs, program: &str) -> Option<RootfsPath> {
    let directory = RootfsPath::parse(spec.config.working_dir.as_bytes());
    let candidates: Vec<RootfsPath> = if program.contains('/') {
        vec![directory.join(program.as_bytes())]
    } else {
        let path = env_value(&spec.config.env, "PATH").filter(|path| !path.is_empty());
        let path = path.unwrap_or_else(|| DEFAULT_PATH.to_owned());
        path.split(':').map(|dir| directory.join(dir.as_bytes()).join(program.as_bytes())).collect()
    };
    candidates.into_iter().find(|candidate| {
        matches!(links::resolve(root, candidate), Ok(Resolved::Found { stat, .. }) if stat.kind == FileKind::Regular)
    })
}

/// The error for a problem that keeps a program from starting.
fn describe(problem: &Problem, load: &Load, root: &[Reason], holder: &str) -> Option<Finding> {
    let path_of = |id: usize| load.objects.get(id).map(|loaded| loaded.object.path.clone());
    let chain_to = |id: usize, last: Option<&[u8]>| {
        let mut ids = load.chain(id);
        ids.reverse();
        let mut chain = root.to_vec();
        for id in ids.into_iter().skip(1) {
            let name =
                load.objects.get(id).and_then(|loaded| loaded.request.as_ref()).map(|request| &request.name);
            let name = name.map(|name| String::from_utf8_lossy(name).into_owned());
            chain = reason::then(&chain, "needed", name.unwrap_or_default());
        }
        if let Some(last) = last {
            chain = reason::then(&chain, "needed", String::from_utf8_lossy(last).into_owned());
        }
        reason::arrows(&chain)
    };
    match problem {
        Problem::Missing { by, kind, name, searched } => {
            use crate::closure::search::RequestKind;
            if !matches!(kind, RequestKind::Needed | RequestKind::Filter) {
                return None;
            }
            let searched: Vec<String> = searched.iter().take(6).map(|path| format!("`{path}`")).collect();
            let message = format!(
                "`{}` needs `{}`, which no search path of {} holds ({}; searched {})",
                path_of(*by)?,
                String::from_utf8_lossy(name),
                named(holder),
                chain_to(*by, Some(name)),
                searched.join(", ")
            );
            let finding = finding::error(finding::LIBRARY_MISSING, message);
            Some(finding.hint("use `FROM distroless` as the last stage, which brings the libraries"))
        }
        Problem::NoBaseline { by, name } => {
            let message = format!(
                "`{}` needs `{}`, of which there are only variants for newer processors ({})",
                path_of(*by)?,
                String::from_utf8_lossy(name),
                chain_to(*by, Some(name))
            );
            Some(finding::warning(finding::LIBRARY_MISSING, message))
        }
        Problem::Refused { by, name, file, .. } => {
            let message = format!(
                "`{}` needs `{}`, but `{}` cannot be loaded: {} ({})",
                path_of(*by)?,
                String::from_utf8_lossy(name),
                file.path,
                file.why,
                chain_to(*by, Some(name))
            );
            Some(finding::error(finding::LIBRARY_MISSING, message))
        }
        Problem::Version { by, provider, library, version, weak } => {
            if *weak {
                return None;
            }
            let provider = load.objects.get(*provider)?;
            let text =
                version_text(&path_of(*by)?, version, library, &format!("`{holder}`"), &provider.object.elf);
            let message = format!("{text} ({})", chain_to(*by, None));
            Some(finding::error(finding::SYMBOL_VERSION, message).hint(
                "build on the release that the image is made of, or use `FROM distroless` as the last stage",
            ))
        }
    }
}

/// Versions are told once for each file and library: the highest that is missing.
pub(super) fn highest_versions(problems: &[Problem]) -> Vec<Problem> {
    let mut kept: BTreeMap<(usize, Vec<u8>), Problem> = BTreeMap::new();
    let mut others = Vec::new();
    for problem in problems {
        match problem {
            Problem::Version { by, library, version, weak: false, .. } => {
                let key = (*by, library.clone());
                let higher = match kept.get(&key) {
                    Some(Problem::Version { version: old, .. }) => {
                        super::conflicts::natural(version, old).is_gt()
                    }
                    _ => true,
                };
                if higher {
                    kept.insert(key, problem.clone());
                }
            }
            other => others.push(other.clone()),
        }
    }
    others.extend(kept.into_values());
    others
}
