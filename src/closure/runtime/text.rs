//! Source text of a language: which words the rules look for are in it, and which modules it imports.

use std::collections::BTreeSet;

use crate::closure::evidence::insert;
use crate::closure::literals::Literals;
use crate::rules::{Evidence, Imports, Rules};

/// The words that the rules look for.
pub(in crate::closure) struct Words(Literals);

impl Words {
    pub(in crate::closure) fn new(rules: &Rules) -> Self {
        let shell = rules.runtime.iter().flat_map(|runtime| &runtime.shell);
        Self(Literals::new(evidence(rules).flat_map(|when| &when.text).chain(shell)))
    }

    /// Adds to `found` the words that stand alone in `text`: letters, digits and `_` do not go on beside them.
    pub(in crate::closure) fn find(&self, text: &[u8], found: &mut BTreeSet<String>) {
        self.0.find(text, &mut |at, word| {
            if stands_alone(text, at, word) {
                insert(found, word);
            }
        });
    }
}

/// All evidence of all rules.
fn evidence(rules: &Rules) -> impl Iterator<Item = &Evidence> {
    let resources = rules.resource.iter().flat_map(|resource| &resource.when);
    let runtimes =
        rules.runtime.iter().flat_map(|runtime| &runtime.include).flat_map(|include| &include.when);
    resources.chain(runtimes)
}

fn stands_alone(text: &[u8], at: usize, word: &[u8]) -> bool {
    let goes_on =
        |a: Option<&u8>, b: Option<&u8>| a.copied().is_some_and(is_word) && b.copied().is_some_and(is_word);
    let before = at.checked_sub(1).and_then(|before| text.get(before));
    !goes_on(before, word.first()) && !goes_on(text.get(at + word.len()), word.last())
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The modules that a text imports, with all that are named in full: `a.b` for `import a.b` and `from a import b`.
pub(in crate::closure) fn imported(text: &[u8], how: Imports, found: &mut BTreeSet<String>) {
    match how {
        Imports::Python => {
            for statement in text.split(|byte| matches!(byte, b'\n' | b';')) {
                python_statement(statement.trim_ascii(), found);
            }
            // `import_module("a.b")` with a literal.
            for (_, arguments) in calls(text, &PYTHON_CALLS) {
                if let [b'"' | b'\'', rest @ ..] = arguments.trim_ascii_start() {
                    add(module_name(rest), found);
                }
            }
        }
        Imports::Node => {
            for (at, quote) in text.iter().enumerate().filter(|(_, byte)| matches!(byte, b'"' | b'\'')) {
                let before = text[at.saturating_sub(NODE_BEFORE)..at].trim_ascii_end();
                if NODE_WORDS.iter().any(|word| before.ends_with(word)) {
                    let rest = &text[at + 1..];
                    let end = rest.iter().take(MAX_NAME_BYTES).position(|byte| byte == quote);
                    add(&rest[..end.unwrap_or_default()], found);
                }
            }
        }
    }
}

/// `import a.b, c as d` and `from a.b import c, d as e`; relative imports name nothing outside.
fn python_statement(statement: &[u8], found: &mut BTreeSet<String>) {
    if let Some(names) = keyword(statement, b"import") {
        for name in names.split(|byte| *byte == b',').take(MAX_NAMES) {
            add(module_name(name.trim_ascii_start()), found);
        }
    } else if let Some(rest) = keyword(statement, b"from") {
        let module = module_name(rest);
        let Some(names) = keyword(rest[module.len()..].trim_ascii_start(), b"import") else { return };
        add(module, found);
        let names = names.trim_ascii_start();
        let names = names.strip_prefix(b"(").unwrap_or(names);
        for name in names.split(|byte| *byte == b',').take(MAX_NAMES) {
            let name = module_name(name.trim_ascii_start());
            if !module.is_empty() && !name.is_empty() {
                add(&[module, b".", name].concat(), found);
            }
        }
    } else if let Some(rest) = ["try:", "else:", "except ImportError:", "if "].iter().find_map(|word| {
        // A statement behind a colon on the same line.
        statement
            .starts_with(word.as_bytes())
            .then(|| statement.iter().position(|byte| *byte == b':'))
            .flatten()
    }) {
        let rest = statement[rest + 1..].trim_ascii_start();
        if rest.starts_with(b"import ") || rest.starts_with(b"from ") {
            python_statement(rest, found);
        }
    }
}

/// What stands behind the bracket of each call of one of these functions, with the place of its name in `functions`.
pub(super) fn calls<'t>(
    text: &'t [u8],
    functions: &'t [&'t [u8]],
) -> impl Iterator<Item = (usize, &'t [u8])> {
    memchr::memchr_iter(b'(', text).filter_map(|at| {
        let function = functions.iter().position(|name| text[..at].ends_with(name))?;
        Some((function, &text[at + 1..]))
    })
}

fn keyword<'t>(statement: &'t [u8], word: &[u8]) -> Option<&'t [u8]> {
    let rest = statement.strip_prefix(word)?;
    matches!(rest.first(), Some(b' ' | b'\t' | b'(')).then(|| rest.trim_ascii_start())
}

/// The dotted name that a text begins with.
fn module_name(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|byte| !is_word(*byte) && *byte != b'.' && byte.is_ascii());
    let name = &text[..end.unwrap_or(text.len())];
    if name.starts_with(b".") || name.len() > MAX_NAME_BYTES { &[] } else { name }
}

fn add(name: &[u8], found: &mut BTreeSet<String>) {
    if !name.is_empty() {
        insert(found, name);
    }
}

/// Functions that import a module by its name.
const PYTHON_CALLS: [&[u8]; 3] = [b"import_module", b"__import__", b"find_spec"];

/// What stands before the name of a package in JavaScript.
const NODE_WORDS: [&[u8]; 5] = [b"require(", b"import(", b"require.resolve(", b"from", b"import"];

/// Bytes before a name that are looked at.
const NODE_BEFORE: usize = 24;

/// Names in one statement.
const MAX_NAMES: usize = 256;

const MAX_NAME_BYTES: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_alone() {
        let mut rules = Rules::default();
        let when = Evidence {
            text: vec!["curses".to_owned(), "find_library(".to_owned(), "shell=True".to_owned()],
            ..Evidence::default()
        };
        rules.resource.push(crate::rules::Resource { when: vec![when], ..Default::default() });
        let words = Words::new(&rules);
        let rows = [
            ("import curses", "curses"),
            ("cursesx _curses", ""),
            ("ctypes.util.find_library('x')", "find_library("),
            ("my_find_library(", ""),
            ("run(a, shell=True)", "shell=True"),
            ("shell=Truely", ""),
        ];
        for (text, expected) in rows {
            let mut found = BTreeSet::new();
            words.find(text.as_bytes(), &mut found);
            assert_eq!(found.into_iter().collect::<Vec<_>>().join(" "), expected, "{text}");
        }
    }

    #[test]
    fn imports_of_node() {
        let rows = [
            ("const a = require('a'), b = require( \"@b/c/d\" )", "@b/c/d a"),
            ("import x, {y} from 'a';import\"b\"\nexport * from 'c'", "a b c"),
            ("await import('./a.js'); require.resolve('z')", "./a.js z"),
            ("console.log('a'); require(name)", ""),
            ("require('", ""),
        ];
        for (text, expected) in rows {
            let mut found = BTreeSet::new();
            imported(text.as_bytes(), Imports::Node, &mut found);
            assert_eq!(found.into_iter().collect::<Vec<_>>().join(" "), expected, "{text}");
        }
    }

    #[test]
    fn imports_of_python() {
        let rows = [
            ("import os, sqlite3 as s", "os sqlite3"),
            ("    from a.b import c, d as e", "a.b a.b.c a.b.d"),
            ("from a import (b,\n  c)", "a a.b"),
            ("from . import x\nfrom .y import z", ""),
            ("try: import readline\nexcept ImportError: pass", "readline"),
            ("x = 1; import tkinter", "tkinter"),
            ("importlib.import_module('a.b')", "a.b"),
            ("__import__(\"pkg_resources\").x", "pkg_resources"),
            ("imported = 1\nfromage = 2", ""),
            ("# import x", ""),
            ("from a import *", "a"),
        ];
        for (text, expected) in rows {
            let mut found = BTreeSet::new();
            imported(text.as_bytes(), Imports::Python, &mut found);
            assert_eq!(found.into_iter().collect::<Vec<_>>().join(" "), expected, "{text}");
        }
    }
}
