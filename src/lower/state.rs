//! A stage between two of its instructions.

use crate::dockerfile::source::Span;
use crate::dockerfile::word::Variables;
use crate::image::config::ImageConfig;
use crate::image::platform::Platform;
use crate::llb::State;
use crate::lower::outline::Taken;
use crate::stage::StageId;

/// Everything the next instruction depends on.
#[derive(Clone, Debug)]
pub struct StageState {
    pub state: State,
    /// The stage's platform.
    pub platform: Platform,
    pub env: Environment,
    /// LLB working directory; `/` where nothing set it.
    pub cwd: String,
    /// LLB user; empty is root.
    pub user: String,
    /// `ARG`s of the stage and its base stages as they were met, with their values.
    pub build_args: Vec<(String, Option<String>)>,
    pub config: ImageConfig,
    /// Bytes of the root image's config.
    pub base_config: Option<Vec<u8>>,
    /// A WORKDIR has been seen in this stage or one below it (lint `WorkdirRelativePath`).
    pub workdir_set: bool,
    /// Where the CMD, ENTRYPOINT and HEALTHCHECK that count so far stand; of this stage only.
    pub cmd_at: Option<Span>,
    pub entrypoint_at: Option<Span>,
    pub healthcheck_at: Option<Span>,
    /// What each instruction of this stage that can change files started from and left, in order.
    pub snapshots: Vec<Snapshot>,
    /// What the instructions of this stage can be given.
    pub taken: Taken,
    /// Vertices that count in `[stage i/N]` so far.
    pub(super) vertices: u32,
    /// Whether LLB knows a platform of the state: vertex names of RUN on a bare scratch carry none.
    pub(super) has_platform: bool,
}

/// The file systems around one RUN, COPY, ADD or WORKDIR.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Index in the stage's steps.
    pub step: usize,
    pub before: State,
    pub after: State,
    pub made: Made,
}

/// What kind of instruction changed the file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Made {
    Run,
    /// The directory, absolute and cleaned.
    Workdir(String),
    Copy(Moved),
    Add(Moved),
}

/// From where to where a COPY or ADD brings files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The stage it copies from; `None` is the build context, a URL or a heredoc.
    pub from: Option<StageId>,
    /// Path sources as expanded, absolute and cleaned.
    pub sources: Vec<String>,
    /// Destination as expanded and made absolute; a trailing `/` is kept.
    pub dest: String,
}

/// The build environment, in the order of last assignment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment(Vec<(String, String)>);

impl Environment {
    /// Sets `name`, which moves to the end.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.0.retain(|(known, _)| known != name);
        self.0.push((name.to_owned(), value.to_owned()));
    }

    /// Names in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// `NAME=value` in order.
    pub fn to_list(&self) -> Vec<String> {
        self.0.iter().map(|(name, value)| format!("{name}={value}")).collect()
    }
}

impl Variables for Environment {
    fn lookup(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}
