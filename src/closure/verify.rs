//! The output alone, resolved once more: it must give the answers that the plan was made of.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::check::{highest_versions, surroundings};
use super::finding;
use super::libraries::{MAX_PRELOAD_BYTES, env_value};
use super::plan::{LoadedProgram, Plan};
use crate::closure::search::load::preload_names;
use crate::closure::search::{Load, Loader, Objects, Opened, Problem, RequestKind};
use crate::distill::manifest::Finding;
use crate::distill::spec::AssembleSpec;
use crate::rootfs::links::{self, Resolved};
use crate::rootfs::{Rootfs, RootfsError, RootfsPath};

/// Loads every program of the plan in `output`, without any source: an error for each answer that differs.
pub fn verify(output: &dyn Rootfs, spec: &AssembleSpec, plan: &Plan) -> Vec<Finding> {
    let objects = Objects::new(output);
    let mut loaders: BTreeMap<RootfsPath, Loader> = BTreeMap::new();
    let mut findings = Vec::new();
    for program in &plan.programs {
        match differences(output, &objects, &mut loaders, spec, program) {
            Ok(texts) => findings.extend(texts),
            Err(error) => {
                findings.push(format!("`{}` cannot be resolved in the output: {error}", program.path));
            }
        }
    }
    findings.sort();
    findings.dedup();
    findings.into_iter().map(|text| finding::error(finding::OUTPUT_DIFFERS, text)).collect()
}

fn differences(
    output: &dyn Rootfs,
    objects: &Objects<'_>,
    loaders: &mut BTreeMap<RootfsPath, Loader>,
    spec: &AssembleSpec,
    program: &LoadedProgram,
) -> Result<Vec<String>, RootfsError> {
    let path = &program.path;
    let Some(object) = objects.program(path)? else {
        return Ok(vec![format!("`{path}` is not in the output")]);
    };
    let Some(interp) = object.elf.interp.clone() else { return Ok(Vec::new()) };
    let secure = output.stat(path)?.is_some_and(|stat| stat.mode & 0o6000 != 0);
    let surroundings = surroundings(spec, secure);
    let interp = surroundings.directory.join(&interp);
    if objects.open(&interp)? == Opened::Missing {
        let missing = vec![format!("the loader `{interp}` of `{path}` is not in the output")];
        return Ok(if program.strict { missing } else { Vec::new() });
    }
    let loader = match loaders.entry(interp.clone()) {
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(new) => new.insert(Loader::open(objects, &interp, object.elf.abi)?),
    };
    let preload = env_value(&spec.config.env, "LD_PRELOAD").unwrap_or_default();
    let mut preload = preload_names(preload.as_bytes());
    let file = output.read(&RootfsPath::from("/etc/ld.so.preload"), 0..MAX_PRELOAD_BYTES);
    preload.extend(preload_names(&file.unwrap_or_default()));
    let load = Load::start(loader, objects, object, &preload, &surroundings)?;
    let mut texts = Vec::new();
    if program.strict {
        texts.extend(highest_versions(&load.problems).iter().filter_map(|problem| text_of(path, problem)));
    }
    let mut found: BTreeSet<RootfsPath> = BTreeSet::new();
    for loaded in load.objects.iter().skip(1) {
        if let Resolved::Found { path, .. } = links::resolve(output, &loaded.object.path)? {
            found.insert(path);
        }
    }
    let interp = links::resolve(output, &interp)?.path().cloned();
    let planned: BTreeSet<RootfsPath> = program.libraries.iter().cloned().collect();
    let same = |path: &&RootfsPath| interp.as_ref() != Some(*path);
    for extra in found.difference(&planned).filter(same) {
        texts.push(format!("`{path}` loads `{extra}` in the output, which the plan did not choose for it"));
    }
    for missing in planned.difference(&found).filter(same) {
        texts.push(format!("`{path}` does not load `{missing}` in the output, as the plan says"));
    }
    Ok(texts)
}

fn text_of(program: &RootfsPath, problem: &Problem) -> Option<String> {
    let name = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match problem {
        Problem::Missing { kind: RequestKind::Needed | RequestKind::Filter, name: library, .. } => {
            Some(format!("`{program}` does not find `{}` in the output", name(library)))
        }
        Problem::Refused { name: library, file, .. } => {
            Some(format!("`{program}` cannot load `{}` in the output: {}", name(library), file.why))
        }
        Problem::Version { library, version, weak: false, .. } => {
            Some(format!("`{program}` misses `{}` of `{}` in the output", name(version), name(library)))
        }
        _ => None,
    }
}
