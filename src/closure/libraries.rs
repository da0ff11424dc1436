//! What each program of the set loads: its loader, the libraries, theirs in turn, in the order of the loader itself.
//!
//! A library is searched from the program's place in the final tree; and, because a copied program may have moved,
//! from its place in its source: see `moved`.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::complaint::severity;
use super::finding;
use super::process::{Loaded, Need, Process};
use super::reason;
use super::set::{Closure, Strength};
use super::view::{Place, is_libc_family};
use crate::closure::elf::{Abi, Shape};
use crate::closure::search::load::preload_names;
use crate::closure::search::{Answer, Found, Loader, Object, RequestKind, Rule, Surroundings};
use crate::distill::manifest::Reason;
use crate::distill::spec::Mode;
use crate::rootfs::links::{self, Resolved};
use crate::rootfs::{Rootfs, RootfsError, RootfsPath};

impl Closure<'_> {
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
        let loader = self.loader(view, &interp, elf.abi)?;
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
                for name in self.preloads(&chain)? {
                    // A program starts without what is to be preloaded.
                    let strength = strength.min(Strength::Strict);
                    self.request(&mut process, 0, RequestKind::Preload, &name, strength)?;
                }
            }
            self.load_needed(&mut process, 0)?;
        }
        process.started = process.loaded.len();
        self.loaded.extend(process.loaded.iter().map(|loaded| loaded.path.clone()));
        self.processes.push(process);
        Ok(())
    }

    fn loader(&mut self, view: usize, interp: &RootfsPath, abi: Abi) -> Result<Rc<Loader>, RootfsError> {
        let key = (view, interp.clone());
        if let Some(loader) = self.loaders.get(&key) {
            return Ok(loader.clone());
        }
        let loader = Rc::new(Loader::open(&self.world.objects[view], interp, abi)?);
        self.loaders.insert(key, loader.clone());
        Ok(loader)
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
            let glibc = matches!(*process.loader, Loader::Glibc(_));
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
        let need =
            Need { by, kind: RequestKind::Dlopen, name, strength: Strength::Soft, chain: chain.to_vec() };
        let there = process.names.contains_key(name) || self.search(&mut process, &need)?.is_none();
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
        let chain = reason::then(&process.loaded[by].reason, Need::why(kind), text);
        let need = Need { by, kind, name, strength, chain };
        match self.search(process, &need)? {
            Some(answer) if kind != RequestKind::Auxiliary => self.complain(process, &need, &answer),
            _ => {}
        }
        Ok(())
    }

    /// Searches a library and adds all its variants; the answer when there is none.
    fn search(&mut self, process: &mut Process, need: &Need<'_>) -> Result<Option<Answer>, RootfsError> {
        // Loader and C library are only good together: all of a process come from where its loader is.
        let family = is_libc_family(&RootfsPath::root().join(need.name));
        let view = if family { process.view } else { process.loaded[need.by].view };
        let indices = process.chain(need.by);
        let here: Vec<&Object> = indices.iter().map(|index| &process.loaded[*index].object).collect();
        let objects = &self.world.objects[view];
        let mut answer = process.loader.find(objects, need.name, &here, &process.surroundings)?;
        if let Some((source, found)) = self.search_before_the_move(process, need, view, &answer)? {
            for found in found {
                self.relocate(process, need, source, found)?;
            }
        } else {
            let several = answer.found.len() > 1;
            for found in std::mem::take(&mut answer.found) {
                if matches!(found.rule, Rule::Loader) {
                    process.call(need.name, 1.min(process.loaded.len() - 1));
                } else {
                    self.take(process, need, view, found, several)?;
                }
            }
        }
        Ok(if process.names.contains_key(need.name) { None } else { Some(answer) })
    }

    /// What a moved object finds relative to itself at its place in its source, unless the final tree settles it.
    fn search_before_the_move(
        &self,
        process: &Process,
        need: &Need<'_>,
        view: usize,
        answer: &Answer,
    ) -> Result<Option<(usize, Vec<Found>)>, RootfsError> {
        let Some((source, _)) = &process.loaded[need.by].moved else { return Ok(None) };
        let Some(plain) = self.world.plain.get(*source) else { return Ok(None) };
        if let Some(found) = answer.found.first() {
            let users = matches!(self.world.views[view].place(&found.object.real)?, Some((Place::Tree, _)));
            let before_origin = matches!(found.rule, Rule::LibraryPath | Rule::Name | Rule::Loader);
            if before_origin || users && found.through_origin {
                return Ok(None);
            }
        }
        let indices = process.chain(need.by);
        let there: Vec<&Object> = indices
            .iter()
            .map(|index| &process.loaded[*index])
            .map(|loaded| loaded.moved.as_ref().map_or(&loaded.object, |(_, object)| object))
            .collect();
        let before = process.loader.find(plain, need.name, &there, &process.surroundings)?;
        let found: Vec<Found> = before.found.into_iter().filter(|found| found.through_origin).collect();
        Ok((!found.is_empty()).then_some((*source, found)))
    }

    /// Adds a library where the loader found it.
    fn take(
        &mut self,
        process: &mut Process,
        need: &Need<'_>,
        view: usize,
        found: Found,
        several: bool,
    ) -> Result<(), RootfsError> {
        let chain = &need.chain;
        for directory in &found.passes {
            self.bring(view, directory, chain, need.strength)?;
        }
        // Which of several variants a processor takes is not known: none is needed for certain.
        let strength = if several { need.strength.min(Strength::Strict) } else { need.strength };
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
            by: Some(need.by),
            reason: chain.clone(),
            by_cache,
            hwcap: found.hwcap,
        };
        process.push(need.name, loaded);
        Ok(())
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
            // What loads the library brings the loader; here only its rules count.
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
        if let Loader::Musl(musl) = &*process.loader
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
                && matches!(*process.loader, Loader::Musl(_)) == musl
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
            Ok(match links::resolve(eyes, path)? {
                Resolved::Found { path, .. } => path,
                Resolved::Missing { .. } => path.clone(),
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

    /// How much depends on the needs of an object: no more than on the object itself.
    fn strength_of(&self, process: &Process, index: usize) -> Strength {
        let own = self.items.get(&process.loaded[index].path).map(|item| item.strength);
        own.unwrap_or(Strength::Soft).min(process.strength)
    }

    fn is_loaded(&self, path: &RootfsPath) -> bool {
        self.loaded.contains(path)
    }

    /// The libraries that every program loads first: those of the environment, and of the file that the stage's own
    /// tree has, or the stage that is cut down.
    fn preloads(&mut self, chain: &[Reason]) -> Result<Vec<Vec<u8>>, RootfsError> {
        let path = RootfsPath::from("/etc/ld.so.preload");
        let file = if self.world.spec.mode == Mode::Distil {
            let view = self.first_view();
            match self.bring(
                view,
                &path,
                &reason::then(chain, "preload", path.to_string()),
                Strength::Soft,
            )? {
                Some(real) => self.world.views[view].read(&real, 0..MAX_PRELOAD_BYTES).unwrap_or_default(),
                None => Vec::new(),
            }
        } else {
            self.world.composition.tree.read(&path, 0..MAX_PRELOAD_BYTES).unwrap_or_default()
        };
        let env = self.env("LD_PRELOAD").unwrap_or_default().into_bytes();
        let mut names = preload_names(&env);
        names.extend(preload_names(&file));
        Ok(names)
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

pub(super) const MAX_PRELOAD_BYTES: u64 = 64 << 10;
