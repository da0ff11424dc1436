//! The ops of LLB in our own types: inputs are [`Output`]s, input tables are made when marshalling.

use std::collections::BTreeMap;

use super::{Output, State};

#[derive(Clone, Debug)]
pub enum Op {
    Source(SourceOp),
    Exec(Box<ExecOp>),
    File(FileOp),
    /// At least two inputs; later ones win.
    Merge(Vec<Output>),
    Diff {
        lower: State,
        upper: State,
    },
    /// A foreign op kept byte for byte (from `frontend.bin`, frontend inputs).
    Raw(RawOp),
}

#[derive(Clone, Debug)]
pub struct SourceOp {
    /// `docker-image://docker.io/library/busybox:latest@sha256:…`, `local://context`, …
    pub identifier: String,
    pub attrs: BTreeMap<String, String>,
}

#[derive(Clone, Debug)]
pub struct RawOp {
    pub bytes: Vec<u8>,
    /// In the order of the op's own input table.
    pub inputs: Vec<Output>,
    /// Its `OpMetadata` as protobuf bytes.
    pub metadata: Vec<u8>,
}

#[derive(Clone, Debug, Default)]
pub struct ExecOp {
    pub args: Vec<String>,
    pub env: Vec<String>,
    pub cwd: String,
    pub user: String,
    pub proxy_env: Option<ProxyEnv>,
    /// (host, IP).
    pub extra_hosts: Vec<(String, String)>,
    pub hostname: String,
    pub ulimits: Vec<Ulimit>,
    pub cgroup_parent: String,
    pub remove_mount_stubs_recursive: bool,
    pub mounts: Vec<Mount>,
    pub secret_env: Vec<SecretEnv>,
    pub network: NetMode,
    pub security: SecurityMode,
    pub cdi_devices: Vec<CdiDevice>,
}

impl ExecOp {
    /// The index of the output of the mount at `dest`; `None` when that mount has no output.
    ///
    /// Outputs are numbered by `dest`, so the index is known only once all mounts are there.
    pub fn output_of(&self, dest: &str) -> Option<u32> {
        let writable = |mount: &&Mount| mount.kind.has_output();
        self.mounts.iter().filter(writable).find(|mount| mount.dest == dest)?;
        let before = self.mounts.iter().filter(writable).filter(|mount| mount.dest.as_str() < dest);
        u32::try_from(before.count()).ok()
    }
}

#[derive(Clone, Debug, Default)]
pub struct ProxyEnv {
    pub http_proxy: String,
    pub https_proxy: String,
    pub ftp_proxy: String,
    pub no_proxy: String,
    pub all_proxy: String,
}

#[derive(Clone, Debug)]
pub struct Ulimit {
    pub name: String,
    pub soft: i64,
    pub hard: i64,
}

#[derive(Clone, Debug)]
pub struct SecretEnv {
    pub id: String,
    pub name: String,
    pub optional: bool,
}

#[derive(Clone, Debug)]
pub struct CdiDevice {
    pub name: String,
    pub optional: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NetMode {
    #[default]
    Unset,
    Host,
    None,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SecurityMode {
    #[default]
    Sandbox,
    Insecure,
}

/// A mount of an exec op. The root mount has `dest` `/`. Marshalling sorts by `dest`, numbers inputs and
/// outputs, and appends secrets and ssh mounts (dockerfile-semantics 12.2).
#[derive(Clone, Debug)]
pub struct Mount {
    pub dest: String,
    pub kind: MountKind,
}

#[derive(Clone, Debug)]
pub enum MountKind {
    Bind {
        source: State,
        selector: String,
        access: Access,
        content_cache: ContentCache,
    },
    Cache {
        source: State,
        selector: String,
        id: String,
        sharing: Sharing,
        readonly: bool,
    },
    /// Size in bytes; 0 is unlimited.
    Tmpfs {
        size: i64,
        readonly: bool,
    },
    Secret {
        id: String,
        uid: u32,
        gid: u32,
        mode: u32,
        optional: bool,
    },
    Ssh {
        id: String,
        uid: u32,
        gid: u32,
        mode: u32,
        optional: bool,
    },
}

impl MountKind {
    /// Whether what is written there is a result of the op.
    pub(super) fn has_output(&self) -> bool {
        matches!(self, Self::Bind { access: Access::Output, .. })
    }

    /// What it shows at first.
    pub(super) fn source(&self) -> State {
        match self {
            Self::Bind { source, .. } | Self::Cache { source, .. } => *source,
            Self::Tmpfs { .. } | Self::Secret { .. } | Self::Ssh { .. } => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Readonly,
    /// Writable with an output.
    Output,
    /// Writable, changes thrown away.
    Discard,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ContentCache {
    #[default]
    Default,
    On,
    Off,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sharing {
    #[default]
    Shared,
    Private,
    Locked,
}

/// Actions chained on one snapshot: each works on the result of the one before, the first on `base`.
#[derive(Clone, Debug)]
pub struct FileOp {
    pub base: State,
    pub actions: Vec<FileAction>,
}

#[derive(Clone, Debug)]
pub enum FileAction {
    Copy(Box<CopyAction>),
    Mkfile { path: String, mode: i32, data: Vec<u8>, owner: Option<Owner>, timestamp: i64 },
    Mkdir { path: String, mode: i32, make_parents: bool, owner: Option<Owner>, timestamp: i64 },
    Rm { path: String, allow_not_found: bool, allow_wildcard: bool },
    Symlink { oldpath: String, newpath: String, owner: Option<Owner>, timestamp: i64 },
}

/// Field meanings: buildkit-protocol 11. `timestamp` -1 keeps, `mode` -1 keeps.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "the fields of the message")]
pub struct CopyAction {
    pub source: State,
    pub src: String,
    pub dest: String,
    pub owner: Option<Owner>,
    pub mode: i32,
    pub mode_str: String,
    pub follow_symlink: bool,
    pub dir_copy_contents: bool,
    pub attempt_unpack: bool,
    pub create_dest_path: bool,
    pub allow_wildcard: bool,
    pub allow_empty_wildcard: bool,
    pub timestamp: i64,
    pub include_patterns: Vec<String>,
    pub exclude_patterns: Vec<String>,
    pub always_replace_existing_dest_paths: bool,
    pub required_paths: Vec<String>,
}

impl CopyAction {
    /// A copy that keeps times and modes and makes missing parents; nothing else is switched on. The zero values
    /// of the wire would mean 1970 and mode 0000.
    pub fn new(source: State, src: impl Into<String>, dest: impl Into<String>) -> Self {
        Self {
            source,
            src: src.into(),
            dest: dest.into(),
            owner: None,
            mode: -1,
            mode_str: String::new(),
            follow_symlink: false,
            dir_copy_contents: false,
            attempt_unpack: false,
            create_dest_path: true,
            allow_wildcard: false,
            allow_empty_wildcard: false,
            timestamp: -1,
            include_patterns: Vec::new(),
            exclude_patterns: Vec::new(),
            always_replace_existing_dest_paths: false,
            required_paths: Vec::new(),
        }
    }

    /// What the directory `src` holds, onto the root.
    pub fn contents(source: State, src: impl Into<String>) -> Self {
        Self { dir_copy_contents: true, create_dest_path: false, ..Self::new(source, src, "/") }
    }
}

#[derive(Clone, Debug, Default)]
pub struct Owner {
    pub user: Option<UserRef>,
    pub group: Option<UserRef>,
}

/// A name is looked up in the op's base (input index of `FileOp::base`, -1 on scratch).
#[derive(Clone, Debug)]
pub enum UserRef {
    Id(u32),
    Name(String),
}
