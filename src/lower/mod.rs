//! From stages to LLB: each instruction turns a [`StageState`] into the next one and adds nodes to the graph.

pub mod distroless;

use std::collections::BTreeMap;

use crate::diagnostic::Diagnostic;
use crate::distill::spec::Variant;
use crate::dockerfile::source::Span;
use crate::image::config::ImageConfig;
use crate::image::platform::Platform;
use crate::llb::op::{NetMode, Ulimit};
use crate::llb::{Graph, LinuxResources, NodeId, Output, State};
use crate::stage::{StageGraph, StageId};

/// What of a build decides how instructions are lowered, for one platform.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    pub build_args: BTreeMap<String, String>,
    /// Options `label:K`.
    pub labels: BTreeMap<String, String>,
    /// The id of the session that local sources without one of their own belong to.
    pub session: String,
    /// `BUILDKIT_CACHE_MOUNT_NS`.
    pub cache_namespace: String,
    /// Seconds since 1970.
    pub epoch: Option<i64>,
    /// `BUILDKIT_GIT_ADVICE`.
    pub git_advice: bool,
    /// (host, IP).
    pub extra_hosts: Vec<(String, String)>,
    pub hostname: String,
    /// Bytes; 0 is the daemon's default.
    pub shm_size: i64,
    pub ulimits: Vec<Ulimit>,
    pub cgroup_parent: String,
    pub linux_resources: Option<LinuxResources>,
    pub network: NetMode,
    /// Capabilities that the daemon announced (`mergeop`, `exec.meta.ulimit`, …).
    pub caps: std::collections::BTreeSet<String>,
}

/// The main build context.
#[derive(Clone, Debug)]
pub struct MainContext {
    /// Where COPY and ADD without `--from` read.
    pub state: State,
    /// The `local://context` node, whose follow paths are completed at the end; `None` for other kinds.
    pub local: Option<NodeId>,
}

/// A stage at one point between its instructions.
#[derive(Clone, Debug)]
pub struct StageState {
    pub state: State,
    /// The stage's platform.
    pub platform: Platform,
    /// Build environment in the order of last assignment.
    pub env: Vec<(String, String)>,
    /// LLB working directory.
    pub cwd: String,
    /// LLB user.
    pub user: String,
    /// `ARG`s of the stage and its base stages, in order of first appearance, with their values.
    pub build_args: Vec<(String, Option<String>)>,
    pub config: ImageConfig,
    /// Bytes of the root image's config.
    pub base_config: Option<Vec<u8>>,
    /// A WORKDIR of the stage or of a base stage was absolute or already counted (lint WorkdirRelativePath).
    pub workdir_set: bool,
    /// Where CMD, ENTRYPOINT and HEALTHCHECK of this stage stand.
    pub cmd_at: Option<Span>,
    pub entrypoint_at: Option<Span>,
    pub healthcheck_at: Option<Span>,
}

/// What lowering one target for one platform gives.
#[derive(Clone, Debug)]
pub struct Lowered {
    pub state: State,
    pub config: ImageConfig,
    /// Bytes of the untouched config of the target's root image.
    pub base_config: Option<Vec<u8>>,
    /// Exec ops without a platform of their own run on this one.
    pub platform: Platform,
}

/// A file tree that one instruction of a distroless stage brought, alone on scratch.
#[derive(Clone, Debug)]
pub struct Tree {
    pub output: Output,
    /// Index of the instruction in the stage's steps.
    pub step: usize,
    /// The stage it was copied from; `None` is the build context, a URL, a heredoc, or WORKDIR.
    pub from: Option<StageId>,
    /// Source words as expanded, absolute and cleaned.
    pub sources: Vec<String>,
    /// Destination as expanded and made absolute; a trailing `/` is kept.
    pub dest: String,
    pub parents: bool,
    /// `--closure`; true unless switched off.
    pub closure: bool,
    /// `--chown` as expanded; the tree itself has no owner names.
    pub chown: Option<String>,
}

/// What a distroless stage has gathered so far, in instruction order.
#[derive(Clone, Debug)]
pub enum Gathered {
    /// Files of one COPY, ADD or WORKDIR.
    Tree(Tree),
    /// An exec-form RUN: the distroless tree it saw and the tree it left.
    Run { step: usize, before: State, after: State },
}

/// What [`Distiller`] is asked about a stage at one point.
#[derive(Clone, Copy, Debug)]
pub struct DistilRequest<'a> {
    pub graph: &'a StageGraph,
    pub stage: StageId,
    pub variant: Variant,
    /// `FROM --distroless X`: the ordinary state of X that is cut down. `None` in a `FROM distroless` stage.
    pub whole: Option<&'a StageState>,
    /// Config, environment and user at this point; `state.state` is what the stage started from
    /// (scratch, or the tree of the distroless stage below).
    pub state: &'a StageState,
    pub gathered: &'a [Gathered],
    /// States of the stages lowered before this one, by id.
    pub lowered: &'a [Option<StageState>],
    /// True at the end of the stage, false before an exec-form RUN.
    pub last: bool,
}

/// Turns what a distroless stage gathered into its file system: the hook through which `distroless.rs` works.
pub trait Distiller {
    /// The stage's file system at this point; new nodes go into `nodes`.
    ///
    /// # Errors
    /// What the user has to change, for example a stage without sources.
    fn distil(&mut self, nodes: &mut Graph, request: &DistilRequest<'_>) -> Result<State, Diagnostic>;
}
