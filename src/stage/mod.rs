//! Stages: which there are, what each starts from, what it takes files from, and which of them a build needs.
//!
//! A [`StageGraph`] is made from a parsed Dockerfile ([`StageGraph::new`]). Base images and named contexts are
//! facts of the outside world, so the caller fetches them: it asks [`StageGraph::wanted`], answers each
//! [`Wanted`] with [`StageGraph::provide`], and repeats until nothing is wanted, because `ONBUILD` triggers of
//! an image can name further images. After that the graph is complete and `lower` turns it into LLB.

use std::collections::BTreeMap;

use crate::distill::spec::Variant;
use crate::dockerfile::instruction::Instruction;
use crate::dockerfile::source::Span;
use crate::image::platform::Platform;
use crate::llb::State;

/// Index of a stage in its [`StageGraph`]: `FROM` sections in file order, then one for each image or context
/// that only `COPY --from` or `RUN --mount=from=` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StageId(pub(crate) u32);

/// What of a build decides about its stages, for one platform.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    pub build_args: &'a BTreeMap<String, String>,
    /// Option `target`; empty is the last stage.
    pub target: &'a str,
    /// Platforms of the first worker, its own first. Never empty.
    pub build_platforms: &'a [Platform],
    /// The platform asked for; `None` is the build platform, but then a base image may override it.
    pub target_platform: Option<&'a Platform>,
    /// Several platforms are returned, so vertex names carry theirs.
    pub multi_platform: bool,
    /// Options `context:NAME` and `context:NAME::PLATFORM`, without `context:`.
    pub contexts: &'a BTreeMap<String, String>,
    pub resolve_mode: ResolveMode,
    pub no_cache: NoCache,
    /// Every stage counts as reachable (lint without a target).
    pub all_stages: bool,
    /// The resolved `SOURCE_DATE_EPOCH` (see [`epoch`]); seconds since 1970.
    pub epoch: Option<i64>,
}

/// Option `image-resolve-mode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResolveMode {
    #[default]
    Default,
    Pull,
    Local,
}

/// Option `no-cache`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum NoCache {
    #[default]
    None,
    All,
    /// Stage names, any case.
    Stages(Vec<String>),
}

/// All stages of one build for one platform.
#[derive(Clone, Debug)]
pub struct StageGraph {
    pub stages: Vec<Stage>,
    pub target: StageId,
    /// Values of predefined platform args and global `ARG`s; `None` is declared without a value.
    pub global_args: GlobalArgs,
    /// The platform asked for, or the build platform.
    pub target_platform: Platform,
    /// No platform was asked for.
    pub implicit_platform: bool,
    pub multi_platform: bool,
}

/// One `FROM` section, or an image or context that a command takes files from.
#[derive(Clone, Debug)]
pub struct Stage {
    /// Lower-cased name of `AS`.
    pub name: Option<String>,
    /// How vertex names call it: the name or `stage-<index>`; empty if the graph has one entry only.
    pub label: String,
    /// False for an entry that exists only because a command names an image or context.
    pub registered: bool,
    pub base: Base,
    /// `FROM --distroless[=variant]`: the stage ends as what its base needs to run.
    pub distil: Option<Variant>,
    /// `--platform`, expanded; the platform of the resolved base afterwards.
    pub platform: Option<Platform>,
    /// The `FROM` line (source text and place); absent for unregistered entries.
    pub from_text: Option<String>,
    /// Where errors about the base point; empty for a `RUN --mount=from=` image.
    pub spans: Vec<Span>,
    /// Triggers first, then the stage's own instructions. Empty when a named context replaces the stage.
    pub steps: Vec<Step>,
    /// `N` of `[stage i/N]`.
    pub step_total: u32,
    /// Option `no-cache` names it.
    pub no_cache: bool,
    /// The target needs it. Lowering skips the others.
    pub reachable: bool,
}

/// What a stage starts from.
#[derive(Clone, Debug)]
pub enum Base {
    Scratch,
    Stage(StageId),
    Image(ImageBase),
    /// A named context in place of the image, or of the whole stage.
    Context(ContextBase),
    /// `FROM distroless[:variant]`.
    Distroless(Variant),
}

/// An image of a registry.
#[derive(Clone, Debug)]
pub struct ImageBase {
    /// As written in the Dockerfile, expanded.
    pub written: String,
    /// Normalised, with the digest once resolved.
    pub reference: String,
    pub resolved: Option<ResolvedImage>,
}

/// A named context and what is known of it.
#[derive(Clone, Debug)]
pub struct ContextBase {
    /// The key that matched, with `::platform` if it had one; vertex names show it.
    pub key: String,
    pub source: ContextSource,
    /// The context stands for a stage name: the stage has no instructions of its own left.
    pub replaces_stage: bool,
}

/// The kinds of named contexts.
#[derive(Clone, Debug)]
pub enum ContextSource {
    /// `docker-image://scratch`.
    Scratch,
    Image {
        /// Normalised, with the digest once resolved.
        reference: String,
        resolved: Option<ResolvedImage>,
    },
    OciLayout {
        /// The context name with the digest.
        reference: String,
        store: String,
        resolved: Option<ResolvedImage>,
    },
    Local {
        name: String,
        /// Its `.dockerignore`, once read.
        ignore: Option<Vec<String>>,
    },
    /// A git URL; checked by the git-ref grammar.
    Git(String),
    Http(String),
    Input {
        name: String,
        loaded: Option<Input>,
    },
}

/// A frontend input: its state in the graph that lowering goes on with, and its image config.
#[derive(Clone, Debug)]
pub struct Input {
    pub state: State,
    pub config: Option<Vec<u8>>,
}

/// An instruction with what it takes files from.
#[derive(Clone, Debug)]
pub struct Step {
    pub instruction: Instruction,
    /// COPY: the stage of `--from` (one entry) or nothing. RUN: the stage of each mount's `from`, by mount.
    pub sources: Vec<Option<StageId>>,
    /// An `ONBUILD` trigger of the base.
    pub trigger: bool,
    /// Names the instruction for the distil step: among the stage's COPY, ADD, WORKDIR, RUN, ENTRYPOINT, CMD,
    /// HEALTHCHECK and USER instructions, from 0.
    pub ordinal: u32,
}

/// What the caller has to find out before the graph is complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Resolve an image's digest and config.
    Image(ImageRequest),
    /// Read the `.dockerignore` of a local named context.
    Ignore {
        /// The context's key, for `[context KEY] load .dockerignore`.
        key: String,
        /// The client's local directory.
        local: String,
    },
    /// A frontend input, and `containerimage.config` of `input-metadata:NAME`.
    Input { key: String, name: String },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageRequest {
    /// Normalised reference.
    pub reference: String,
    pub platform: Platform,
    /// `[internal] load metadata for …`
    pub log_name: String,
    pub resolve_mode: ResolveMode,
    /// Look in this OCI layout of the client's session instead of a registry.
    pub oci_store: Option<String>,
}

/// The answer to [`Wanted::Image`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedImage {
    /// The reference asked for, or what a source policy made of it.
    pub reference: String,
    /// `sha256:…`; empty if unknown.
    pub digest: String,
    /// The image config's bytes.
    pub config: Vec<u8>,
}

/// The answer to a [`Wanted`] of the same name.
#[derive(Clone, Debug)]
pub enum Answer {
    Image(ResolvedImage),
    /// Patterns of the ignore file, empty if there is none.
    Ignore(Vec<String>),
    Input(Input),
}

/// Global arguments in order of declaration.
#[derive(Clone, Debug, Default)]
pub struct GlobalArgs {
    entries: Vec<(String, Option<String>)>,
}
