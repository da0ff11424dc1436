//! The step that lists the packages of a result: a scanner image runs over it and writes in-toto statements
//! (buildkit-protocol 15).

use std::collections::BTreeMap;

use super::run::bind;
use super::stage::DEFAULT_PATH;
use super::{Environment, MainContext, StageState};
use crate::dockerfile::word::Variables;
use crate::image::platform::Platform;
use crate::llb::op::{Access, CopyAction, ExecOp, FileAction, FileOp, Mount, MountKind, Op, SourceOp};
use crate::llb::{Graph, NodeMeta, Output, State};
use crate::stage::StageGraph;

/// Name of the statement about the result itself; those about extras start with it.
pub const CORE: &str = "sbom";
/// Where the scanner writes.
const OUT: &str = "/run/out/";

/// An image that scans.
#[derive(Clone, Debug)]
pub struct Scanner {
    pub reference: String,
    pub args: Vec<String>,
    /// `NAME=value`, of the image.
    pub env: Vec<String>,
    /// Of the option that asks for the scan.
    pub parameters: BTreeMap<String, String>,
    pub working_dir: String,
    /// What the scanner itself runs on.
    pub platform: Platform,
}

/// What is scanned.
#[derive(Clone, Debug, Default)]
pub struct Subject {
    /// Scratch where only the extras matter.
    pub result: State,
    /// The context and stages that the Dockerfile asks for, by name.
    pub extras: Vec<(String, State)>,
    pub ignore_cache: bool,
}

impl Subject {
    /// What the arguments `BUILDKIT_SBOM_SCAN_CONTEXT` and `BUILDKIT_SBOM_SCAN_STAGE` add to `result`.
    pub fn new(
        result: State,
        graph: &StageGraph,
        lowered: &[Option<StageState>],
        context: MainContext,
    ) -> Self {
        let mut subject = Self { result, extras: Vec::new(), ignore_cache: false };
        for id in graph.ids() {
            let (stage, state) = (graph.stage(id), lowered[id.index()].as_ref());
            let Some(state) = state.filter(|_| stage.needed && stage.registered && !stage.is_replaced())
            else {
                continue;
            };
            let is_target = id == graph.target;
            if is_target && asks(graph, state, CONTEXT_ARG, &stage.label) {
                subject.extras.push(("context".to_owned(), context.state));
            }
            let scanned = !is_target && asks(graph, state, STAGE_ARG, &stage.label);
            if scanned {
                subject.extras.push((stage.label.clone(), state.state));
            }
            subject.ignore_cache |= stage.no_cache && (is_target || scanned);
        }
        subject
    }
}

/// Whether an argument names the stage or is true; the last one in the stage counts, else the global one.
fn asks(graph: &StageGraph, state: &StageState, name: &str, label: &str) -> bool {
    let own = state.build_args.iter().rev().find(|(known, value)| known == name && value.is_some());
    let value = own.and_then(|(_, value)| value.as_deref()).or_else(|| graph.global_args.lookup(name));
    value.is_some_and(|value| {
        crate::dockerfile::number::boolean(value)
            .unwrap_or_else(|| value.split(',').any(|word| word == label))
    })
}

const CONTEXT_ARG: &str = "BUILDKIT_SBOM_SCAN_CONTEXT";
const STAGE_ARG: &str = "BUILDKIT_SBOM_SCAN_STAGE";

/// The scan of extras.
#[derive(Clone, Copy, Debug)]
pub struct Extras {
    /// Of the scanner's step.
    pub scan: Output,
    /// A tree with a file for each statement.
    pub statements: Output,
}

/// Adds the scan of the extras alone: a scanner always has a result to look at, here an empty one, and what it says of
/// that is left out.
pub fn scan_extras(nodes: &mut Graph, scanner: &Scanner, id: &str, subject: &Subject) -> Extras {
    let subject = Subject { result: None, ..subject.clone() };
    let scan = scan(nodes, scanner, id, &subject);
    let copy = CopyAction {
        exclude_patterns: vec![format!("{CORE}.spdx.json")],
        ..CopyAction::contents(Some(scan), "/")
    };
    let op = Op::File(FileOp { base: None, actions: vec![FileAction::Copy(Box::new(copy))] });
    let name = Some(format!("[{id}] sbom of the extras alone"));
    let statements = nodes.add(op, None, NodeMeta { name, ..NodeMeta::default() }).output();
    Extras { scan, statements }
}

/// Adds the scan of the result for the platform `id`; its output holds a file for each statement.
pub fn scan(nodes: &mut Graph, scanner: &Scanner, id: &str, subject: &Subject) -> Output {
    let source =
        SourceOp { identifier: format!("docker-image://{}", scanner.reference), attrs: BTreeMap::new() };
    let image = nodes.add(Op::Source(source), Some(scanner.platform.clone()), NodeMeta::default());
    let core = format!("/run/src/core/{CORE}");
    let mut env = Environment::default();
    let mut set = |entry: &str| {
        let (name, value) = entry.split_once('=').unwrap_or((entry, ""));
        env.set(name, value);
    };
    scanner.env.iter().for_each(|entry| set(entry));
    set(&format!("BUILDKIT_SCAN_DESTINATION={OUT}"));
    set(&format!("BUILDKIT_SCAN_SOURCE={core}"));
    if !subject.extras.is_empty() {
        set("BUILDKIT_SCAN_SOURCE_EXTRAS=/run/src/extras");
    }
    for (name, value) in &scanner.parameters {
        set(&format!("BUILDKIT_SCAN_{name}={value}"));
    }
    // The official frontend writes this graph without knowing what the daemon does by itself.
    if env.lookup("PATH").is_none() {
        env.set("PATH", DEFAULT_PATH);
    }

    let tmp = MountKind::Tmpfs { size: 0, readonly: false };
    let mut mounts = vec![
        bind("/", Some(image.output()), "", Access::Output),
        Mount { dest: "/tmp".to_owned(), kind: tmp },
        bind(&core, subject.result, "", Access::Readonly),
        bind(OUT, None, "", Access::Output),
    ];
    for (name, state) in &subject.extras {
        mounts.push(bind(&format!("/run/src/extras/{CORE}-{name}"), *state, "", Access::Readonly));
    }
    let cwd = if scanner.working_dir.is_empty() { "/" } else { &scanner.working_dir };
    let exec = ExecOp {
        args: scanner.args.clone(),
        env: env.to_list(),
        cwd: cwd.to_owned(),
        remove_mount_stubs_recursive: true,
        mounts,
        ..ExecOp::default()
    };
    let index = exec.output_of(OUT).expect("the mount was just added");
    let meta = NodeMeta {
        name: Some(format!("[{id}] generating sbom using {}", scanner.reference)),
        ignore_cache: subject.ignore_cache,
        ..NodeMeta::default()
    };
    let node = nodes.add(Op::Exec(Box::new(exec)), Some(scanner.platform.clone()), meta);
    Output { node, index }
}
