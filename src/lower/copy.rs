//! `COPY` and `ADD`: one file op with a copy for each source.

use sha2::{Digest, Sha256};

use super::distil::Tree;
use super::expand::Words;
use super::text::{Shown, vertex_text};
use super::{Lowering, Site, Snapshot, StageState, heredoc, history, lint, path, remote};
use crate::diagnostic::Diagnostic;
use crate::dockerfile::chmod::{Mode, parse_mode};
use crate::dockerfile::chown::{self, Principal, parse_owner};
use crate::dockerfile::git_ref::parse_git_ref;
use crate::dockerfile::instruction::{Add, Copy, Transfer};
use crate::dockerfile::quote::quote;
use crate::llb::op::{CopyAction, FileAction, FileOp, Op, Owner, UserRef};
use crate::llb::{NodeMeta, Output, ProgressGroup, State};
use crate::stage::StageId;

/// What ADD says beyond COPY.
#[derive(Clone, Copy, Debug, Default)]
struct Remote {
    keep_git_dir: Option<bool>,
    unpack: Option<bool>,
}

/// A COPY or ADD with everything expanded and looked up.
#[derive(Debug)]
struct Prepared {
    keyword: &'static str,
    sources: Vec<String>,
    /// (file name, content) of heredoc sources.
    inline: Vec<(String, String)>,
    dest: String,
    chown: Option<String>,
    chmod: Option<String>,
    mode: Mode,
    checksum: Option<String>,
    parents: bool,
    /// Where path sources are read.
    from: State,
    /// `--from`.
    from_stage: Option<StageId>,
}

impl Lowering<'_> {
    pub(super) fn copy(
        &mut self,
        copy: &Copy,
        site: &Site<'_>,
        state: &mut StageState,
    ) -> Result<(), Diagnostic> {
        let prepared = self.prepare_copy(copy, site, state)?;
        self.transfer(&prepared, &copy.transfer, Remote::default(), site, state)
    }

    pub(super) fn add(
        &mut self,
        add: &Add,
        site: &Site<'_>,
        state: &mut StageState,
    ) -> Result<(), Diagnostic> {
        let remote = remote_of(add);
        let prepared = self.prepare_add(add, site, state)?;
        self.transfer(&prepared, &add.transfer, remote, site, state)
    }

    /// COPY in a distroless stage: its files alone on scratch, owner names left to the distil step.
    pub(super) fn copy_tree(
        &mut self,
        copy: &Copy,
        site: &Site<'_>,
        state: &mut StageState,
    ) -> Result<Tree, Diagnostic> {
        let prepared = self.prepare_copy(copy, site, state)?;
        self.tree(prepared, &copy.transfer, Remote::default(), copy.closure, site, state)
    }

    /// ADD in a distroless stage.
    pub(super) fn add_tree(
        &mut self,
        add: &Add,
        site: &Site<'_>,
        state: &mut StageState,
    ) -> Result<Tree, Diagnostic> {
        let prepared = self.prepare_add(add, site, state)?;
        self.tree(prepared, &add.transfer, remote_of(add), None, site, state)
    }

    fn prepare_copy(
        &mut self,
        copy: &Copy,
        site: &Site<'_>,
        state: &StageState,
    ) -> Result<Prepared, Diagnostic> {
        let prepared = self.prepare("COPY", &copy.transfer, None, site, state)?;
        let mut prepared = Prepared { parents: copy.parents, ..prepared };
        let Some(&source) = site.step.sources.first() else { return Ok(prepared) };
        let Some(finished) = &self.lowered[source.index()] else {
            let from = copy.from.as_deref().unwrap_or_default();
            return Err(site.error(format!(
                "cannot copy from stage {}, it needs to be defined before current stage {}",
                quote(from),
                quote(&site.stage.label),
            )));
        };
        prepared.from = finished.state;
        prepared.from_stage = Some(source);
        Ok(prepared)
    }

    fn prepare_add(
        &mut self,
        add: &Add,
        site: &Site<'_>,
        state: &StageState,
    ) -> Result<Prepared, Diagnostic> {
        self.prepare("ADD", &add.transfer, add.checksum.as_deref(), site, state)
    }

    /// Expands all words against the environment before the instruction, and checks what text decides.
    fn prepare(
        &mut self,
        keyword: &'static str,
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
        let mode = match &chmod {
            Some(text) => parse_mode(text).map_err(|error| site.error(error.to_string()))?,
            None => Mode::Symbolic(String::new()),
        };
        Ok(Prepared {
            keyword,
            sources,
            inline,
            dest,
            chown,
            chmod,
            mode,
            checksum,
            parents: false,
            from: self.request.context.state,
            from_stage: None,
        })
    }

    fn transfer(
        &mut self,
        prepared: &Prepared,
        transfer: &Transfer,
        remote: Remote,
        site: &Site<'_>,
        state: &mut StageState,
    ) -> Result<(), Diagnostic> {
        let owner = prepared.chown.as_deref().map(parse_owner);
        if transfer.link {
            refuse_names(prepared.chown.as_deref(), owner.as_ref(), site)?;
        }
        let name = self.transfer_name(site, state);
        let meta = NodeMeta {
            name: Some(name.clone()),
            ignore_cache: site.stage.no_cache,
            spans: vec![site.span()],
            ..NodeMeta::default()
        };
        let owner = owner.as_ref().map(owner_of);
        let actions = self.actions(prepared, transfer, remote, owner, &name, site, state)?;
        let before = state.state;
        let linked = transfer.link && prepared.chmod.is_none() && self.supports("mergeop");
        state.state = Some(if linked {
            self.link(before, actions, meta, site, state)
        } else {
            self.nodes.add(Op::File(FileOp { base: before, actions }), None, meta).output()
        });
        state.snapshots.push(Snapshot { step: site.index, before, after: state.state });
        self.finish_transfer(prepared, state);
        Ok(())
    }

    fn tree(
        &mut self,
        prepared: Prepared,
        transfer: &Transfer,
        remote: Remote,
        closure: Option<bool>,
        site: &Site<'_>,
        state: &mut StageState,
    ) -> Result<Tree, Diagnostic> {
        let name = self.transfer_name(site, state);
        let owner = prepared.chown.as_deref().map(parse_owner);
        let by_number = owner.filter(|owner| !has_names(owner)).map(|owner| owner_of(&owner));
        let actions = self.actions(&prepared, transfer, remote, by_number, &name, site, state)?;
        let meta = NodeMeta {
            name: Some(name),
            ignore_cache: site.stage.no_cache,
            spans: vec![site.span()],
            ..NodeMeta::default()
        };
        let output = self.nodes.add(Op::File(FileOp { base: None, actions }), None, meta).output();
        self.finish_transfer(&prepared, state);
        let paths = prepared.sources.iter().filter(|source| !is_remote(source));
        Ok(Tree {
            output,
            step: site.index,
            from: prepared.from_stage,
            sources: paths.map(|source| path::source(source)).collect(),
            dest: path::destination(&state.cwd, &prepared.dest),
            parents: prepared.parents,
            closure: closure.unwrap_or(true),
            chown: prepared.chown,
        })
    }

    fn transfer_name(&self, site: &Site<'_>, state: &mut StageState) -> String {
        let text =
            vertex_text(&site.step.instruction.text, Shown::Expanded, self.request.stages.escape, &state.env);
        let platform = state.platform.clone();
        self.next_vertex(site, state, Some(&platform), &text)
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
        let text =
            vertex_text(&site.step.instruction.text, Shown::Expanded, self.request.stages.escape, &state.env);
        let linked = self.vertex(site, state, Some(&state.platform), &format!("LINK {text}"));
        let merge_meta = NodeMeta { name: Some(linked), progress_group: group(false), ..meta };
        self.nodes.add(Op::Merge(vec![before, copied]), None, merge_meta).output()
    }

    /// One copy for each source, paths before heredocs.
    #[expect(clippy::too_many_arguments, reason = "the parts of one instruction, each used once")]
    fn actions(
        &mut self,
        prepared: &Prepared,
        transfer: &Transfer,
        mut remote: Remote,
        owner: Option<Owner>,
        name: &str,
        site: &Site<'_>,
        state: &StageState,
    ) -> Result<Vec<FileAction>, Diagnostic> {
        let dest = path::destination(&state.cwd, &prepared.dest);
        let plain = |source: State, src: String| CopyAction {
            owner: owner.clone(),
            exclude_patterns: transfer.exclude.clone(),
            ..copy_action(source, src, dest.clone(), &prepared.mode, prepared.chmod.is_some())
        };
        let mut checksum = prepared.checksum.clone();
        if checksum.is_some() {
            check_checksum_sources(&prepared.sources, site)?;
        }
        let mut actions = Vec::new();
        for source in &prepared.sources {
            let git = parse_git_ref(source).map_err(|error| site.error(error.to_string()))?;
            let action = if let Some(mut git) = git.filter(|git| !git.indistinguishable_from_local) {
                if prepared.keyword == "COPY" {
                    return Err(site.error("source can't be a git ref for COPY"));
                }
                remote.keep_git_dir = agree_on_git_dir(remote.keep_git_dir, git.keep_git_dir, site)?;
                checksum = agree_on_checksum(checksum, &git.checksum, site)?;
                git.keep_git_dir = remote.keep_git_dir;
                git.checksum = checksum.clone().unwrap_or_default();
                let op = remote::git_source(&git, self.request.options.git_advice);
                let meta = NodeMeta { name: Some(name.to_owned()), ..NodeMeta::default() };
                let node = self.nodes.add(Op::Source(op), None, meta);
                plain(Some(node.output()), "/".to_owned())
            } else if remote::is_http(source) {
                if prepared.keyword == "COPY" {
                    return Err(site.error("source can't be a URL for COPY"));
                }
                if let Some(checksum) = &checksum {
                    remote::check_digest(checksum).map_err(|error| site.error(error))?;
                }
                let (op, file) = remote::http_source(source, checksum.as_deref());
                let meta = NodeMeta {
                    name: Some(name.to_owned()),
                    command: Some(String::new()),
                    ..NodeMeta::default()
                };
                let node = self.nodes.add(Op::Source(op), None, meta);
                CopyAction {
                    attempt_unpack: remote.unpack.unwrap_or(false),
                    ..plain(Some(node.output()), path::join("/", &file))
                }
            } else {
                if prepared.from_stage.is_none() {
                    lint::ignored_file(self.lint, site, source, self.request.ignore);
                }
                let unpack = remote.unpack.unwrap_or(prepared.keyword == "ADD");
                from_path(plain(prepared.from, String::new()), source, prepared.parents, unpack)
            };
            actions.push(FileAction::Copy(Box::new(action)));
        }
        for (file, body) in &prepared.inline {
            let output = heredoc::file(self.nodes, file, 0o644, body.clone());
            let action = plain(Some(output), path::join("/", file));
            actions.push(FileAction::Copy(Box::new(action)));
        }
        Ok(actions)
    }

    /// History, and which paths were read.
    fn finish_transfer(&mut self, prepared: &Prepared, state: &mut StageState) {
        let created_by = history_text(prepared);
        history::layer(&mut state.config, self.request.stages.epoch, created_by);
        for source in &prepared.sources {
            match prepared.from_stage {
                Some(stage) => self.usage.use_stage(stage, source),
                None if remote::is_http(source) => {}
                None => self.usage.use_context(source),
            }
        }
    }
}

fn remote_of(add: &Add) -> Remote {
    Remote { keep_git_dir: add.keep_git_dir, unpack: add.unpack }
}

fn is_remote(source: &str) -> bool {
    remote::is_http(source)
        || matches!(parse_git_ref(source), Ok(Some(git)) if !git.indistinguishable_from_local)
}

/// What every source has in common; paths add to it.
fn copy_action(source: State, src: String, dest: String, mode: &Mode, has_mode: bool) -> CopyAction {
    let (mode, mode_str) = match mode {
        _ if !has_mode => (-1, String::new()),
        Mode::Octal(mode) => (i32::try_from(*mode).unwrap_or(-1), String::new()),
        Mode::Symbolic(text) => (0, text.clone()),
    };
    CopyAction {
        source,
        src,
        dest,
        owner: None,
        mode,
        mode_str,
        follow_symlink: false,
        dir_copy_contents: false,
        attempt_unpack: false,
        create_dest_path: true,
        allow_wildcard: false,
        allow_empty_wildcard: false,
        timestamp: -1,
        include_patterns: Vec::new(),
        exclude_patterns: Vec::new(),
        always_replace_existing_dest_paths: false,
        required_paths: Vec::new(),
    }
}

/// A path source; `--parents` splits it into a root and a pattern at the first `/./`.
fn from_path(plain: CopyAction, source: &str, parents: bool, unpack: bool) -> CopyAction {
    let action = CopyAction {
        follow_symlink: true,
        dir_copy_contents: true,
        attempt_unpack: unpack,
        allow_wildcard: true,
        allow_empty_wildcard: true,
        ..plain
    };
    if !parents {
        return CopyAction { src: path::source(source), ..action };
    }
    let (root, pattern) = source.split_once("/./").unwrap_or(("/", source));
    let pattern = path::source(pattern);
    let root = path::source(root);
    let literal = !has_wildcard(&root) && !has_wildcard(&pattern);
    let required = literal.then(|| path::join(&root, &pattern));
    CopyAction {
        src: root,
        include_patterns: vec![pattern.trim_start_matches('/').to_owned()],
        required_paths: required.into_iter().collect(),
        ..action
    }
}

/// Whether a path is a pattern; a backslash takes the next character's meaning.
fn has_wildcard(path: &str) -> bool {
    let mut chars = path.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                chars.next();
            }
            '*' | '?' | '[' => return true,
            _ => {}
        }
    }
    false
}

fn history_text(prepared: &Prepared) -> String {
    let mut parts = vec![prepared.keyword.to_owned()];
    if prepared.parents {
        parts.push("--parents".to_owned());
    }
    parts.extend(prepared.chown.iter().map(|value| format!("--chown={value}")));
    parts.extend(prepared.chmod.iter().map(|value| format!("--chmod={value}")));
    parts.extend(prepared.sources.iter().cloned());
    parts.extend(prepared.inline.iter().map(|(name, _)| format!("<<{name}")));
    parts.push(prepared.dest.clone());
    parts.push("# buildkit".to_owned());
    parts.join(" ")
}

/// An owner as LLB has it.
pub(super) fn owner_of(owner: &chown::Owner) -> Owner {
    let principal = |principal: &Principal| match principal {
        Principal::Id(id) => UserRef::Id(*id),
        Principal::Name(name) => UserRef::Name(name.clone()),
    };
    Owner { user: Some(principal(&owner.user)), group: owner.group.as_ref().map(principal) }
}

fn has_names(owner: &chown::Owner) -> bool {
    let is_name = |principal: &Principal| matches!(principal, Principal::Name(_));
    is_name(&owner.user) || owner.group.as_ref().is_some_and(is_name)
}

/// A linked copy is made without the files below, so nothing can say what a name means.
fn refuse_names(
    chown: Option<&str>,
    owner: Option<&chown::Owner>,
    site: &Site<'_>,
) -> Result<(), Diagnostic> {
    match (chown, owner) {
        (Some(chown), Some(owner)) if has_names(owner) => Err(site.error(format!(
            "--chown={chown}: user and group names can't be resolved when used with --link, \
             use numeric uid[:gid] instead"
        ))),
        _ => Ok(()),
    }
}

fn check_checksum_sources(sources: &[String], site: &Site<'_>) -> Result<(), Diagnostic> {
    match sources {
        [source] if is_remote(source) => Ok(()),
        [_] => Err(site.error("checksum requires HTTP(S) or Git sources")),
        _ => Err(site.error("checksum can't be specified for multiple sources")),
    }
}

/// The flag and the query of a git URL must not differ; what is known sticks for later sources.
fn agree_on_git_dir(
    flag: Option<bool>,
    query: Option<bool>,
    site: &Site<'_>,
) -> Result<Option<bool>, Diagnostic> {
    match (flag, query) {
        (Some(flag), Some(query)) if flag != query => {
            Err(site.error("inconsistent keep-git-dir configuration"))
        }
        _ => Ok(query.or(flag)),
    }
}

fn agree_on_checksum(
    flag: Option<String>,
    query: &str,
    site: &Site<'_>,
) -> Result<Option<String>, Diagnostic> {
    match flag {
        Some(flag) if !query.is_empty() && flag != query => {
            Err(site.error(format!("checksum mismatch {} != {}", quote(&flag), quote(query))))
        }
        Some(flag) if query.is_empty() => Ok(Some(flag)),
        _ => Ok(Some(query.to_owned()).filter(|query| !query.is_empty())),
    }
}

/// The official frontend draws a random id; ours is a function of the instruction's place.
fn group_id(site: &Site<'_>, name: &str) -> String {
    let place = format!("{}\0{}\0{name}", site.id.index(), site.index);
    let digest = Sha256::digest(place.as_bytes());
    digest.iter().take(GROUP_ID_BYTES).map(|byte| format!("{byte:02x}")).collect()
}

/// Enough that two groups of a build never meet.
const GROUP_ID_BYTES: usize = 12;
