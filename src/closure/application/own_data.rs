//! What a packaged program or library reads of its own package: the paths in its data, and in configuration that no
//! other package brought, that its package owns, one of the same source, or one that these depend on or recommend. In
//! such a directory, what the Dockerfile put there or installed by name is meant for the program as well
//! (`tesseract-ocr-deu`). An interpreter is left to its language's rule.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::files::STAGE;
use super::patterns::Patterns;
use super::places::is_system_directory;
use super::words::{self, TextKind};
use crate::closure::finding;
use crate::closure::follow::is_documentation;
use crate::closure::glob;
use crate::closure::literals::contains;
use crate::closure::ownership::Owner;
use crate::closure::packages::PackageId;
use crate::closure::reason;
use crate::closure::roots::Wish;
use crate::closure::set::{Closure, Strength};
use crate::closure::strings::{self, Texts};
use crate::closure::view::is_libc_family;
use crate::rootfs::links::{self, Resolved};
use crate::rootfs::{FileKind, RootfsError, RootfsPath};

/// A root file system by its index, and name and version of a source package.
type Source = (usize, (String, String));

/// What was asked of packaged programs and libraries so far.
#[derive(Default)]
pub(in crate::closure) struct OwnData {
    /// Those that were read.
    read: BTreeSet<RootfsPath>,
    /// Those with the path of the system's shell among their texts.
    pub(in crate::closure) names_shell: BTreeSet<RootfsPath>,
    /// What [`Closure::family_files`] answered.
    families: BTreeMap<Source, Rc<BTreeSet<RootfsPath>>>,
}

impl Closure<'_> {
    /// Brings the data of the packaged programs and libraries that were not looked at yet.
    ///
    /// # Errors
    /// What the roots answer.
    pub(in crate::closure) fn follow_own_data(
        &mut self,
        data: &mut OwnData,
    ) -> Result<Vec<Wish>, RootfsError> {
        let unread = |path: &&RootfsPath| !data.read.contains(*path) && !is_libc_family(path);
        let scripts = self.scripts.iter().filter(|path| !self.elves.contains_key(*path));
        let files: Vec<RootfsPath> = self.elves.keys().chain(scripts).filter(unread).cloned().collect();
        let mut wishes = Vec::new();
        if files.is_empty() {
            return Ok(wishes);
        }
        let rules = &self.world.rules.application;
        let ignored = Patterns::new(rules.hint.ignored.iter().chain(&rules.never));
        for file in files {
            data.read.insert(file.clone());
            // What a language's rule swept in (ldconfig) is there for its caller, not for its package's data.
            let swept = self.items.get(&file).is_none_or(|item| item.strength == Strength::Swept);
            let Some(owner) = self.owner_of(&file).filter(|_| !swept) else { continue };
            if !self.has_a_rule(&file, owner) {
                self.bring_own_data(&file, owner, &ignored, data, &mut wishes)?;
            }
        }
        Ok(wishes)
    }

    /// Whether a program is an interpreter or a server, or a library belongs to one or is what the rule of a resource
    /// speaks of: the rules say what they read.
    fn has_a_rule(&self, file: &RootfsPath, owner: Owner) -> bool {
        let known = |program: &RootfsPath| {
            self.runtimes.engines.iter().any(|engine| engine.program == *program)
                || self.servers.serves(program)
        };
        let Some(elf) = self.elves.get(file) else { return false };
        if elf.is_program() {
            return known(file);
        }
        let soname = elf.soname.as_deref().unwrap_or(file.name());
        let mut resources = self.world.rules.resource.iter();
        let ruled = resources.any(|resource| {
            let whens = resource.when.iter().flat_map(|when| when.needed.iter().chain(&when.soname));
            let captures = resource.capture.iter().flat_map(|capture| &capture.library);
            whens.chain(captures).any(|pattern| glob::matches_name(pattern.as_bytes(), soname))
        });
        if ruled {
            return true;
        }
        let own = self.built_from(owner);
        let mut programs = self.elves.keys().filter(|path| known(path));
        programs.any(|path| self.owner_of(path).and_then(|other| self.built_from(other)) == own)
    }

    fn bring_own_data(
        &mut self,
        file: &RootfsPath,
        owner: Owner,
        ignored: &Patterns,
        data: &mut OwnData,
        wishes: &mut Vec<Wish>,
    ) -> Result<(), RootfsError> {
        let mut texts: BTreeSet<Vec<u8>> = BTreeSet::new();
        let elf = self.elves.get(file);
        let layout = if elf.is_some_and(|elf| elf.go) { Texts::Run } else { Texts::Ended };
        // What a script names is followed elsewhere.
        let is_program = elf.is_none_or(|elf| elf.is_program());
        if elf.is_some()
            && let Some(Ok(paths)) = self.with_bytes(file, |bytes| strings::absolute_paths(bytes, layout))
        {
            texts.extend(paths);
        }
        if elf.is_some() && is_program {
            texts.extend(self.configured_paths(owner)?);
        }
        if is_program {
            texts.extend(self.private_directory(owner, file).map(|dir| dir.as_bytes().to_vec()));
        }
        if texts.contains(&b"/bin/sh"[..]) {
            data.names_shell.insert(file.clone());
        }
        let chain = self.items.get(file).map(|item| item.reason.clone()).unwrap_or_default();
        let mut brought = BTreeSet::new();
        for text in texts.iter().take(MAX_PATHS) {
            let mut path = RootfsPath::parse(text);
            if layout == Texts::Run && !ignored.cover(&path) {
                let owned = self.family(owner, data);
                let Some(begins) = longest_beginning(&owned, &path) else { continue };
                path = begins;
            }
            if ignored.cover(&path)
                || is_documentation(&path)
                || is_system_directory(&path)
                || is_program_place(&path)
            {
                continue;
            }
            let eyes = &self.world.views[owner.source];
            let (real, stat) = match links::resolve(eyes, &path) {
                Ok(Resolved::Found { path, stat, .. }) => (path, stat),
                Ok(Resolved::Missing { .. }) | Err(RootfsError::LinkLoop(_)) => continue,
                Err(error) => return Err(error),
            };
            let (real, directory) = match self.data_directory(owner, &real) {
                Some(directory) => (directory, true),
                None => (real, stat.kind == FileKind::Directory),
            };
            if is_system_directory(&real) || is_library_directory(&real) || !brought.insert(real.clone()) {
                continue;
            }
            let owned = self.family(owner, data);
            // Which of a library's modules are opened is a matter of rules and evidence.
            let is_mine = |file: &&RootfsPath| {
                !is_documentation(file) && !ignored.cover(file) && (is_program || !is_library(file))
            };
            let mut pending: Vec<RootfsPath> = below(&owned, &real).filter(is_mine).cloned().collect();
            if pending.is_empty() {
                continue;
            }
            let chain = reason::then(&chain, "own data", reason::escaped(&path));
            self.bring(owner.source, &path, &chain, Strength::Soft)?;
            let mut came: BTreeSet<RootfsPath> = BTreeSet::new();
            while let Some(file) = pending.pop() {
                // Without its privileges it is of no use, and those come only with what is started.
                let stat = self.world.sources[owner.source].root.stat(&file)?;
                if stat.is_some_and(|stat| stat.kind == FileKind::Regular && stat.mode & 0o6000 != 0) {
                    continue;
                }
                let Some(real) = self.bring(owner.source, &file, &chain, Strength::Soft)? else { continue };
                // A link to a directory of the family's elsewhere.
                if came.insert(real.clone()) && real != file && !is_system_directory(&real) {
                    pending.extend(below(&owned, &real).filter(is_mine).cloned());
                }
            }
            if owner.source == STAGE && directory && !is_remade(&real) {
                came.extend(self.bring_chosen(owner.source, &real, &chain)?);
            }
            for path in came {
                if self.items.get(&path).is_some_and(|item| item.stat.kind == FileKind::Regular) {
                    wishes.push(Wish { path, strength: Strength::Soft, started: false });
                }
            }
        }
        Ok(())
    }

    /// The paths in the texts of the set below /etc that belong to nobody, or were built from the same source.
    fn configured_paths(&self, owner: Owner) -> Result<BTreeSet<Vec<u8>>, RootfsError> {
        let own = self.built_from(owner);
        let etc = RootfsPath::from("/etc");
        let mut paths = BTreeSet::new();
        for (path, item) in self.items.range(etc.clone()..).take_while(|(path, _)| path.is_within(&etc)) {
            if item.stat.kind != FileKind::Regular
                || item.stat.size > MAX_CONFIG_BYTES
                || paths.len() > MAX_PATHS
            {
                continue;
            }
            if self.owner_of(path).is_some_and(|other| self.built_from(other) != own) {
                continue;
            }
            let Some((rootfs, file)) = self.file_of(path) else { continue };
            let text = rootfs.read(&file, 0..MAX_CONFIG_BYTES)?;
            let named = words::read(&text, TextKind::Data, &[], &|_| false).paths;
            paths.extend(named.into_iter().map(|path| path.as_bytes().to_vec()));
        }
        Ok(paths)
    }

    /// The directory in /usr/share that is called after the package, or one of the same source: a program that names a
    /// part of it finds the rest from there.
    fn data_directory(&self, owner: Owner, path: &RootfsPath) -> Option<RootfsPath> {
        let share = RootfsPath::from("/usr/share");
        let name = path.components().nth(2).filter(|_| path.is_within(&share))?;
        self.is_family_name(owner, name).then(|| share.join(name))
    }

    /// The directory below /usr/lib or /opt that is called so and holds a program: the program finds the rest from where
    /// it is (`/usr/lib/chromium/chromium`, `/usr/lib/libreoffice/program/soffice.bin`).
    fn private_directory(&self, owner: Owner, program: &RootfsPath) -> Option<RootfsPath> {
        let mut dirs = std::iter::successors(program.parent(), RootfsPath::parent);
        let below = |dir: &RootfsPath| {
            let parent = dir.parent();
            parent.is_some_and(|parent| {
                let named =
                    ["/opt", "/usr/lib", "/usr/libexec"].iter().any(|top| parent == RootfsPath::from(*top));
                named || is_library_directory(&parent)
            })
        };
        dirs.find(|dir| below(dir)).filter(|dir| self.is_family_name(owner, dir.name()))
    }

    /// Whether the package, one of the same source, or the source is called so.
    fn is_family_name(&self, owner: Owner, name: &[u8]) -> bool {
        let Some(database) = self.world.sources[owner.source].packages.as_deref() else { return false };
        let Some(own) = database.packages().get(owner.package.0 as usize) else { return false };
        let family = database.packages().iter().filter(|other| other.source == own.source);
        let mut names = family.map(|other| &other.name).chain([&own.source.0]);
        names.any(|known| known.as_bytes() == name)
    }

    /// The root file system of a package, and the source package that it was built from.
    fn built_from(&self, owner: Owner) -> Option<(usize, &(String, String))> {
        let database = self.world.sources[owner.source].packages.as_deref()?;
        let package = database.packages().get(owner.package.0 as usize)?;
        Some((owner.source, &package.source))
    }

    /// The same as [`Self::family_files`], which is asked once for each source package.
    fn family(&mut self, owner: Owner, data: &mut OwnData) -> Rc<BTreeSet<RootfsPath>> {
        let Some((root, source)) = self.built_from(owner) else { return Rc::default() };
        let source = (root, source.clone());
        if let Some(known) = data.families.get(&source) {
            return Rc::clone(known);
        }
        let files = Rc::new(self.family_files(owner));
        data.families.insert(source, Rc::clone(&files));
        files
    }

    /// The files of a package, of those built from the same source, and of those that these depend on or recommend.
    fn family_files(&mut self, owner: Owner) -> BTreeSet<RootfsPath> {
        let mut files = BTreeSet::new();
        let Some(database) = self.world.sources[owner.source].packages.as_deref() else { return files };
        let Some(package) = database.packages().get(owner.package.0 as usize) else { return files };
        let id = |at: usize| PackageId(u32::try_from(at).unwrap_or(u32::MAX));
        let packages = database.packages().iter().enumerate();
        let family = packages.clone().filter(|(_, other)| other.source == package.source);
        let depends: BTreeSet<String> = family
            .flat_map(|(at, _)| [database.depends(id(at)), database.recommends(id(at))])
            .flatten()
            .collect();
        for (at, other) in packages {
            if other.source != package.source && !depends.contains(&other.name) {
                continue;
            }
            match database.files(id(at)) {
                Ok(all) if other.source == package.source => files.extend(all),
                // Libraries of others are found by their names, not by paths.
                Ok(all) => files.extend(all.into_iter().filter(|file| !is_library(file))),
                Err(error) => self.findings.add(finding::warning(
                    finding::UNREADABLE_SOURCE,
                    format!("the package database cannot be read: {error}"),
                )),
            }
        }
        files
    }
}

/// Programs that a program names are started by it only sometimes: that takes better evidence.
fn is_program_place(path: &RootfsPath) -> bool {
    let named = |dir: RootfsPath| matches!(dir.name(), b"bin" | b"sbin" | b"games");
    path.parent().is_some_and(named)
        || named(path.clone())
        || path.is_within(&RootfsPath::from("/etc/init.d"))
}

/// The paths at and below `top`.
fn below<'p>(paths: &'p BTreeSet<RootfsPath>, top: &'p RootfsPath) -> impl Iterator<Item = &'p RootfsPath> {
    let near = paths.range(top..).take_while(|path| path.as_bytes().starts_with(top.as_bytes()));
    near.filter(|path| path.is_within(top))
}

/// The longest of `paths` that `text` begins with: another text may follow without a mark between.
fn longest_beginning(paths: &BTreeSet<RootfsPath>, text: &RootfsPath) -> Option<RootfsPath> {
    let mut text = text.clone();
    loop {
        let before = paths.range(..=text.clone()).next_back()?;
        let common =
            before.as_bytes().iter().zip(text.as_bytes()).take_while(|(one, other)| one == other).count();
        if common == before.as_bytes().len() {
            return Some(before.clone());
        }
        // What begins as `text` does is before the longest that both have.
        text = RootfsPath::parse(&text.as_bytes()[..common]);
        if text.is_root() {
            return None;
        }
    }
}

/// Whether it is called as a shared library or module is.
pub(super) fn is_library(path: &RootfsPath) -> bool {
    contains(path.name(), b".so")
}

/// Whether it is the directory of a machine's libraries: a search path, not data.
fn is_library_directory(path: &RootfsPath) -> bool {
    let multiarch = contains(path.name(), b"-linux-gnu") || contains(path.name(), b"-linux-musl");
    multiarch && path.parent().is_some_and(|dir| dir == RootfsPath::from("/usr/lib"))
}

/// Whether programs keep there what they can make again.
fn is_remade(path: &RootfsPath) -> bool {
    ["/var/cache", "/var/log"].iter().any(|dir| path.is_within(&RootfsPath::from(*dir)))
}

/// Bytes of a configuration file that are read.
const MAX_CONFIG_BYTES: u64 = 256 << 10;

/// Paths of one program that are looked at.
const MAX_PATHS: usize = 20_000;
