//! Modules that a command names: `-m app`, `main:app`, `config.wsgi:application`, looked up from the working directory.

use super::invocation::Call;
use crate::closure::reason;
use crate::closure::roots::Wish;
use crate::closure::set::{Closure, Strength};
use crate::rootfs::{FileKind, RootfsError, RootfsPath};
use crate::rules::{Runtime, Value};

impl<'a> Closure<'a> {
    /// Brings a module, and the project that it is in, when the working directory or a path of the environment has
    /// it. Installed packages come anyway.
    ///
    /// # Errors
    /// What the roots answer.
    pub(super) fn named_module(
        &mut self,
        rule: &'a Runtime,
        word: &str,
        call: Call<'_>,
        wishes: &mut Vec<Wish>,
    ) -> Result<(), RootfsError> {
        let Some(name) = module_path(word) else { return Ok(()) };
        for directory in self.module_directories(rule) {
            for file in files_of(&directory, name) {
                let Some((real, FileKind::Regular, view)) = self.locate(&file)? else { continue };
                let chain = reason::then(call.chain, "module", word.to_owned());
                if self.bring(view, &file, &chain, Strength::Soft)?.is_some() {
                    wishes.push(Wish { path: real.clone(), strength: Strength::Soft, started: false });
                    self.project(rule, &real, view, &chain, wishes)?;
                }
                return Ok(());
            }
        }
        Ok(())
    }

    /// Where modules are looked up before installed packages.
    fn module_directories(&self, rule: &Runtime) -> Vec<RootfsPath> {
        let working = self.working_directory();
        let mut directories = vec![working.clone()];
        let paths = rule.environment.iter().filter(|variable| variable.value == Value::Paths);
        for name in paths.flat_map(|variable| &variable.names) {
            let text = self.env(name).unwrap_or_default();
            let named = text.split(':').filter(|path| !path.is_empty());
            directories.extend(named.map(|path| working.join(path.as_bytes())));
        }
        directories
    }
}

/// The dotted name in a word such as `a.b:app` or `a.b:create(x)`; `None` when the word is no module's name.
fn module_path(word: &str) -> Option<&str> {
    let name = word.split(':').next().unwrap_or_default();
    let part = |part: &str| {
        let mut letters = part.chars();
        letters.next().is_some_and(|first| first == '_' || first.is_alphabetic())
            && letters.all(|letter| letter == '_' || letter.is_alphanumeric())
    };
    (!name.is_empty() && name.split('.').count() <= MAX_PARTS && name.split('.').all(part)).then_some(name)
}

/// The files that a module of this name may be, or the package that it is in.
fn files_of(directory: &RootfsPath, name: &str) -> Vec<RootfsPath> {
    let whole = name.replace('.', "/");
    let first = name.split('.').next().unwrap_or_default();
    let mut files = Vec::new();
    for base in [whole.as_str(), first] {
        for end in [".py", "/__main__.py", "/__init__.py"] {
            files.push(directory.join(format!("{base}{end}").as_bytes()));
        }
    }
    files
}

/// Names in a dotted name.
const MAX_PARTS: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_name_modules() {
        let rows = [
            ("main:app", Some("main")),
            ("a.b_c:create()", Some("a.b_c")),
            ("uvicorn", Some("uvicorn")),
            ("app.py", Some("app.py")),
            ("0.0.0.0:80", None),
            ("--port", None),
            ("a/b", None),
            ("", None),
            ("a..b", None),
        ];
        for (word, expected) in rows {
            assert_eq!(module_path(word), expected, "{word}");
        }
    }
}
