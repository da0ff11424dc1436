//! The copies of one COPY or ADD: one for each source, paths before heredocs.

use super::super::{Lowering, Site, StageState, heredoc, lint, path};
use super::prepared::{Keyword, Prepared};
use crate::diagnostic::Diagnostic;
use crate::dockerfile::chmod::Mode;
use crate::dockerfile::git_ref::{GitRef, parse_git_ref};
use crate::dockerfile::quote::quote;
use crate::llb::op::{CopyAction, FileAction, Op, Owner, SourceOp};
use crate::llb::remote;
use crate::llb::{NodeMeta, Output, State};

/// What a word of COPY or ADD stands for, tested in this order.
enum Source {
    Git(GitRef),
    Http,
    Path,
}

impl Source {
    fn of(word: &str, site: &Site<'_>) -> Result<Self, Diagnostic> {
        let git = parse_git_ref(word).map_err(|error| site.error(error.to_string()))?;
        Ok(match git {
            Some(git) if !git.indistinguishable_from_local => Self::Git(git),
            _ if remote::is_http(word) => Self::Http,
            _ => Self::Path,
        })
    }
}

/// Whether a word is no path.
pub(super) fn is_remote(word: &str) -> bool {
    remote::is_http(word) || matches!(parse_git_ref(word), Ok(Some(git)) if !git.indistinguishable_from_local)
}

/// What the git sources of one ADD agree on; what a query says sticks for the sources after it.
struct Agreed {
    keep_git_dir: Option<bool>,
    checksum: Option<String>,
}

impl Lowering<'_> {
    /// `name` is the vertex name, which remote sources share.
    pub(super) fn copy_actions(
        &mut self,
        prepared: &Prepared,
        owner: Option<&Owner>,
        name: &str,
        site: &Site<'_>,
        state: &StageState,
    ) -> Result<Vec<FileAction>, Diagnostic> {
        let dest = path::destination(&state.cwd, &prepared.dest);
        let plain = |source: State, src: String| plain_copy(prepared, owner, source, src, &dest);
        if prepared.checksum.is_some() {
            check_checksum_sources(&prepared.sources, site)?;
        }
        let mut agreed = Agreed { keep_git_dir: prepared.keep_git_dir, checksum: prepared.checksum.clone() };
        let mut actions = Vec::new();
        for word in &prepared.sources {
            let action = match Source::of(word, site)? {
                Source::Git(_) if prepared.keyword == Keyword::Copy => {
                    return Err(site.error("source can't be a git ref for COPY"));
                }
                Source::Http if prepared.keyword == Keyword::Copy => {
                    return Err(site.error("source can't be a URL for COPY"));
                }
                Source::Git(git) => {
                    // The official frontend reads the query's `mtime` for contexts alone.
                    let git = GitRef { mtime: None, ..agreed.apply(git, site)? };
                    let op = remote::git_source(&git, self.request.options.git_advice);
                    plain(Some(self.remote(op, name, None)), "/".to_owned())
                }
                Source::Http => {
                    if let Some(checksum) = &agreed.checksum {
                        remote::check_digest(checksum).map_err(|error| site.error(error))?;
                    }
                    let (op, file) = remote::http_source(word, agreed.checksum.as_deref());
                    // The official frontend describes these by an empty command.
                    let source = self.remote(op, name, Some(String::new()));
                    let attempt_unpack = prepared.unpack.unwrap_or(false);
                    CopyAction { attempt_unpack, ..plain(Some(source), path::join("/", &file)) }
                }
                Source::Path => {
                    if prepared.from_stage.is_none() {
                        lint::ignored_file(self.lint, site, word, self.request.ignore);
                    }
                    path_copy(plain(prepared.from, String::new()), word, prepared)
                }
            };
            actions.push(FileAction::Copy(Box::new(action)));
        }
        for (file, body) in &prepared.inline {
            let output = heredoc::file(self.nodes, file, 0o644, body);
            let action = plain(Some(output), path::join("/", file));
            actions.push(FileAction::Copy(Box::new(action)));
        }
        Ok(actions)
    }

    fn remote(&mut self, op: SourceOp, name: &str, command: Option<String>) -> Output {
        let meta = NodeMeta { name: Some(name.to_owned()), command, ..NodeMeta::default() };
        self.nodes.add(Op::Source(op), None, meta).output()
    }
}

/// What every source has in common; paths add to it.
fn plain_copy(
    prepared: &Prepared,
    owner: Option<&Owner>,
    source: State,
    src: String,
    dest: &str,
) -> CopyAction {
    let (mode, mode_str) = match &prepared.chmod {
        None => (-1, String::new()),
        Some((_, Mode::Octal(mode))) => (i32::try_from(*mode).unwrap_or(-1), String::new()),
        Some((_, Mode::Symbolic(text))) => (0, text.clone()),
    };
    CopyAction {
        owner: owner.cloned(),
        mode,
        mode_str,
        exclude_patterns: prepared.exclude.clone(),
        ..CopyAction::new(source, src, dest)
    }
}

/// A path source; `--parents` splits it into a root and a pattern at the first `/./`.
fn path_copy(plain: CopyAction, source: &str, prepared: &Prepared) -> CopyAction {
    let action = CopyAction {
        follow_symlink: true,
        dir_copy_contents: true,
        attempt_unpack: prepared.unpack.unwrap_or(prepared.keyword == Keyword::Add),
        allow_wildcard: true,
        allow_empty_wildcard: true,
        ..plain
    };
    if !prepared.parents {
        return CopyAction { src: path::source(source), ..action };
    }
    let (root, pattern) = source.split_once("/./").unwrap_or(("/", source));
    // An absolute pattern loses its first slash and nothing else, a relative one is cleaned.
    let pattern = if pattern.starts_with('/') { pattern.to_owned() } else { path::source(pattern) };
    let root = path::source(root);
    let literal = !has_wildcard(&root) && !has_wildcard(&pattern);
    let required = literal.then(|| path::join(&root, &pattern));
    CopyAction {
        src: root,
        include_patterns: vec![pattern.strip_prefix('/').unwrap_or(&pattern).to_owned()],
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

fn check_checksum_sources(sources: &[String], site: &Site<'_>) -> Result<(), Diagnostic> {
    match sources {
        [source] if is_remote(source) => Ok(()),
        [_] => Err(site.error("checksum requires HTTP(S) or Git sources")),
        _ => Err(site.error("checksum can't be specified for multiple sources")),
    }
}

impl Agreed {
    /// Flags of the instruction and the query of a URL must not differ.
    fn apply(&mut self, git: GitRef, site: &Site<'_>) -> Result<GitRef, Diagnostic> {
        if let (Some(flag), Some(query)) = (self.keep_git_dir, git.keep_git_dir)
            && flag != query
        {
            return Err(site.error("inconsistent keep-git-dir configuration"));
        }
        self.keep_git_dir = git.keep_git_dir.or(self.keep_git_dir);
        if !git.checksum.is_empty() {
            if let Some(flag) = self.checksum.as_ref().filter(|flag| **flag != git.checksum) {
                let message = format!("checksum mismatch {} != {}", quote(flag), quote(&git.checksum));
                return Err(site.error(message));
            }
            self.checksum = Some(git.checksum.clone());
        }
        Ok(GitRef {
            keep_git_dir: self.keep_git_dir,
            checksum: self.checksum.clone().unwrap_or_default(),
            ..git
        })
    }
}
