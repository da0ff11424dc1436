//! A program of the set with the objects that its loader takes, and the names that these answer to.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::set::Strength;
use crate::closure::search::{Loader, Object, RequestKind, Surroundings};
use crate::distill::manifest::Reason;
use crate::rootfs::RootfsPath;

/// A program with everything that its loader takes.
pub(super) struct Process {
    /// Real path in the final tree; for a library that no program of the set loads, the library.
    pub(super) program: RootfsPath,
    pub(super) loader: Rc<Loader>,
    pub(super) strength: Strength,
    pub(super) surroundings: Surroundings,
    pub(super) loaded: Vec<Loaded>,
    /// By every name that an object answers to.
    pub(super) names: BTreeMap<Vec<u8>, Vec<usize>>,
    /// Index of the first object whose `dlopen` candidates were not looked at.
    pub(super) opened: usize,
    /// Objects loaded at its start; those behind were opened by name later.
    pub(super) started: usize,
    /// The view that its loader is from.
    pub(super) view: usize,
}

/// One object of a process.
#[derive(Clone)]
pub(super) struct Loaded {
    /// As it is opened in the final tree.
    pub(super) object: Object,
    /// As it was opened in its source, where that is another place.
    pub(super) moved: Option<(usize, Object)>,
    /// Real path in the final tree.
    pub(super) path: RootfsPath,
    pub(super) view: usize,
    pub(super) by: Option<usize>,
    pub(super) reason: Vec<Reason>,
    /// Found by the cache, in a directory that the loader does not search by itself.
    pub(super) by_cache: bool,
    pub(super) hwcap: Option<Vec<u8>>,
}

impl Process {
    /// The object that stands for a library name.
    pub(super) fn named(&self, name: &[u8]) -> Option<&Loaded> {
        self.variants(name).next()
    }

    /// All objects that stand for the name: variants for certain processors, and the one for all.
    pub(super) fn variants(&self, name: &[u8]) -> impl Iterator<Item = &Loaded> {
        let indices = self.names.get(name).map(Vec::as_slice).unwrap_or_default();
        indices.iter().filter_map(|index| self.loaded.get(*index))
    }

    /// Lets an object answer to a name.
    pub(super) fn call(&mut self, name: &[u8], index: usize) {
        let indices = self.names.entry(name.to_vec()).or_default();
        if !indices.contains(&index) {
            indices.push(index);
        }
    }

    /// Adds an object unless its file is loaded already, and lets it answer to the name and to its soname.
    pub(super) fn push(&mut self, name: &[u8], loaded: Loaded) {
        let known = self.loaded.iter().position(|known| known.path == loaded.path);
        let index = known.unwrap_or(self.loaded.len());
        if known.is_none() {
            self.loaded.push(loaded);
        }
        self.call(name, index);
        // musl compares the names asked for, never DT_SONAME.
        if matches!(*self.loader, Loader::Glibc(_))
            && let Some(soname) = self.loaded[index].object.elf.soname.clone()
        {
            self.call(&soname, index);
        }
    }

    /// The object and those that asked for it, up to the program.
    pub(super) fn chain(&self, index: usize) -> Vec<usize> {
        let mut chain = vec![index];
        let mut at = index;
        while let Some(by) = self.loaded.get(at).and_then(|loaded| loaded.by).filter(|by| *by < at) {
            chain.push(by);
            at = by;
        }
        chain
    }
}

/// A library that an object asks for.
pub(super) struct Need<'n> {
    /// Index of the object.
    pub(super) by: usize,
    pub(super) kind: RequestKind,
    pub(super) name: &'n [u8],
    pub(super) strength: Strength,
    /// The chain to the library.
    pub(super) chain: Vec<Reason>,
}

impl Need<'_> {
    /// The word for the need in a chain of reasons.
    pub(super) fn why(kind: RequestKind) -> &'static str {
        match kind {
            RequestKind::Interpreter => "interpreter",
            RequestKind::Needed => "needed",
            RequestKind::Preload => "preload",
            RequestKind::Audit => "audit",
            RequestKind::Filter => "filter",
            RequestKind::Auxiliary => "auxiliary",
            RequestKind::Dlopen => "dlopen",
        }
    }
}
