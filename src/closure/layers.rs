//! Which layer each entry goes into: the lower ones depend on less, so that images share them.

use std::collections::{BTreeMap, BTreeSet};

use super::application::Patterns;
use super::base;
use super::ownership::LICENCE_WHY;
use super::set::Closure;
use super::view::Place;
use crate::distill::manifest::Layer;
use crate::rootfs::links;
use crate::rootfs::{FileKind, RootfsPath};

impl Closure<'_> {
    /// The paths of the os layer besides the base set's own: the loaders, the C libraries and the links to them.
    pub(super) fn os_paths(&self) -> BTreeSet<RootfsPath> {
        let mut paths = BTreeSet::new();
        for process in &self.processes {
            let interp = process.named(process.loader.path().name());
            let libc = process.named(b"libc.so.6");
            for loaded in interp.into_iter().chain(libc) {
                let Some(view) = self.world.views.get(loaded.view) else { continue };
                if let Ok(resolved) = links::resolve(view, &loaded.object.path) {
                    paths.extend(resolved.links().iter().cloned());
                }
                paths.insert(loaded.path.clone());
            }
        }
        paths.retain(|path| !self.is_users(path));
        paths
    }

    /// Whether the stage's own instructions put it there.
    fn is_users(&self, path: &RootfsPath) -> bool {
        self.node(path).is_some_and(|node| node.came.step.is_some())
    }

    /// The layers of the items, directories left out: these follow what they hold.
    pub(super) fn layers(&self, names: &BTreeMap<RootfsPath, String>) -> BTreeMap<RootfsPath, Layer> {
        let os = self.os_paths();
        let runtime = self.runtime_paths();
        let mut layers: BTreeMap<RootfsPath, Layer> = BTreeMap::new();
        let mut lowest: BTreeMap<&str, Layer> = BTreeMap::new();
        let dependencies = Patterns::new(&self.world.rules.application.dependencies);
        for (path, item) in &self.items {
            let why = item.reason.first().map(|reason| reason.why.as_str()).unwrap_or_default();
            let carried =
                self.node(path).and_then(|node| node.came.carried.as_ref()).map(|carried| carried.layer);
            let layer = match carried {
                Some(layer) => layer,
                None if why == LICENCE_WHY => continue,
                None if os.contains(path) || why == base::WHY && !self.is_users(path) => Layer::Os,
                None if runtime.contains(path) && !self.is_users(path) => Layer::Runtime,
                None if dependencies.cover(path) => Layer::Dependencies,
                None if self.is_language_package(path) => Layer::Dependencies,
                None if names.contains_key(path) || item.counts_to.is_some() => Layer::Dependencies,
                None if self.leads_to_package(path, names) => Layer::Dependencies,
                None => Layer::Application,
            };
            if item.stat.kind != FileKind::Directory {
                if let Some(name) = names.get(path) {
                    let entry = lowest.entry(name).or_insert(layer);
                    *entry = (*entry).min(layer);
                }
                layers.insert(path.clone(), layer);
            }
        }
        for (path, item) in &self.items {
            if item.stat.kind != FileKind::Directory && !layers.contains_key(path) {
                // A licence stands beside the lowest files of its package.
                let package = item.reason.first().map(|reason| reason.by.as_str()).unwrap_or_default();
                layers.insert(path.clone(), lowest.get(package).copied().unwrap_or(Layer::Dependencies));
            }
        }
        self.join_hard_links(&mut layers);
        layers
    }

    /// Whether a link of a source that no package owns (an alternative) ends at a package's file.
    fn leads_to_package(&self, path: &RootfsPath, names: &BTreeMap<RootfsPath, String>) -> bool {
        let Some(item) = self.items.get(path) else { return false };
        if !matches!(item.stat.kind, FileKind::Symlink(_)) || item.place == Place::Tree {
            return false;
        }
        let Some(view) = self.world.views.get(self.view_of(path)) else { return false };
        match links::resolve(view, path) {
            Ok(resolved) => resolved.path().is_some_and(|real| names.contains_key(real)),
            Err(_) => false,
        }
    }

    fn join_hard_links(&self, layers: &mut BTreeMap<RootfsPath, Layer>) {
        let mut groups: BTreeMap<(String, u64, u64), Vec<RootfsPath>> = BTreeMap::new();
        for path in layers.keys() {
            if let Some(key) = self.hardlink_of(path) {
                groups.entry(key).or_default().push(path.clone());
            }
        }
        for group in groups.into_values() {
            let highest = group.iter().filter_map(|path| layers.get(path)).max().copied();
            if let Some(highest) = highest {
                for path in group {
                    layers.insert(path, highest);
                }
            }
        }
    }

    /// The inode of an item, where it has more than one name.
    pub(super) fn hardlink_of(&self, path: &RootfsPath) -> Option<(String, u64, u64)> {
        let item = self.items.get(path)?;
        match &item.place {
            Place::Tree => self.node(path)?.hardlink.clone(),
            Place::Source(index, _) => {
                let (device, inode) = item.stat.hardlink?;
                Some((self.world.sources.get(*index)?.mount.to_owned(), device, inode))
            }
        }
    }
}
