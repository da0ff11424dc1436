//! Distroless stages: from what a stage gathered to the spec of its assembly.

use crate::diagnostic::Diagnostic;
use crate::distill::spec::{Control, Variant};
use crate::distill::step::{Assembled, OwnImage};
use crate::llb::{Caps, Graph, State};
use crate::lower::{DistilRequest, Distiller, StageState};
use crate::stage::{StageGraph, StageId};

/// Lowers distroless stages to assemblies, and keeps these for the frontend.
#[derive(Debug)]
pub struct Assembler {
    own: OwnImage,
    caps: Caps,
    control: Control,
    /// The image that brings busybox, for debug variants; resolved by the frontend when one is in play.
    busybox: State,
    assembled: Vec<Done>,
}

/// An assembly of a stage.
#[derive(Clone, Debug)]
pub struct Done {
    pub stage: StageId,
    /// Of the stage's end, not of a RUN in the middle.
    pub last: bool,
    pub variant: Variant,
    pub assembled: Assembled,
}

impl Assembler {
    pub fn new(own: OwnImage, caps: Caps, control: Control, busybox: State) -> Self {
        Self { own, caps, control, busybox, assembled: Vec::new() }
    }

    /// All assemblies so far, in the order of lowering; those of RUN before the one of their stage's end.
    pub fn assembled(&self) -> &[Done] {
        &self.assembled
    }

    /// Adds what an unmodified last stage needs to run (`FROM --distroless <last stage>` stood at the end).
    ///
    /// # Errors
    /// As [`Distiller::distil`].
    pub fn distil_last(
        &mut self,
        nodes: &mut Graph,
        graph: &StageGraph,
        whole: &StageState,
        variant: Variant,
    ) -> Result<Assembled, Diagnostic> {
        let _ = (nodes, graph, whole, variant);
        todo!()
    }

    /// Adds the check of a last stage that stays as it is: are all libraries and symbol versions there?
    pub fn check_last(&mut self, nodes: &mut Graph, graph: &StageGraph, whole: &StageState) -> Assembled {
        let _ = (nodes, graph, whole, &self.own, &self.caps, &self.control, self.busybox);
        todo!()
    }
}

impl Distiller for Assembler {
    fn distil(&mut self, nodes: &mut Graph, request: &DistilRequest<'_>) -> Result<State, Diagnostic> {
        let _ = (nodes, request);
        todo!()
    }
}

/// Whether a build of these stages needs the busybox image: some reachable stage is a debug variant.
pub fn needs_busybox(graph: &StageGraph, implicit: Option<Variant>) -> bool {
    let _ = (graph, implicit);
    false
}
