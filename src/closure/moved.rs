//! Programs that a COPY moved: what they find relative to themselves moves along.

use super::process::{Loaded, Need, Process};
use super::set::Closure;
use super::view::Place;
use crate::closure::search::{Found, Object, Rule};
use crate::rootfs::links::{self, Resolved};
use crate::rootfs::{FileKind, RootfsError, RootfsPath};

impl Closure<'_> {
    /// Adds a library that was found relative to a program that moved, at the same relative place.
    ///
    /// # Errors
    /// What the roots answer.
    pub(super) fn relocate(
        &mut self,
        process: &mut Process,
        need: &Need<'_>,
        source: usize,
        found: Found,
    ) -> Result<(), RootfsError> {
        // The object whose search path it is: it, or one that loaded it.
        let owner = match &found.rule {
            Rule::Rpath(path) | Rule::Runpath(path) => process.chain(need.by).into_iter().find(|index| {
                let loaded = &process.loaded[*index];
                loaded.moved.as_ref().is_some_and(|(_, object)| object.path == *path)
                    || loaded.object.path == *path
            }),
            _ => None,
        };
        let owner = &process.loaded[owner.unwrap_or(need.by)];
        let Some((_, before)) = &owner.moved else { return Ok(()) };
        let directory = owner.object.origin.join(&relative(&before.origin, &found.directory));
        let target = directory.join(need.name);
        let Some(real) = self.move_along(source, &found.object.path, &target, need)? else {
            return Ok(());
        };
        let elf = self.elves.get(&real).cloned().unwrap_or_else(|| found.object.elf.clone());
        self.elves.insert(real.clone(), elf.clone());
        let loaded = Loaded {
            object: Object { path: target, real: real.clone(), origin: directory, elf },
            moved: Some((source, found.object)),
            path: real,
            view: source,
            by: Some(need.by),
            reason: need.chain.clone(),
            by_cache: false,
            hwcap: found.hwcap,
        };
        process.push(need.name, loaded);
        Ok(())
    }

    /// Puts what is at `from` in a source to `to`, link for link; the real path in the final tree.
    fn move_along(
        &mut self,
        source: usize,
        from: &RootfsPath,
        to: &RootfsPath,
        need: &Need<'_>,
    ) -> Result<Option<RootfsPath>, RootfsError> {
        let root = self.world.sources[source].root;
        let (mut from, mut to) = (from.clone(), to.clone());
        for _ in 0..links::MAX_LINK_HOPS {
            // What the user put there wins; and so does a directory link of the tree on the way.
            if let Some(parent) = to.parent()
                && let Ok(Resolved::Found { path, .. }) =
                    links::resolve(&self.world.composition.tree, &parent)
            {
                to = path.join(to.name());
            }
            if self.node(&to).is_some() {
                return self.bring(source, &to, &need.chain, need.strength);
            }
            let Some(stat) = root.stat(&from)? else { return Ok(None) };
            let place = Place::Source(source, from.clone());
            let kind = stat.kind.clone();
            self.put(&to, place, stat, &need.chain, need.strength)?;
            match kind {
                FileKind::Symlink(target) if target.first() == Some(&b'/') => {
                    return self.bring(source, &RootfsPath::parse(&target), &need.chain, need.strength);
                }
                FileKind::Symlink(target) => {
                    from = from.follow(&target);
                    to = to.follow(&target);
                }
                _ => return Ok(Some(to)),
            }
        }
        Ok(None)
    }

    /// The object as it was in its source, when its instruction put it elsewhere.
    pub(super) fn moved(&self, path: &RootfsPath, object: &Object) -> Option<(usize, Object)> {
        let origin = self.node(path)?.came.origin.clone()?;
        if origin.path == *path || !self.world.usable.contains(&origin.source) {
            return None;
        }
        let directory = origin.path.parent().unwrap_or_else(RootfsPath::root);
        let real = origin.path.clone();
        Some((origin.source, Object { path: origin.path, real, origin: directory, elf: object.elf.clone() }))
    }
}

/// The path from one directory to another.
fn relative(from: &RootfsPath, to: &RootfsPath) -> Vec<u8> {
    let from: Vec<&[u8]> = from.components().collect();
    let to: Vec<&[u8]> = to.components().collect();
    let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let mut parts: Vec<&[u8]> = vec![b".."; from.len() - common];
    parts.extend(&to[common..]);
    parts.join(&b'/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_one_directory_to_another() {
        for (from, to, expected) in [
            ("/opt/bin", "/opt/lib", "../lib"),
            ("/", "/lib", "lib"),
            ("/a/b", "/", "../.."),
            ("/a", "/a", ""),
        ] {
            assert_eq!(
                relative(&RootfsPath::from(from), &RootfsPath::from(to)),
                expected.as_bytes(),
                "{from} {to}"
            );
        }
    }
}
