//! The key/value options of a build, read once into typed values.

mod number;
mod policy;
mod read;
mod run;
mod worker;

pub use policy::{Budget, EntryError, Origin, Policy, PolicyError, Targets, Variant};
pub use worker::Worker;

use read::Options;
use std::collections::BTreeMap;

use crate::image::platform::Platform;
use crate::image::reference::ImageRef;
use crate::llb::LinuxResources;
use crate::llb::op::{NetMode, Ulimit};

/// Everything a build was asked for. Key meanings: buildkit-protocol 7, dockerfile-semantics 7.4.
#[derive(Clone, Debug, Default)]
pub struct BuildOptions {
    /// The session that serves local sources, unless [`BuildOptions::local_sessions`] names another.
    pub session: String,
    /// Where the daemon builds; the first one's first platform is the build platform.
    pub workers: Vec<Worker>,
    /// `buildkit`, `docker`, …; only for hints.
    pub exported_product: String,

    /// Path of the Dockerfile in its source, `Dockerfile` unless given.
    pub filename: String,
    /// Target stage as written; empty is the last one.
    pub target: String,
    /// Requested platforms, normalised; empty when none was asked for.
    pub platforms: Vec<Platform>,
    /// Explicit choice between a map of results and a single one.
    pub multi_platform: Option<bool>,
    /// `NAME` → value of `build-arg:NAME`; an empty value counts as set.
    pub build_args: BTreeMap<String, String>,
    pub labels: BTreeMap<String, String>,

    /// URL of a remote main context (git or HTTP), as given.
    pub context: Option<String>,
    /// Local name that serves the Dockerfile; a given one makes it local even for a remote context.
    pub dockerfile_key: Option<String>,
    /// Directory that a main context that is not local is narrowed to.
    pub context_subdir: String,
    /// Local source name → session id.
    pub local_sessions: BTreeMap<String, String>,
    /// `NAME` or `NAME::PLATFORM` → `scheme:rest`.
    pub named_contexts: BTreeMap<String, String>,
    /// Input name → JSON object of metadata key → base64 value.
    pub input_metadata: BTreeMap<String, String>,
    /// Local context name → part of its shared key.
    pub local_shared_keys: BTreeMap<String, String>,

    pub no_cache: NoCache,
    pub cache_imports: Vec<CacheImport>,
    pub image_resolve_mode: ImageResolveMode,

    pub network: NetMode,
    /// (host in lower case, IP).
    pub extra_hosts: Vec<(String, String)>,
    /// Bytes; 0 is the daemon's default.
    pub shm_size: i64,
    pub ulimits: Vec<Ulimit>,
    pub cgroup_parent: String,
    pub hostname: String,
    pub resources: Option<LinuxResources>,

    /// The image that decant was started from, as in the syntax line.
    pub source: Option<String>,
    /// The whole syntax line; present when started through one.
    pub cmdline: Option<String>,
    /// `requestid`: what is asked for in place of a build.
    pub request: Option<String>,
    /// `frontend.caps`, what follows a `+` cut off.
    pub frontend_caps: Vec<String>,
    /// `attest:sbom`, when asked for.
    pub sbom: Option<SbomRequest>,
    /// `BUILDKIT_CACHE_MOUNT_NS`.
    pub cache_mount_namespace: String,
    /// `BUILDKIT_GIT_ADVICE`.
    pub git_advice: bool,
    /// `BUILDKIT_CONTEXT_KEEP_GIT_DIR`.
    pub keep_git_dir: bool,

    /// Distroless control: site default (environment `DISTROLESS`) and build argument; the directive of the
    /// Dockerfile is merged between them by [`Policy::resolve`].
    pub distroless_site: Option<String>,
    pub distroless_arg: Option<String>,
}

/// Which stages run again although their result is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum NoCache {
    #[default]
    None,
    All,
    /// Stage names, lower case.
    Stages(Vec<String>),
}

/// A cache to look results up in.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CacheImport {
    #[serde(rename = "Type", default)]
    pub kind: String,
    #[serde(default)]
    pub attrs: BTreeMap<String, String>,
}

/// How images are looked up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ImageResolveMode {
    #[default]
    Default,
    Pull,
    Local,
}

impl ImageResolveMode {
    /// The word in options, requests and the attribute `image.resolvemode`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Pull => "pull",
            Self::Local => "local",
        }
    }
}

/// What `attest:sbom` asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SbomRequest {
    /// Scanner image; `None` when nobody named one, which leaves the choice to us.
    pub generator: Option<ImageRef>,
    pub parameters: BTreeMap<String, String>,
}

/// Scanner image of builds that name none.
pub const DEFAULT_SBOM_GENERATOR: &str = "docker.io/docker/buildkit-syft-scanner:stable-1";

/// The frontend caps that decant has (label `moby.buildkit.frontend.caps` of its image).
pub const FRONTEND_CAPS: &[&str] = &[
    "moby.buildkit.frontend.inputs",
    "moby.buildkit.frontend.subrequests",
    "moby.buildkit.frontend.contexts",
    "moby.buildkit.frontend.gitquerystring",
    "moby.buildkit.frontend.contexts.zstd",
];

impl BuildOptions {
    /// The first platform of the first worker: where build steps run unless told otherwise.
    pub fn build_platform(&self) -> Platform {
        let own = self.workers.first().and_then(|worker| worker.platforms.first());
        own.cloned().unwrap_or_else(Platform::host)
    }

    /// Whether the result is a map by platform.
    pub fn is_multi_platform(&self) -> bool {
        self.multi_platform.unwrap_or(self.platforms.len() > 1)
    }

    /// The first asked-for frontend cap that decant does not have.
    pub fn unsupported_cap(&self) -> Option<&str> {
        self.frontend_caps.iter().map(String::as_str).find(|cap| !FRONTEND_CAPS.contains(cap))
    }
}
