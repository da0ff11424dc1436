//! What the names in `--from`, mounts and the option `target` stand for.

use std::collections::BTreeSet;

use super::{Base, ImageBase, Stage, StageGraph, StageId, Step};
use crate::diagnostic::Diagnostic;
use crate::dockerfile::instruction::{Copy, Instruction, Kind, Run};
use crate::dockerfile::quote::quote;
use crate::dockerfile::source::Span;
use crate::dockerfile::suggest;

/// The image name of an empty file system.
pub(super) const SCRATCH: &str = "scratch";

impl StageGraph {
    /// The stage with that name in any case; the last definition wins.
    pub fn by_name(&self, name: &str) -> Option<StageId> {
        self.names.get(&name.to_lowercase()).copied()
    }

    /// The stage that option `target` asks for; empty is the last `FROM`.
    pub(super) fn find_target(&self, target: &str) -> Result<StageId, Diagnostic> {
        if target.is_empty() {
            return Ok(self.ids().last().expect("the parser refuses a Dockerfile without stages"));
        }
        self.by_name(target).ok_or_else(|| {
            let labels = self.stages.iter().map(|stage| stage.label.as_str());
            let suggestion = suggest::suffix(target, labels);
            Diagnostic::new(format!("target stage {} could not be found{suggestion}", quote(target)))
        })
    }

    /// The instruction with its sources looked up; images and contexts that it names become entries of the
    /// graph, one for each reference.
    pub(super) fn step(&mut self, instruction: Instruction, trigger: bool) -> Result<Step, Diagnostic> {
        let sources = match &instruction.value {
            Kind::Copy(copy) => self.copy_sources(copy, instruction.span)?,
            Kind::Run(run) => self.mount_sources(run),
            _ => Vec::new(),
        };
        Ok(Step { instruction, sources, trigger, ordinal: None })
    }

    fn copy_sources(&mut self, copy: &Copy, span: Span) -> Result<Vec<StageId>, Diagnostic> {
        let Some(from) = copy.from.as_deref().filter(|from| !from.is_empty()) else { return Ok(Vec::new()) };
        if let Ok(index) = from.parse::<i64>() {
            let found = usize::try_from(index).ok().filter(|index| *index < self.stages.len());
            let id = found.and_then(|index| u32::try_from(index).ok()).map(StageId);
            return id
                .map(|id| vec![id])
                .ok_or_else(|| Diagnostic::new(format!("invalid stage index {index}")));
        }
        if let Some(stage) = self.by_name(from) {
            return Ok(vec![stage]);
        }
        if from.find('$').is_some_and(|at| at + 1 < from.len()) {
            return Err(Diagnostic::new(
                "variable expansion is not supported for --from, define a new stage with FROM using ARG \
                 from global scope as a workaround",
            ));
        }
        Ok(vec![self.add_unregistered(from, vec![span])])
    }

    fn mount_sources(&mut self, run: &Run) -> Vec<StageId> {
        run.mount_sources
            .iter()
            .map(|from| {
                let name = from.as_deref().filter(|from| !from.is_empty()).unwrap_or(SCRATCH);
                self.by_name(name).unwrap_or_else(|| self.add_unregistered(name, Vec::new()))
            })
            .collect()
    }

    fn add_unregistered(&mut self, reference: &str, spans: Vec<Span>) -> StageId {
        let base = if reference == SCRATCH {
            Base::Scratch
        } else {
            Base::Image(ImageBase { written: reference.to_owned(), known: None })
        };
        let id = StageId(u32::try_from(self.stages.len()).expect("a Dockerfile has fewer than 2^32 lines"));
        self.stages.push(Stage {
            name: None,
            label: String::new(),
            registered: false,
            base,
            distil: None,
            platform: None,
            from_text: String::new(),
            doc: Vec::new(),
            spans,
            steps: Vec::new(),
            step_total: 0,
            no_cache: false,
            reachable: false,
            needed: false,
            from_args: BTreeSet::new(),
            passed_over: 0,
            triggered: true,
        });
        id
    }
}
