//! Lexical paths as Go's `path` package treats them: what ends up in ops decides their digests.

/// Go's `path.Clean`: no empty, `.` or inner `..` parts, no trailing slash; `.` for the empty path.
pub(super) fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => match parts.last() {
                Some(&last) if last != ".." => {
                    parts.pop();
                }
                _ if rooted => {}
                _ => parts.push(".."),
            },
            name => parts.push(name),
        }
    }
    let joined = parts.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

/// Go's `path.Join` of two parts.
pub(super) fn join(dir: &str, path: &str) -> String {
    match (dir.is_empty(), path.is_empty()) {
        (true, true) => String::new(),
        (true, false) => clean(path),
        (false, true) => clean(dir),
        (false, false) => clean(&format!("{dir}/{path}")),
    }
}

/// Go's `path.Base`: the last part.
pub(super) fn base(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    match trimmed.rsplit('/').next() {
        _ if path.is_empty() => ".",
        Some("") | None => "/",
        Some(name) => name,
    }
}

/// A working directory: absolute ones stay as typed, others are joined to `current`.
pub(super) fn workdir(current: &str, new: &str) -> String {
    let parent = match current {
        "" => "/".to_owned(),
        current if current.starts_with('/') => current.to_owned(),
        current => join("/", current),
    };
    match new {
        "" => parent,
        new if new.starts_with('/') => new.to_owned(),
        new => join(&parent, new),
    }
}

/// A source of a copy: from the root, cleaned; `..` stops at the root.
pub(super) fn source(path: &str) -> String {
    join("/", path)
}

/// A copy destination in a stage whose working directory is `cwd`; a trailing `/` or `/.` says "into this
/// directory" and is kept.
pub(super) fn destination(cwd: &str, path: &str) -> String {
    let typed = if path.is_empty() || path == "." { "./" } else { path };
    let joined = if typed.starts_with('/') { clean(typed) } else { join(&join("/", cwd), typed) };
    keep_slash(typed, joined)
}

fn keep_slash(typed: &str, cleaned: String) -> String {
    if typed.ends_with('/') && !cleaned.ends_with('/') {
        return cleaned + "/";
    }
    if typed.ends_with("/.") {
        let slash = if cleaned == "/" { "" } else { "/" };
        return format!("{cleaned}{slash}.");
    }
    cleaned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cleans_as_go_does() {
        for (path, expected) in [
            ("", "."),
            ("/", "/"),
            ("//a//b/", "/a/b"),
            ("a/../..", ".."),
            ("/../x", "/x"),
            ("./a/./b", "a/b"),
        ] {
            assert_eq!(clean(path), expected, "{path}");
        }
    }

    #[test]
    fn destinations_keep_what_says_directory() {
        for (cwd, path, expected) in [
            ("/", "", "/"),
            ("/w", "", "/w/"),
            ("/w", ".", "/w/"),
            ("/w", "d/", "/w/d/"),
            ("/w", "/d/.", "/d/."),
            ("/w", "/.", "/."),
            ("/w", "../x", "/x"),
            ("/w/", "x", "/w/x"),
        ] {
            assert_eq!(destination(cwd, path), expected, "{cwd} {path}");
        }
    }

    #[test]
    fn workdirs_keep_absolute_paths_as_typed() {
        for (current, new, expected) in [
            ("", "sub/", "/sub"),
            ("/a", "/abs/../q/", "/abs/../q/"),
            ("/abs/../q/", "b", "/q/b"),
            ("/a/", "", "/a/"),
            ("rel", "x", "/rel/x"),
        ] {
            assert_eq!(workdir(current, new), expected, "{current} {new}");
        }
    }
}
