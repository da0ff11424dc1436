//! The edge: one build served on stdio over gRPC.

mod client;
mod excerpt;
mod failure;
mod join;
pub mod serve;
mod status;
mod stdio;
mod wire;

pub use client::Client;
pub use failure::{BuildError, Detail, Failure};
pub use join::join_all;

use std::collections::BTreeMap;

use crate::dockerfile::source::Span;
use crate::image::platform::Platform;
use crate::llb::op::SourceOp;
use crate::llb::{Caps, Definition, SourceMap};
use crate::options::{CacheImport, ImageResolveMode, Worker};
use crate::output::BuildResult;
pub use crate::output::Ref;

/// What a frontend can ask of the daemon. One value serves a whole build; calls may run at the same time.
#[expect(async_fn_in_trait, reason = "static dispatch on one thread: no caller needs `Send` futures")]
pub trait Gateway {
    /// What the daemon can do and where it builds.
    ///
    /// # Errors
    /// Any [`Failure`] of the call.
    async fn ping(&self) -> Result<Daemon, Failure>;

    /// The frontend inputs by name (cap `frontend.inputs`; without it none).
    ///
    /// # Errors
    /// Any [`Failure`] of the call.
    async fn inputs(&self) -> Result<BTreeMap<String, Definition>, Failure>;

    /// Asks for the result of a definition. It is lazy: failures of its steps come from the first read.
    ///
    /// # Errors
    /// Any [`Failure`] of the call.
    async fn solve(&self, request: SolveRequest<'_>) -> Result<Ref, Failure>;

    /// Runs what the result needs.
    ///
    /// # Errors
    /// The failure of a step, with its details.
    async fn evaluate(&self, result: &Ref) -> Result<(), Failure>;

    /// A whole file, read in pages; links are followed inside the root. `None` when there is no such file.
    ///
    /// # Errors
    /// [`Failure`] of a step below the result, or when the file has more than `limit` bytes:
    /// `<path> exceeds maximum allowed size of <limit> bytes`.
    async fn read_file(&self, result: &Ref, path: &str, limit: u64) -> Result<Option<Vec<u8>>, Failure>;

    /// The first `length` bytes of a file.
    ///
    /// # Errors
    /// Any [`Failure`]; a missing file is one.
    async fn read_start(&self, result: &Ref, path: &str, length: u32) -> Result<Vec<u8>, Failure>;

    /// Metadata of a file, the last link followed. `None` when there is no such file.
    ///
    /// # Errors
    /// [`Failure`] of a step below the result.
    async fn stat_file(&self, result: &Ref, path: &str) -> Result<Option<FileStat>, Failure>;

    /// Digest and config of an image.
    ///
    /// # Errors
    /// [`Failure`] with the daemon's text, such as `docker.io/library/x:latest: not found`.
    async fn resolve_image(&self, lookup: ImageLookup<'_>) -> Result<ResolvedImage, Failure>;

    /// What is known about a git or HTTP source without fetching all of it (cap `source.metaresolver`).
    ///
    /// # Errors
    /// Any [`Failure`] of the call.
    async fn resolve_source(&self, lookup: SourceLookup<'_>) -> Result<SourceMeta, Failure>;

    /// Sends a warning; dropped when the daemon has no cap `gateway.warnings`.
    ///
    /// # Errors
    /// Any [`Failure`] of the call.
    async fn warn(&self, warning: Warning<'_>) -> Result<(), Failure>;

    /// Ends the build with a result. The last call of a build, together with [`Gateway::return_error`].
    ///
    /// # Errors
    /// Any [`Failure`] of the call.
    async fn return_result(&self, result: BuildResult) -> Result<(), Failure>;

    /// Ends the build with an error; `source` is the file its spans point into.
    ///
    /// # Errors
    /// Any [`Failure`] of the call.
    async fn return_error(&self, error: &BuildError, source: Option<&SourceMap>) -> Result<(), Failure>;
}

/// The answer to a ping.
#[derive(Clone, Debug, Default)]
pub struct Daemon {
    pub gateway_caps: Caps,
    pub llb_caps: Caps,
    /// Empty on daemons that tell workers only by environment.
    pub workers: Vec<Worker>,
}

/// One definition to solve.
#[derive(Clone, Copy, Debug)]
pub struct SolveRequest<'a> {
    pub definition: &'a Definition,
    /// For this definition only; the main solve of each platform carries the build's.
    pub cache_imports: &'a [CacheImport],
    /// Run it before answering.
    pub evaluate: bool,
}

impl<'a> SolveRequest<'a> {
    /// A lazy solve without cache imports.
    pub fn new(definition: &'a Definition) -> Self {
        Self { definition, cache_imports: &[], evaluate: false }
    }
}

/// What a daemon tells about a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileStat {
    /// Bytes; 0 for directories.
    pub size: u64,
    /// Bits of Go's `fs.FileMode`.
    pub mode: u32,
}

impl FileStat {
    /// Whether it is a directory (Go's `fs.ModeDir`).
    pub fn is_dir(&self) -> bool {
        self.mode & (1 << 31) != 0
    }
}

/// Which image to look up, and how the look-up is shown.
#[derive(Clone, Copy, Debug)]
pub struct ImageLookup<'a> {
    /// Normalised, with tag or digest.
    pub reference: &'a str,
    /// `None` leaves it to the daemon.
    pub platform: Option<&'a Platform>,
    pub mode: ImageResolveMode,
    /// Name of the vertex that clients show.
    pub log_name: &'a str,
    pub store: ImageStore<'a>,
}

/// Where an image is looked up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ImageStore<'a> {
    #[default]
    Registry,
    /// A client's OCI layout.
    OciLayout { session: &'a str, store: &'a str },
}

/// A resolved image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResolvedImage {
    /// As asked for, or what a source policy made of it.
    pub reference: String,
    /// Of the top descriptor; empty when the daemon found it in a local image store.
    pub digest: String,
    /// JSON bytes of the image config.
    pub config: Vec<u8>,
    /// The identifier of another kind of source, where a source policy put one in the image's place; the
    /// other fields are empty then.
    pub redirect: Option<String>,
}

/// Which source to ask about.
#[derive(Clone, Copy, Debug)]
pub struct SourceLookup<'a> {
    pub source: &'a SourceOp,
    pub log_name: &'a str,
    /// Ask for the commit object of a git source.
    pub git_object: bool,
}

/// What is known about a git or HTTP source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceMeta {
    /// After source policies.
    pub identifier: String,
    pub git: Option<GitMeta>,
    pub http: Option<HttpMeta>,
}

/// A git commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GitMeta {
    pub checksum: String,
    /// The raw commit object, if it was asked for.
    pub commit_object: Vec<u8>,
}

/// A download.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpMeta {
    pub filename: String,
    /// Seconds since 1970 UTC.
    pub last_modified: Option<i64>,
}

/// A warning as clients list it.
#[derive(Clone, Debug)]
pub struct Warning<'a> {
    /// The vertex that it belongs to: the load of the Dockerfile.
    pub vertex: &'a str,
    /// `Rule: message (line N)`.
    pub short: String,
    /// Description of the rule.
    pub detail: Vec<String>,
    pub url: String,
    pub source: Option<&'a SourceMap>,
    pub spans: Vec<Span>,
}
