//! Stages: which there are, what each starts from, what it takes files from, and which of them a build needs.
//!
//! A [`StageGraph`] is made from a parsed Dockerfile ([`StageGraph::new`]). Base images and named contexts are
//! facts of the outside world, so the caller fetches them: it asks [`StageGraph::wanted`], answers each
//! [`Wanted`] with [`StageGraph::provide`], and repeats until nothing is wanted, because `ONBUILD` triggers of
//! an image can name further images. After that the graph is complete and `lower` turns it into LLB.

mod args;
mod build;
mod context;
pub mod epoch;
pub mod from_lint;
mod lookup;
mod reach;
mod resolve;
mod trigger;

use std::collections::{BTreeMap, BTreeSet};

pub use args::{DeclaredArg, GlobalArgs};

use crate::dockerfile::git_ref::GitRef;
use crate::dockerfile::instruction::Instruction;
use crate::dockerfile::source::Span;
use crate::image::config::ImageConfig;
use crate::image::platform::Platform;
use crate::llb::State;
use crate::options::{BuildOptions, ImageResolveMode, Variant};

/// Index of a stage in its [`StageGraph`]: `FROM` sections in file order, then one for each image or context
/// that only `COPY --from` or `RUN --mount=from=` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StageId(pub(crate) u32);

impl StageId {
    /// Its place in [`StageGraph::stages`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What of a build decides about its stages, for one platform.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    pub options: &'a BuildOptions,
    /// The platform asked for; `None` is the build platform, but then a base image may override it.
    pub target_platform: Option<&'a Platform>,
    /// Several platforms are returned, so vertex names carry theirs.
    pub multi_platform: bool,
    /// Every stage counts as reachable (lint without a target).
    pub all_stages: bool,
    /// What `SOURCE_DATE_EPOCH` was found to be (see [`epoch`]).
    pub epoch: epoch::Epoch,
}

/// All stages of one build for one platform.
#[derive(Clone, Debug)]
pub struct StageGraph {
    pub stages: Vec<Stage>,
    pub target: StageId,
    /// Values of predefined platform args and global `ARG`s.
    pub global_args: GlobalArgs,
    /// Build arguments as instructions see them: a `SOURCE_DATE_EPOCH` is a number or absent.
    pub build_args: BTreeMap<String, String>,
    /// Platforms of the first worker, its own first.
    pub build_platforms: Vec<Platform>,
    /// The platform asked for, or the build platform.
    pub target_platform: Platform,
    /// No platform was asked for.
    pub implicit_platform: bool,
    pub multi_platform: bool,
    /// The Dockerfile's escape character.
    pub escape: char,
    /// `SOURCE_DATE_EPOCH`, seconds since 1970.
    pub epoch: Option<epoch::Time>,
    /// Lower-cased name → its last definition.
    names: BTreeMap<String, StageId>,
    contexts: BTreeMap<String, String>,
    resolve_mode: ImageResolveMode,
    /// Every stage counts as reachable.
    pub(crate) all_stages: bool,
}

/// One `FROM` section, or an image or context that a command takes files from.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, none decides another")]
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
    /// `--platform`, expanded, not normalised; the platform of the base once that is resolved.
    pub platform: Option<Platform>,
    /// Source text of the `FROM` line; empty for unregistered entries.
    pub from_text: String,
    /// Comments above the `FROM` line, for lints.
    pub doc: Vec<String>,
    /// Where errors about the base point; empty for a `RUN --mount=from=` image.
    pub spans: Vec<Span>,
    /// Triggers first, then the stage's own instructions.
    pub steps: Vec<Step>,
    /// `N` of `[stage i/N]`.
    pub step_total: u32,
    /// Option `no-cache` names it.
    pub no_cache: bool,
    /// The target needs it, or all stages count. Lowering skips the others.
    pub reachable: bool,
    /// The target needs it: only then triggers of its base run.
    pub needed: bool,
    /// Global arguments that its `FROM` line uses.
    pub from_args: BTreeSet<String>,
    /// Rounds of triggers that went by before the stage was needed: the official frontend numbers the vertex
    /// of its base image once in each of them.
    pub passed_over: u32,
    /// Triggers of the base have been put before its steps.
    triggered: bool,
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
    /// Set once resolved; always set in a reachable stage of a complete graph.
    pub known: Option<KnownImage>,
}

/// What is known of a resolved image.
#[derive(Clone, Debug)]
pub struct KnownImage {
    /// Normalised reference with the digest.
    pub reference: String,
    /// The same as it was resolved, without an added digest.
    pub unpinned: String,
    pub config: ImageConfig,
    /// The config as the image has it, creation time included, in the official frontend's JSON.
    pub base_config: Vec<u8>,
}

impl KnownImage {
    /// An image without layers: its file system is scratch.
    pub fn is_empty(&self) -> bool {
        self.config.rootfs.diff_ids.as_ref().is_none_or(Vec::is_empty)
            && self.config.history.iter().all(|entry| entry.empty_layer)
    }
}

/// A named context and what is known of it.
#[derive(Clone, Debug)]
pub struct ContextBase {
    /// The key that matched, with `::platform` if it had one; vertex names show it.
    pub key: String,
    pub source: ContextSource,
    /// The context stands for a stage name: the stage's instructions do not count.
    pub replaces_stage: bool,
}

/// The kinds of named contexts.
#[derive(Clone, Debug)]
pub enum ContextSource {
    /// As the option has it: it is read only if the stage is needed.
    Given {
        /// Of the image that it stands for.
        name: String,
        value: String,
    },
    /// `docker-image://scratch`.
    Scratch,
    Image {
        /// As the option has it, for the vertex name.
        written: String,
        known: Option<KnownImage>,
    },
    OciLayout {
        /// The context name with the digest.
        reference: String,
        store: String,
        known: Option<KnownImage>,
    },
    Local {
        name: String,
        /// Its `.dockerignore`, once read.
        ignore: Option<Vec<String>>,
    },
    Git {
        /// As the option has it, for the vertex name.
        written: String,
        git: GitRef,
    },
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
    /// COPY: the stage of `--from` (one entry) or nothing. RUN: the stage of each mount's `from`, by mount; a
    /// mount without `from` has an entry for scratch.
    pub sources: Vec<StageId>,
    /// An `ONBUILD` trigger of the base.
    pub trigger: bool,
    /// Names the instruction for the distil step: among the stage's COPY, ADD, WORKDIR, RUN, ENTRYPOINT, CMD,
    /// HEALTHCHECK and USER instructions, from 0. `None` for other instructions.
    pub ordinal: Option<u32>,
}

/// What the caller has to find out before the graph is complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub stage: StageId,
    pub kind: WantedKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WantedKind {
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
    Input {
        /// The context's key.
        key: String,
        name: String,
    },
}

/// An image to resolve. Equal requests have equal answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageRequest {
    /// Normalised reference.
    pub reference: String,
    pub platform: Platform,
    /// `[internal] load metadata for …`
    pub log_name: String,
    pub resolve_mode: ImageResolveMode,
    /// Look in this OCI layout of the client's session instead of a registry.
    pub oci_store: Option<String>,
}

/// The answer to a [`WantedKind`] of the same name.
#[derive(Clone, Debug)]
pub enum Answer {
    Image(ResolvedImage),
    /// Patterns of the ignore file, empty if there is none.
    Ignore(Vec<String>),
    Input(Input),
}

/// What a registry says of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedImage {
    /// The reference asked for, or what a source policy made of it.
    pub reference: String,
    /// `sha256:…`; empty if unknown.
    pub digest: String,
    /// The image config's bytes.
    pub config: Vec<u8>,
}

impl StageGraph {
    /// The stage with that id.
    pub fn stage(&self, id: StageId) -> &Stage {
        &self.stages[id.index()]
    }

    /// Ids in order.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = StageId> + use<> {
        (0..u32::try_from(self.stages.len()).unwrap_or(u32::MAX)).map(StageId)
    }

    /// The stage at the bottom of the `FROM` chain of `id`.
    pub fn root(&self, id: StageId) -> StageId {
        let mut id = id;
        while let Base::Stage(below) = self.stage(id).base {
            id = below;
        }
        id
    }

    /// Whether the stage ends distroless.
    pub fn is_distroless(&self, id: StageId) -> bool {
        self.distroless_variant(id).is_some()
    }

    /// The variant of a stage that ends distroless: `FROM --distroless`, `FROM distroless`, or a stage on
    /// such a stage. The nearest one on the way down counts.
    pub fn distroless_variant(&self, id: StageId) -> Option<Variant> {
        let mut id = id;
        loop {
            let stage = self.stage(id);
            match stage.base {
                _ if stage.distil.is_some() => return stage.distil,
                Base::Distroless(variant) => return Some(variant),
                Base::Stage(below) => id = below,
                _ => return None,
            }
        }
    }
}
