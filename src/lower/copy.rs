//! `COPY` and `ADD`: one file op with a copy for each source.

mod actions;
mod prepared;

use sha2::{Digest, Sha256};

use super::distil::Tree;
use super::owner::{owner_of, refuse_names};
use super::text::{Shown, vertex_text};
use super::{Lowering, Made, Moved, Site, Snapshot, StageState, history, path};
use crate::diagnostic::Diagnostic;
use crate::dockerfile::chown::parse_owner;
use crate::dockerfile::instruction::{Add, Copy};
use crate::hex::hex;
use crate::llb::op::{FileAction, FileOp, Op};
use crate::llb::remote;
use crate::llb::{NodeMeta, Output, ProgressGroup, State};
use actions::is_remote;
use prepared::{Keyword, Prepared};

impl Lowering<'_> {
    pub(super) fn copy(
        &mut self,
        copy: &Copy,
        site: &Site<'_>,
        state: &mut StageState,
    ) -> Result<(), Diagnostic> {
        let prepared = self.prepare_copy(copy, site, state)?;
        self.transfer(&prepared, site, state)
    }

    pub(super) fn add(
        &mut self,
        add: &Add,
        site: &Site<'_>,
        state: &mut StageState,
    ) -> Result<(), Diagnostic> {
        let prepared = self.prepare_add(add, site, state)?;
        self.transfer(&prepared, site, state)
    }

    /// COPY in a distroless stage: its files alone on scratch, owner names left to the distil step.
    pub(super) fn copy_tree(
        &mut self,
        copy: &Copy,
        site: &Site<'_>,
        state: &mut StageState,
    ) -> Result<Tree, Diagnostic> {
        let prepared = self.prepare_copy(copy, site, state)?;
        self.tree(prepared, site, state)
    }

    /// ADD in a distroless stage.
    pub(super) fn add_tree(
        &mut self,
        add: &Add,
        site: &Site<'_>,
        state: &mut StageState,
    ) -> Result<Tree, Diagnostic> {
        let prepared = self.prepare_add(add, site, state)?;
        self.tree(prepared, site, state)
    }

    fn transfer(
        &mut self,
        prepared: &Prepared,
        site: &Site<'_>,
        state: &mut StageState,
    ) -> Result<(), Diagnostic> {
        let owner = match &prepared.chown {
            Some(chown) => {
                let owner = parse_owner(chown);
                if prepared.link {
                    refuse_names(chown, &owner, site)?;
                }
                Some(owner_of(&owner))
            }
            None => None,
        };
        let meta = self.transfer_meta(site, state);
        let name = meta.name.clone().unwrap_or_default();
        let actions = self.copy_actions(prepared, owner.as_ref(), &name, site, state)?;
        let before = state.state;
        let linked = prepared.link && prepared.chmod.is_none() && self.supports("mergeop");
        state.state = Some(if linked {
            self.link(before, actions, meta, site, state)
        } else {
            self.nodes.add(Op::File(FileOp { base: before, actions }), None, meta).output()
        });
        let moved = moved(prepared, state);
        let made = match prepared.keyword {
            Keyword::Copy => Made::Copy(moved),
            Keyword::Add => Made::Add(moved),
        };
        state.snapshots.push(Snapshot { step: site.index, before, after: state.state, made });
        self.finish_transfer(prepared, state);
        Ok(())
    }

    fn tree(
        &mut self,
        prepared: Prepared,
        site: &Site<'_>,
        state: &mut StageState,
    ) -> Result<Tree, Diagnostic> {
        let owner = prepared.chown.as_deref().map(parse_owner).filter(|owner| !owner.has_names());
        let owner = owner.as_ref().map(owner_of);
        let meta = self.transfer_meta(site, state);
        let name = meta.name.clone().unwrap_or_default();
        let actions = self.copy_actions(&prepared, owner.as_ref(), &name, site, state)?;
        let output = self.nodes.add(Op::File(FileOp { base: None, actions }), None, meta).output();
        self.finish_transfer(&prepared, state);
        Ok(Tree {
            output,
            step: site.index,
            moved: moved(&prepared, state),
            parents: prepared.parents,
            closure: prepared.closure,
            chown: prepared.chown,
        })
    }

    /// The copy alone on scratch, merged onto what was there: the layer does not depend on what is below.
    fn link(
        &mut self,
        before: State,
        actions: Vec<FileAction>,
        meta: NodeMeta,
        site: &Site<'_>,
        state: &StageState,
    ) -> Output {
        let name = meta.name.clone().unwrap_or_default();
        let group = |weak| Some(ProgressGroup { id: group_id(site, &name), name: name.clone(), weak });
        let copy_meta = NodeMeta { progress_group: group(true), ..meta.clone() };
        let copied = self.nodes.add(Op::File(FileOp { base: None, actions }), None, copy_meta).output();
        let Some(before) = before else { return copied };
        let text = self.transfer_text(site, state);
        let linked = self.vertex(site, state, Some(&state.platform), &format!("LINK {text}"));
        let merge_meta = NodeMeta { name: Some(linked), progress_group: group(false), ..meta };
        self.nodes.add(Op::Merge(vec![before, copied]), None, merge_meta).output()
    }

    fn transfer_meta(&self, site: &Site<'_>, state: &mut StageState) -> NodeMeta {
        let text = self.transfer_text(site, state);
        let platform = state.platform.clone();
        NodeMeta {
            name: Some(self.next_vertex(site, state, Some(&platform), &text)),
            ignore_cache: site.stage.no_cache,
            spans: vec![site.span()],
            ..NodeMeta::default()
        }
    }

    fn transfer_text(&self, site: &Site<'_>, state: &StageState) -> String {
        let escape = self.request.stages.escape;
        vertex_text(&site.step.instruction.text, Shown::Expanded, escape, &state.env)
    }

    /// History, and which paths were read.
    fn finish_transfer(&mut self, prepared: &Prepared, state: &mut StageState) {
        history::layer(&mut state.config, self.request.stages.epoch, history_text(prepared));
        for source in &prepared.sources {
            match prepared.from_stage {
                Some(stage) => self.usage.use_stage(stage, source),
                None if remote::is_http(source) => {}
                None => self.usage.use_context(source),
            }
        }
    }
}

fn moved(prepared: &Prepared, state: &StageState) -> Moved {
    let paths = prepared.sources.iter().filter(|source| !is_remote(source));
    Moved {
        from: prepared.from_stage,
        sources: paths.map(|source| path::source(source)).collect(),
        dest: path::destination(&state.cwd, &prepared.dest),
    }
}

fn history_text(prepared: &Prepared) -> String {
    let mut parts = vec![prepared.keyword.as_str().to_owned()];
    if prepared.parents {
        parts.push("--parents".to_owned());
    }
    parts.extend(prepared.chown.iter().map(|value| format!("--chown={value}")));
    parts.extend(prepared.chmod.iter().map(|(text, _)| format!("--chmod={text}")));
    parts.extend(prepared.sources.iter().cloned());
    parts.extend(prepared.inline.iter().map(|(name, _)| format!("<<{name}")));
    parts.push(prepared.dest.clone());
    parts.push("# buildkit".to_owned());
    parts.join(" ")
}

/// The official frontend draws a random id; ours is a function of the instruction's place.
fn group_id(site: &Site<'_>, name: &str) -> String {
    let place = format!("{}\0{}\0{name}", site.id.index(), site.index);
    hex(&Sha256::digest(place.as_bytes())[..GROUP_ID_BYTES])
}

/// Enough that two groups of a build never meet.
const GROUP_ID_BYTES: usize = 12;
