//! `ONBUILD` triggers: instructions of a base that run first in the stage that uses it.

use super::{Base, ContextSource, StageGraph, StageId, Step};
use crate::diagnostic::Diagnostic;
use crate::dockerfile::instruction::Kind;
use crate::dockerfile::parse_trigger;

impl StageGraph {
    /// Puts triggers in front of the instructions of each reachable stage, once. True when one of them takes
    /// files from somewhere, so that more may be wanted.
    pub(super) fn apply_triggers(&mut self) -> Result<bool, Diagnostic> {
        let mut new_sources = false;
        for id in self.ids() {
            let stage = &mut self.stages[id.index()];
            if stage.needed && !std::mem::replace(&mut stage.triggered, true) {
                let triggers = self.triggers_of(id);
                if !triggers.is_empty() {
                    new_sources |= self.prepend(id, &triggers)?;
                }
            }
        }
        if new_sources {
            for stage in &mut self.stages {
                if !stage.reachable && stage.registered && matches!(stage.base, Base::Image(_)) {
                    stage.passed_over += 1;
                }
            }
        }
        Ok(new_sources)
    }

    /// Trigger texts of the base image, or of the stage below.
    fn triggers_of(&self, id: StageId) -> Vec<String> {
        let stage = self.stage(id);
        match &stage.base {
            Base::Image(image) => {
                image.known.as_ref().map_or_else(Vec::new, |known| known.config.config.on_build.clone())
            }
            Base::Context(context) if !context.replaces_stage => match &context.source {
                ContextSource::Image { known: Some(known), .. }
                | ContextSource::OciLayout { known: Some(known), .. } => known.config.config.on_build.clone(),
                _ => Vec::new(),
            },
            Base::Stage(below) => self
                .stage(*below)
                .steps
                .iter()
                .filter_map(|step| match &step.instruction.value {
                    Kind::Onbuild(text) => Some(text.clone()),
                    _ => None,
                })
                .collect(),
            _ => Vec::new(),
        }
    }

    fn prepend(&mut self, id: StageId, triggers: &[String]) -> Result<bool, Diagnostic> {
        let spans = self.stage(id).spans.clone();
        let located = |error: Diagnostic| Diagnostic { spans: spans.clone(), ..error };
        let mut steps: Vec<Step> = Vec::with_capacity(triggers.len());
        for text in triggers {
            let mut instruction = parse_trigger(text).map_err(located)?;
            if let Some(&span) = spans.first() {
                instruction.span = span;
            }
            steps.push(self.step(instruction, true).map_err(located)?);
        }
        let new_sources = steps.iter().any(|step| !step.sources.is_empty());
        let stage = &mut self.stages[id.index()];
        stage.step_total += u32::try_from(steps.len()).expect("a config of 16 MiB has fewer triggers");
        stage.steps.splice(0..0, steps);
        self.number_steps(id);
        Ok(new_sources)
    }
}
