//! Which paths of the contexts are read, so that clients send only those.

use std::collections::BTreeSet;

use super::path;
use crate::stage::{StageGraph, StageId};

/// Paths read from the main context, and from each stage's root.
///
/// A stage shares the paths of the stage it is built on: what is read from the one may lie in the other.
#[derive(Debug)]
pub(super) struct Usage {
    context: BTreeSet<String>,
    /// By stage; only those at the bottom of a FROM chain are filled.
    stages: Vec<BTreeSet<String>>,
    roots: Vec<StageId>,
}

impl Usage {
    pub(super) fn new(graph: &StageGraph) -> Self {
        Self {
            context: BTreeSet::new(),
            stages: vec![BTreeSet::new(); graph.stages.len()],
            roots: graph.ids().map(|id| graph.root(id)).collect(),
        }
    }

    /// `source` of the main context is read.
    pub(super) fn use_context(&mut self, source: &str) {
        self.context.insert(path::join("/", source));
    }

    /// `source` of a stage is read.
    pub(super) fn use_stage(&mut self, stage: StageId, source: &str) {
        let root = self.roots[stage.index()];
        self.stages[root.index()].insert(path::join("/", source));
    }

    /// Anything of a stage may be read.
    pub(super) fn use_whole(&mut self, stage: StageId) {
        self.use_stage(stage, "/");
    }

    /// Relative paths, sorted; `None` when everything is read or nothing is known.
    pub(super) fn context_paths(&self) -> Option<BTreeSet<String>> {
        narrow(&self.context)
    }

    /// The same for the named context at the root of `stage`.
    pub(super) fn stage_paths(&self, stage: StageId) -> Option<BTreeSet<String>> {
        narrow(&self.stages[self.roots[stage.index()].index()])
    }
}

fn narrow(paths: &BTreeSet<String>) -> Option<BTreeSet<String>> {
    if paths.is_empty() || paths.contains("/") {
        return None;
    }
    Some(paths.iter().map(|path| path.trim_start_matches('/').to_owned()).collect())
}
