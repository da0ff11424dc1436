//! Program names and absolute paths in source text, configuration and the data of programs.

use std::collections::BTreeSet;

use crate::closure::literals::contains;
use crate::rootfs::RootfsPath;

/// How a text is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextKind {
    /// Program text: a quoted word may be a program.
    Source,
    /// Configuration and the like: only whole paths count.
    Data,
}

/// What a text names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Named {
    /// Quoted first words that may be names of programs.
    pub(super) words: BTreeSet<Vec<u8>>,
    /// Those near a word that starts programs.
    pub(super) started: BTreeSet<Vec<u8>>,
    pub(super) paths: BTreeSet<RootfsPath>,
    /// The last names of quoted paths below the home directory (`~/data`).
    pub(super) home: BTreeSet<Vec<u8>>,
}

/// Reads `text`, of words only those that are `asked`; `starters` are words that start programs (`subprocess`).
pub(super) fn read(text: &[u8], kind: TextKind, starters: &[String], asked: &dyn Fn(&[u8]) -> bool) -> Named {
    let mut named = Named::default();
    let telling = |at: usize| match kind {
        TextKind::Source => text[at..].iter().position(|byte| matches!(byte, b'/' | b'"' | b'\'' | b'`')),
        TextKind::Data => memchr::memchr(b'/', &text[at..]),
    };
    let mut at = 0;
    while let Some(next) = telling(at) {
        at += next;
        if text[at] != b'/' {
            let start = at + 1;
            if text[start..].starts_with(b"~/") {
                let path = &text[start..start + run(&text[start..], is_path_byte)];
                let name = path.split(|byte| *byte == b'/').rfind(|name| !name.is_empty());
                named.home.extend(name.filter(|name| asked(name)).map(<[u8]>::to_vec));
            }
            let end = start + run(&text[start..], is_word_byte);
            let word = &text[start..end];
            let ends = text.get(end).is_some_and(|byte| matches!(byte, b'"' | b'\'' | b'`' | b' '));
            if ends && (2..=MAX_WORD_BYTES).contains(&word.len()) && asked(word) {
                if is_started(statement(text, at), starters) {
                    named.started.insert(word.to_vec());
                }
                named.words.insert(word.to_vec());
            }
        } else if is_path_start(text, at) {
            let end = at + run(&text[at..], is_path_byte);
            add_path(&text[at..end], &mut named);
            at = end.max(at + 1);
            continue;
        }
        at += 1;
    }
    named
}

/// Reads the absolute paths in `text`.
pub(super) fn paths(text: &[u8]) -> BTreeSet<RootfsPath> {
    read(text, TextKind::Data, &[], &|_| false).paths
}

/// Which of `names` are a part of what a line of program text imports: `import git`, `require("simple-git")`.
pub(super) fn imported(text: &[u8], names: &BTreeSet<Vec<u8>>) -> BTreeSet<Vec<u8>> {
    let mut found = BTreeSet::new();
    let lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_start);
    for line in lines.filter(|line| is_import(line)) {
        let parts = line[..line.len().min(MAX_LINE_BYTES)].split(|byte| !byte.is_ascii_alphanumeric());
        found.extend(parts.filter(|part| names.contains(*part)).map(<[u8]>::to_vec));
    }
    found
}

fn is_import(line: &[u8]) -> bool {
    let begins = [&b"import "[..], b"from ", b"require", b"use "].iter().any(|word| line.starts_with(word));
    begins || [&b"require("[..], b"import("].iter().any(|call| contains(line, call))
}

/// The text from the beginning of a statement to `at`: lines that end with an open bracket, a comma or an operator go
/// on in the next.
fn statement(text: &[u8], at: usize) -> &[u8] {
    let near = &text[at.saturating_sub(NEAR_BYTES)..at];
    let mut start = near.len();
    loop {
        let line = near[..start].iter().rposition(|byte| matches!(byte, b'\n' | b';')).map_or(0, |at| at + 1);
        let before = near[..line.saturating_sub(1)].trim_ascii_end();
        let goes_on = line > 0
            && near[line - 1] == b'\n'
            && before.last().is_some_and(|byte| b"([{,\\=+|&".contains(byte));
        if !goes_on {
            return &near[line..];
        }
        start = line - 1;
    }
}

/// Whether a word that starts programs stands in the text before.
fn is_started(before: &[u8], starters: &[String]) -> bool {
    starters.iter().any(|starter| contains(before, starter.as_bytes()))
}

fn is_path_start(text: &[u8], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|before| text.get(before));
    let next = text.get(at + 1);
    !before.is_some_and(|byte| {
        is_path_byte(*byte) && *byte != b'='
            || matches!(byte, b'}' | b')' | b'*' | b'<' | b'>' | b'\\' | b'%')
    }) && next.is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'))
}

fn add_path(text: &[u8], named: &mut Named) {
    let end = text.iter().rposition(|byte| !matches!(byte, b'.' | b',' | b':' | b'/')).map_or(0, |at| at + 1);
    if (2..=MAX_PATH_BYTES).contains(&end) && named.paths.len() < MAX_PATHS {
        named.paths.insert(RootfsPath::parse(&text[..end]));
    }
}

fn run(text: &[u8], test: impl Fn(u8) -> bool) -> usize {
    text.iter().position(|byte| !test(*byte)).unwrap_or(text.len())
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_+.-".contains(&byte)
}

fn is_path_byte(byte: u8) -> bool {
    is_word_byte(byte) || b"/@~=".contains(&byte)
}

/// Paths of one text that are kept.
const MAX_PATHS: usize = 100_000;

const MAX_WORD_BYTES: usize = 64;

/// `PATH_MAX` of Linux.
const MAX_PATH_BYTES: usize = 4096;

/// Of a line that imports.
const MAX_LINE_BYTES: usize = 1000;

/// How far before a quoted word its call may stand: a few lines.
const NEAR_BYTES: usize = 400;

#[cfg(test)]
mod tests {
    use super::*;

    fn texts<'t>(words: impl IntoIterator<Item = &'t Vec<u8>>) -> String {
        let words: Vec<_> =
            words.into_iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect();
        words.join(" ")
    }

    #[test]
    fn quoted_words_and_calls() {
        let starters = ["subprocess".to_owned(), "exec(".to_owned()];
        let rows = [
            ("a list of arguments", "subprocess.run([\"ffmpeg\", \"-i\", x])", "-i ffmpeg", "-i ffmpeg"),
            ("a command line", "exec('convert a.png b.png')", "convert", "convert"),
            ("any quoted word", "TOOL = 'wkhtmltopdf'", "wkhtmltopdf", ""),
            ("a template", "exec(`git log ${x}`)", "git", "git"),
            ("no word", "x = \"file:///a\"", "", ""),
            ("part of a word", "y = 'ffmpeg/x'", "", ""),
            ("a call before", "subprocess.run(a); b = 'date'", "date", ""),
            ("a call in the line before", "exec(a)\nb = 'date'", "date", ""),
            ("a call that goes on", "exec(\n  'date',\n  x)", "date", "date"),
        ];
        for (summary, text, words, started) in rows {
            let named = read(text.as_bytes(), TextKind::Source, &starters, &|_| true);
            assert_eq!(
                (texts(&named.words), texts(&named.started)),
                (words.to_owned(), started.to_owned()),
                "{summary}"
            );
        }
    }

    #[test]
    fn what_imports_are_called_after() {
        let names = BTreeSet::from([b"git".to_vec()]);
        let rows = [
            ("a module", "import os, git", true),
            ("a part of it", "  from git import Repo", true),
            ("a part of the name", "const git = require('simple-git')", true),
            ("another name", "import github", false),
            ("no import", "# a git repository\nx = 'git'", false),
        ];
        for (summary, text, expected) in rows {
            assert_eq!(!imported(text.as_bytes(), &names).is_empty(), expected, "{summary}");
        }
    }

    #[test]
    fn absolute_paths() {
        let rows = [
            ("quoted", "open('/opt/model/a.bin')", "/opt/model/a.bin"),
            ("at the end of a sentence", "see /opt/x.", "/opt/x"),
            ("a directory", "dir=/data/", "/data"),
            ("behind a colon", "dir: /data/", "/data"),
            ("an address", "http://host/a", ""),
            ("relative", "a/b ./c ${x}/d", ""),
            ("a closing tag and a comment", "</a> /* x */ //y", ""),
        ];
        for (summary, text, expected) in rows {
            let paths: Vec<_> = paths(text.as_bytes()).iter().map(ToString::to_string).collect();
            assert_eq!(paths.join(" "), expected, "{summary}");
        }
    }
}
