//! Distroless stages: their instructions become trees alone on scratch, and a [`Distiller`] makes one file
//! system of them.

use super::{Lowering, Moved, Site, StageState};
use crate::diagnostic::Diagnostic;
use crate::dockerfile::instruction::{CommandLine, Kind};
use crate::llb::{Graph, Output, State};
use crate::options::Variant;
use crate::stage::{StageGraph, StageId};

/// A file tree that one COPY, ADD or WORKDIR of a distroless stage brought, alone on scratch.
#[derive(Clone, Debug)]
pub struct Tree {
    pub output: Output,
    /// Index of the instruction in the stage's steps.
    pub step: usize,
    /// Of WORKDIR only the destination counts.
    pub moved: Moved,
    pub parents: bool,
    /// `--closure`; true unless switched off, false for WORKDIR.
    pub closure: bool,
    /// `--chown` as expanded (WORKDIR: the stage's USER); the tree has no owner names.
    pub chown: Option<String>,
}

/// What a distroless stage has gathered, in instruction order.
#[derive(Clone, Debug)]
pub enum Gathered {
    /// Files of one COPY, ADD or WORKDIR.
    Tree(Tree),
    /// An exec-form RUN: the distroless tree it saw and the tree it left.
    Run { step: usize, before: State, after: State },
}

/// What [`Distiller`] is asked about a stage at one point.
#[derive(Clone, Copy, Debug)]
pub struct DistilRequest<'a> {
    pub graph: &'a StageGraph,
    pub stage: StageId,
    pub variant: Variant,
    /// `FROM --distroless X`: the ordinary X that is cut down. `None` in a `FROM distroless` stage.
    pub whole: Option<&'a StageState>,
    /// What the stage's file system starts from: scratch, or the tree of the distroless stage below.
    pub start: State,
    /// Config, environment and user at this point; its `state` is `start`.
    pub state: &'a StageState,
    pub gathered: &'a [Gathered],
    /// States of the stages lowered before this one, by id.
    pub lowered: &'a [Option<StageState>],
    /// True at the end of the stage, false before an exec-form RUN.
    pub last: bool,
}

/// Turns what a distroless stage gathered into its file system.
pub trait Distiller {
    /// The stage's file system at this point; new nodes go into `nodes`.
    ///
    /// # Errors
    /// What the user has to change, for example a stage without sources.
    fn distil(&mut self, nodes: &mut Graph, request: &DistilRequest<'_>) -> Result<State, Diagnostic>;
}

/// For builds in which nothing can be distilled (subrequests that only look at the stages).
#[derive(Clone, Copy, Debug, Default)]
pub struct NoDistiller;

impl Distiller for NoDistiller {
    fn distil(&mut self, _: &mut Graph, request: &DistilRequest<'_>) -> Result<State, Diagnostic> {
        Ok(request.start)
    }
}

impl Lowering<'_> {
    /// Lowers a stage that ends distroless. `entered` is its state before its first instruction.
    pub(super) fn lower_distroless(
        &mut self,
        id: StageId,
        variant: Variant,
        entered: StageState,
        distiller: &mut dyn Distiller,
    ) -> Result<StageState, Diagnostic> {
        let graph = self.request.stages;
        let stage = graph.stage(id);
        let mut state = entered;
        let whole = stage.distil.map(|_| state.clone());
        if whole.is_some() {
            state.state = None;
        }
        let start = state.state;
        let mut gathered: Vec<Gathered> = Vec::new();
        for (index, step) in stage.steps.iter().enumerate() {
            let site = Site { id, stage, step, index };
            match &step.instruction.value {
                Kind::Copy(copy) => {
                    let tree = self.copy_tree(copy, &site, &mut state)?;
                    gathered.push(Gathered::Tree(tree));
                }
                Kind::Add(add) => {
                    let tree = self.add_tree(add, &site, &mut state)?;
                    gathered.push(Gathered::Tree(tree));
                }
                Kind::Workdir(path) => {
                    gathered.extend(self.workdir_tree(path, &site, &mut state)?.map(Gathered::Tree));
                }
                Kind::Run(run) => {
                    if matches!(run.command, CommandLine::Shell(_)) {
                        return Err(shell_form(&site));
                    }
                    let request = DistilRequest {
                        graph,
                        stage: id,
                        variant,
                        whole: whole.as_ref(),
                        start,
                        state: &state,
                        gathered: &gathered,
                        lowered: &self.lowered,
                        last: false,
                    };
                    let before = distiller.distil(self.nodes, &request)?;
                    state.state = before;
                    self.lower_step(&site, &mut state)?;
                    let after = std::mem::replace(&mut state.state, start);
                    gathered.push(Gathered::Run { step: index, before, after });
                }
                _ => self.lower_step(&site, &mut state)?,
            }
        }
        let request = DistilRequest {
            graph,
            stage: id,
            variant,
            whole: whole.as_ref(),
            start,
            state: &state,
            gathered: &gathered,
            lowered: &self.lowered,
            last: true,
        };
        state.state = distiller.distil(self.nodes, &request)?;
        Ok(state)
    }
}

fn shell_form(site: &Site<'_>) -> Diagnostic {
    site.error("shell-form RUN in a distroless stage, which has no shell")
        .hint("write it as RUN [\"program\", \"argument\"], or run it in a build stage and COPY the result")
}
