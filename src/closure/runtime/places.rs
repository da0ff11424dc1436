//! What `{name}` in a runtime's paths stands for: the interpreter's home, its version, places and captured values.

use std::collections::{BTreeMap, BTreeSet};

use crate::closure::accounts::Accounts;
use crate::closure::evidence::cut;
use crate::closure::glob;
use crate::closure::set::Closure;
use crate::closure::strings;
use crate::rootfs::links::{self, Resolved};
use crate::rootfs::{RootfsError, RootfsPath};
use crate::rules::{Mechanism, Runtime, Value};

/// The values of names: a path with a name in it stands for one path with each of its values.
pub(in crate::closure) type Values = BTreeMap<String, Vec<String>>;

impl Closure<'_> {
    /// The values of an interpreter at a real path.
    ///
    /// # Errors
    /// What the roots answer.
    pub(super) fn places(
        &self,
        rule: &Runtime,
        program: &RootfsPath,
        view: usize,
    ) -> Result<Values, RootfsError> {
        let mut values = Values::new();
        let home = program.parent().and_then(|bin| bin.parent()).unwrap_or_else(RootfsPath::root);
        values.insert("home".to_owned(), vec![text(&self.home_by_environment(rule).unwrap_or(home))]);
        let version = rule.version.iter().find_map(|pattern| starred(pattern, program.name()));
        values.insert("version".to_owned(), version.into_iter().collect());
        let user = self.user_home(view);
        values.insert("user".to_owned(), user.into_iter().collect());
        values.extend(self.captured(rule, program)?);
        for mechanism in &rule.mechanism {
            if *mechanism == Mechanism::Pyvenv {
                self.python_environments(program, view, &mut values)?;
            }
        }
        self.find_places(rule, view, &mut values)?;
        Ok(values)
    }

    /// Sets the `[place]`s of a rule by the values that there are.
    ///
    /// # Errors
    /// What the roots answer.
    pub(super) fn find_places(
        &self,
        rule: &Runtime,
        view: usize,
        values: &mut Values,
    ) -> Result<(), RootfsError> {
        for (name, candidates) in &rule.place {
            let mut found = Vec::new();
            for pattern in candidates.iter().flat_map(|pattern| fill(pattern, &[&*values])) {
                found = glob::expand(&self.world.views[view], pattern.as_bytes())?;
                if !found.is_empty() {
                    break;
                }
            }
            values.insert(name.clone(), found.first().map(text).into_iter().collect());
        }
        for (name, patterns) in &rule.each {
            let mut found: Vec<String> = Vec::new();
            for pattern in patterns.iter().flat_map(|pattern| fill(pattern, &[&*values])) {
                for path in glob::expand(&self.world.views[view], pattern.as_bytes())? {
                    // Several names of one directory (`/lib64`) bring it once.
                    let path = match links::resolve(&self.world.views[view], &path) {
                        Ok(Resolved::Found { path, .. }) => text(&path),
                        _ => text(&path),
                    };
                    if !found.contains(&path) {
                        found.push(path);
                    }
                }
            }
            values.insert(name.clone(), found);
        }
        Ok(())
    }

    fn home_by_environment(&self, rule: &Runtime) -> Option<RootfsPath> {
        let home = rule.environment.iter().filter(|variable| variable.value == Value::Home);
        let set = home.flat_map(|variable| &variable.names).find_map(|name| self.env(name))?;
        let path = set.split(':').next().filter(|path| path.starts_with('/'))?;
        Some(RootfsPath::parse(path.as_bytes()))
    }

    /// HOME, else the home directory of the image's user (`passwd(5)`).
    pub(in crate::closure) fn user_home(&self, view: usize) -> Option<String> {
        if let Some(home) = self.env("HOME").filter(|home| home.starts_with('/')) {
            return Some(text(&RootfsPath::parse(home.as_bytes())));
        }
        let user = self.world.spec.config.user.split(':').next().unwrap_or_default();
        let nonroot = self.world.spec.variant.nonroot;
        let user = if !user.is_empty() {
            user
        } else if nonroot {
            "nonroot"
        } else {
            "root"
        };
        let home = |accounts: &Accounts| match user.parse() {
            Ok(uid) => accounts.user_of(uid).map(|user| user.home.clone()),
            Err(_) => accounts.user(user).map(|user| user.home.clone()),
        };
        home(&Accounts::read(&self.world.views[view])).or_else(|| home(&Accounts::base()))
    }

    fn captured(&self, rule: &Runtime, program: &RootfsPath) -> Result<Values, RootfsError> {
        let mut values: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let own: Vec<_> = rule.capture.iter().filter(|capture| capture.library.is_empty()).collect();
        if own.is_empty() {
            return Ok(Values::new());
        }
        let read = self.with_bytes(program, |bytes| {
            strings::scan(bytes, 4, &mut |run| {
                for capture in &own {
                    if let Some(value) = cut(run, capture.after.as_bytes(), capture.before.as_bytes()) {
                        values.entry(capture.name.clone()).or_default().insert(value);
                    }
                }
            })
        });
        if let Some(Err(crate::closure::elf::ElfError::Read(error))) = read {
            return Err(error);
        }
        Ok(values.into_iter().map(|(name, values)| (name, values.into_iter().collect())).collect())
    }
}

/// A pattern with each `{name}` replaced, in every way that there is; nothing when a name has no value.
pub(in crate::closure) fn fill(pattern: &str, values: &[&Values]) -> Vec<String> {
    let mut patterns = vec![pattern.to_owned()];
    for (name, values) in values.iter().copied().flatten() {
        let part = format!("{{{name}}}");
        if patterns.iter().any(|pattern| pattern.contains(&part)) {
            patterns = patterns
                .iter()
                .flat_map(|pattern| {
                    values.iter().map(|value| pattern.replace(&part, value)).collect::<Vec<_>>()
                })
                .take(MAX_PATTERNS)
                .collect();
        }
    }
    patterns.retain(|pattern| !pattern.contains('{'));
    patterns
}

/// What the `*` of a pattern stands for in a name.
fn starred(pattern: &str, name: &[u8]) -> Option<String> {
    let name = std::str::from_utf8(name).ok()?;
    let (before, after) = pattern.split_once('*')?;
    let version = name.strip_prefix(before)?.strip_suffix(after)?;
    (!version.is_empty()).then(|| version.to_owned())
}

/// A path as it stands in a pattern: what would be a wildcard is escaped.
pub(super) fn text(path: &RootfsPath) -> String {
    let mut text = String::new();
    for character in String::from_utf8_lossy(path.as_bytes()).chars() {
        if matches!(character, '*' | '?' | '[' | '\\') {
            text.push('\\');
        }
        text.push(character);
    }
    text
}

/// Patterns that one becomes.
const MAX_PATTERNS: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_values() {
        let values = Values::from([
            ("a".to_owned(), vec!["x".to_owned(), "y".to_owned()]),
            ("none".to_owned(), Vec::new()),
        ]);
        assert_eq!(fill("/{a}/z", &[&values]), ["/x/z", "/y/z"]);
        assert!(fill("/{none}", &[&values]).is_empty());
        assert!(fill("/{unknown}", &[&values]).is_empty());
        assert_eq!(starred("python*", b"python3.11").as_deref(), Some("3.11"));
        assert_eq!(starred("python*", b"python"), None);
        assert_eq!(text(&RootfsPath::from("/a[b]")), "/a\\[b]");
    }
}
