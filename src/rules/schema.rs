//! The schema of the rules; `README.md` beside this file is the same for people.
//!
//! `build.rs` reads the rule files with these types as well, so that a mistake stops the build.

use serde::{Deserialize, Serialize};

/// All rules, each list sorted by file name.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    #[serde(default)]
    pub resource: Vec<Resource>,
    #[serde(default)]
    pub runtime: Vec<Runtime>,
    #[serde(default)]
    pub wrapper: Vec<Wrapper>,
}

/// Files that a program opens though no header names them, and the evidence that it does.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Resource {
    /// The file's name without `.toml`.
    pub id: String,
    /// What it is, for messages: `CA certificates`.
    pub title: String,
    /// Any of these asks for it.
    #[serde(default)]
    pub when: Vec<Evidence>,
    /// A value cut out of a library's data, for `{name}` in paths.
    #[serde(default)]
    pub capture: Vec<Capture>,
    /// What comes.
    pub include: Vec<Include>,
    /// What to do when no source has it; absent: it is not missed.
    pub missing: Option<String>,
    /// Files that no package owns count to this one.
    pub package: Option<String>,
}

/// Facts about one file of the set (and the image's environment) that must all hold.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// It needs one of these libraries (sonames, `*` and `?`).
    #[serde(default)]
    pub needed: Vec<String>,
    /// It imports one of these symbols (`*` and `?`).
    #[serde(default)]
    pub import: Vec<String>,
    /// One of these texts is in its read-only data. Asked only of files that no package owns, and of programs that a
    /// command names.
    #[serde(default)]
    pub string: Vec<String>,
    /// It is a Go program that holds one of these functions (`crypto/x509.loadSystemRoots`).
    #[serde(default)]
    pub go: Vec<String>,
    /// It is none of these libraries (sonames).
    #[serde(default)]
    pub not_soname: Vec<String>,
    /// None of these Go functions is in it.
    #[serde(default)]
    pub not_go: Vec<String>,
    /// One of these variables is set to something (names, `*` and `?`); its value is `{value}`.
    #[serde(default)]
    pub env: Vec<String>,
    /// Values of `env` that do not count.
    #[serde(default)]
    pub not_value: Vec<String>,
    /// glibc older than this version (`2.34`).
    pub glibc_before: Option<String>,
}

/// A value between two texts in a library's data.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Capture {
    pub name: String,
    /// Sonames of the libraries to look in.
    pub library: Vec<String>,
    pub after: String,
    pub before: String,
}

/// Paths or a library that come.
///
/// Paths may hold `*`, `?` (one component) and `**` (any number), `{libdir}` (each directory that the loader always
/// searches), `{value}` and `{locale}` (the variable that is the evidence, as it is and with its codeset as glibc
/// spells it) and captured values.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Include {
    /// All of these that exist.
    #[serde(default)]
    pub all: Vec<String>,
    /// The first of these that exists.
    #[serde(default)]
    pub first: Vec<String>,
    /// Looked up as `dlopen(3)` would.
    #[serde(default)]
    pub library: Vec<String>,
    /// Paths below these stay away.
    #[serde(default)]
    pub except: Vec<String>,
    /// Links whose texts match one of these stay away (whole texts, `*` and `?`).
    #[serde(default)]
    pub except_target: Vec<String>,
    /// Nothing is said when no source has it.
    #[serde(default)]
    pub optional: bool,
}

/// How a language's programs are recognised.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Runtime {
    pub id: String,
    pub title: String,
    /// Names of interpreters (`python3`, `python3.*`).
    #[serde(default)]
    pub interpreter: Vec<String>,
    /// Whether decant knows what its programs need besides ELF and the resources.
    #[serde(default)]
    pub complete: bool,
}

/// A program that starts another one named in its arguments.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Wrapper {
    pub names: Vec<String>,
    /// Options whose value is the next word.
    #[serde(default)]
    pub options_with_value: Vec<String>,
    /// Words before the program that are not options.
    #[serde(default)]
    pub operands: usize,
}
