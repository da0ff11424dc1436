//! Directories that Python adds to those of installed packages: lines of `.pth` files, links of editable installs
//! (`Lib/site.py`, setuptools' `__editable__`).

use crate::closure::reason;
use crate::closure::roots::Wish;
use crate::closure::set::Closure;
use crate::rootfs::{FileKind, Rootfs, RootfsError, RootfsPath};
use crate::rules::Mechanism;

impl Closure<'_> {
    /// Brings what the `.pth` files of the set's package directories name.
    ///
    /// # Errors
    /// What the roots answer.
    pub(in crate::closure) fn python_paths(&mut self, wishes: &mut Vec<Wish>) -> Result<(), RootfsError> {
        for index in 0..self.runtimes.engines.len() {
            let engine = &self.runtimes.engines[index];
            if !engine.rule.mechanism.contains(&Mechanism::Pth) {
                continue;
            }
            let rule = engine.rule;
            let view = self.view_of(&engine.program);
            let sites: Vec<RootfsPath> = engine.paths("site");
            for site in sites {
                for (file, path) in self.path_lines(&site, view)? {
                    let chain = self.items.get(&file).map(|item| item.reason.clone()).unwrap_or_default();
                    let chain = reason::then(&chain, "path", reason::escaped(&path));
                    if self.runtimes.paths.insert(path.clone()) {
                        self.bring_project_tree(rule, &path, view, &chain, wishes)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// The directories and files that the files of one package directory name, each with the file.
    fn path_lines(
        &self,
        site: &RootfsPath,
        view: usize,
    ) -> Result<Vec<(RootfsPath, RootfsPath)>, RootfsError> {
        let eyes = &self.world.views[view];
        let mut named = Vec::new();
        for entry in eyes.list(site)? {
            let file = site.join(&entry.name);
            let finder = entry.name.starts_with(b"__editable__") && entry.name.ends_with(b"_finder.py");
            let lines = entry.name.ends_with(b".pth") || entry.name.ends_with(b".egg-link");
            if entry.stat.kind != FileKind::Regular || !finder && !lines || !self.items.contains_key(&file) {
                continue;
            }
            let bytes = eyes.read(&file, 0..MAX_FILE_BYTES)?;
            let text = String::from_utf8_lossy(&bytes);
            let words: Vec<&str> = if finder { quoted_paths(&text) } else { lines_of(&text) };
            for word in words {
                let path = site.join(word.as_bytes());
                if path != *site && self.locate(&path)?.is_some() {
                    named.push((file.clone(), path));
                }
            }
        }
        Ok(named)
    }
}

/// The lines of a `.pth` file that are paths: not empty, no comment, no statement.
fn lines_of(text: &str) -> Vec<&str> {
    let path = |line: &&str| !line.is_empty() && !line.starts_with(['#', '\0']);
    let statement = |line: &&str| line.starts_with("import ") || line.starts_with("import\t");
    text.lines().map(str::trim_end).filter(path).filter(|line| !statement(line)).take(MAX_LINES).collect()
}

/// The absolute paths between quotes in the text of a finder of setuptools: `MAPPING = {'a': '/src/a'}`.
fn quoted_paths(text: &str) -> Vec<&str> {
    let words = text.split(['\'', '"']);
    words
        .filter(|word| word.starts_with('/') && word.len() > 1 && !word.contains('\n'))
        .take(MAX_LINES)
        .collect()
}

const MAX_FILE_BYTES: u64 = 1 << 20;

/// Paths that one file names.
const MAX_LINES: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_pth_files_and_finders() {
        let text = "# comment\nimport sys; x\n/app/src\n../other \n\n./x.egg\n";
        assert_eq!(lines_of(text), ["/app/src", "../other", "./x.egg"]);
        assert_eq!(quoted_paths("MAPPING: dict = {'a': '/src/a', \"b\": \"/src/b\"}"), ["/src/a", "/src/b"]);
    }
}
