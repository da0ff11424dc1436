//! From stages to LLB: each instruction turns a [`StageState`] into the next one and adds nodes to the graph.
//!
//! [`lower`] walks the reachable stages of a complete [`StageGraph`] in file order. What the official frontend
//! does with an instruction is one file here. A distroless stage collects the trees of its instructions, each
//! alone on scratch, and asks a [`Distiller`] for the file system that they make.

mod arg;
mod command;
mod context;
mod copy;
mod distil;
pub mod distroless;
mod env;
mod expand;
mod expose;
pub mod features;
mod final_config;
mod healthcheck;
mod heredoc;
mod history;
pub mod lint;
mod mount;
pub mod outline;
mod owner;
mod path;
mod run;
pub mod scan;
mod stage;
mod state;
mod text;
mod usage;
mod user;
mod volume;
mod workdir;

use std::collections::BTreeSet;

pub use distil::{DistilRequest, Distiller, Gathered, NoDistiller, Tree};
pub use history::rfc3339;
pub use state::{Environment, Made, Moved, Snapshot, StageState};

use crate::diagnostic::Diagnostic;
use crate::dockerfile::pattern::PatternSet;
use crate::dockerfile::source::Span;
use crate::image::config::ImageConfig;
use crate::image::platform::Platform;
use crate::lint::Sink;
use crate::llb::{Caps, Graph, NodeId, State};
use crate::options::BuildOptions;
use crate::stage::{Stage, StageGraph, StageId, Step};
use usage::Usage;

/// What lowering works from, for one platform.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Complete: nothing is wanted any more.
    pub stages: &'a StageGraph,
    pub options: &'a BuildOptions,
    pub caps: &'a Caps,
    pub context: MainContext,
    /// Patterns of the main context's ignore file, for the lint `CopyIgnoredFile`.
    pub ignore: Option<&'a PatternSet>,
}

/// The main build context.
#[derive(Clone, Copy, Debug)]
pub struct MainContext {
    /// Where COPY and ADD without `--from` read.
    pub state: State,
    /// The `local://context` node, whose follow paths are completed at the end; `None` for other kinds.
    pub local: Option<NodeId>,
}

/// What lowering one target for one platform gives.
#[derive(Clone, Debug)]
pub struct Lowered {
    pub state: State,
    /// Complete but for what exporters fill in.
    pub config: ImageConfig,
    /// Bytes of the untouched config of the target's root image.
    pub base_config: Option<Vec<u8>>,
    /// The platform that was built for: the id of the result when normalised.
    pub platform: Platform,
    /// States at the end of each stage, by id; `None` for stages that the target does not need.
    pub stages: Vec<Option<StageState>>,
    /// Why there can be no definition, although all instructions are right: the official frontend notices only
    /// when it writes one, so lints do not end here.
    pub marshal_error: Option<Diagnostic>,
}

/// Lowers the target of `request.stages` into `nodes`.
///
/// # Errors
/// The first bad instruction in file order; texts equal the official frontend's.
pub fn lower(
    request: &Request<'_>,
    nodes: &mut Graph,
    distiller: &mut dyn Distiller,
    lint: &mut Sink,
) -> Result<Lowered, Diagnostic> {
    let stages = request.stages;
    let mut lowering = Lowering {
        request,
        nodes,
        lint,
        lowered: vec![None; stages.stages.len()],
        usage: Usage::new(stages),
        local_contexts: Vec::new(),
        marshal_error: None,
    };
    lowering.lower_sources()?;
    for id in stages.ids() {
        let stage = stages.stage(id);
        // A lint of all stages reads instructions too that a context makes void.
        let is_void = stages.all_stages && stage.is_replaced();
        if stage.reachable && (is_void || lowering.lowered[id.index()].is_none()) {
            let state = lowering.lower_stage(id, distiller)?;
            lowering.lowered[id.index()] = Some(state);
        }
    }
    lowering.usage.use_whole(stages.target);
    lowering.complete_local_contexts();
    let target = lowering.lowered[stages.target.index()]
        .clone()
        .expect("the target is reachable, and reachable stages are lowered");
    Ok(Lowered {
        state: target.state,
        config: final_config::finish(target.config, stages, &request.options.labels),
        base_config: target.base_config,
        platform: stages.target_platform.clone(),
        stages: lowering.lowered,
        marshal_error: lowering.marshal_error,
    })
}

/// The work in progress, shared by all instructions.
struct Lowering<'a> {
    request: &'a Request<'a>,
    nodes: &'a mut Graph,
    lint: &'a mut Sink,
    /// Finished stages; `None` while a stage has not had its turn.
    lowered: Vec<Option<StageState>>,
    usage: Usage,
    /// Local named contexts: the stage that reads them and their source node.
    local_contexts: Vec<(StageId, NodeId)>,
    /// See [`Lowered::marshal_error`].
    marshal_error: Option<Diagnostic>,
}

/// The instruction at work.
#[derive(Clone, Copy, Debug)]
struct Site<'a> {
    id: StageId,
    stage: &'a Stage,
    step: &'a Step,
    /// Index in the stage's steps.
    index: usize,
}

impl Site<'_> {
    fn span(&self) -> Span {
        self.step.instruction.span
    }

    fn error(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(message).at(self.span())
    }
}

impl Lowering<'_> {
    fn supports(&self, cap: &str) -> bool {
        self.request.caps.supports(cap)
    }

    /// What an instruction sees of a stage that it takes files from: its end, or, of the stage that it stands in, what
    /// is there by now. Only a trigger can name its own stage. `None`: that stage comes later.
    fn reached(&self, source: StageId, site: &Site<'_>, state: &StageState) -> Option<State> {
        if source == site.id {
            Some(state.state)
        } else {
            self.lowered[source.index()].as_ref().map(|end| end.state)
        }
    }

    /// Follow paths of the local sources, known only now.
    fn complete_local_contexts(&mut self) {
        if let Some(node) = self.request.context.local {
            let paths = self.usage.context_paths();
            context::follow(self.nodes, node, paths);
        }
        for (id, node) in std::mem::take(&mut self.local_contexts) {
            let paths: Option<BTreeSet<String>> = self.usage.stage_paths(id);
            context::follow(self.nodes, node, paths);
        }
    }
}

#[cfg(test)]
mod tests;
