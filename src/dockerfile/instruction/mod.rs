//! Typed instructions: what the grammar says, before any expansion.
//!
//! All strings are as written (quotes and variables included) unless a field says otherwise, because
//! expansion depends on the stage's environment and is the lowering's business.

mod dispatch;
mod from;
mod healthcheck;
mod onbuild;
mod run;
mod setting;
mod transfer;

use super::heredoc::Heredoc;
use super::source::Span;

pub use dispatch::Parsed;
pub(super) use dispatch::{read, seen};

/// A value with its place.
#[derive(Clone, Debug)]
pub struct Spanned<T> {
    pub value: T,
    pub span: Span,
    /// The logical line, trimmed: continuations joined, without heredoc bodies. The "source text" of the official frontend.
    pub text: String,
    /// The instruction word as typed (`Run`), for lints that look at its case.
    pub keyword: String,
    /// Comment lines above (without `#`, trimmed) that describe it; see dockerfile-semantics 1.2.
    pub doc: Vec<String>,
}

/// The comment among `doc` that describes `name`: the first one that starts with it and a blank; what follows.
pub fn description<'a>(doc: &'a [String], name: &str) -> Option<&'a str> {
    if name.is_empty() {
        return None;
    }
    doc.iter().find_map(|comment| comment.strip_prefix(name)?.strip_prefix(' '))
}

/// One instruction after `FROM`, or a global `ARG`.
pub type Instruction = Spanned<Kind>;

#[derive(Clone, Debug)]
pub enum Kind {
    Arg(Vec<Arg>),
    Env(KeyValues),
    Label(KeyValues),
    Maintainer(String),
    Run(Run),
    Copy(Copy),
    Add(Add),
    Workdir(String),
    User(String),
    /// Words sorted as the official parser sorts them.
    Expose(Vec<String>),
    Volume(Vec<String>),
    Cmd(CommandLine),
    Entrypoint(CommandLine),
    Healthcheck(Healthcheck),
    Shell(Vec<String>),
    Stopsignal(String),
    /// The trigger's text with heredoc bodies re-attached, as the image config stores it.
    Onbuild(String),
}

/// `FROM [--platform=p] [--distroless[=variant]] image [AS name]`.
#[derive(Clone, Debug)]
pub struct From {
    pub platform: Option<String>,
    /// `--distroless` (`Some(None)`) or `--distroless=variant`.
    pub distroless: Option<Option<String>>,
    pub image: String,
    /// Lower-cased stage name, checked by the stage-name grammar.
    pub name: Option<String>,
    /// The name as typed (lint `StageNameCasing`).
    pub name_as_typed: Option<String>,
    /// The word `AS` as typed (lint `FromAsCasing`).
    pub as_keyword: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Arg {
    pub name: String,
    /// Default, unexpanded; `None` for `ARG NAME`, `Some("")` for `ARG NAME=`.
    pub value: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyValues {
    pub pairs: Vec<(String, String)>,
    /// `ENV key value` with a blank instead of `=` (lint `LegacyKeyValueFormat`).
    pub legacy: bool,
}

/// The two forms of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandLine {
    Shell(String),
    Exec(Vec<String>),
}

#[derive(Clone, Debug)]
pub struct Run {
    pub command: CommandLine,
    /// Heredocs in order of appearance; see `Heredoc`.
    pub heredocs: Vec<Heredoc>,
    /// Raw CSV of each `--mount`; validated when the instruction is lowered.
    pub mounts: Vec<String>,
    /// `from=` of each mount (same index as `mounts`), read at parse time.
    pub mount_sources: Vec<Option<String>>,
    /// `default`, `none` or `host`; checked.
    pub network: Option<String>,
    /// `sandbox` or `insecure`; checked.
    pub security: Option<String>,
    /// Raw CSV of each `--device`.
    pub devices: Vec<String>,
}

/// What COPY and ADD have in common.
#[derive(Clone, Debug)]
pub struct Transfer {
    /// Source words without heredocs.
    pub sources: Vec<String>,
    /// Heredoc sources; they come after all path sources.
    pub inline: Vec<Heredoc>,
    pub dest: String,
    pub chown: Option<String>,
    pub chmod: Option<String>,
    pub link: bool,
    pub exclude: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct Copy {
    pub transfer: Transfer,
    pub from: Option<String>,
    pub parents: bool,
    /// decant's `--closure[=bool]`.
    pub closure: Option<bool>,
}

#[derive(Clone, Debug)]
pub struct Add {
    pub transfer: Transfer,
    pub keep_git_dir: Option<bool>,
    pub checksum: Option<String>,
    pub unpack: Option<bool>,
}

#[derive(Clone, Debug)]
pub enum Healthcheck {
    None,
    Cmd(HealthcheckCmd),
}

/// Durations are nanoseconds; 0 means unset.
#[derive(Clone, Debug)]
pub struct HealthcheckCmd {
    pub command: CommandLine,
    pub interval: i64,
    pub timeout: i64,
    pub start_period: i64,
    pub start_interval: i64,
    pub retries: i32,
}
