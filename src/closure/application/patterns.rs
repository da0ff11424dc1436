//! Lists of names and paths in the rules: `/a/b` is that path, `a/b` any path that ends so, each name with `*` and `?`.

use crate::closure::glob;
use crate::rootfs::RootfsPath;

/// Patterns that are asked for many paths.
pub(in crate::closure) struct Patterns {
    patterns: Vec<Pattern>,
}

struct Pattern {
    /// Reversed: the last name, by which most paths are told apart, first.
    names: Vec<Vec<u8>>,
    absolute: bool,
}

impl Patterns {
    pub(in crate::closure) fn new<'t>(texts: impl IntoIterator<Item = &'t String>) -> Self {
        let patterns = texts.into_iter().map(|text| Pattern {
            names: text.split('/').rev().filter(|name| !name.is_empty()).map(Into::into).collect(),
            absolute: text.starts_with('/'),
        });
        Self { patterns: patterns.collect() }
    }

    /// Whether one of them is this path; what is below a path that matches does not match.
    pub(in crate::closure) fn matches(&self, path: &RootfsPath) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(path.as_bytes()))
    }

    /// Whether one of them is this path or a directory above it.
    pub(in crate::closure) fn cover(&self, path: &RootfsPath) -> bool {
        let mut at = Some(path.clone());
        while let Some(path) = at {
            if self.matches(&path) {
                return true;
            }
            at = path.parent();
        }
        false
    }
}

impl Pattern {
    fn matches(&self, path: &[u8]) -> bool {
        let mut names = path.split(|byte| *byte == b'/').rev().filter(|name| !name.is_empty());
        let ends = self
            .names
            .iter()
            .all(|pattern| names.next().is_some_and(|name| glob::matches_name(pattern, name)));
        ends && (!self.absolute || names.next().is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_endings_match() {
        let rows: [(&str, &str, bool, bool); 8] = [
            ("/var/log", "/var/log", true, true),
            ("/var/log", "/var/log/x", false, true),
            ("/var/log", "/srv/var/log", false, false),
            ("*.go", "/app/main.go", true, true),
            ("*.go", "/app/x.go/y", false, true),
            (".cache/pip", "/root/.cache/pip", true, true),
            (".cache/pip", "/root/pip", false, false),
            ("target/*-*-*", "/app/target/x86_64-unknown-linux-musl", true, true),
        ];
        for (pattern, path, matches, covers) in rows {
            let patterns = Patterns::new([&pattern.to_owned()]);
            let path = RootfsPath::from(path);
            assert_eq!(
                (patterns.matches(&path), patterns.cover(&path)),
                (matches, covers),
                "{pattern} {path}"
            );
        }
    }
}
