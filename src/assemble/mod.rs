//! EDGE. The exec step: reads a spec and the root file systems it names, computes the set, writes one tree for
//! each layer and the manifest, and resolves what it wrote once more.

mod busybox;
mod copy;
mod inputs;
mod log;
mod output;
mod parallel;
mod sbom;
mod size;
#[cfg(test)]
mod tests;
mod writer;

use std::io;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::closure::plan::{Content, Plan, PlannedEntry, plan, verify};
use crate::closure::report::manifest_of;
use crate::distill::manifest::{self, Finding, Layer, Manifest, Reason, Report};
use crate::distill::spec::{AssembleSpec, VERSION};
use crate::distill::step::{OUT_DIR, REPORT_FILE, layers_of};
use crate::rootfs::RootfsPath;
use crate::rules::Rules;
use crate::sbom::SbomError;
use inputs::{InputError, Inputs};
use output::{Output, OutputError};
use writer::WriteError;

pub use sbom::sbom;

/// Where the step finds its input and leaves its output: `/` in the container, a directory in tests.
#[derive(Clone, Debug)]
pub struct Places {
    root: PathBuf,
}

impl Places {
    /// The file system of the assemble container, or a directory that stands for it.
    pub fn below(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    fn out(&self) -> PathBuf {
        inputs::inside(&self.root, OUT_DIR)
    }
}

/// The verb `assemble`. What happens is told in `log`, the log of the build step; the answer is the exit code: 0,
/// or 1 when the set has errors or could not be written.
pub fn assemble(places: &Places, log: &mut dyn Write) -> i32 {
    exit_code(log, |log| assemble_set(places, log))
}

/// The verb `report`: the same computation, but only the report is written. Exit code 0 whenever the input could be
/// read.
pub fn report(places: &Places, log: &mut dyn Write) -> i32 {
    exit_code(log, |log| report_set(places, log))
}

/// Prints findings as the step's log shows them.
pub fn describe(log: &mut dyn Write, findings: &[Finding]) {
    log::findings(log, findings);
}

/// Why the step failed.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Input(#[from] InputError),
    /// The user's to solve.
    #[error("the file set has errors")]
    Findings(Vec<Finding>),
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error("the output is not what was planned, a bug of decant: {0}")]
    Output(#[from] OutputError),
    #[error("the output alone is not the set that was planned, a bug of decant")]
    Unequal(Vec<Finding>),
    #[error(transparent)]
    Sbom(#[from] SbomError),
    #[error("writing {}: {source}", path.display())]
    Report { path: PathBuf, source: io::Error },
}

fn assemble_set(places: &Places, log: &mut dyn Write) -> Result<(), Failure> {
    let inputs = inputs::open(&places.root)?;
    let spec = &inputs.spec;
    let mut plan = make_plan(&inputs).map_err(Failure::Findings)?;
    let manifest = add_manifest(&mut plan, spec);

    let out = places.out();
    let layers = layers_of(spec);
    let written = writer::write(&plan.entries, &layers, &out, |mount| inputs.directory(mount))?;

    let output = Output::open(&out, &layers)?;
    output.compare(&plan.entries)?;
    if plan.left.is_none() {
        let differences = verify(&output, spec, &plan);
        if !differences.is_empty() {
            return Err(Failure::Unequal(differences));
        }
    }
    log::written(log, &manifest, &written);
    write_report(&out, &report_of(Ok(manifest), None))
}

fn report_set(places: &Places, log: &mut dyn Write) -> Result<(), Failure> {
    let inputs = inputs::open(&places.root)?;
    let manifest = make_plan(&inputs).map(|mut plan| add_manifest(&mut plan, &inputs.spec));
    let before =
        inputs.spec.sources.first().and_then(|stage| inputs.directory(&stage.mount)).map(size::measure);
    let report = report_of(manifest, before);
    log::counts(log, &report.findings);
    write_report(&places.out(), &report)
}

/// The set of the spec, with all that this module itself adds.
fn make_plan(inputs: &Inputs) -> Result<Plan, Vec<Finding>> {
    let mut plan = plan(&inputs.spec, &inputs.roots(), &Rules::built_in())?;
    if plan.left.is_some() || !layers_of(&inputs.spec).contains(&Layer::Os) {
        plan.entries.clear();
    } else if inputs.spec.variant.debug {
        busybox::add(&mut plan, inputs)?;
    }
    Ok(plan)
}

/// Puts the manifest into the plan; it does not list itself, since its size would depend on it.
fn add_manifest(plan: &mut Plan, spec: &AssembleSpec) -> Manifest {
    let path = RootfsPath::from(manifest::PATH);
    let mut parent = path.parent();
    while let Some(directory) = parent.filter(|parent| !parent.is_root()) {
        parent = directory.parent();
        plan.entries.entry(directory).or_insert_with(|| generated(Content::Directory, 0o755));
    }
    let manifest = manifest_of(plan, spec, TOOL);
    plan.entries.insert(path, generated(Content::Bytes(manifest::pack(&manifest)), 0o644));
    manifest
}

fn generated(content: Content, mode: u32) -> PlannedEntry {
    PlannedEntry {
        content,
        mode,
        uid: 0,
        gid: 0,
        xattrs: Vec::new(),
        hardlink: None,
        layer: Layer::Manifest,
        reason: vec![Reason { why: "base set".to_owned(), by: "manifest".to_owned() }],
        hard: false,
        package: None,
        step: None,
    }
}

fn report_of(manifest: Result<Manifest, Vec<Finding>>, before: Option<(u64, u32)>) -> Report {
    let (manifest, mut findings) = match manifest {
        Ok(manifest) => {
            let findings = manifest.findings.clone();
            (Some(manifest), findings)
        }
        Err(findings) => (None, findings),
    };
    findings.sort();
    Report { version: VERSION, manifest, findings, before }
}

fn write_report(out: &Path, report: &Report) -> Result<(), Failure> {
    let path = out.join(REPORT_FILE);
    let json = serde_json::to_vec(report).expect("a report has no map with keys that are no text");
    std::fs::write(&path, json).map_err(|source| Failure::Report { path, source })
}

/// Runs a verb; a failure becomes lines that say what it is.
fn exit_code(log: &mut dyn Write, verb: impl FnOnce(&mut dyn Write) -> Result<(), Failure>) -> i32 {
    let Err(failure) = verb(&mut *log) else { return 0 };
    if let Failure::Findings(findings) | Failure::Unequal(findings) = &failure {
        log::findings(log, findings);
    }
    log::error(log, &failure.to_string());
    1
}

/// The end of a verb that panicked: a line that says whose fault it is.
pub fn crashed(panic: &str, log: &mut dyn Write) -> i32 {
    log::error(log, &format!("a bug of decant: {panic}; please report it with the Dockerfile"));
    1
}

/// Who wrote a manifest.
const TOOL: &str = concat!("decant ", env!("CARGO_PKG_VERSION"));
