//! Exec ops: mounts, inputs and outputs as the official client library orders them.

use std::collections::BTreeSet;

use crate::llb::Caps;
use crate::llb::encode::Member;
use crate::llb::file::Inputs;
use crate::llb::op::{Access, ContentCache, ExecOp, Mount, MountKind, NetMode, SecurityMode, Sharing};
use crate::proto::pb;

/// `PATH` where neither the image nor the daemon sets one.
const DEFAULT_PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// No input, no output.
const NONE: i64 = -1;

/// The message of `exec`, and the caps it needs.
pub(super) fn member(
    exec: &ExecOp,
    caps: &Caps,
    inputs: &mut Inputs<'_>,
) -> (Member, BTreeSet<&'static str>) {
    let message = pb::ExecOp {
        meta: Some(meta(exec, caps)),
        mounts: mounts(exec, inputs),
        network: match exec.network {
            NetMode::Unset => pb::NetMode::Unset,
            NetMode::Host => pb::NetMode::Host,
            NetMode::None => pb::NetMode::None,
        }
        .into(),
        security: match exec.security {
            SecurityMode::Sandbox => pb::SecurityMode::Sandbox,
            SecurityMode::Insecure => pb::SecurityMode::Insecure,
        }
        .into(),
        secretenv: exec
            .secret_env
            .iter()
            .map(|secret| pb::SecretEnv {
                id: secret.id.clone(),
                name: secret.name.clone(),
                optional: secret.optional,
            })
            .collect(),
        cdi_devices: exec
            .cdi_devices
            .iter()
            .map(|device| pb::CdiDevice { name: device.name.clone(), optional: device.optional })
            .collect(),
    };
    (Member::Exec(message), needed_caps(exec, caps))
}

fn meta(exec: &ExecOp, caps: &Caps) -> pb::Meta {
    let proxy_env = exec.proxy_env.as_ref().map(|proxy| pb::ProxyEnv {
        http_proxy: proxy.http_proxy.clone(),
        https_proxy: proxy.https_proxy.clone(),
        ftp_proxy: proxy.ftp_proxy.clone(),
        no_proxy: proxy.no_proxy.clone(),
        all_proxy: proxy.all_proxy.clone(),
    });
    pb::Meta {
        args: exec.args.clone(),
        env: env(exec, caps),
        cwd: exec.cwd.clone(),
        user: exec.user.clone(),
        proxy_env,
        extra_hosts: exec
            .extra_hosts
            .iter()
            .map(|(host, ip)| pb::HostIp { host: host.clone(), ip: ip.clone() })
            .collect(),
        hostname: exec.hostname.clone(),
        ulimit: exec
            .ulimits
            .iter()
            .map(|limit| pb::Ulimit { name: limit.name.clone(), soft: limit.soft, hard: limit.hard })
            .collect(),
        cgroup_parent: exec.cgroup_parent.clone(),
        remove_mount_stubs_recursive: exec.remove_mount_stubs_recursive,
        valid_exit_codes: Vec::new(),
    }
}

/// The environment, with what the client library adds: the first ssh socket, and `PATH` for old daemons.
fn env(exec: &ExecOp, caps: &Caps) -> Vec<String> {
    let mut env = exec.env.clone();
    let has = |env: &[String], name: &str| {
        env.iter().any(|entry| entry.split_once('=').is_some_and(|(key, _)| key == name))
    };
    let socket = exec.mounts.iter().find(|mount| matches!(mount.kind, MountKind::Ssh { .. }));
    if let Some(socket) = socket
        && !has(&env, "SSH_AUTH_SOCK")
    {
        env.push(format!("SSH_AUTH_SOCK={}", socket.dest));
    }
    if !caps.supports("exec.meta.setsdefaultpath") && !has(&env, "PATH") {
        env.push(DEFAULT_PATH.to_owned());
    }
    env
}

/// File systems sorted by destination, then secrets, then ssh sockets.
fn mounts(exec: &ExecOp, inputs: &mut Inputs<'_>) -> Vec<pb::Mount> {
    let mut output = 0;
    let mut all: Vec<pb::Mount> = file_systems(exec)
        .into_iter()
        .map(|mount| {
            let number = if mount.kind.has_output() {
                output += 1;
                output - 1
            } else {
                NONE
            };
            pb::Mount {
                input: inputs.index(mount.kind.source()),
                dest: mount.dest.clone(),
                output: number,
                ..file_system(&mount.kind)
            }
        })
        .collect();
    all.extend(exec.mounts.iter().filter_map(secret));
    all.extend(exec.mounts.iter().filter_map(ssh));
    all
}

/// The mounts that are file systems, sorted by destination.
pub(super) fn file_systems(exec: &ExecOp) -> Vec<&Mount> {
    let mut sorted: Vec<&Mount> = exec
        .mounts
        .iter()
        .filter(|mount| !matches!(mount.kind, MountKind::Secret { .. } | MountKind::Ssh { .. }))
        .collect();
    sorted.sort_by(|one, other| one.dest.cmp(&other.dest));
    sorted
}

/// What a kind of mount sets; input, output and destination are the caller's.
fn file_system(kind: &MountKind) -> pb::Mount {
    match kind {
        MountKind::Bind { selector, access, content_cache, .. } => pb::Mount {
            selector: selector.clone(),
            readonly: *access == Access::Readonly,
            content_cache: match content_cache {
                ContentCache::Default => pb::MountContentCache::Default,
                ContentCache::On => pb::MountContentCache::On,
                ContentCache::Off => pb::MountContentCache::Off,
            }
            .into(),
            ..pb::Mount::default()
        },
        MountKind::Cache { selector, id, sharing, readonly, .. } => pb::Mount {
            selector: selector.clone(),
            readonly: *readonly,
            mount_type: pb::MountType::Cache.into(),
            cache_opt: Some(pb::CacheOpt {
                id: id.clone(),
                sharing: match sharing {
                    Sharing::Shared => pb::CacheSharingOpt::Shared,
                    Sharing::Private => pb::CacheSharingOpt::Private,
                    Sharing::Locked => pb::CacheSharingOpt::Locked,
                }
                .into(),
            }),
            ..pb::Mount::default()
        },
        MountKind::Tmpfs { size, readonly } => pb::Mount {
            mount_type: pb::MountType::Tmpfs.into(),
            readonly: *readonly,
            tmpfs_opt: Some(pb::TmpfsOpt { size: *size }),
            ..pb::Mount::default()
        },
        MountKind::Secret { .. } | MountKind::Ssh { .. } => pb::Mount::default(),
    }
}

fn secret(mount: &Mount) -> Option<pb::Mount> {
    let MountKind::Secret { id, uid, gid, mode, optional } = &mount.kind else { return None };
    let options = pb::SecretOpt { id: id.clone(), uid: *uid, gid: *gid, mode: *mode, optional: *optional };
    Some(pb::Mount {
        input: NONE,
        dest: mount.dest.clone(),
        mount_type: pb::MountType::Secret.into(),
        secret_opt: Some(options),
        ..pb::Mount::default()
    })
}

fn ssh(mount: &Mount) -> Option<pb::Mount> {
    let MountKind::Ssh { id, uid, gid, mode, optional } = &mount.kind else { return None };
    let options = pb::SshOpt { id: id.clone(), uid: *uid, gid: *gid, mode: *mode, optional: *optional };
    Some(pb::Mount {
        input: NONE,
        dest: mount.dest.clone(),
        mount_type: pb::MountType::Ssh.into(),
        ssh_opt: Some(options),
        ..pb::Mount::default()
    })
}

fn needed_caps(exec: &ExecOp, caps: &Caps) -> BTreeSet<&'static str> {
    let mut needed = BTreeSet::from(["exec.meta.base"]);
    let mut need = |condition: bool, cap: &'static str| {
        if condition {
            needed.insert(cap);
        }
    };
    need(caps.supports("exec.meta.setsdefaultpath"), "exec.meta.setsdefaultpath");
    need(!exec.ulimits.is_empty(), "exec.meta.ulimit");
    need(exec.network != NetMode::Unset, "exec.meta.network");
    need(exec.security != SecurityMode::Sandbox, "exec.meta.security");
    need(exec.proxy_env.is_some(), "exec.meta.proxyenv");
    need(!exec.cdi_devices.is_empty(), "exec.meta.cdi");
    need(!exec.secret_env.is_empty(), "exec.secretenv");
    need(!exec.secret_env.is_empty(), "exec.mount.secret");
    for mount in &exec.mounts {
        match &mount.kind {
            // The official client asks for no cap of its own for a writable mount without output.
            MountKind::Bind { source, selector, content_cache, .. } => {
                need(!selector.is_empty(), "exec.mount.selector");
                need(source.is_some(), "exec.mount.bind");
                need(*content_cache != ContentCache::Default, "exec.mount.cache.content");
            }
            MountKind::Cache { selector, .. } => {
                need(!selector.is_empty(), "exec.mount.selector");
                need(true, "exec.mount.cache");
                need(true, "exec.mount.cache.sharing");
            }
            MountKind::Tmpfs { size, .. } => {
                need(true, "exec.mount.tmpfs");
                need(*size > 0, "exec.mount.tmpfs.size");
            }
            MountKind::Secret { .. } => need(true, "exec.mount.secret"),
            MountKind::Ssh { .. } => need(true, "exec.mount.ssh"),
        }
    }
    needed
}
