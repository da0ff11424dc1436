//! The exec step that carries a spec out, as nodes of the build graph.
//!
//! ```text
//! spec (mkfile) ─┐
//! sources, ro ───┼─▶ exec /decant assemble ─▶ /out ─┬─ copy os ───────────┐
//! own trees, ro ─┘                                  ├─ copy runtime ──────┼─▶ merge = the final tree
//!                                                   ├─ …                  │
//!                                                   └─ copy manifest ─────┘
//! ```
//!
//! The copies are keyed by content, so an assembly that ran again with equal output changes nothing above it.

use std::collections::BTreeMap;

use crate::distill::manifest::Layer;
use crate::distill::spec::{AssembleSpec, Config, InstructionId, Mode};
use crate::dockerfile::source::Span;
use crate::image::platform::Platform;
use crate::llb::Caps;
use crate::llb::op::{
    Access, ContentCache, CopyAction, ExecOp, FileAction, FileOp, Mount, MountKind, NetMode, Op,
};
use crate::llb::{Graph, NodeId, NodeMeta, Output, State};

/// Where the spec lies in the assemble container.
pub const SPEC_PATH: &str = "/in/spec/spec.json";
/// The one writable mount of the step.
pub const OUT_DIR: &str = "/out";
/// The report, beside the layer trees in [`OUT_DIR`].
pub const REPORT_FILE: &str = "report.json";
/// Where the image that brings busybox is mounted for the debug variants.
pub const BUSYBOX_MOUNT: &str = "/in/busybox";

/// decant's own image as a part of the graph: the root file system that the step runs in.
#[derive(Clone, Debug)]
pub struct OwnImage {
    pub state: State,
    /// What its binary was built for; the platform of the exec op.
    pub platform: Platform,
    /// Path of the binary in it.
    pub binary: String,
}

/// A root file system that the step reads.
#[derive(Clone, Debug)]
pub struct Input {
    /// As the spec names it (`/in/src/0`).
    pub mount: String,
    pub state: State,
}

/// One assembly: what to compute, and what it reads.
#[derive(Clone, Debug)]
pub struct Assembly {
    pub spec: AssembleSpec,
    pub inputs: Vec<Input>,
    /// Where the instructions that the spec names stand in the Dockerfile.
    pub places: BTreeMap<InstructionId, Span>,
    /// What vertex names call the stage (`final`, `linux/amd64 final`); may be empty.
    pub label: String,
    /// Lines to show when the step fails.
    pub spans: Vec<Span>,
    pub ignore_cache: bool,
}

/// An assembly in the graph.
#[derive(Clone, Debug)]
pub struct Assembled {
    /// The vertex whose failure means that the set has errors; [`report`](Self::report) tells which.
    pub exec: NodeId,
    /// All layers over each other: the stage's file system.
    pub tree: State,
    /// The last layer alone: a tree with nothing but the manifest.
    pub manifest: State,
    /// A tree with [`REPORT_FILE`]: the same computation, writing nothing else.
    pub report: State,
    /// Lowest first; each is one layer of the image, empty or not.
    pub layers: Vec<Layer>,
    pub places: BTreeMap<InstructionId, Span>,
    /// Name of the stage, for messages.
    pub stage: String,
    /// What vertex names call the stage; may be empty.
    pub label: String,
    /// What the spec says of the image config.
    pub config: Config,
}

/// The layers of a set, lowest first; decided by the spec alone.
pub fn layers_of(spec: &AssembleSpec) -> Vec<Layer> {
    if spec.mode == Mode::Check {
        return vec![Layer::Manifest];
    }
    let mut layers = vec![Layer::Os, Layer::Runtime, Layer::Dependencies, Layer::Application];
    if spec.variant.debug {
        layers.push(Layer::Debug);
    }
    layers.push(Layer::Manifest);
    layers
}

/// The directory of a layer's tree in [`OUT_DIR`], and its word in vertex names and history.
pub fn layer_name(layer: Layer) -> &'static str {
    match layer {
        Layer::Os => "os",
        Layer::Runtime => "runtime",
        Layer::Dependencies => "dependencies",
        Layer::Application => "application",
        Layer::Debug => "debug",
        Layer::Manifest => "manifest",
    }
}

/// Adds an assembly to the graph.
pub fn add(graph: &mut Graph, own: &OwnImage, caps: &Caps, assembly: &Assembly) -> Assembled {
    let names = Names { label: &assembly.label };
    let spec = add_spec(graph, &assembly.spec, &names);
    let exec = add_exec(graph, own, caps, assembly, spec, Verb::Assemble);
    let report = add_exec(graph, own, caps, assembly, spec, Verb::Report);
    let layers = layers_of(&assembly.spec);
    let (tree, manifest) = add_layers(graph, exec, &layers, caps, &names);
    Assembled {
        exec: exec.node,
        tree,
        manifest,
        report: Some(report),
        layers,
        places: assembly.places.clone(),
        stage: assembly.spec.stage.clone(),
        label: assembly.label.clone(),
        config: assembly.spec.config.clone(),
    }
}

/// How the step's vertices are called.
pub(super) struct Names<'a> {
    pub(super) label: &'a str,
}

impl Names<'_> {
    pub(super) fn plain(&self, what: &str) -> String {
        if self.label.is_empty() {
            format!("distroless: {what}")
        } else {
            format!("[{}] distroless: {what}", self.label)
        }
    }

    /// Of layer `index` (from 1) among `total`.
    fn counted(&self, index: usize, total: usize, what: &str) -> String {
        let blank = if self.label.is_empty() { "" } else { " " };
        format!("[{}{blank}{index}/{total}] distroless: {what}", self.label)
    }
}

#[derive(Clone, Copy)]
enum Verb {
    Assemble,
    Report,
}

fn add_spec(graph: &mut Graph, spec: &AssembleSpec, names: &Names<'_>) -> NodeId {
    let action = FileAction::Mkfile {
        path: format!("/{}", file_name(SPEC_PATH)),
        // Not 0755: an mkfile and an mkdir of equal path and mode share a cache key (buildkit-protocol 0.14).
        mode: 0o644,
        data: super::spec::to_bytes(spec),
        owner: None,
        timestamp: 0,
    };
    let op = Op::File(FileOp { base: None, actions: vec![action] });
    graph.add(op, None, NodeMeta { name: Some(names.plain("spec")), ..NodeMeta::default() })
}

fn add_exec(
    graph: &mut Graph,
    own: &OwnImage,
    caps: &Caps,
    assembly: &Assembly,
    spec: NodeId,
    verb: Verb,
) -> Output {
    let word = match verb {
        Verb::Assemble => "assemble",
        Verb::Report => "report",
    };
    let content_cache = content_cache(caps);
    let mut mounts: Vec<Mount> =
        assembly.inputs.iter().map(|input| readonly(&input.mount, input.state, content_cache)).collect();
    mounts.push(readonly(parent_dir(SPEC_PATH), Some(spec.output()), ContentCache::Default));
    let exec = exec(own, &[word], mounts);
    let index = exec.output_of(OUT_DIR).expect("the mount was just added");
    let shown = if assembly.spec.mode == Mode::Check { "check" } else { word };
    let meta = NodeMeta {
        name: Some(Names { label: &assembly.label }.plain(shown)),
        ignore_cache: assembly.ignore_cache,
        spans: assembly.spans.clone(),
        ..NodeMeta::default()
    };
    let node = graph.add(Op::Exec(Box::new(exec)), Some(own.platform.clone()), meta);
    Output { node, index }
}

/// How root file systems are looked up in the daemon's cache. Hashing a whole stage costs more than assembling it again
/// (buildkit-protocol 19). A tree that a copy made is found by the copy's own content key, so nothing is lost for the
/// stage's own trees either.
pub(super) fn content_cache(caps: &Caps) -> ContentCache {
    if caps.supports("exec.mount.cache.content") { ContentCache::Off } else { ContentCache::Default }
}

pub(super) fn readonly(dest: &str, state: State, content_cache: ContentCache) -> Mount {
    let selector = String::new();
    let kind = MountKind::Bind { source: state, selector, access: Access::Readonly, content_cache };
    Mount { dest: dest.to_owned(), kind }
}

fn writable(dest: &str, state: State) -> Mount {
    let (selector, content_cache) = (String::new(), ContentCache::Default);
    let kind = MountKind::Bind { source: state, selector, access: Access::Output, content_cache };
    Mount { dest: dest.to_owned(), kind }
}

/// decant's own image run with these words: it reads `inputs` and writes [`OUT_DIR`].
pub(super) fn exec(own: &OwnImage, words: &[&str], inputs: Vec<Mount>) -> ExecOp {
    // Without an output the root would be read-only whatever the mount says (BuildKit, container.PrepareMounts), and
    // runc could not make the mount points.
    let mut mounts = vec![writable("/", own.state)];
    mounts.extend(inputs);
    mounts.push(writable(OUT_DIR, None));
    let words = words.iter().map(|&word| word.to_owned());
    ExecOp {
        args: std::iter::once(own.binary.clone()).chain(words).collect(),
        env: vec![PATH_ENV.to_owned()],
        cwd: "/".to_owned(),
        mounts,
        network: NetMode::None,
        ..ExecOp::default()
    }
}

/// The final tree and the manifest's layer alone.
fn add_layers(
    graph: &mut Graph,
    out: Output,
    layers: &[Layer],
    caps: &Caps,
    names: &Names<'_>,
) -> (State, State) {
    let merge = caps.supports("mergeop") && layers.len() > 1;
    // The manifest is bookkeeping: a user counts the layers with files.
    let total = layers.len() - 1;
    let mut chain: State = None;
    let mut trees = Vec::new();
    for (index, layer) in layers.iter().enumerate() {
        let name = match layer {
            Layer::Manifest => names.plain(layer_name(*layer)),
            _ => names.counted(index + 1, total, layer_name(*layer)),
        };
        let base = if merge { None } else { chain };
        let node = graph.add(
            copy_contents(base, out, layer_name(*layer)),
            None,
            NodeMeta { name: Some(name), ..NodeMeta::default() },
        );
        chain = Some(node.output());
        trees.push(node.output());
    }
    if !merge {
        // In a chain the last copy holds all layers, its manifest among them.
        return (chain, chain);
    }
    let manifest = trees.last().copied();
    let name = Some(names.plain("image"));
    let tree = graph.add(Op::Merge(trees), None, NodeMeta { name, ..NodeMeta::default() });
    (Some(tree.output()), manifest)
}

fn copy_contents(base: State, out: Output, layer: &str) -> Op {
    let copy = CopyAction::contents(Some(out), format!("/{layer}"));
    Op::File(FileOp { base, actions: vec![FileAction::Copy(Box::new(copy))] })
}

fn parent_dir(path: &str) -> &str {
    path.rsplit_once('/').map_or("/", |(dir, _)| dir)
}

fn file_name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// Constant, so that a daemon's default is no part of the cache key.
const PATH_ENV: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
