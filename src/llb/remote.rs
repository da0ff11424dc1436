//! Source ops of what is fetched: git repositories and HTTP files.

use std::collections::BTreeMap;

use crate::dockerfile::git_ref::{GitMtime, GitRef, GitScheme};
use crate::llb::op::SourceOp;

/// The source op of a git reference (dockerfile-semantics 2.6.4).
pub(crate) fn git_source(git: &GitRef, advice: bool) -> SourceOp {
    let mut identifier = format!("git://{}", git.short);
    if !git.reference.is_empty() || !git.subdir.is_empty() {
        identifier.push('#');
        identifier.push_str(&git.reference);
    }
    if !git.subdir.is_empty() {
        identifier.push(':');
        identifier.push_str(&git.subdir);
    }
    let mut attrs = BTreeMap::new();
    let mut set = |name: &str, value: &str| {
        attrs.insert(name.to_owned(), value.to_owned());
    };
    set("git.fullurl", &git.remote);
    set("git.authheadersecret", "GIT_AUTH_HEADER");
    set("git.authtokensecret", "GIT_AUTH_TOKEN");
    if advice {
        set("git.advice", "true");
    }
    if git.keep_git_dir == Some(true) {
        set("git.keepgitdir", "true");
    }
    if !git.checksum.is_empty() {
        set("git.checksum", &git.checksum);
    }
    if git.submodules == Some(false) {
        set("git.skipsubmodules", "true");
    }
    match git.mtime {
        Some(GitMtime::Checkout) => set("git.mtime", "checkout"),
        Some(GitMtime::Commit) => set("git.mtime", "commit"),
        None => {}
    }
    if git.fetch_by_commit == Some(true) {
        set("git.fetchbycommit", "true");
    }
    if git.scheme == GitScheme::Ssh {
        set("git.mountsshsock", "default");
    }
    SourceOp { identifier, attrs }
}

/// Whether a word of ADD is a URL that is fetched over HTTP.
pub(crate) fn is_http(word: &str) -> bool {
    word.starts_with("http://") || word.starts_with("https://")
}

/// The source op of an HTTP file and the name that the file gets.
pub(crate) fn http_source(url: &str, checksum: Option<&str>) -> (SourceOp, String) {
    let name = http_filename(url);
    let mut attrs = BTreeMap::from([("http.filename".to_owned(), name.clone())]);
    if let Some(checksum) = checksum {
        attrs.insert("http.checksum".to_owned(), checksum.to_owned());
    }
    (SourceOp { identifier: url.to_owned(), attrs }, name)
}

/// The last part of the URL's path, percent escapes decoded.
fn http_filename(url: &str) -> String {
    const UNNAMED: &str = "__unnamed__";
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    let end = after_scheme.find(['?', '#']).unwrap_or(after_scheme.len());
    let Some((_, path)) = after_scheme[..end].split_once('/') else { return UNNAMED.to_owned() };
    let Some(decoded) = percent_decode(path) else { return UNNAMED.to_owned() };
    match decoded.trim_end_matches('/').rsplit('/').next() {
        None | Some("" | ".") => UNNAMED.to_owned(),
        Some(name) => name.to_owned(),
    }
}

/// `None` for a malformed escape, which makes the whole URL unreadable.
fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        if byte == b'%' {
            let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &tail[2..];
        } else {
            bytes.push(byte);
            rest = tail;
        }
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// A digest of an HTTP file, as `go-digest` checks it.
pub(crate) fn check_digest(digest: &str) -> Result<(), &'static str> {
    const FORMAT: &str = "invalid checksum digest format";
    let (algorithm, hex) = digest.split_once(':').ok_or(FORMAT)?;
    let separators = ['+', '.', '_', '-'];
    let known_letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || separators.contains(&c);
    let well_formed = algorithm.starts_with(|c: char| c.is_ascii_lowercase())
        && algorithm.chars().all(known_letters)
        && hex.len() > 1
        && hex.chars().all(|c| c.is_ascii_alphanumeric() || "=_-".contains(c));
    if !well_formed {
        return Err(FORMAT);
    }
    let length = match algorithm {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ => return Err("unsupported digest algorithm"),
    };
    if hex.len() != length {
        return Err("invalid checksum digest length");
    }
    if hex.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c)) { Ok(()) } else { Err(FORMAT) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_files_by_their_url() {
        for (url, expected) in [
            ("https://example.com/a/b.tar.gz?x=/y#z", "b.tar.gz"),
            ("https://example.com", "__unnamed__"),
            ("https://example.com/", "__unnamed__"),
            ("https://example.com/d/", "d"),
            ("https://example.com/a%20b", "a b"),
            ("https://example.com/a%zz", "__unnamed__"),
        ] {
            assert_eq!(http_filename(url), expected, "{url}");
        }
    }
}
