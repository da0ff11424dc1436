//! What comes with an interpreter: always, or on evidence in the set.

use std::collections::BTreeSet;

use super::Engine;
use super::places::{Values, fill};
use crate::closure::glob;
use crate::rootfs::RootfsPath;
use crate::rules::{Include, IncludeLayer};

/// The part of the set that comes with an interpreter always, as patterns, so that the order in which other things
/// came does not matter.
#[derive(Default)]
pub(super) struct Fixed {
    /// Trees with the patterns of what stays away.
    trees: Vec<(RootfsPath, Vec<String>)>,
    files: BTreeSet<RootfsPath>,
}

impl Fixed {
    /// Whether a path of the set belongs to it.
    pub(super) fn holds(&self, path: &RootfsPath) -> bool {
        let stays_away =
            |except: &[String]| except.iter().any(|pattern| glob::covers(pattern.as_bytes(), path));
        self.files.contains(path)
            || self.trees.iter().any(|(tree, except)| path.is_within(tree) && !stays_away(except))
    }
}

impl Engine<'_> {
    /// Notes what an include that always applies brought for a pattern: a whole tree, or a file.
    pub(in crate::closure) fn fix(&mut self, whole: bool, path: &RootfsPath, except: &[String]) {
        if whole {
            let tree = (path.clone(), except.to_vec());
            if !self.fixed.trees.contains(&tree) {
                self.fixed.trees.push(tree);
            }
        } else {
            self.fixed.files.insert(path.clone());
        }
    }

    /// Paths below which nothing comes by a part of its rule.
    pub(in crate::closure) fn except(&self, include: &Include, values: &Values) -> Vec<String> {
        include.except.iter().flat_map(|pattern| fill(pattern, &[values, &self.values])).collect()
    }
}

/// Whether what a part of a rule brings is in the runtime layer.
pub(in crate::closure) fn is_fixed(include: &Include) -> bool {
    include.layer.map_or(include.when.is_empty(), |layer| layer == IncludeLayer::Runtime)
}
