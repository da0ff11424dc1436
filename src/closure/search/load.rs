//! Loading a program with everything that it needs, breadth first, as a loader does at its start.

use std::collections::BTreeMap;

use crate::closure::search::objects::{Object, Objects};
use crate::closure::search::{Answer, Found, Loader, Refused, Rule, Surroundings, versions};
use crate::rootfs::{RootfsError, RootfsPath};

/// Index of an object in a [`Load`]; 0 is the program.
pub type LoadedId = usize;

/// Objects of one process: a desktop program has some hundred.
const MAX_OBJECTS: usize = 16 << 10;

/// What a running program has loaded.
#[derive(Clone, Debug)]
pub struct Load {
    /// In load order: the program, its loader, preloaded objects, and so on; variants of one library for certain
    /// processors follow each other.
    pub objects: Vec<Loaded>,
    pub problems: Vec<Problem>,
    /// The names by which a loader takes an object that is there already.
    names: BTreeMap<Vec<u8>, Vec<LoadedId>>,
    files: BTreeMap<RootfsPath, LoadedId>,
    /// Objects before this one have had their needs loaded.
    settled: usize,
}

/// One loaded object.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub object: Object,
    /// Who asked for it first and how; `None` for the program.
    pub request: Option<Request>,
}

/// Why an object is loaded.
#[derive(Clone, Debug)]
pub struct Request {
    pub by: LoadedId,
    pub kind: RequestKind,
    /// The name asked for.
    pub name: Vec<u8>,
    pub rule: Rule,
    pub directory: RootfsPath,
    pub through_origin: bool,
    pub hwcap: Option<Vec<u8>>,
    /// Directories that must exist besides: see [`Found::passes`].
    pub passes: Vec<RootfsPath>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RequestKind {
    /// `PT_INTERP`: the loader itself.
    Interpreter,
    Needed,
    /// `LD_PRELOAD` or `/etc/ld.so.preload`: missing ones only warn.
    Preload,
    /// `DT_AUDIT`, `DT_DEPAUDIT`: missing ones only warn.
    Audit,
    /// `DT_FILTER`.
    Filter,
    /// `DT_AUXILIARY`: missing ones are ignored.
    Auxiliary,
    /// `dlopen(3)`.
    Dlopen,
}

/// What keeps a program from starting, or makes the loader warn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    Missing {
        by: LoadedId,
        kind: RequestKind,
        name: Vec<u8>,
        searched: Vec<RootfsPath>,
    },
    /// Only variants for certain processors exist: a plain one finds nothing.
    NoBaseline {
        by: LoadedId,
        name: Vec<u8>,
    },
    Refused {
        by: LoadedId,
        kind: RequestKind,
        name: Vec<u8>,
        file: Refused,
    },
    /// `provider` is loaded for `library`, but does not define `version`.
    Version {
        by: LoadedId,
        provider: LoadedId,
        library: Vec<u8>,
        version: Vec<u8>,
        weak: bool,
    },
}

impl Load {
    /// Loads `program` with the `preload` names, in order, and all that they need.
    ///
    /// A name in `preload` is one element of `LD_PRELOAD` or `/etc/ld.so.preload`.
    ///
    /// # Errors
    /// What the root answers.
    pub fn start(
        loader: &Loader,
        objects: &Objects<'_>,
        program: Object,
        preload: &[Vec<u8>],
        surroundings: &Surroundings,
    ) -> Result<Self, RootfsError> {
        let mut load = Self {
            objects: Vec::new(),
            problems: Vec::new(),
            names: BTreeMap::new(),
            files: BTreeMap::new(),
            settled: 0,
        };
        load.files.insert(program.real.clone(), 0);
        let audits = [program.elf.audit.clone(), program.elf.depaudit.clone()];
        load.objects.push(Loaded { object: program, request: None });
        load.add_interpreter(loader, objects)?;
        let mut session = Session { load: &mut load, loader, objects, surroundings };
        for list in audits.iter().flatten() {
            for name in list.split(|byte| *byte == b':').filter(|name| !name.is_empty()) {
                session.request(0, RequestKind::Audit, name)?;
            }
        }
        for name in preload {
            session.request(0, RequestKind::Preload, name)?;
        }
        session.settle()?;
        Ok(load)
    }

    /// Loads `name` as `dlopen(3)` called from object `by`, with what it needs.
    ///
    /// Returns the indices of the objects that stand for `name`, loaded before or new; none when it is not found
    /// (no [`Problem`] is noted for `name` itself, but for what it needs).
    ///
    /// # Errors
    /// What the root answers.
    pub fn dlopen(
        &mut self,
        loader: &Loader,
        objects: &Objects<'_>,
        by: LoadedId,
        name: &[u8],
        surroundings: &Surroundings,
    ) -> Result<Vec<LoadedId>, RootfsError> {
        if by >= self.objects.len() {
            return Ok(Vec::new());
        }
        let noted = self.problems.len();
        let mut session = Session { load: self, loader, objects, surroundings };
        let ids = session.request(by, RequestKind::Dlopen, name)?;
        session.load.problems.truncate(noted);
        session.settle()?;
        Ok(ids)
    }

    /// The objects from `id` up to the program: who asked for whom.
    pub fn chain(&self, id: LoadedId) -> Vec<LoadedId> {
        let mut chain = vec![id];
        let mut at = id;
        while let Some(request) = self.objects.get(at).and_then(|loaded| loaded.request.as_ref()) {
            // An object is loaded after the one that asks, so this ends.
            if request.by >= at {
                break;
            }
            at = request.by;
            chain.push(at);
        }
        chain
    }

    /// The loader counts as loaded: programs may need it by name.
    fn add_interpreter(&mut self, loader: &Loader, objects: &Objects<'_>) -> Result<(), RootfsError> {
        let Some(object) = objects.library(loader.path())? else {
            let name = loader.path().as_bytes().to_vec();
            let kind = RequestKind::Interpreter;
            self.problems.push(Problem::Missing { by: 0, kind, name, searched: Vec::new() });
            return Ok(());
        };
        let name = loader.path().as_bytes().to_vec();
        let found = Found {
            directory: object.origin.clone(),
            object,
            rule: Rule::Loader,
            through_origin: false,
            hwcap: None,
            passes: Vec::new(),
        };
        self.add(loader, 0, RequestKind::Interpreter, &name, found);
        Ok(())
    }

    /// Adds a found file unless it is there under another name; gives its index.
    fn add(
        &mut self,
        loader: &Loader,
        by: LoadedId,
        kind: RequestKind,
        name: &[u8],
        found: Found,
    ) -> LoadedId {
        let id = match self.files.get(&found.object.real) {
            Some(id) => *id,
            None => self.objects.len(),
        };
        let soname = found.object.elf.soname.clone();
        if id == self.objects.len() {
            self.files.insert(found.object.real.clone(), id);
            let request = Request {
                by,
                kind,
                name: name.to_vec(),
                rule: found.rule,
                directory: found.directory,
                through_origin: found.through_origin,
                hwcap: found.hwcap,
                passes: found.passes,
            };
            self.objects.push(Loaded { object: found.object, request: Some(request) });
        }
        self.call(name, id);
        match loader {
            Loader::Glibc(_) => {
                if let Some(soname) = soname {
                    self.call(&soname, id);
                }
            }
            // musl compares the names asked for, never DT_SONAME.
            Loader::Musl(_) => {}
        }
        id
    }

    fn call(&mut self, name: &[u8], id: LoadedId) {
        let ids = self.names.entry(name.to_vec()).or_default();
        if !ids.contains(&id) {
            ids.push(id);
        }
    }

    fn check_versions(&mut self, from: LoadedId) {
        for by in from..self.objects.len() {
            let elf = self.objects[by].object.elf.clone();
            for need in &elf.version_needs {
                for provider in self.names.get(&need.library).cloned().unwrap_or_default() {
                    let provides = self.objects[provider].object.elf.clone();
                    for version in versions::missing(&elf, &need.library, &provides) {
                        let problem = Problem::Version {
                            by,
                            provider,
                            library: need.library.clone(),
                            version: version.name.clone(),
                            weak: version.weak,
                        };
                        if !self.problems.contains(&problem) {
                            self.problems.push(problem);
                        }
                    }
                }
            }
        }
    }
}

/// A load with what it is asked of.
struct Session<'s, 'fs> {
    load: &'s mut Load,
    loader: &'s Loader,
    objects: &'s Objects<'fs>,
    surroundings: &'s Surroundings,
}

impl Session<'_, '_> {
    /// Loads what the objects need that were added since the last time.
    fn settle(&mut self) -> Result<(), RootfsError> {
        let from = self.load.settled;
        while self.load.settled < self.load.objects.len().min(MAX_OBJECTS) {
            let id = self.load.settled;
            self.load.settled += 1;
            let loaded = &self.load.objects[id];
            let is_loader =
                loaded.request.as_ref().is_some_and(|request| request.kind == RequestKind::Interpreter);
            let elf = loaded.object.elf.clone();
            if is_loader {
                continue;
            }
            let needed = elf.needed.iter().map(|name| (RequestKind::Needed, name));
            let filters = elf.filter.iter().map(|name| (RequestKind::Filter, name));
            let auxiliaries = elf.auxiliary.iter().map(|name| (RequestKind::Auxiliary, name));
            let glibc = matches!(self.loader, Loader::Glibc(_));
            for (kind, name) in needed.chain(filters.chain(auxiliaries).filter(|_| glibc)) {
                self.request(id, kind, name)?;
            }
        }
        if matches!(self.loader, Loader::Glibc(_)) {
            self.load.check_versions(from);
        }
        Ok(())
    }

    fn request(
        &mut self,
        by: LoadedId,
        kind: RequestKind,
        name: &[u8],
    ) -> Result<Vec<LoadedId>, RootfsError> {
        if let Some(ids) = self.load.names.get(name) {
            return Ok(ids.clone());
        }
        let chain = self.load.chain(by);
        let chain: Vec<&Object> = chain.iter().map(|id| &self.load.objects[*id].object).collect();
        let answer = self.loader.find(self.objects, name, &chain, self.surroundings)?;
        self.note(by, kind, name, &answer);
        Ok(answer.found.into_iter().map(|found| self.load.add(self.loader, by, kind, name, found)).collect())
    }

    fn note(&mut self, by: LoadedId, kind: RequestKind, name: &[u8], answer: &Answer) {
        let name = name.to_vec();
        let problem = if let Some(file) = &answer.fatal {
            Problem::Refused { by, kind, name, file: file.clone() }
        } else if answer.found.is_empty() {
            if kind == RequestKind::Auxiliary {
                return;
            }
            Problem::Missing { by, kind, name, searched: answer.searched.clone() }
        } else if !answer.complete {
            Problem::NoBaseline { by, name }
        } else {
            return;
        };
        // A name that is asked for twice and missing is one problem.
        if !self.load.problems.contains(&problem) {
            self.load.problems.push(problem);
        }
    }
}

/// The names in `LD_PRELOAD` or `/etc/ld.so.preload`: separated by spaces or colons, `#` begins a comment in the
/// file (`ld.so(8)`).
pub fn preload_names(text: &[u8]) -> Vec<Vec<u8>> {
    let lines = text.split(|byte| *byte == b'\n');
    let kept = lines.flat_map(|line| line.split(|byte| *byte == b'#').take(1));
    let words = kept.flat_map(|line| line.split(|byte| matches!(byte, b' ' | b'\t' | b':')));
    words.filter(|word| !word.is_empty()).map(<[u8]>::to_vec).collect()
}
