//! musl's search (musl `ldso/dynlink.c`).

use crate::closure::elf::symbols::{self, Wanted};
use crate::closure::elf::{Abi, Elf, FileBytes, Shape};
use crate::closure::search::objects::{Object, Objects, Opened};
use crate::closure::search::place::Place;
use crate::closure::search::{Answer, Found, Refused, Rule, Surroundings};
use crate::rootfs::{RootfsError, RootfsPath};

/// What musl's loader, which is the libc itself, knows before it starts.
#[derive(Clone, Debug)]
pub struct Musl {
    /// As `PT_INTERP` names it.
    pub path: RootfsPath,
    pub abi: Abi,
    /// `/etc/ld-musl-<arch>.path` when it exists: the program then needs it.
    pub path_file: Option<RootfsPath>,
    /// From the path file, else the default; as text, since elements may be relative.
    pub system_path: Vec<u8>,
}

const DEFAULT_PATH: &[u8] = b"/lib:/usr/local/lib:/usr/lib";
const MAX_PATH_FILE_BYTES: u64 = 1 << 20;

/// Libraries that are parts of the libc: never searched.
const RESERVED: [&str; 7] = ["c", "pthread", "rt", "m", "dl", "util", "xnet"];

/// Whether the loader at `interp` is musl's: by the name that programs use, or by its own soname.
///
/// # Errors
/// What the root answers.
pub fn is_musl(objects: &Objects<'_>, interp: &RootfsPath) -> Result<bool, RootfsError> {
    if interp.name().starts_with(b"ld-musl-") {
        return Ok(true);
    }
    Ok(match objects.open(interp)? {
        Opened::Elf(elf) => elf.soname.as_ref().is_some_and(|soname| soname.starts_with(b"libc.musl-")),
        _ => false,
    })
}

impl Musl {
    /// Reads the path file that belongs to `interp`.
    ///
    /// # Errors
    /// What the root answers.
    pub fn open(objects: &Objects<'_>, interp: &RootfsPath, abi: Abi) -> Result<Self, RootfsError> {
        let name = interp.name();
        let arch = name.strip_prefix(b"ld-musl-").unwrap_or(name);
        let arch = arch.split(|byte| *byte == b'.').next().unwrap_or_default();
        // The prefix is the interpreter's path without its last two components.
        let prefix = interp.parent().and_then(|dir| dir.parent()).unwrap_or_else(RootfsPath::root);
        let file = prefix.join(&[b"etc/ld-musl-", arch, b".path"].concat());
        let (path_file, system_path) = match objects.rootfs().read(&file, 0..MAX_PATH_FILE_BYTES) {
            Ok(text) => (Some(file), text),
            Err(error @ RootfsError::Io { .. }) => return Err(error),
            Err(_) => (None, DEFAULT_PATH.to_vec()),
        };
        Ok(Self { path: interp.clone(), abi, path_file, system_path })
    }

    /// As [`Loader::find`](crate::closure::search::Loader::find).
    ///
    /// # Errors
    /// What the root answers.
    pub fn find(
        &self,
        objects: &Objects<'_>,
        name: &[u8],
        chain: &[&Object],
        surroundings: &Surroundings,
    ) -> Result<Answer, RootfsError> {
        let mut search = Search { musl: self, objects, surroundings, answer: Answer::default() };
        if is_reserved(name) {
            search.take_loader()?;
        } else if name.contains(&b'/') {
            let end = name.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
            let (directory, file) = name.split_at(end);
            search.element(file, directory, &Rule::Name, false)?;
        } else {
            search.by_name(name, chain)?;
        }
        Ok(search.answer)
    }
}

fn is_reserved(name: &[u8]) -> bool {
    let Some(rest) = name.strip_prefix(b"lib") else { return false };
    RESERVED
        .iter()
        .any(|part| rest.strip_prefix(part.as_bytes()).is_some_and(|rest| rest.first() == Some(&b'.')))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    GoOn,
    Stop,
}

struct Search<'s, 'fs> {
    musl: &'s Musl,
    objects: &'s Objects<'fs>,
    surroundings: &'s Surroundings,
    answer: Answer,
}

impl Search<'_, '_> {
    fn by_name(&mut self, name: &[u8], chain: &[&Object]) -> Result<(), RootfsError> {
        if let Some(list) = self.surroundings.library_path.as_ref().filter(|_| !self.surroundings.secure)
            && self.list(name, list, &Rule::LibraryPath, false)? == Next::Stop
        {
            return Ok(());
        }
        // Unlike glibc's, a RUNPATH here is inherited, and stands for RPATH when both are there.
        for object in chain {
            let (text, rule) = match (&object.elf.runpath, &object.elf.rpath) {
                (Some(runpath), _) => (runpath, Rule::Runpath(object.path.clone())),
                (None, Some(rpath)) => (rpath, Rule::Rpath(object.path.clone())),
                (None, None) => continue,
            };
            let Some((list, origin)) = expand_origin(text, object.origin.as_bytes()) else { continue };
            if self.list(name, &list, &rule, origin)? == Next::Stop {
                return Ok(());
            }
        }
        let system = &self.musl.system_path;
        self.list(name, system, &Rule::SystemDirectory, false)?;
        Ok(())
    }

    /// Elements are separated by `:` or a newline; empty ones are skipped.
    fn list(&mut self, name: &[u8], list: &[u8], rule: &Rule, origin: bool) -> Result<Next, RootfsError> {
        for element in list.split(|byte| matches!(byte, b':' | b'\n')).filter(|element| !element.is_empty()) {
            if self.element(name, element, rule, origin)? == Next::Stop {
                return Ok(Next::Stop);
            }
        }
        Ok(Next::GoOn)
    }

    fn element(
        &mut self,
        name: &[u8],
        directory: &[u8],
        rule: &Rule,
        through_origin: bool,
    ) -> Result<Next, RootfsError> {
        let place = Place::of(self.objects.rootfs(), directory, &self.surroundings.directory)?;
        let Some(place) = place else { return Ok(Next::GoOn) };
        if *rule != Rule::Name && !self.answer.searched.contains(&place.directory) {
            self.answer.searched.push(place.directory.clone());
        }
        let path = place.directory.join(name);
        let (real, opened) = self.objects.open_real(&path)?;
        let elf = match opened {
            Opened::Missing => return Ok(Next::GoOn),
            Opened::Loop => return Ok(self.refuse(path, "Symbolic link loop")),
            Opened::Refused(why) => return Ok(self.refuse(path, &why)),
            Opened::Elf(elf) => elf,
        };
        // musl does not look at class and machine; it fails later, if not worse.
        let fits = (elf.abi.class, elf.abi.order, elf.abi.machine)
            == (self.musl.abi.class, self.musl.abi.order, self.musl.abi.machine);
        if !fits || matches!(elf.shape, Shape::Other | Shape::Static) {
            return Ok(self.refuse(path, "Exec format error"));
        }
        if self.is_second_libc(&path, &elf) {
            self.take_loader()?;
            return Ok(Next::Stop);
        }
        let origin = path.parent().unwrap_or_else(RootfsPath::root);
        self.answer.found.push(Found {
            directory: origin.clone(),
            object: Object { path, real, origin, elf },
            rule: rule.clone(),
            through_origin,
            hwcap: None,
            passes: place.passes,
        });
        self.answer.complete = true;
        Ok(Next::Stop)
    }

    fn refuse(&mut self, path: RootfsPath, why: &str) -> Next {
        self.answer.fatal = Some(Refused { path, why: why.to_owned() });
        Next::Stop
    }

    /// A library that defines both of these is another libc; musl takes itself instead.
    fn is_second_libc(&self, path: &RootfsPath, elf: &Elf) -> bool {
        // Reading all symbols takes time, and what needs a libc is none.
        if elf.needed.iter().any(|name| is_reserved(name)) {
            return false;
        }
        let source = FileBytes { rootfs: self.objects.rootfs(), path };
        symbols::read(&source, Wanted::All)
            .is_ok_and(|symbols| symbols.defines(b"__libc_start_main") && symbols.defines(b"stdin"))
    }

    fn take_loader(&mut self) -> Result<(), RootfsError> {
        if let Some(object) = self.objects.library(&self.musl.path)? {
            self.answer.found.push(Found {
                directory: object.origin.clone(),
                object,
                rule: Rule::Loader,
                through_origin: false,
                hwcap: None,
                passes: Vec::new(),
            });
            self.answer.complete = true;
        }
        Ok(())
    }
}

/// Replaces `$ORIGIN`; `None` when any other `$` occurs, since then the whole list is ignored.
fn expand_origin(text: &[u8], origin: &[u8]) -> Option<(Vec<u8>, bool)> {
    let mut expanded = Vec::with_capacity(text.len());
    let mut used = false;
    let mut rest = text;
    while let Some(at) = rest.iter().position(|byte| *byte == b'$') {
        expanded.extend_from_slice(&rest[..at]);
        let after = &rest[at..];
        rest = after.strip_prefix(b"$ORIGIN").or_else(|| after.strip_prefix(b"${ORIGIN}"))?;
        expanded.extend_from_slice(origin);
        used = true;
    }
    expanded.extend_from_slice(rest);
    Some((expanded, used))
}
