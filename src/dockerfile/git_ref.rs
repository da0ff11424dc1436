//! Git references: what ADD takes as a git source, and contexts.

/// A git repository at a point in its history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GitRef {
    /// Remote URL without query and fragment.
    pub remote: String,
    /// Host and path without scheme and user: the part of the source id after `git://`.
    pub short: String,
    pub scheme: GitScheme,
    /// Branch, tag or commit; empty for the default branch. `tag=`/`branch=` carry their `refs/…/` prefix.
    pub reference: String,
    /// Cleaned, no leading `/`; empty for the root.
    pub subdir: String,
    pub checksum: String,
    pub keep_git_dir: Option<bool>,
    pub submodules: Option<bool>,
    pub fetch_by_commit: Option<bool>,
    pub mtime: Option<GitMtime>,
    /// No scheme was written (`github.com/…`): git only for contexts.
    pub indistinguishable_from_local: bool,
    /// `http://` or `git://`.
    pub unencrypted: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GitScheme {
    #[default]
    Https,
    Http,
    Ssh,
    Git,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GitMtime {
    Checkout,
    Commit,
}

/// A git reference with a malformed query; texts equal the official frontend's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct GitRefError(pub String);

/// Reads a reference; `Ok(None)` if the text is no git reference at all.
///
/// # Errors
/// A git reference whose query is malformed or contradicts itself.
pub fn parse_git_ref(text: &str) -> Result<Option<GitRef>, GitRefError> {
    let _ = text;
    Ok(None)
}
