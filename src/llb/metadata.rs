//! Op metadata: names, caps, cache hints. It is no part of an op's digest.

use std::collections::{BTreeMap, BTreeSet};

use crate::dockerfile::raw;
use crate::llb::NodeMeta;
use crate::llb::op::{FileAction, FileOp, SourceOp};
use crate::proto::pb;

/// The metadata of one node.
pub(super) fn of(meta: &NodeMeta, caps: BTreeSet<&str>) -> pb::OpMetadata {
    let mut caps: BTreeMap<String, bool> = caps.into_iter().map(|cap| (cap.to_owned(), true)).collect();
    if meta.linux_resources.is_some() {
        caps.insert("exec.meta.linux.resources".to_owned(), true);
    }
    let description = [("llb.customname", &meta.name), ("com.docker.dockerfile.v1.command", &meta.command)]
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), raw::lossy(value.as_ref()?).into_owned())))
        .collect();
    pb::OpMetadata {
        ignore_cache: meta.ignore_cache,
        description,
        export_cache: None,
        caps,
        progress_group: meta.progress_group.as_ref().map(|group| pb::ProgressGroup {
            id: group.id.clone(),
            name: group.name.clone(),
            weak: group.weak,
        }),
        linux_resources: meta.linux_resources.as_ref().map(|limits| pb::LinuxResources {
            memory: limits.memory,
            memory_swap: limits.memory_swap,
            cpu_shares: limits.cpu_shares,
            cpu_period: limits.cpu_period,
            cpu_quota: limits.cpu_quota,
            cpuset_cpus: limits.cpuset_cpus.clone(),
            cpuset_mems: limits.cpuset_mems.clone(),
        }),
    }
}

/// Two nodes that are one vertex: the later one's words win, the rest adds up.
pub(super) fn merge(into: &mut pb::OpMetadata, other: pb::OpMetadata) {
    into.ignore_cache |= other.ignore_cache;
    into.description.extend(other.description);
    into.export_cache = other.export_cache.or(into.export_cache);
    into.caps.extend(other.caps);
    into.progress_group = other.progress_group.or(into.progress_group.take());
    into.linux_resources = other.linux_resources.or(into.linux_resources.take());
}

/// The metadata of the terminal op: what all the others use.
pub(super) fn terminal(all: &BTreeMap<String, pb::OpMetadata>) -> pb::OpMetadata {
    let mut caps = BTreeSet::from(["constraints", "platform"]);
    for metadata in all.values() {
        if metadata.ignore_cache {
            caps.insert("meta.ignorecache");
        }
        if !metadata.description.is_empty() {
            caps.insert("meta.description");
        }
        if metadata.export_cache.is_some() {
            caps.insert("meta.exportcache");
        }
    }
    of(&NodeMeta::default(), caps)
}

/// The caps of a source, from its scheme and attributes.
pub(super) fn source_caps(source: &SourceOp) -> BTreeSet<&'static str> {
    let scheme = source.identifier.split_once("://").map_or("", |(scheme, _)| scheme);
    let (base, attrs): (_, &[(&str, &str)]) = match scheme {
        "docker-image" => ("source.image", IMAGE_CAPS),
        "oci-layout" => ("source.ocilayout", &[]),
        "local" => ("source.local", LOCAL_CAPS),
        "git" => ("source.git", GIT_CAPS),
        "http" | "https" => ("source.http", HTTP_CAPS),
        _ => return BTreeSet::new(),
    };
    let used = attrs.iter().filter(|(attr, _)| match source.attrs.get(*attr) {
        // Other modes than `pull` are hints: no cap.
        Some(mode) if *attr == "image.resolvemode" => mode == "pull",
        value => value.is_some(),
    });
    used.map(|(_, cap)| *cap).chain([base]).collect()
}

/// File ops need no caps for the details of a copy: the official client asks for none either.
pub(super) fn file_caps(file: &FileOp) -> BTreeSet<&'static str> {
    let mut caps = BTreeSet::from(["file.base"]);
    for action in &file.actions {
        match action {
            FileAction::Symlink { .. } => {
                caps.insert("file.symlink.create");
            }
            FileAction::Rm { allow_wildcard: true, .. } => {
                caps.insert("file.rm.wildcard");
            }
            _ => {}
        }
    }
    caps
}

const IMAGE_CAPS: &[(&str, &str)] = &[
    ("image.resolvemode", "source.image.resolvemode"),
    ("image.layerlimit", "source.image.layerlimit"),
    ("image.checksum", "source.image.checksum"),
];

// `local.differ` is a request that an older daemon may ignore: no cap.
const LOCAL_CAPS: &[(&str, &str)] = &[
    ("local.session", "source.local.sessionid"),
    ("local.unique", "source.local.unique"),
    ("local.includepattern", "source.local.includepatterns"),
    ("local.followpaths", "source.local.followpaths"),
    ("local.excludepatterns", "source.local.excludepatterns"),
    ("local.sharedkeyhint", "source.local.sharedkeyhint"),
    ("local.metadatatransfer", "source.local.metadatatransfer"),
];

// The secrets have defaults that the daemon knows: no cap.
const GIT_CAPS: &[(&str, &str)] = &[
    ("git.keepgitdir", "source.git.keepgitdir"),
    ("git.fullurl", "source.git.fullurl"),
    ("git.knownsshhosts", "source.git.knownsshhosts"),
    ("git.mountsshsock", "source.git.mountsshsock"),
    // Asked for with every ssh remote, whether its keys were found or not.
    ("git.mountsshsock", "source.git.knownsshhosts"),
    ("git.checksum", "source.git.checksum"),
    ("git.skipsubmodules", "source.git.skipsubmodules"),
    ("git.mtime", "source.git.mtime"),
    ("git.fetchbycommit", "source.git.fetchbycommit"),
];

const HTTP_CAPS: &[(&str, &str)] = &[
    ("http.checksum", "source.http.checksum"),
    ("http.perm", "source.http.perm"),
    ("http.uid", "soruce.http.uidgid"),
    ("http.gid", "soruce.http.uidgid"),
    ("http.authheadersecret", "source.http.auth"),
    ("http.header.accept", "source.http.header"),
    ("http.header.user-agent", "source.http.header"),
    ("http.sig.pubkey", "source.http.signatureverify"),
];
