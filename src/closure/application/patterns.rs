//! Lists of names and paths in the rules: `/a/b` is that path, `a/b` any path that ends so, each name with `*` and `?`.

use std::collections::BTreeMap;

use crate::closure::glob;
use crate::rootfs::RootfsPath;
use crate::rules::Application;

/// Patterns that are asked for many paths.
pub(in crate::closure) struct Patterns {
    /// Those whose last name has no wildcard, by that name.
    plain: BTreeMap<Vec<u8>, Vec<Pattern>>,
    wild: Vec<Pattern>,
}

struct Pattern {
    /// Reversed: the last name first.
    names: Vec<Vec<u8>>,
    absolute: bool,
}

impl Patterns {
    pub(in crate::closure) fn new<'t>(texts: impl IntoIterator<Item = &'t String>) -> Self {
        let mut patterns = Self { plain: BTreeMap::new(), wild: Vec::new() };
        for text in texts {
            let names: Vec<Vec<u8>> =
                text.split('/').rev().filter(|name| !name.is_empty()).map(Into::into).collect();
            let Some(last) = names.first().cloned() else { continue };
            let pattern = Pattern { names, absolute: text.starts_with('/') };
            if glob::has_wildcard(&last) || last.contains(&b'\\') {
                patterns.wild.push(pattern);
            } else {
                patterns.plain.entry(last).or_default().push(pattern);
            }
        }
        patterns
    }

    /// Whether one of them is this path; what is below a path that matches does not match.
    pub(in crate::closure) fn matches(&self, path: &RootfsPath) -> bool {
        self.match_bytes(path.as_bytes())
    }

    /// Whether one of them is this path or a directory above it.
    pub(in crate::closure) fn cover(&self, path: &RootfsPath) -> bool {
        let mut at = path.as_bytes();
        loop {
            if self.match_bytes(at) {
                return true;
            }
            match at.iter().rposition(|byte| *byte == b'/') {
                Some(end) if end > 0 => at = &at[..end],
                _ => return false,
            }
        }
    }

    fn match_bytes(&self, path: &[u8]) -> bool {
        let name = path.iter().rposition(|byte| *byte == b'/').map_or(path, |at| &path[at + 1..]);
        let plain = self.plain.get(name);
        plain.into_iter().flatten().chain(&self.wild).any(|pattern| pattern.matches(path))
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

/// Whether a path is what an installed package of a language has for its tests.
pub(in crate::closure) fn is_in_tests(rules: &Application, path: &RootfsPath) -> bool {
    Patterns::new(&rules.dependencies).cover(path) && Patterns::new(&rules.tests).cover(path)
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
