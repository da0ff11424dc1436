//! The base set: what every distroless file system has, whatever runs in it.

use std::collections::BTreeSet;

use super::accounts::NONROOT;
use super::plan::{Content, Roots};
use super::reason;
use super::tree::{Node, Tree};
use super::view::{MERGED, SourceRoot};
use crate::distill::manifest::Reason;
use crate::rootfs::links::{self, Resolved};
use crate::rootfs::{FileKind, Rootfs, RootfsError, RootfsPath};

/// `nsswitch.conf`: only services that are inside libc (glibc 2.34 and later); musl ignores it, Go's resolver reads it.
pub(super) const NSSWITCH: &str = "\
passwd: files
group: files
shadow: files
gshadow: files

hosts: files dns
networks: files

protocols: files
services: files
ethers: files
rpc: files
";

/// Files that say which distribution this is; scanners choose their vulnerability feed by them.
pub(super) const IDENTITY: [&str; 9] = [
    "/etc/os-release",
    "/usr/lib/os-release",
    "/etc/debian_version",
    "/etc/lsb-release",
    "/etc/alpine-release",
    "/etc/redhat-release",
    "/etc/system-release",
    "/etc/system-release-cpe",
    "/etc/fedora-release",
];

/// Directories with their modes (file-hierarchy(7)), owned by root.
const DIRECTORIES: [(&str, u32); 13] = [
    ("/dev", 0o755),
    ("/etc", 0o755),
    ("/home", 0o755),
    ("/proc", 0o755),
    ("/root", 0o700),
    ("/run", 0o755),
    ("/run/lock", 0o1777),
    ("/sys", 0o755),
    ("/tmp", 0o1777),
    ("/usr", 0o755),
    ("/usr/lib", 0o755),
    ("/var", 0o755),
    ("/var/tmp", 0o1777),
];

const LINKS: [(&str, &str); 2] = [("/var/lock", "/run/lock"), ("/var/run", "/run")];

/// The source whose distribution the image has: the first that says which it is.
pub(super) fn identity_source(sources: &[SourceRoot<'_>], usable: &BTreeSet<usize>) -> Option<usize> {
    let says = |source: &SourceRoot<'_>| {
        IDENTITY.iter().any(|path| matches!(source.root.stat(&RootfsPath::from(*path)), Ok(Some(_))))
    };
    let mut indices = usable.iter().copied();
    indices.find(|index| sources.get(*index).is_some_and(says))
}

/// (`ID`, `VERSION_ID`) of a root's os-release.
pub(crate) fn identity_of(rootfs: &dyn Rootfs) -> Option<(String, String)> {
    let text = ["/etc/os-release", "/usr/lib/os-release"]
        .iter()
        .find_map(|path| rootfs.read(&RootfsPath::from(*path), 0..MAX_RELEASE_BYTES).ok())?;
    let text = String::from_utf8_lossy(&text).into_owned();
    let value = |key: &str| {
        let found = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        found.map(|value| value.trim_matches('"').to_owned())
    };
    Some((value("ID")?, value("VERSION_ID").unwrap_or_default()))
}

/// The tree that steps are laid over: directories, merge links as in `identity`, `nsswitch.conf`.
///
/// # Errors
/// What the source answers.
pub(super) fn tree<'a>(
    roots: &'a Roots<'a>,
    identity: Option<&SourceRoot<'_>>,
) -> Result<Tree<'a>, RootfsError> {
    let because = || base_reason();
    let mut tree = Tree::new(roots, Node::directory(0o755, because()));
    for (path, mode) in DIRECTORIES {
        tree.insert(RootfsPath::from(path), Node::directory(mode, because()));
    }
    let mut home = Node::directory(0o700, because());
    (home.uid, home.gid) = (NONROOT, NONROOT);
    tree.insert(RootfsPath::from("/home/nonroot"), home);
    for (path, target) in LINKS {
        tree.insert(RootfsPath::from(path), link(target.as_bytes()));
    }
    if let Some(source) = identity {
        for name in MERGED {
            merge(&mut tree, source, &RootfsPath::from(name))?;
        }
    }
    let nsswitch = Content::Bytes(NSSWITCH.as_bytes().to_vec());
    tree.insert(RootfsPath::from("/etc/nsswitch.conf"), Node::base(nsswitch, 0o644, because()));
    Ok(tree)
}

/// Takes a top-level name as the source has it: a link with the directory it points to, or a directory.
fn merge(tree: &mut Tree<'_>, source: &SourceRoot<'_>, path: &RootfsPath) -> Result<(), RootfsError> {
    let Some(stat) = source.root.stat(path)? else { return Ok(()) };
    match &stat.kind {
        FileKind::Symlink(target) => {
            let text = target.clone();
            if let Ok(Resolved::Found { path: real, stat, .. }) = links::resolve(source.root, path)
                && stat.kind == FileKind::Directory
            {
                tree.insert(path.clone(), link(&text));
                tree.ensure_directory(&real, &|_| Node::directory(0o755, base_reason()))?;
            }
        }
        FileKind::Directory => tree.insert(path.clone(), Node::directory(0o755, base_reason())),
        _ => {}
    }
    Ok(())
}

fn link(target: &[u8]) -> Node {
    Node::base(Content::Symlink(target.to_vec()), 0o777, base_reason())
}

/// The reason of the base set's own entries.
pub(super) fn base_reason() -> Vec<Reason> {
    reason::root(WHY, "")
}

/// The `why` of the base set.
pub(super) const WHY: &str = "base set";

const MAX_RELEASE_BYTES: u64 = 64 << 10;
