//! What comes with an interpreter: always, or on evidence in the set.

use std::collections::BTreeSet;

use super::Engine;
use super::places::{Values, fill};
use crate::closure::glob;
use crate::rootfs::RootfsPath;
use crate::rules::{Include, IncludeLayer, Runtime};

/// A part of the set that comes with an interpreter, as patterns, so that the order in which other things
/// came does not matter.
#[derive(Default)]
pub(super) struct Part {
    /// Trees with the patterns of what stays away.
    trees: Vec<(RootfsPath, Vec<String>)>,
    files: BTreeSet<RootfsPath>,
}

impl Part {
    /// Whether a path lies in one of its trees and stays away.
    fn excepts(&self, path: &RootfsPath) -> bool {
        self.trees.iter().any(|(tree, except)| {
            path.is_within(tree) && except.iter().any(|pattern| glob::covers(pattern.as_bytes(), path))
        })
    }

    /// Whether a path of the set belongs to it.
    pub(super) fn holds(&self, path: &RootfsPath) -> bool {
        let stays_away =
            |except: &[String]| except.iter().any(|pattern| glob::covers(pattern.as_bytes(), path));
        self.files.contains(path)
            || self.trees.iter().any(|(tree, except)| path.is_within(tree) && !stays_away(except))
    }
}

impl Engine<'_> {
    /// Notes what a part of the rule brought for a pattern: a whole tree, or a file.
    pub(in crate::closure) fn note(
        &mut self,
        include: &Include,
        whole: bool,
        path: &RootfsPath,
        except: &[String],
    ) {
        let part = if is_fixed(include) { &mut self.fixed } else { &mut self.packages };
        if whole {
            let tree = (path.clone(), except.to_vec());
            if !part.trees.contains(&tree) {
                part.trees.push(tree);
            }
        } else {
            part.files.insert(path.clone());
        }
    }

    /// Whether a path stays away from the packages that its rule brought.
    pub(super) fn excepts(&self, path: &RootfsPath) -> bool {
        self.packages.excepts(path)
    }

    /// Patterns of what only installs packages.
    pub(super) fn leave(&self) -> &[String] {
        &self.leave
    }

    /// Paths below which nothing comes by a part of its rule.
    pub(in crate::closure) fn except(&self, include: &Include, values: &Values) -> Vec<String> {
        include.except.iter().flat_map(|pattern| fill(pattern, &[values, &self.values])).collect()
    }
}

/// The patterns of what only installs packages.
pub(super) fn left_by(rule: &Runtime, values: &Values) -> Vec<String> {
    rule.leave.iter().flat_map(|pattern| fill(pattern, &[values])).collect()
}

/// Whether what a part of a rule brings is in the runtime layer.
fn is_fixed(include: &Include) -> bool {
    include.layer.map_or(include.when.is_empty(), |layer| layer == IncludeLayer::Runtime)
}
