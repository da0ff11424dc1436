//! Path patterns: `*`, `?` and `[…]` within a component, `**` for any number of components.

use crate::rootfs::{FileKind, Rootfs, RootfsError, RootfsPath};

/// Whether one component (or a soname) matches; `\` takes the next byte as it is.
pub(super) fn matches_name(pattern: &[u8], name: &[u8]) -> bool {
    // Iterative with one point of return, so that a hostile pattern costs at most its length times the name's.
    let (mut p, mut n) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    loop {
        let step = match pattern.get(p) {
            None if n == name.len() => return true,
            None => None,
            Some(b'*') => {
                retry = Some((p + 1, n));
                p += 1;
                continue;
            }
            Some(_) => name.get(n).and_then(|byte| match_one(&pattern[p..], *byte)),
        };
        if let Some(width) = step {
            p += width;
            n += 1;
        } else if let Some((from, at)) = retry.filter(|(_, at)| *at < name.len()) {
            retry = Some((from, at + 1));
            p = from;
            n = at + 1;
        } else {
            return false;
        }
    }
}

/// The width of the pattern part that matches `byte`.
fn match_one(pattern: &[u8], byte: u8) -> Option<usize> {
    match pattern {
        [b'?', ..] => Some(1),
        [b'\\', literal, ..] => (*literal == byte).then_some(2),
        [b'[', rest @ ..] => match_class(rest, byte),
        [literal, ..] => (*literal == byte).then_some(1),
        [] => None,
    }
}

fn match_class(rest: &[u8], byte: u8) -> Option<usize> {
    let negated = matches!(rest.first(), Some(b'^' | b'!'));
    let start = usize::from(negated);
    let end = rest.iter().skip(start + 1).position(|b| *b == b']')? + start + 1;
    let class = &rest[start..end];
    let mut inside = false;
    let mut at = 0;
    while at < class.len() {
        if at + 2 < class.len() && class[at + 1] == b'-' {
            inside |= (class[at]..=class[at + 2]).contains(&byte);
            at += 3;
        } else {
            inside |= class[at] == byte;
            at += 1;
        }
    }
    (inside != negated).then_some(end + 2)
}

/// Whether the whole path matches a pattern.
#[cfg(test)]
fn matches_path(pattern: &[u8], path: &RootfsPath) -> bool {
    let path: Vec<&[u8]> = path.components().collect();
    matched_lengths(pattern, &path).last() == Some(true)
}

/// Whether the path or one of its parents matches.
pub(super) fn covers(pattern: &[u8], path: &RootfsPath) -> bool {
    let path: Vec<&[u8]> = path.components().collect();
    matched_lengths(pattern, &path).skip(1).any(|matched| matched)
}

/// For each number of components, whether the pattern matches the first so many of the path.
fn matched_lengths(pattern: &[u8], path: &[&[u8]]) -> impl Iterator<Item = bool> {
    // reachable[j]: the pattern so far matches the first j components.
    let mut reachable = vec![false; path.len() + 1];
    reachable[0] = true;
    for part in parts(pattern) {
        if part == b"**" {
            let mut any = false;
            for slot in &mut reachable {
                any |= *slot;
                *slot = any;
            }
        } else {
            for at in (0..path.len()).rev() {
                reachable[at + 1] = reachable[at] && matches_name(part, path[at]);
            }
            reachable[0] = false;
        }
    }
    reachable.into_iter()
}

/// Whether the text has a wildcard that is not escaped.
pub(super) fn has_wildcard(pattern: &[u8]) -> bool {
    let mut escaped = false;
    for byte in pattern {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'*' | b'?' | b'[' => return true,
            _ => {}
        }
    }
    false
}

/// The pattern's text without escapes, for patterns without wildcards.
pub(super) fn literal(pattern: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(pattern.len());
    let mut escaped = false;
    for byte in pattern {
        if *byte == b'\\' && !escaped {
            escaped = true;
        } else {
            out.push(*byte);
            escaped = false;
        }
    }
    out
}

/// The paths of `rootfs` that match, sorted; links in the fixed parts are followed, those that a wildcard meets are not.
///
/// # Errors
/// What the root answers; more than [`MAX_MATCHES`] names.
pub(super) fn expand(rootfs: &dyn Rootfs, pattern: &[u8]) -> Result<Vec<RootfsPath>, RootfsError> {
    let mut found = vec![RootfsPath::root()];
    for part in parts(pattern) {
        let mut next = Vec::new();
        for dir in found {
            if part == b"**" {
                next.push(dir.clone());
                below(rootfs, &dir, &mut next)?;
            } else if has_wildcard(part) {
                for entry in list_or_nothing(rootfs, &dir)? {
                    if matches_name(part, &entry.name) {
                        next.push(dir.join(&entry.name));
                    }
                }
            } else {
                let path = dir.join(&literal(part));
                if rootfs.stat(&path)?.is_some() {
                    next.push(path);
                }
            }
            if next.len() > MAX_MATCHES {
                return Err(RootfsError::TooManyEntries { path: dir, limit: MAX_MATCHES });
            }
        }
        next.sort();
        next.dedup();
        found = next;
    }
    found.retain(|path| !path.is_root());
    Ok(found)
}

/// Everything below `dir`, links not followed.
///
/// # Errors
/// As [`expand`].
pub(super) fn below(
    rootfs: &dyn Rootfs,
    dir: &RootfsPath,
    found: &mut Vec<RootfsPath>,
) -> Result<(), RootfsError> {
    let mut pending = vec![dir.clone()];
    while let Some(dir) = pending.pop() {
        for entry in list_or_nothing(rootfs, &dir)? {
            let path = dir.join(&entry.name);
            if entry.stat.kind == FileKind::Directory {
                pending.push(path.clone());
            }
            found.push(path);
            if found.len() > MAX_MATCHES {
                return Err(RootfsError::TooManyEntries { path: dir, limit: MAX_MATCHES });
            }
        }
    }
    Ok(())
}

fn list_or_nothing(rootfs: &dyn Rootfs, dir: &RootfsPath) -> Result<Vec<crate::rootfs::Entry>, RootfsError> {
    match rootfs.list(dir) {
        Err(RootfsError::NotFound(_) | RootfsError::NotADirectory(_)) => Ok(Vec::new()),
        other => other,
    }
}

fn parts(pattern: &[u8]) -> impl Iterator<Item = &[u8]> {
    pattern.split(|byte| *byte == b'/').filter(|part| !matches!(*part, b"" | b"."))
}

/// Names that one pattern may bring: a stage has some hundred thousand files.
const MAX_MATCHES: usize = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match() {
        let rows: [(&str, &str, &str, bool); 14] = [
            ("equal", "libz.so.1", "libz.so.1", true),
            ("star", "libssl.so.*", "libssl.so.3", true),
            ("star matches nothing too", "a*", "a", true),
            ("star in the middle", "a*c*e", "abcde", true),
            ("star backtracks", "*ab", "aab", true),
            ("no match", "a*c", "ab", false),
            ("question", "a?c", "abc", true),
            ("question needs a byte", "a?", "a", false),
            ("class", "[a-c]x", "bx", true),
            ("class not", "[^a-c]x", "bx", false),
            ("open class is no match", "[ab", "a", false),
            ("escape", "a\\*", "a*", true),
            ("escape is literal", "a\\*", "ab", false),
            ("empty", "", "", true),
        ];
        for (summary, pattern, name, expected) in rows {
            assert_eq!(matches_name(pattern.as_bytes(), name.as_bytes()), expected, "{summary}");
        }
    }

    #[test]
    fn paths_match() {
        let rows: [(&str, &str, &str, bool); 7] = [
            ("two stars take none", "/a/**", "/a", true),
            ("two stars take many", "/a/**", "/a/b/c", true),
            ("two stars in the middle", "/a/**/z", "/a/b/c/z", true),
            ("star stays in its component", "/a/*", "/a/b/c", false),
            ("leading two stars", "**/x.pem", "/a/x.pem", true),
            ("relative counts from the root", "a/b", "/a/b", true),
            ("nothing else", "/a/b", "/a/c", false),
        ];
        for (summary, pattern, path, expected) in rows {
            assert_eq!(matches_path(pattern.as_bytes(), &RootfsPath::from(path)), expected, "{summary}");
        }
        assert!(covers(b"/usr/share/doc", &RootfsPath::from("/usr/share/doc/x/copyright")));
    }
}
