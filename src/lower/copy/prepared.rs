//! A COPY or ADD with its words expanded and its source looked up.

use super::super::expand::Words;
use super::super::{Lowering, Site, StageState, heredoc};
use crate::diagnostic::Diagnostic;
use crate::dockerfile::chmod::{Mode, parse_mode};
use crate::dockerfile::instruction::{Add, Copy, Transfer};
use crate::dockerfile::quote::quote;
use crate::llb::State;
use crate::stage::StageId;

/// What the two instructions have in common, and what only one of them can say.
#[derive(Debug)]
pub(super) struct Prepared {
    pub keyword: Keyword,
    /// Paths, URLs and git references.
    pub sources: Vec<String>,
    /// (file name, content) of heredoc sources.
    pub inline: Vec<(String, String)>,
    pub dest: String,
    pub chown: Option<String>,
    /// `--chmod` as expanded, and what it means.
    pub chmod: Option<(String, Mode)>,
    pub exclude: Vec<String>,
    pub link: bool,
    pub parents: bool,
    /// decant's `--closure`.
    pub closure: bool,
    pub checksum: Option<String>,
    pub keep_git_dir: Option<bool>,
    pub unpack: Option<bool>,
    /// Where path sources are read.
    pub from: State,
    /// `--from`.
    pub from_stage: Option<StageId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keyword {
    Copy,
    Add,
}

impl Keyword {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Copy => "COPY",
            Self::Add => "ADD",
        }
    }
}

impl Lowering<'_> {
    pub(super) fn prepare_copy(
        &mut self,
        copy: &Copy,
        site: &Site<'_>,
        state: &StageState,
    ) -> Result<Prepared, Diagnostic> {
        let mut prepared = self.prepare(Keyword::Copy, &copy.transfer, None, site, state)?;
        prepared.parents = copy.parents;
        prepared.closure = copy.closure.unwrap_or(true);
        let Some(&source) = site.step.sources.first() else { return Ok(prepared) };
        let Some(from) = self.reached(source, site, state) else {
            let from = copy.from.as_deref().unwrap_or_default();
            return Err(site.error(format!(
                "cannot copy from stage {}, it needs to be defined before current stage {}",
                quote(from),
                quote(&site.stage.label),
            )));
        };
        prepared.from = from;
        prepared.from_stage = Some(source);
        Ok(prepared)
    }

    pub(super) fn prepare_add(
        &mut self,
        add: &Add,
        site: &Site<'_>,
        state: &StageState,
    ) -> Result<Prepared, Diagnostic> {
        let prepared = self.prepare(Keyword::Add, &add.transfer, add.checksum.as_deref(), site, state)?;
        Ok(Prepared { keep_git_dir: add.keep_git_dir, unpack: add.unpack, ..prepared })
    }

    /// All words see the environment before the instruction.
    fn prepare(
        &mut self,
        keyword: Keyword,
        transfer: &Transfer,
        checksum: Option<&str>,
        site: &Site<'_>,
        state: &StageState,
    ) -> Result<Prepared, Diagnostic> {
        let mut words = Words::new(self, site, state);
        let chown = words.option(transfer.chown.as_deref())?.filter(|value| !value.is_empty());
        let chmod = words.option(transfer.chmod.as_deref())?.filter(|value| !value.is_empty());
        let checksum = words.option(checksum)?.filter(|value| !value.is_empty());
        let sources = words.each(&transfer.sources)?;
        let dest = words.one(&transfer.dest)?;
        let mut inline = Vec::with_capacity(transfer.inline.len());
        for document in &transfer.inline {
            let body = heredoc::content(document);
            let body = if document.expand { words.body(&body)? } else { body };
            inline.push((document.name.clone(), body));
        }
        let chmod = match chmod {
            Some(text) => {
                let mode = parse_mode(&text).map_err(|error| site.error(error.to_string()))?;
                Some((text, mode))
            }
            None => None,
        };
        Ok(Prepared {
            keyword,
            sources,
            inline,
            dest,
            chown,
            chmod,
            exclude: transfer.exclude.clone(),
            link: transfer.link,
            parents: false,
            closure: true,
            checksum,
            keep_git_dir: None,
            unpack: None,
            from: self.request.context.state,
            from_stage: None,
        })
    }
}
