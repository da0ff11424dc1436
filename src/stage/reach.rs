//! Which stages the target needs, and whether they need each other in a circle.

use super::{Base, Stage, StageGraph, StageId};
use crate::diagnostic::Diagnostic;
use crate::dockerfile::source::Span;

impl Stage {
    /// The named context that stands in for the whole stage makes its instructions void.
    pub fn is_replaced(&self) -> bool {
        matches!(&self.base, Base::Context(context) if context.replaces_stage)
    }

    /// Stages that its instructions take files from, each with the last instruction that does.
    fn sources(&self) -> Vec<(StageId, Span)> {
        let mut found: Vec<(StageId, Span)> = Vec::new();
        for step in &self.steps {
            for &source in &step.sources {
                match found.iter_mut().find(|(known, _)| *known == source) {
                    Some((_, span)) => *span = step.instruction.span,
                    None => found.push((source, step.instruction.span)),
                }
            }
        }
        found
    }
}

impl StageGraph {
    /// Marks what the target needs: its bases and sources, and theirs.
    pub(super) fn mark_reachable(&mut self) {
        let mut pending = vec![self.target];
        // Not `reachable` itself: triggers may have given a stage new sources since it was marked.
        let mut visited = vec![false; self.stages.len()];
        while let Some(id) = pending.pop() {
            if std::mem::replace(&mut visited[id.index()], true) {
                continue;
            }
            self.stages[id.index()].needed = true;
            let stage = &self.stages[id.index()];
            if let Base::Stage(below) = stage.base {
                pending.push(below);
            }
            // Those of a stage that a named context stands in for are read all the same, and their errors count.
            let sources = stage.sources();
            // A distroless stage that copies from nowhere may find its programs in the stage before it.
            if sources.is_empty() && stage.distil.is_none() && self.distroless_variant(id).is_some() {
                pending.extend(self.earlier(id));
            }
            pending.extend(sources.into_iter().map(|(source, _)| source));
        }
        for stage in &mut self.stages {
            stage.reachable = stage.needed || self.all_stages;
        }
    }

    /// The nearest stage of the Dockerfile before `id` that is not the one it starts from.
    pub fn earlier(&self, id: StageId) -> Option<StageId> {
        let below = match self.stage(id).base {
            Base::Stage(below) => Some(below),
            _ => None,
        };
        let before: Vec<StageId> = self.ids().take(id.index()).collect();
        before.into_iter().rev().find(|earlier| self.stage(*earlier).registered && Some(*earlier) != below)
    }

    /// Refuses stages that copy from each other in a circle.
    ///
    /// A walk with its own stack: the depth is the number of stages, which the Dockerfile decides.
    pub(super) fn refuse_cycles(&self) -> Result<(), Diagnostic> {
        let mut visited = vec![false; self.stages.len()];
        for start in self.ids() {
            let mut path: Vec<Visit> = Vec::new();
            let mut next = Some(start);
            loop {
                if let Some(id) = next.take() {
                    if std::mem::replace(&mut visited[id.index()], true) {
                        // Known and not on the path: nothing new below it.
                    } else {
                        path.push(Visit { id, sources: self.stage(id).sources(), at: 0 });
                    }
                }
                let Some(visit) = path.last_mut() else { break };
                let Some(&(source, _)) = visit.sources.get(visit.at) else {
                    path.pop();
                    continue;
                };
                visit.at += 1;
                if path.iter().any(|visit| visit.id == source) {
                    return Err(self.circular(&path));
                }
                next = Some(source);
            }
        }
        Ok(())
    }

    /// The error names the stage that the walk began at, and each command on the way.
    fn circular(&self, path: &[Visit]) -> Diagnostic {
        let start = path.first().map_or("", |visit| self.stage(visit.id).label.as_str());
        let mut error = Diagnostic::new(format!("circular dependency detected on stage: {start}"));
        error.spans = path.iter().map(|visit| visit.sources[visit.at - 1].1).collect();
        error
    }
}

struct Visit {
    id: StageId,
    sources: Vec<(StageId, Span)>,
    /// The next source to look at.
    at: usize,
}
