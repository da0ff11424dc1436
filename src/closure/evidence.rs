//! What an ELF file shows about the data files and libraries that it uses: what the rules' evidence is matched with.

use std::collections::{BTreeMap, BTreeSet};

use super::glob;
use super::libraries::env_value;
use super::literals::{self, Literals};
use crate::closure::elf::symbols::{self, Symbols, Wanted};
use crate::closure::elf::{ByteSource, Elf, ElfError};
use crate::closure::runtime::foreign::ForeignNames;
use crate::closure::runtime::text::Words;
use crate::closure::strings;
use crate::rules::{Evidence, Rules};

/// Facts about one ELF file, or one file of source text.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    pub(super) needed: Vec<Vec<u8>>,
    pub(super) soname: Option<Vec<u8>>,
    pub(super) symbols: Symbols,
    pub(super) go: bool,
    /// Texts of the rules that are in its data.
    found: BTreeSet<String>,
    /// Values that the rules cut out of its data, by name.
    pub(super) captured: BTreeMap<String, String>,
    /// Names of libraries in its data, where it may open libraries by name.
    pub(super) library_names: BTreeSet<Vec<u8>>,
    /// Words of the rules that are in it, where it is source text.
    pub(super) words: BTreeSet<String>,
    /// Modules that it imports.
    pub(super) modules: BTreeSet<String>,
    /// Libraries that it opens by name.
    pub(super) foreign: ForeignNames,
}

/// The texts that the rules look for, so that a file is read once.
pub(super) struct Needles {
    strings: Literals,
    functions: BTreeSet<String>,
    /// Words in source text.
    pub(super) words: Words,
}

impl Needles {
    pub(super) fn new(rules: &Rules) -> Self {
        let all = || rules.resource.iter().flat_map(|resource| &resource.when);
        Self {
            strings: Literals::new(all().flat_map(|when| &when.string)),
            functions: all().flat_map(|when| when.go.iter().chain(&when.not_go)).cloned().collect(),
            words: Words::new(rules),
        }
    }
}

impl Facts {
    /// Reads a file's facts; its data only when `own` (it is no package's, or a command starts it) or a rule cuts a
    /// value out of it.
    ///
    /// # Errors
    /// As [`crate::closure::elf::parse`].
    pub(super) fn read(
        elf: &Elf,
        bytes: &(impl ByteSource + ?Sized),
        name: &[u8],
        own: bool,
        rules: &Rules,
        needles: &Needles,
    ) -> Result<Self, ElfError> {
        let mut facts = Self {
            needed: elf.needed.clone(),
            soname: elf.soname.clone().or_else(|| name.starts_with(b"lib").then(|| name.to_vec())),
            symbols: symbols::read(bytes, Wanted::Undefined)?,
            go: elf.go,
            ..Self::default()
        };
        let opens = DLOPEN.iter().any(|symbol| facts.symbols.wants(symbol.as_bytes()));
        let captures: Vec<_> = rules
            .resource
            .iter()
            .flat_map(|resource| &resource.capture)
            .filter(|capture| facts.is_library(&capture.library))
            .collect();
        if !own && !opens && captures.is_empty() {
            return Ok(facts);
        }
        let go = facts.go;
        strings::scan(bytes, SHORTEST, &mut |run| {
            let function =
                std::str::from_utf8(run).ok().filter(|_| own && go && run.len() < LONGEST_FUNCTION);
            if let Some(function) = function.and_then(|run| needles.functions.get(run)) {
                facts.found.insert(function.clone());
            }
            if own {
                needles.strings.find(run, &mut |_, needle| insert(&mut facts.found, needle));
            }
            for capture in &captures {
                if let Some(value) = cut(run, capture.after.as_bytes(), capture.before.as_bytes()) {
                    facts.captured.insert(capture.name.clone(), value);
                }
            }
            if opens && facts.library_names.len() < MAX_NAMES && literals::contains(run, b".so") {
                facts.library_names.extend(library_names(run).map(<[u8]>::to_vec));
            }
        })?;
        let known = facts.needed.iter().chain(&facts.soname);
        for name in known {
            facts.library_names.remove(name);
        }
        let mine = rules.unopened.iter().filter(|unopened| facts.is_library(&unopened.by));
        let unopened: Vec<&String> = mine.flat_map(|unopened| &unopened.names).collect();
        facts
            .library_names
            .retain(|name| !unopened.iter().any(|pattern| glob::matches_name(pattern.as_bytes(), name)));
        Ok(facts)
    }

    /// What it imports that starts a shell.
    pub(super) fn shell_symbol(&self) -> Option<&'static str> {
        ["system", "popen"].into_iter().find(|symbol| self.symbols.wants(symbol.as_bytes()))
    }

    fn is_library(&self, sonames: &[String]) -> bool {
        let soname = self.soname.as_deref();
        soname
            .is_some_and(|soname| sonames.iter().any(|wanted| glob::matches_name(wanted.as_bytes(), soname)))
    }

    fn imports(&self, pattern: &str) -> bool {
        if glob::has_wildcard(pattern.as_bytes()) {
            let mut undefined = self.symbols.undefined.iter();
            return undefined.any(|symbol| glob::matches_name(pattern.as_bytes(), &symbol.name));
        }
        self.symbols.wants(pattern.as_bytes())
    }

    /// Whether source text has anything that rules ask for.
    pub(super) fn say_something(&self) -> bool {
        !(self.words.is_empty() && self.modules.is_empty() && self.foreign.is_empty())
    }

    fn imports_module(&self, module: &str) -> bool {
        let below = format!("{module}.");
        self.modules.contains(module)
            || self.modules.range(below.clone()..).next().is_some_and(|name| name.starts_with(&below))
    }

    /// Whether the file shows everything that `evidence` asks of a file.
    pub(super) fn show(&self, evidence: &Evidence, glibc: Option<(u32, u32)>) -> bool {
        let any = |list: &[String], test: &dyn Fn(&str) -> bool| {
            list.is_empty() || list.iter().any(|text| test(text))
        };
        let needs =
            |pattern: &str| self.needed.iter().any(|name| glob::matches_name(pattern.as_bytes(), name));
        any(&evidence.needed, &needs)
            && any(&evidence.import, &|pattern| self.imports(pattern))
            && any(&evidence.string, &|text| self.found.contains(text))
            && any(&evidence.go, &|function| self.go && self.found.contains(function))
            && any(&evidence.text, &|word| self.words.contains(word))
            && any(&evidence.module, &|module| self.imports_module(module))
            && (evidence.soname.is_empty() || self.is_library(&evidence.soname))
            && !self.is_library(&evidence.not_soname)
            && !evidence.not_go.iter().any(|function| self.found.contains(function))
            && evidence
                .glibc_before
                .as_deref()
                .is_none_or(|limit| version(limit).zip(glibc).is_some_and(|(limit, glibc)| glibc < limit))
    }
}

/// Whether evidence asks something of a file.
pub(super) fn asks_file(evidence: &Evidence) -> bool {
    !(evidence.needed.is_empty()
        && evidence.import.is_empty()
        && evidence.string.is_empty()
        && evidence.go.is_empty()
        && evidence.soname.is_empty()
        && evidence.text.is_empty()
        && evidence.module.is_empty()
        && evidence.glibc_before.is_none())
}

/// The variables that evidence asks for, with the values that count; `None` when it asks for some and none is set.
pub(super) fn variables(evidence: &Evidence, env: &[String]) -> Option<Vec<(String, String)>> {
    if evidence.env.is_empty() {
        return Some(Vec::new());
    }
    let names: BTreeSet<&str> =
        env.iter().filter_map(|setting| setting.split_once('=')).map(|(name, _)| name).collect();
    let matches = |name: &&str| {
        evidence.env.iter().any(|pattern| glob::matches_name(pattern.as_bytes(), name.as_bytes()))
    };
    let values: Vec<(String, String)> = names
        .into_iter()
        .filter(matches)
        .filter_map(|name| Some((name.to_owned(), env_value(env, name)?)))
        .filter(|(_, value)| !value.is_empty() && !evidence.not_value.contains(value))
        .collect();
    (!values.is_empty()).then_some(values)
}

/// The spellings of a locale name under which glibc looks for its directory: as it is, and with the codeset in lower
/// case letters and digits only (glibc `_nl_normalize_codeset`).
pub(super) fn locale_names(value: &str) -> Vec<String> {
    let mut names = vec![value.to_owned()];
    if let Some((language, rest)) = value.split_once('.') {
        let (codeset, modifier) = match rest.split_once('@') {
            Some((codeset, modifier)) => (codeset, format!("@{modifier}")),
            None => (rest, String::new()),
        };
        let mut normal: String = codeset
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|letter| letter.to_ascii_lowercase())
            .collect();
        if normal.bytes().all(|byte| byte.is_ascii_digit()) {
            normal = format!("iso{normal}");
        }
        let normalised = format!("{language}.{normal}{modifier}");
        if !names.contains(&normalised) {
            names.push(normalised);
        }
    }
    names
}

fn version(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Adds a text of the rules.
pub(super) fn insert(found: &mut BTreeSet<String>, text: &[u8]) {
    if let Ok(text) = std::str::from_utf8(text)
        && !found.contains(text)
    {
        found.insert(text.to_owned());
    }
}

pub(super) fn cut(run: &[u8], after: &[u8], before: &[u8]) -> Option<String> {
    let start = literals::position(run, after)? + after.len();
    let length = literals::position(&run[start..], before)?;
    String::from_utf8(run[start..start + length].to_vec()).ok()
}

/// Names such as `libz.so.1` and `/opt/x/plugin.so` in a text.
fn library_names(run: &[u8]) -> impl Iterator<Item = &[u8]> {
    run.split(|byte| !byte.is_ascii_alphanumeric() && !b"_+.-/".contains(byte)).filter(|word| {
        let base = word.rsplit(|byte| *byte == b'/').next().unwrap_or(word);
        let library = base.starts_with(b"lib")
            && base.len() > 6
            && (word.len() == base.len() || word.starts_with(b"/"));
        let plugin = word.starts_with(b"/") && base.len() > 3;
        let at = base.windows(3).rposition(|window| window == b".so");
        let shared = at.is_some_and(|at| {
            let suffix = &base[at + 3..];
            suffix.is_empty()
                || suffix[0] == b'.'
                    && suffix.len() > 1
                    && suffix.iter().all(|b| b.is_ascii_digit() || *b == b'.')
        });
        (library || plugin) && shared
    })
}

/// Functions that open a library by name.
const DLOPEN: [&str; 4] = ["dlopen", "dlmopen", "g_module_open", "lt_dlopen"];

/// Shorter texts say nothing.
const SHORTEST: usize = 5;

/// Longer texts are no names of functions.
const LONGEST_FUNCTION: usize = 256;

/// Library names kept from one file.
const MAX_NAMES: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_libraries_in_a_text() {
        let names: Vec<&[u8]> =
            library_names(b"open libz.so.1 failed, libfoo.so:/opt/p/x.so liba.sox sub/libb.so lib.so %s.so")
                .collect();
        assert_eq!(names, [&b"libz.so.1"[..], b"libfoo.so", b"/opt/p/x.so"].to_vec());
    }

    #[test]
    fn spellings_of_a_locale() {
        assert_eq!(locale_names("C.UTF-8"), ["C.UTF-8", "C.utf8"]);
        assert_eq!(locale_names("de_DE.ISO-8859-1@euro"), ["de_DE.ISO-8859-1@euro", "de_DE.iso88591@euro"]);
        assert_eq!(locale_names("de_DE"), ["de_DE"]);
    }

    #[test]
    fn a_value_between_two_texts() {
        assert_eq!(
            cut(b"OPENSSLDIR: \"/usr/lib/ssl\"", b"OPENSSLDIR: \"", b"\"").as_deref(),
            Some("/usr/lib/ssl")
        );
        assert_eq!(cut(b"OPENSSLDIR: \"/usr", b"OPENSSLDIR: \"", b"\""), None);
    }
}
