//! Git references: what ADD takes as a git source, and contexts.

use super::ignore::clean;
use super::number::boolean;
use super::quote::quote;
use super::url::{Url, parse_query};

/// A git repository at a point in its history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GitRef {
    /// Remote URL without query and fragment; with `https://` even if no scheme was written.
    pub remote: String,
    /// Host and path without scheme and user: the part of the source id after `git://`.
    pub short: String,
    /// Host and port, for the scan of ssh host keys.
    pub host: String,
    pub scheme: GitScheme,
    /// Branch, tag or commit; empty for the default branch. `tag=`/`branch=` carry their `refs/…/` prefix.
    pub reference: String,
    /// Cleaned, no leading `/`, if it stands in the fragment; as written in the query. Empty for the root.
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
pub enum GitRefError {
    #[error("query {} has no value", quote(.0))]
    NoValue(String),
    #[error("query {} has multiple values", quote(.0))]
    MultipleValues(String),
    #[error("unexpected query {}", quote(.0))]
    Unexpected(String),
    #[error("invalid {key} value: {}", quote(value))]
    Switch { key: String, value: String },
    #[error("invalid mtime value: {} (must be \"checkout\" or \"commit\")", quote(.0))]
    Mtime(String),
    #[error("{what} conflicts: {} vs {}", quote(one), quote(other))]
    Conflict { what: &'static str, one: String, other: String },
    #[error("branch conflicts with tag")]
    BranchAndTag,
}

/// Reads a reference; `Ok(None)` if the text is no git reference at all.
///
/// # Errors
/// A git reference whose query is malformed or contradicts itself.
pub fn parse_git_ref(text: &str) -> Result<Option<GitRef>, GitRefError> {
    let Some((mut git, fragment, query)) = locate(text) else { return Ok(None) };
    if !fragment.is_empty() {
        let (reference, subdir) = fragment.split_once(':').unwrap_or((&fragment, ""));
        reference.clone_into(&mut git.reference);
        clean(&format!("/{subdir}")).trim_start_matches('/').clone_into(&mut git.subdir);
    }
    apply(&mut git, query)?;
    Ok(Some(git))
}

type Pairs = Vec<(String, String)>;

/// Where the repository is, the fragment and the query.
fn locate(text: &str) -> Option<(GitRef, String, Pairs)> {
    if text.starts_with("./") || text.starts_with("../") {
        return None;
    }
    let scheme_end = text.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(text.len());
    let written = text.starts_with("github.com/");
    if !written && (scheme_end == 0 || !text[scheme_end..].starts_with("://")) {
        return locate_scp(text);
    }
    let url = Url::parse(&if written { format!("https://{text}") } else { text.to_owned() })?;
    let scheme = match url.scheme.as_str() {
        "https" => GitScheme::Https,
        "http" => GitScheme::Http,
        "ssh" => GitScheme::Ssh,
        "git" => GitScheme::Git,
        _ => return None,
    };
    let over_http = matches!(scheme, GitScheme::Http | GitScheme::Https);
    // Byte for byte: `.GIT` is a file like any other.
    if over_http && !written && url.path.strip_suffix(".git").is_none() {
        return None;
    }
    let git = GitRef {
        short: short(&url.host, &url.path),
        remote: url.remote,
        host: url.host,
        scheme,
        indistinguishable_from_local: written,
        unencrypted: matches!(scheme, GitScheme::Http | GitScheme::Git),
        ..GitRef::default()
    };
    Some((git, url.fragment, url.query))
}

/// `user@host:path[?query][#fragment]`.
fn locate_scp(text: &str) -> Option<(GitRef, String, Pairs)> {
    if text.contains('\n') {
        return None;
    }
    let (user, rest) = text.split_once('@')?;
    let (host, rest) = rest.split_once(':')?;
    let is_name = |name: &str, more: &str| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
    };
    if !is_name(user, "-_") || !is_name(host, "-.") {
        return None;
    }
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (query, complete) = parse_query(query);
    if !complete {
        return None;
    }
    let git = GitRef {
        remote: format!("{user}@{host}:{path}"),
        short: short(host, path),
        host: host.to_owned(),
        scheme: GitScheme::Ssh,
        ..GitRef::default()
    };
    Some((git, fragment.to_owned(), query))
}

fn short(host: &str, path: &str) -> String {
    format!("{host}{}", clean(&format!("/{path}")))
}

/// Takes the query's values over, in the order of their names.
fn apply(git: &mut GitRef, mut query: Pairs) -> Result<(), GitRefError> {
    query.sort();
    let repeated = query.windows(2).find(|pair| pair[0].0 == pair[1].0);
    if let Some(repeated) = repeated {
        return Err(GitRefError::MultipleValues(repeated[0].0.clone()));
    }
    let mut tag = String::new();
    let mut branch = String::new();
    for (key, value) in query {
        let is_switch = matches!(key.as_str(), "keep-git-dir" | "submodules" | "fetch-by-commit");
        if value.is_empty() && !is_switch {
            return Err(GitRefError::NoValue(key));
        }
        match key.as_str() {
            "ref" => merge("ref", &mut git.reference, value)?,
            "tag" => tag = value,
            "branch" => branch = value,
            "subdir" => merge("subdir", &mut git.subdir, value)?,
            "checksum" | "commit" => git.checksum = value,
            "keep-git-dir" => git.keep_git_dir = Some(switch(key, value)?),
            "submodules" => git.submodules = Some(switch(key, value)?),
            "fetch-by-commit" => git.fetch_by_commit = Some(switch(key, value)?),
            "mtime" => {
                git.mtime = Some(match value.as_str() {
                    "checkout" => GitMtime::Checkout,
                    "commit" => GitMtime::Commit,
                    _ => return Err(GitRefError::Mtime(value)),
                });
            }
            _ => return Err(GitRefError::Unexpected(key)),
        }
    }
    if !tag.is_empty() && !branch.is_empty() {
        // The tag's own conflict is found first.
        merge("ref", &mut git.reference, prefixed("refs/tags/", &tag))?;
        return Err(GitRefError::BranchAndTag);
    }
    for (prefix, name) in [("refs/tags/", tag), ("refs/heads/", branch)] {
        if !name.is_empty() {
            merge("ref", &mut git.reference, prefixed(prefix, &name))?;
        }
    }
    Ok(())
}

fn prefixed(prefix: &str, name: &str) -> String {
    if name.starts_with(prefix) { name.to_owned() } else { format!("{prefix}{name}") }
}

fn merge(what: &'static str, known: &mut String, value: String) -> Result<(), GitRefError> {
    if !known.is_empty() && *known != value {
        return Err(GitRefError::Conflict { what, one: std::mem::take(known), other: value });
    }
    *known = value;
    Ok(())
}

/// A switch in a query; without a value it is on.
fn switch(key: String, value: String) -> Result<bool, GitRefError> {
    if value.is_empty() {
        return Ok(true);
    }
    boolean(&value).ok_or(GitRefError::Switch { key, value })
}

#[cfg(test)]
mod tests {
    use super::{GitMtime, GitRef, parse_git_ref};

    #[test]
    fn finds_repositories() {
        for (text, expected) in [
            ("https://h/a/b.git", Some(("https://h/a/b.git", "h/a/b.git", "", ""))),
            ("https://h/a/b.git#v1:x/../y/", Some(("https://h/a/b.git", "h/a/b.git", "v1", "y"))),
            ("https://h/b.git?ref=v1&subdir=/x", Some(("https://h/b.git", "h/b.git", "v1", "/x"))),
            ("https://h/b.git?tag=v1", Some(("https://h/b.git", "h/b.git", "refs/tags/v1", ""))),
            ("https://h/b.git?branch=main", Some(("https://h/b.git", "h/b.git", "refs/heads/main", ""))),
            ("git://h/a", Some(("git://h/a", "h/a", "", ""))),
            ("ssh://git@h:22/a", Some(("ssh://git@h:22/a", "h:22/a", "", ""))),
            ("git@h:a/b?ref=x#:d", Some(("git@h:a/b", "h/a/b", "x", "d"))),
            ("github.com/a/b#m", Some(("https://github.com/a/b", "github.com/a/b", "m", ""))),
            ("https://h/a", None),
            ("https://h/a.git/", None),
            ("./a.git", None),
            ("a.git", None),
            ("ftp://h/a.git", None),
            ("h:a/b", None),
            ("", None),
        ] {
            let git = parse_git_ref(text).unwrap();
            let found = git.as_ref().map(|git| (&*git.remote, &*git.short, &*git.reference, &*git.subdir));
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn reads_queries() {
        let text = "https://h/a.git?keep-git-dir&submodules=false&fetch-by-commit=1&mtime=commit&commit=abc";
        let git = parse_git_ref(text).unwrap().unwrap();
        let expected = GitRef {
            keep_git_dir: Some(true),
            submodules: Some(false),
            fetch_by_commit: Some(true),
            mtime: Some(GitMtime::Commit),
            checksum: "abc".to_owned(),
            ..parse_git_ref("https://h/a.git").unwrap().unwrap()
        };
        assert_eq!(git, expected);
    }

    #[test]
    fn refuses_queries() {
        for (query, expected) in [
            ("ref=", "query \"ref\" has no value"),
            ("ref=a&ref=a", "query \"ref\" has multiple values"),
            ("k=1", "unexpected query \"k\""),
            ("keep-git-dir=v", "invalid keep-git-dir value: \"v\""),
            ("submodules=v", "invalid submodules value: \"v\""),
            ("mtime=v", "invalid mtime value: \"v\" (must be \"checkout\" or \"commit\")"),
            ("ref=a#b", "ref conflicts: \"b\" vs \"a\""),
            ("subdir=a#:b", "subdir conflicts: \"b\" vs \"a\""),
            ("tag=a&ref=b", "ref conflicts: \"b\" vs \"refs/tags/a\""),
            ("tag=a&branch=b", "branch conflicts with tag"),
        ] {
            let error = parse_git_ref(&format!("https://h/a.git?{query}")).unwrap_err();
            assert_eq!(error.to_string(), expected, "{query}");
        }
    }
}
