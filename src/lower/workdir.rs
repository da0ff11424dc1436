//! `WORKDIR`: the working directory, made if it is not the root.

use super::distil::Tree;
use super::expand::Words;
use super::owner::owner_of;
use super::text::{Shown, vertex_text};
use super::{Lowering, Made, Moved, Site, Snapshot, StageState, history, lint, path};
use crate::diagnostic::Diagnostic;
use crate::dockerfile::chown::parse_owner;
use crate::llb::op::{FileAction, FileOp, Op, Owner};
use crate::llb::{NodeMeta, Output, State};

impl Lowering<'_> {
    pub(super) fn workdir(
        &mut self,
        new: &str,
        site: &Site<'_>,
        state: &mut StageState,
    ) -> Result<(), Diagnostic> {
        self.set_workdir(new, site, state)?;
        let user = state.config.config.user.as_str();
        let owner = if user.is_empty() { None } else { Some(owner_of(&parse_owner(user))) };
        let before = state.state;
        if let Some(made) = self.make_workdir(before, owner, site, state) {
            state.state = Some(made);
            let made = Made::Workdir(path::clean(&state.cwd));
            state.snapshots.push(Snapshot { step: site.index, before, after: state.state, made });
        }
        self.note_workdir(state);
        Ok(())
    }

    /// The directory alone on scratch, for a distroless stage; the owner is settled later.
    pub(super) fn workdir_tree(
        &mut self,
        new: &str,
        site: &Site<'_>,
        state: &mut StageState,
    ) -> Result<Option<Tree>, Diagnostic> {
        self.set_workdir(new, site, state)?;
        let made = self.make_workdir(None, None, site, state);
        self.note_workdir(state);
        Ok(made.map(|output| Tree {
            output,
            step: site.index,
            moved: Moved { from: None, sources: Vec::new(), dest: path::clean(&state.cwd) },
            parents: false,
            closure: false,
            chown: Some(state.config.config.user.clone()).filter(|user| !user.is_empty()),
        }))
    }

    fn set_workdir(&mut self, new: &str, site: &Site<'_>, state: &mut StageState) -> Result<(), Diagnostic> {
        let new = Words::new(self, site, state).one(new)?;
        if !state.workdir_set && !new.starts_with('/') {
            lint::relative_workdir(self.lint, site, &new);
        }
        state.workdir_set = true;
        let normalised = path::workdir(&state.config.config.working_dir, &new);
        state.config.config.working_dir.clone_from(&normalised);
        state.cwd = normalised;
        Ok(())
    }

    /// Only the root needs no directory; the text is compared, not the cleaned path.
    fn make_workdir(
        &mut self,
        base: State,
        owner: Option<Owner>,
        site: &Site<'_>,
        state: &mut StageState,
    ) -> Option<Output> {
        if state.cwd == "/" {
            return None;
        }
        let stages = self.request.stages;
        let timestamp = stages.epoch.map_or(-1, |time| time.seconds.saturating_mul(1_000_000_000));
        let action = FileAction::Mkdir {
            path: path::clean(&state.cwd),
            mode: 0o755,
            make_parents: true,
            owner,
            timestamp,
        };
        let text = vertex_text(&site.step.instruction.text, Shown::Expanded, stages.escape, &state.env);
        let platform = state.platform.clone();
        let name = self.next_vertex(site, state, Some(&platform), &text);
        let meta = NodeMeta { name: Some(name), spans: vec![site.span()], ..NodeMeta::default() };
        let op = Op::File(FileOp { base, actions: vec![action] });
        Some(self.nodes.add(op, None, meta).output())
    }

    fn note_workdir(&mut self, state: &mut StageState) {
        let shown = format!("WORKDIR {}", state.cwd);
        let epoch = self.request.stages.epoch;
        if state.cwd == "/" {
            history::note(&mut state.config, epoch, shown);
        } else {
            history::layer(&mut state.config, epoch, shown);
        }
    }
}
