//! What each program of the set loads: its loader, the libraries, theirs in turn, in the order of the loader itself.
//!
//! A library is searched from the program's place in the final tree; and, because a copied program may have moved,
//! from its place in its source: what it finds relative to itself there moves along.

use std::collections::BTreeMap;

use super::finding;
use super::reason;
use super::set::{Closure, Strength};
use super::view::{Place, is_libc_family};
use crate::closure::elf::{Abi, Shape};
use crate::closure::search::load::preload_names;
use crate::closure::search::{Answer, Found, Loader, Object, RequestKind, Rule, Surroundings};
use crate::distill::manifest::Reason;
use crate::rootfs::{FileKind, Rootfs, RootfsError, RootfsPath};

/// A program with everything that its loader takes.
pub(super) struct Process {
    /// Real path in the final tree; for a library that no program of the set loads, the library.
    pub(super) program: RootfsPath,
    pub(super) loader: Loader,
    pub(super) strength: Strength,
    pub(super) surroundings: Surroundings,
    pub(super) loaded: Vec<Loaded>,
    /// By every name that an object answers to.
    names: BTreeMap<Vec<u8>, Vec<usize>>,
    /// Index of the first object whose `dlopen` candidates were not looked at.
    pub(super) opened: usize,
    /// Objects loaded at its start; those behind were opened by name later.
    pub(super) started: usize,
    /// The view that its loader is from.
    view: usize,
}

/// One object of a process.
#[derive(Clone)]
pub(super) struct Loaded {
    /// As it is opened in the final tree.
    pub(super) object: Object,
    /// As it was opened in its source, where that is another place.
    moved: Option<(usize, Object)>,
    /// Real path in the final tree.
    pub(super) path: RootfsPath,
    pub(super) view: usize,
    by: Option<usize>,
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
    fn call(&mut self, name: &[u8], index: usize) {
        let indices = self.names.entry(name.to_vec()).or_default();
        if !indices.contains(&index) {
            indices.push(index);
        }
    }

    /// Adds an object unless its file is loaded already, and lets it answer to the name and to its soname.
    fn push(&mut self, name: &[u8], loaded: Loaded) {
        let index = match self.loaded.iter().position(|known| known.path == loaded.path) {
            Some(index) => index,
            None => {
                self.loaded.push(loaded);
                self.loaded.len() - 1
            }
        };
        self.call(name, index);
        // musl compares the names asked for, never DT_SONAME.
        if matches!(self.loader, Loader::Glibc(_))
            && let Some(soname) = self.loaded[index].object.elf.soname.clone()
        {
            self.call(&soname, index);
        }
    }

    fn chain(&self, index: usize) -> Vec<usize> {
        let mut chain = vec![index];
        let mut at = index;
        while let Some(by) = self.loaded.get(at).and_then(|loaded| loaded.by).filter(|by| *by < at) {
            chain.push(by);
            at = by;
        }
        chain
    }
}

impl<'a> Closure<'a> {
    /// Loads a program of the set, or a library that stands for itself.
    ///
    /// # Errors
    /// What the roots answer.
    pub(super) fn load(&mut self, path: &RootfsPath, strength: Strength) -> Result<(), RootfsError> {
        let Some(item) = self.items.get(path) else { return Ok(()) };
        let chain = item.reason.clone();
        let setuid = item.stat.mode & 0o6000 != 0;
        let Some(elf) = self.elves.get(path).cloned() else { return Ok(()) };
        if !matches!(elf.shape, Shape::Dynamic | Shape::SharedObject)
            || self.is_loaded(path) && elf.interp.is_none()
        {
            return Ok(());
        }
        let view = self.view_of(path);
        let directory = RootfsPath::parse(self.world.spec.config.working_dir.as_bytes());
        let interp = match &elf.interp {
            Some(interp) => Some(directory.join(interp)),
            None => self.guess_loader(view, &elf.needed, elf.abi)?,
        };
        let Some(interp) = interp else { return Ok(()) };
        let loader = Loader::open(&self.world.objects[view], &interp, elf.abi)?;
        let origin = path.parent().unwrap_or_else(RootfsPath::root);
        let object = Object { path: path.clone(), real: path.clone(), origin, elf: elf.clone() };
        let moved = self.moved(path, &object);
        let mut process = Process {
            program: path.clone(),
            loader,
            strength,
            surroundings: Surroundings {
                library_path: self
                    .env("LD_LIBRARY_PATH")
                    .map(String::into_bytes)
                    .filter(|text| !text.is_empty()),
                directory,
                secure: setuid,
            },
            loaded: vec![Loaded {
                object,
                moved,
                path: path.clone(),
                view,
                by: None,
                reason: chain.clone(),
                by_cache: false,
                hwcap: None,
            }],
            names: BTreeMap::new(),
            opened: 0,
            started: 0,
            view,
        };
        if let Some(soname) = &elf.soname {
            process.call(soname, 0);
        }
        let present = self.load_interpreter(&mut process, view, &interp, &chain, elf.interp.is_some())?;
        if present {
            if elf.interp.is_some() {
                for name in self.preloads() {
                    // A program starts without what is to be preloaded.
                    let strength = strength.min(Strength::Strict);
                    self.request(&mut process, 0, RequestKind::Preload, &name, strength)?;
                }
            }
            self.load_needed(&mut process, 0)?;
        }
        process.started = process.loaded.len();
        self.processes.push(process);
        Ok(())
    }

    /// Follows the needs of the objects from `first` on.
    fn load_needed(&mut self, process: &mut Process, first: usize) -> Result<(), RootfsError> {
        let mut at = first;
        while at < process.loaded.len() && process.loaded.len() < MAX_OBJECTS {
            // Needs of the loader are met by itself.
            if process.loaded[at].object.path == *process.loader.path() {
                at += 1;
                continue;
            }
            let elf = process.loaded[at].object.elf.clone();
            let strength = self.strength_of(process, at);
            for name in &elf.needed {
                self.request(process, at, RequestKind::Needed, name, strength)?;
            }
            let glibc = matches!(process.loader, Loader::Glibc(_));
            for name in elf.filter.iter().filter(|_| glibc) {
                self.request(process, at, RequestKind::Filter, name, strength)?;
            }
            for name in elf.auxiliary.iter().filter(|_| glibc) {
                self.request(process, at, RequestKind::Auxiliary, name, Strength::Soft)?;
            }
            if at == 0 {
                for list in [&elf.audit, &elf.depaudit].into_iter().flatten() {
                    for name in list.split(|byte| *byte == b':').filter(|name| !name.is_empty()) {
                        self.request(process, at, RequestKind::Audit, name, Strength::Soft)?;
                    }
                }
            }
            at += 1;
        }
        Ok(())
    }

    /// Opens a library as `dlopen(3)` called from an object of a process; whether it is there.
    ///
    /// # Errors
    /// What the roots answer.
    pub(super) fn open_library(
        &mut self,
        index: usize,
        by: usize,
        name: &[u8],
        chain: &[Reason],
    ) -> Result<bool, RootfsError> {
        let mut process = self.processes.remove(index);
        let first = process.loaded.len();
        let there = process.names.contains_key(name)
            || self.search(&mut process, by, name, Strength::Soft, chain)?.is_none();
        let outcome = self.load_needed(&mut process, first);
        self.processes.insert(index, process);
        outcome.map(|()| there)
    }

    /// What a request for a library means to the set; a library that is missing is said.
    fn request(
        &mut self,
        process: &mut Process,
        by: usize,
        kind: RequestKind,
        name: &[u8],
        strength: Strength,
    ) -> Result<(), RootfsError> {
        if process.names.contains_key(name) {
            return Ok(());
        }
        let text = String::from_utf8_lossy(name).into_owned();
        let chain = reason::then(&process.loaded[by].reason, why(kind), text);
        let Some(answer) = self.search(process, by, name, strength, &chain)? else { return Ok(()) };
        if kind == RequestKind::Auxiliary {
            return Ok(());
        }
        self.complain(process, by, name, kind, strength, &chain, &answer);
        Ok(())
    }

    /// Searches a library and adds all its variants; the answer when there is none.
    fn search(
        &mut self,
        process: &mut Process,
        by: usize,
        name: &[u8],
        strength: Strength,
        chain: &[Reason],
    ) -> Result<Option<Answer>, RootfsError> {
        // Loader and C library are only good together: all of a process come from where its loader is.
        let family = is_libc_family(&RootfsPath::root().join(name));
        let view = if family { process.view } else { process.loaded[by].view };
        let indices = process.chain(by);
        let here: Vec<&Object> = indices.iter().map(|index| &process.loaded[*index].object).collect();
        let loader = &process.loader;
        let mut answer = loader.find(&self.world.objects[view], name, &here, &process.surroundings)?;
        let mut relocated = None;
        if let Some((source, _)) = &process.loaded[by].moved {
            let there: Vec<&Object> = indices
                .iter()
                .map(|index| {
                    let loaded = &process.loaded[*index];
                    loaded.moved.as_ref().map_or(&loaded.object, |(_, object)| object)
                })
                .collect();
            let settled = answer.found.first().is_some_and(|found| {
                found.through_origin || matches!(found.rule, Rule::LibraryPath | Rule::Name | Rule::Loader)
            });
            if !settled && let Some(plain) = self.world.plain.get(*source) {
                let before = loader.find(plain, name, &there, &process.surroundings)?;
                if before.found.iter().any(|found| found.through_origin) {
                    relocated = Some((*source, before));
                }
            }
        }
        if let Some((source, before)) = relocated {
            for found in before.found.into_iter().filter(|found| found.through_origin) {
                self.relocate(process, by, source, found, name, strength, chain)?;
            }
        } else {
            let several = answer.found.len() > 1;
            for found in std::mem::take(&mut answer.found) {
                if matches!(found.rule, Rule::Loader) {
                    process.call(name, 1.min(process.loaded.len() - 1));
                } else {
                    self.take(process, by, view, found, several, name, strength, chain)?;
                }
            }
        }
        Ok(if process.names.contains_key(name) { None } else { Some(answer) })
    }

    /// Adds a library where the loader found it.
    fn take(
        &mut self,
        process: &mut Process,
        by: usize,
        view: usize,
        found: Found,
        several: bool,
        name: &[u8],
        strength: Strength,
        chain: &[Reason],
    ) -> Result<(), RootfsError> {
        for directory in &found.passes {
            self.bring(view, directory, chain, strength)?;
        }
        // Which of several variants a processor takes is not known: none is needed for certain.
        let strength = if several { strength.min(Strength::Strict) } else { strength };
        let Some(real) = self.bring(view, &found.object.path, chain, strength)? else { return Ok(()) };
        self.elves.insert(real.clone(), found.object.elf.clone());
        let by_cache = matches!(found.rule, Rule::Cache | Rule::CacheConfiguration)
            && !self.is_system_directory(process, view, &found.directory)?;
        let moved = self
            .moved(&found.object.path, &found.object)
            .or_else(|| (real != found.object.path).then(|| self.moved(&real, &found.object)).flatten());
        let view = self.view_of(&real);
        let loaded = Loaded {
            object: found.object,
            moved,
            path: real,
            view,
            by: Some(by),
            reason: chain.to_vec(),
            by_cache,
            hwcap: found.hwcap,
        };
        process.push(name, loaded);
        Ok(())
    }

    /// Adds a library that was found relative to a program that moved, at the same relative place.
    fn relocate(
        &mut self,
        process: &mut Process,
        by: usize,
        source: usize,
        found: Found,
        name: &[u8],
        strength: Strength,
        chain: &[Reason],
    ) -> Result<(), RootfsError> {
        // The object whose search path it is: it, or one that loaded it.
        let owner = match &found.rule {
            Rule::Rpath(path) | Rule::Runpath(path) => process.chain(by).into_iter().find(|index| {
                let loaded = &process.loaded[*index];
                loaded.moved.as_ref().is_some_and(|(_, object)| object.path == *path)
                    || loaded.object.path == *path
            }),
            _ => None,
        };
        let owner = &process.loaded[owner.unwrap_or(by)];
        let Some((_, before)) = &owner.moved else { return Ok(()) };
        let directory = owner.object.origin.join(&relative(&before.origin, &found.directory));
        let target = directory.join(name);
        let Some(real) = self.move_along(source, &found.object.path, &target, chain, strength)? else {
            return Ok(());
        };
        let elf = self.elves.get(&real).cloned().unwrap_or_else(|| found.object.elf.clone());
        self.elves.insert(real.clone(), elf.clone());
        let loaded = Loaded {
            object: Object { path: target, real: real.clone(), origin: directory, elf },
            moved: Some((source, found.object)),
            path: real,
            view: source,
            by: Some(by),
            reason: chain.to_vec(),
            by_cache: false,
            hwcap: found.hwcap,
        };
        process.push(name, loaded);
        Ok(())
    }

    /// Puts what is at `from` in a source to `to`, link for link; the real path in the final tree.
    fn move_along(
        &mut self,
        source: usize,
        from: &RootfsPath,
        to: &RootfsPath,
        chain: &[Reason],
        strength: Strength,
    ) -> Result<Option<RootfsPath>, RootfsError> {
        let root = self.world.sources[source].root;
        let (mut from, mut to) = (from.clone(), to.clone());
        for _ in 0..crate::rootfs::links::MAX_LINK_HOPS {
            // What the user put there wins; and so does a directory link of the tree on the way.
            if let Some(parent) = to.parent()
                && let Ok(crate::rootfs::links::Resolved::Found { path, .. }) =
                    crate::rootfs::links::resolve(&self.world.composition.tree, &parent)
            {
                to = path.join(to.name());
            }
            if self.node(&to).is_some() {
                return self.bring(source, &to, chain, strength);
            }
            let Some(stat) = root.stat(&from)? else { return Ok(None) };
            let place = Place::Source(source, from.clone());
            let kind = stat.kind.clone();
            self.put(&to, place, stat, chain, strength)?;
            match kind {
                FileKind::Symlink(target) if target.first() == Some(&b'/') => {
                    return self.bring(source, &RootfsPath::parse(&target), chain, strength);
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
    fn moved(&self, path: &RootfsPath, object: &Object) -> Option<(usize, Object)> {
        let origin = self.node(path)?.came.origin.clone()?;
        if origin.path == *path || !self.world.usable.contains(&origin.source) {
            return None;
        }
        let directory = origin.path.parent().unwrap_or_else(RootfsPath::root);
        let real = origin.path.clone();
        Some((origin.source, Object { path: origin.path, real, origin: directory, elf: object.elf.clone() }))
    }

    /// Adds the loader; `false` when it is missing.
    fn load_interpreter(
        &mut self,
        process: &mut Process,
        view: usize,
        interp: &RootfsPath,
        chain: &[Reason],
        wanted: bool,
    ) -> Result<bool, RootfsError> {
        let text = reason::escaped(interp);
        let chain = reason::then(chain, "interpreter", text.clone());
        let strength = process.strength;
        if !wanted {
            process.call(interp.name(), 0);
            return Ok(true);
        }
        let Some(real) = self.bring(view, interp, &chain, strength)? else {
            let message = format!(
                "`{}` needs the loader `{text}`, which {} does not hold ({})",
                process.program,
                self.sources_text(),
                reason::arrows(&chain)
            );
            let finding = severity(strength, finding::LIBRARY_MISSING, message)
                .hint("COPY the program from the stage that it was built in, or link it statically");
            self.findings.add(finding.at(self.instruction_of(&process.program)));
            return Ok(false);
        };
        if let Some(object) = self.world.objects[view].library(interp)? {
            self.elves.insert(real.clone(), object.elf.clone());
            let loaded = Loaded {
                object,
                moved: None,
                view: self.view_of(&real),
                path: real,
                by: Some(0),
                reason: chain.clone(),
                by_cache: false,
                hwcap: None,
            };
            process.push(interp.name(), loaded);
        }
        if let Loader::Musl(musl) = &process.loader
            && let Some(file) = musl.path_file.clone()
        {
            self.bring(view, &file, &chain, strength)?;
        }
        Ok(true)
    }

    /// The loader that a library without a program would be loaded by: that of a program of the set, else the usual
    /// one of its machine.
    fn guess_loader(
        &self,
        view: usize,
        needed: &[Vec<u8>],
        abi: Abi,
    ) -> Result<Option<RootfsPath>, RootfsError> {
        let musl = needed.iter().any(|name| name.starts_with(b"libc.musl") || name == b"libc.so");
        for process in &self.processes {
            let elf = &process.loaded[0].object.elf;
            if elf.abi == abi
                && matches!(process.loader, Loader::Musl(_)) == musl
                && let Some(interp) = &elf.interp
            {
                return Ok(Some(RootfsPath::parse(interp)));
            }
        }
        for (machine, path) in LOADERS {
            let path = RootfsPath::from(path);
            if machine == abi.machine && path.name().starts_with(b"ld-musl") == musl {
                let there = self.world.views[view].file(&path)?;
                if there.is_some() {
                    return Ok(Some(path));
                }
            }
        }
        Ok(None)
    }

    fn is_system_directory(
        &self,
        process: &Process,
        view: usize,
        directory: &RootfsPath,
    ) -> Result<bool, RootfsError> {
        let eyes = &self.world.views[view];
        let real = |path: &RootfsPath| -> Result<RootfsPath, RootfsError> {
            Ok(match crate::rootfs::links::resolve(eyes, path)? {
                crate::rootfs::links::Resolved::Found { path, .. } => path,
                crate::rootfs::links::Resolved::Missing { .. } => path.clone(),
            })
        };
        let wanted = real(directory)?;
        for system in system_directories(&process.loader) {
            let system = real(&system)?;
            if wanted == system || wanted.is_within(&system.join(b"glibc-hwcaps")) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn complain(
        &mut self,
        process: &Process,
        by: usize,
        name: &[u8],
        kind: RequestKind,
        strength: Strength,
        chain: &[Reason],
        answer: &Answer,
    ) {
        let requester = &process.loaded[by].path;
        if !self.complained.insert((requester.clone(), name.to_vec())) {
            return;
        }
        let soname = String::from_utf8_lossy(name).into_owned();
        let strength =
            if matches!(kind, RequestKind::Needed | RequestKind::Filter) { strength } else { Strength::Soft };
        let message = match &answer.fatal {
            Some(refused) => format!(
                "`{requester}` needs `{soname}`, but `{}` cannot be loaded: {} ({})",
                refused.path,
                refused.why,
                reason::arrows(chain)
            ),
            None => format!(
                "`{requester}` needs `{soname}`, which no search path of {} holds ({}; searched {})",
                self.sources_text(),
                reason::arrows(chain),
                listed(&answer.searched)
            ),
        };
        let hint = if self.world.usable.is_empty() {
            "add a build stage that has the library, and COPY the program from it".to_owned()
        } else {
            format!(
                "install the library in the build stage, or COPY `{soname}` into a directory that is searched"
            )
        };
        let program = process.loaded.first().map(|loaded| &loaded.path).unwrap_or(requester);
        let id = self.instruction_of(requester).or_else(|| self.instruction_of(program));
        self.findings.add(severity(strength, finding::LIBRARY_MISSING, message).hint(hint).at(id));
    }

    /// How much depends on the needs of an object: no more than on the object itself.
    fn strength_of(&self, process: &Process, index: usize) -> Strength {
        let own = self.items.get(&process.loaded[index].path).map(|item| item.strength);
        own.unwrap_or(Strength::Soft).min(process.strength)
    }

    fn is_loaded(&self, path: &RootfsPath) -> bool {
        self.processes.iter().any(|process| process.loaded.iter().any(|loaded| loaded.path == *path))
    }

    fn preloads(&self) -> Vec<Vec<u8>> {
        let file =
            self.world.composition.tree.read(&RootfsPath::from("/etc/ld.so.preload"), 0..MAX_PRELOAD_BYTES);
        let env = self.env("LD_PRELOAD").unwrap_or_default().into_bytes();
        let mut names = preload_names(&env);
        names.extend(preload_names(&file.unwrap_or_default()));
        names
    }

    /// A variable of the image's environment.
    pub(super) fn env(&self, name: &str) -> Option<String> {
        env_value(&self.world.spec.config.env, name)
    }
}

/// The value of a variable; the last setting counts.
pub(super) fn env_value(env: &[String], name: &str) -> Option<String> {
    let mut found = env.iter().rev().filter_map(|setting| setting.split_once('='));
    found.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
}

/// The directories that a loader always searches.
pub(super) fn system_directories(loader: &Loader) -> Vec<RootfsPath> {
    match loader {
        Loader::Glibc(glibc) => glibc.system_directories.clone(),
        Loader::Musl(musl) => musl
            .system_path
            .split(|byte| matches!(byte, b':' | b'\n'))
            .filter(|dir| dir.first() == Some(&b'/'))
            .map(RootfsPath::parse)
            .collect(),
    }
}

/// An error for what must be, a warning for the rest.
pub(super) fn severity(strength: Strength, rule: &str, message: String) -> crate::distill::manifest::Finding {
    match strength {
        Strength::Soft => finding::warning(rule, message),
        Strength::Strict | Strength::Hard => finding::error(rule, message),
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

fn listed(paths: &[RootfsPath]) -> String {
    if paths.is_empty() {
        return "nowhere".to_owned();
    }
    let shown: Vec<String> = paths.iter().take(SHOWN).map(|path| format!("`{path}`")).collect();
    let more = paths.len().saturating_sub(SHOWN);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{rest}", shown.join(", "))
}

fn why(kind: RequestKind) -> &'static str {
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

/// Usual loaders by `e_machine` (glibc `shlib-versions`, musl `arch/*/reloc.h`).
const LOADERS: [(u16, &str); 14] = [
    (62, "/lib64/ld-linux-x86-64.so.2"),
    (62, "/lib/ld-musl-x86_64.so.1"),
    (3, "/lib/ld-linux.so.2"),
    (3, "/lib/ld-musl-i386.so.1"),
    (183, "/lib/ld-linux-aarch64.so.1"),
    (183, "/lib/ld-musl-aarch64.so.1"),
    (40, "/lib/ld-linux-armhf.so.3"),
    (40, "/lib/ld-musl-armhf.so.1"),
    (22, "/lib/ld64.so.1"),
    (22, "/lib/ld-musl-s390x.so.1"),
    (21, "/lib64/ld64.so.2"),
    (21, "/lib/ld-musl-powerpc64le.so.1"),
    (243, "/lib/ld-linux-riscv64-lp64d.so.1"),
    (243, "/lib/ld-musl-riscv64.so.1"),
];

/// Objects of one process; a large program has some hundred.
const MAX_OBJECTS: usize = 4096;

/// Searched directories named in a message.
const SHOWN: usize = 6;

const MAX_PRELOAD_BYTES: u64 = 64 << 10;
