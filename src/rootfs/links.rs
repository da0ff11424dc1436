//! Walking a path through symbolic links inside a root, keeping every link on the way.

use std::borrow::Cow;

use crate::rootfs::{FileKind, Rootfs, RootfsError, RootfsPath, Stat};

/// Links followed before a path counts as a loop (`path_resolution(7)`: Linux allows 40).
pub const MAX_LINK_HOPS: usize = 40;

/// Where a path leads inside a root.
///
/// `links` are the symbolic links that were followed, in order, each under its real directory: a file set that wants
/// the path to work needs every one of them, and the real file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolved {
    /// `path` is the real path: none of its components is a symbolic link.
    Found { path: RootfsPath, stat: Stat, links: Vec<RootfsPath> },
    /// Nothing is at `at`, the real path that is looked for next; `rest` is what was still to be walked below it.
    /// With no `links` the path is simply missing; otherwise the last link dangles.
    Missing { at: RootfsPath, rest: Vec<u8>, links: Vec<RootfsPath> },
}

impl Resolved {
    /// The links that were followed, in order.
    pub fn links(&self) -> &[RootfsPath] {
        match self {
            Self::Found { links, .. } | Self::Missing { links, .. } => links,
        }
    }

    /// The real path, when something is there.
    pub fn path(&self) -> Option<&RootfsPath> {
        match self {
            Self::Found { path, .. } => Some(path),
            Self::Missing { .. } => None,
        }
    }
}

/// Resolves `path` with all its links, the last one included, to its real path (`path_resolution(7)`;
/// `..` stays at the root).
///
/// # Errors
/// [`RootfsError::LinkLoop`] after [`MAX_LINK_HOPS`] links, and what the root answers when a directory cannot be read.
/// A component that is no directory counts as missing below it.
pub fn resolve(rootfs: &dyn Rootfs, path: &RootfsPath) -> Result<Resolved, RootfsError> {
    resolve_bytes(rootfs, path.as_bytes())
}

/// Like [`resolve`], but follows `..` physically, as `open(2)` does: in `/a/link/../b` the parent of what `link`
/// points to is meant. A relative text counts from the root.
///
/// # Errors
/// As [`resolve`].
pub fn resolve_bytes(rootfs: &dyn Rootfs, path: &[u8]) -> Result<Resolved, RootfsError> {
    walk(rootfs, path, Last::Follow)
}

/// The real path of `path`'s directory with `path`'s own name, and the links on the way to it: the last component
/// is not followed.
///
/// # Errors
/// As [`resolve`].
pub fn resolve_parent(rootfs: &dyn Rootfs, path: &RootfsPath) -> Result<Resolved, RootfsError> {
    walk(rootfs, path.as_bytes(), Last::Keep)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Follow,
    Keep,
}

fn walk(rootfs: &dyn Rootfs, path: &[u8], last: Last) -> Result<Resolved, RootfsError> {
    // The components still to be walked, the next one at the end.
    let mut pending: Vec<Cow<'_, [u8]>> = components_reversed(path).map(Cow::Borrowed).collect();
    let mut real = RootfsPath::root();
    let mut links = Vec::new();
    let mut stat = stat_root(rootfs)?;
    while let Some(name) = pending.pop() {
        if *name == *b".." {
            real = real.parent().unwrap_or_else(RootfsPath::root);
            stat = rootfs.stat(&real)?.unwrap_or(stat);
            continue;
        }
        let here = real.join(&name);
        let found = if stat.kind == FileKind::Directory { rootfs.stat(&here)? } else { None };
        let Some(found) = found else {
            pending.reverse();
            return Ok(Resolved::Missing { at: here, rest: pending.join(&b'/'), links });
        };
        let follow = !pending.is_empty() || last == Last::Follow;
        if let (FileKind::Symlink(target), true) = (&found.kind, follow) {
            if links.len() >= MAX_LINK_HOPS {
                return Err(RootfsError::LinkLoop(RootfsPath::parse(path)));
            }
            if target.first() == Some(&b'/') {
                real = RootfsPath::root();
                stat = stat_root(rootfs)?;
            }
            links.push(here);
            pending.extend(components_reversed(target).map(|name| Cow::Owned(name.to_vec())));
            continue;
        }
        real = here;
        stat = found;
    }
    Ok(Resolved::Found { path: real, stat, links })
}

fn stat_root(rootfs: &dyn Rootfs) -> Result<Stat, RootfsError> {
    rootfs.stat(&RootfsPath::root())?.ok_or_else(|| RootfsError::NotFound(RootfsPath::root()))
}

fn components_reversed(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|byte| *byte == b'/').filter(|part| !matches!(*part, b"" | b".")).rev()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rootfs::tree::TreeRootfs;

    const TREE: &str = "
        /lib -> usr/lib
        /usr/lib/libz.so.1 -> libz.so.1.2
        /usr/lib/libz.so.1.2 text z
        /usr/bin/java -> /etc/alternatives/java
        /etc/alternatives/java -> ../../opt/jdk/bin/java
        /opt/jdk -> jdk-17
        /opt/jdk-17/bin/java text j
        /up -> ../../../usr/bin/../lib
        /dangling -> lib/none/deeper
        /through -> usr/lib/libz.so.1/x
        /loop -> loop2
        /loop2 -> loop
    ";

    fn describe(found: Result<Resolved, RootfsError>) -> String {
        match found {
            Err(error) => error.to_string(),
            Ok(Resolved::Found { path, links, .. }) => format!("{path} {}", join(&links)),
            Ok(Resolved::Missing { at, rest, links }) => {
                format!("no {at} [{}] {}", String::from_utf8_lossy(&rest), join(&links))
            }
        }
    }

    fn join(links: &[RootfsPath]) -> String {
        links.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn every_link_on_the_way_is_named() {
        let tree = TreeRootfs::parse(TREE).unwrap();
        for (summary, path, expected) in [
            (
                "a directory's link and the file's",
                "/lib/libz.so.1",
                "/usr/lib/libz.so.1.2 /lib /usr/lib/libz.so.1",
            ),
            (
                "alternatives",
                "/usr/bin/java",
                "/opt/jdk-17/bin/java /usr/bin/java /etc/alternatives/java /opt/jdk",
            ),
            ("parents stop at the root", "/up", "/usr/lib /up"),
            ("no link at all", "/opt/jdk-17", "/opt/jdk-17 "),
            ("the root", "/", "/ "),
            ("missing", "/none/x", "no /none [x] "),
            ("dangling", "/dangling", "no /usr/lib/none [deeper] /dangling /lib"),
            ("below a file", "/through", "no /usr/lib/libz.so.1.2/x [] /through /usr/lib/libz.so.1"),
            ("a circle", "/loop", "`/loop` leads through too many symbolic links"),
        ] {
            assert_eq!(describe(resolve(&tree, &RootfsPath::from(path))), expected, "{summary}");
        }
    }

    #[test]
    fn parents_are_physical_in_texts_and_the_last_link_may_stay() {
        let tree = TreeRootfs::parse(TREE).unwrap();
        assert_eq!(describe(resolve_bytes(&tree, b"/opt/jdk/../../lib/..")), "/usr /opt/jdk /lib");
        let kept = resolve_parent(&tree, &RootfsPath::from("/lib/libz.so.1"));
        assert_eq!(describe(kept), "/usr/lib/libz.so.1 /lib");
    }

    #[test]
    fn forty_links_are_enough_and_one_more_is_not() {
        let chain = |length: usize| {
            let links: Vec<String> = (0..length).map(|at| format!("/l{at} -> l{}", at + 1)).collect();
            TreeRootfs::parse(&format!("{}\n/l{length} text x", links.join("\n"))).unwrap()
        };
        let start = RootfsPath::from("/l0");
        assert!(resolve(&chain(MAX_LINK_HOPS), &start).is_ok());
        assert!(matches!(resolve(&chain(MAX_LINK_HOPS + 1), &start), Err(RootfsError::LinkLoop(_))));
    }
}
