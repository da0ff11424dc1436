//! Libraries that source text opens by their names: `CDLL("libx.so.1")`, `find_library("x")`, `ffi.dlopen("…")`.

use std::collections::BTreeSet;

use crate::closure::evidence::Facts;
use crate::closure::glob;
use crate::closure::libraries::system_directories;
use crate::closure::reason;
use crate::closure::resources::Asked;
use crate::closure::runtime::text::calls;
use crate::closure::search::Loader;
use crate::closure::set::Closure;
use crate::distill::spec::Mode;
use crate::rootfs::{RootfsError, RootfsPath};
use crate::rules::Mechanism;

/// Names of libraries in a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::closure) struct ForeignNames {
    /// As `dlopen(3)` takes them.
    pub(in crate::closure) opened: BTreeSet<String>,
    /// Without `lib` and what follows: `magic`.
    pub(in crate::closure) searched: BTreeSet<String>,
    /// Other quoted words of a text that opens libraries: names that it puts together.
    pub(in crate::closure) hinted: BTreeSet<String>,
}

impl ForeignNames {
    /// The names in calls with a literal.
    pub(super) fn read(text: &[u8]) -> Self {
        let mut names = Self::default();
        let literals =
            calls(text, &CALLS).filter_map(|(call, arguments)| Some((CALLS[call], literal(arguments)?)));
        for (call, name) in literals.take(MAX_NAMES) {
            if call == SEARCHING && !name.contains('/') {
                names.searched.insert(name.to_owned());
            } else if call != SEARCHING && name.contains(".so") {
                names.opened.insert(name.to_owned());
            }
        }
        if calls(text, &CALLS).next().is_some() {
            for word in quoted(text) {
                if word.starts_with("lib") && word.contains(".so") {
                    names.opened.insert(word.to_owned());
                } else {
                    names.hinted.insert(word.to_owned());
                }
            }
        }
        names
    }

    pub(super) fn extend(&mut self, more: Self) {
        self.opened.extend(more.opened);
        self.searched.extend(more.searched);
        self.hinted.extend(more.hinted);
    }

    pub(in crate::closure) fn is_empty(&self) -> bool {
        self.opened.is_empty() && self.searched.is_empty() && self.hinted.is_empty()
    }
}

/// Quoted words that can be names of libraries, or a part of one.
fn quoted(text: &[u8]) -> impl Iterator<Item = &str> {
    let is_sign = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.+-".contains(byte);
    let quotes = memchr::memchr2_iter(b'"', b'\'', text);
    let words = quotes.filter_map(move |at| {
        let rest = &text[at + 1..];
        let end = rest.iter().take(MAX_NAME_BYTES).position(|byte| !is_sign(byte))?;
        let word = std::str::from_utf8(&rest[..end]).ok()?;
        (rest[end] == text[at] && word.len() >= SHORTEST_HINT).then_some(word)
    });
    words.take(MAX_NAMES)
}

/// The literal that a text begins with.
fn literal(text: &[u8]) -> Option<&str> {
    let [quote @ (b'"' | b'\''), rest @ ..] = text.trim_ascii_start() else { return None };
    let end = rest.iter().take(MAX_NAME_BYTES).position(|byte| byte == quote)?;
    std::str::from_utf8(&rest[..end]).ok().filter(|name| !name.is_empty())
}

impl Closure<'_> {
    /// Opens the libraries that the set's source text names, in the processes of its interpreters.
    ///
    /// # Errors
    /// What the roots answer.
    pub(in crate::closure) fn foreign_libraries(&mut self, asked: &Asked) -> Result<(), RootfsError> {
        let engines = self.runtimes.engines.iter();
        let programs: Vec<RootfsPath> = engines
            .filter(|engine| engine.rule.mechanism.contains(&Mechanism::ForeignLibraries))
            .map(|engine| engine.program.clone())
            .collect();
        for program in programs {
            let Some(process) = self.processes.iter().position(|process| process.program == program) else {
                continue;
            };
            let named: Vec<(&RootfsPath, &Facts)> =
                asked.facts.iter().filter(|(_, facts)| !facts.foreign.is_empty()).collect();
            for (path, facts) in named {
                let chain = self.items.get(path).map(|item| item.reason.clone()).unwrap_or_default();
                let mut names: Vec<Vec<u8>> =
                    facts.foreign.opened.iter().map(|name| name.clone().into_bytes()).collect();
                for name in &facts.foreign.searched {
                    names.extend(self.installed_library(process, name)?);
                }
                for name in &facts.foreign.hinted {
                    names.extend(self.added_library(process, name)?);
                }
                for name in names {
                    let done = (program.clone(), name.clone());
                    if self.runtimes.foreign.insert(done) {
                        let text = String::from_utf8_lossy(&name).into_owned();
                        let chain = reason::then(&chain, "dlopen", text);
                        self.open_library(process, 0, &name, &chain)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// The file name of a library that the Dockerfile installed and that is called so, by the loader's cache: then a
    /// word of the text is evidence enough (`dlopen(f"lib{name}.so.{abi}")`).
    fn added_library(&self, process: usize, name: &str) -> Result<Option<Vec<u8>>, RootfsError> {
        let Loader::Glibc(glibc) = &*self.processes[process].loader else { return Ok(None) };
        if self.world.spec.mode != Mode::Distil {
            return Ok(None);
        }
        let prefix = format!("lib{name}.so.").into_bytes();
        let mut entries = glibc.cache.iter().flat_map(|cache| &cache.entries);
        let Some(entry) = entries.find(|entry| entry.name.starts_with(&prefix)) else { return Ok(None) };
        let path = RootfsPath::parse(&entry.path);
        Ok(if self.world.changes.in_base(&path)?.is_none() { Some(entry.name.clone()) } else { None })
    }

    /// The file name that `ctypes.util.find_library` finds for a name: `libmagic.so.1` for `magic`, by the loader's
    /// cache, else in its directories.
    fn installed_library(&self, process: usize, name: &str) -> Result<Option<Vec<u8>>, RootfsError> {
        let process = &self.processes[process];
        let prefix = format!("lib{name}.so").into_bytes();
        let fits = |file: &[u8]| {
            file.strip_prefix(prefix.as_slice()).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"."))
        };
        if let Loader::Glibc(glibc) = &*process.loader {
            let mut entries = glibc.cache.iter().flat_map(|cache| &cache.entries);
            if let Some(entry) = entries.find(|entry| fits(&entry.name)) {
                return Ok(Some(entry.name.clone()));
            }
        }
        let mut pattern = b"lib".to_vec();
        for byte in name.bytes() {
            if matches!(byte, b'*' | b'?' | b'[' | b'\\') {
                pattern.push(b'\\');
            }
            pattern.push(byte);
        }
        pattern.extend(b".so*");
        for directory in system_directories(&process.loader) {
            let full = [directory.as_bytes(), b"/", &pattern].concat();
            let found = glob::expand(&self.world.views[process.view], &full)?;
            if let Some(path) = found.iter().find(|path| fits(path.name())) {
                return Ok(Some(path.name().to_vec()));
            }
        }
        Ok(None)
    }
}

/// Calls that open a library by its name (ctypes, cffi), and the one that searches it.
const CALLS: [&[u8]; 5] = [b"PyDLL", b"CDLL", b"LoadLibrary", b"dlopen", SEARCHING];

const SEARCHING: &[u8] = b"find_library";

/// Calls in one text.
const MAX_NAMES: usize = 1024;

const MAX_NAME_BYTES: usize = 256;

/// Shorter words are names of too much.
const SHORTEST_HINT: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_calls() {
        let text = b"a = ctypes.CDLL('libx.so.1'); b = CDLL(name)\nffi.dlopen( \"/opt/liby.so\")\n\
                     util.find_library('magic'); find_library(x); CDLL('msvcrt')";
        let names = ForeignNames::read(text);
        assert_eq!(names.hinted.into_iter().collect::<Vec<_>>(), ["magic", "msvcrt"]);
        assert_eq!(names.opened.into_iter().collect::<Vec<_>>(), ["/opt/liby.so", "libx.so.1"]);
        assert_eq!(names.searched.into_iter().collect::<Vec<_>>(), ["magic"]);
    }

    #[test]
    fn names_that_a_call_gets_from_elsewhere() {
        let text = b"def load(*names):\n  for n in names: return ffi.dlopen(n)\n\
                     load('libpango-1.0-0', \"libpango-1.0.so.0\"); library('vips', 42)";
        let names = ForeignNames::read(text);
        assert_eq!(names.opened.into_iter().collect::<Vec<_>>(), ["libpango-1.0.so.0"]);
        assert_eq!(names.hinted.into_iter().collect::<Vec<_>>(), ["libpango-1.0-0", "vips"]);
        assert!(ForeignNames::read(b"x = 'libx.so.1'").is_empty());
    }
}
