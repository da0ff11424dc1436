//! glibc's search (`ld.so(8)`, glibc `elf/dl-load.c`).

use crate::closure::elf::{Abi, Class, Elf, Shape};
use crate::closure::search::cache::{self, Cache};
use crate::closure::search::hwcaps::{self, Subdirectory};
use crate::closure::search::objects::{Object, Objects, Opened};
use crate::closure::search::place::{Place, is_directory};
use crate::closure::search::{Answer, Found, Refused, Rule, Surroundings, ldconf, tokens};
use crate::rootfs::{Rootfs, RootfsError, RootfsPath};

/// What the glibc loader of a root knows before it starts.
#[derive(Clone, Debug)]
pub struct Glibc {
    /// As `PT_INTERP` names it.
    pub path: RootfsPath,
    pub abi: Abi,
    /// The directories compiled into the loader, in order.
    pub system_directories: Vec<RootfsPath>,
    /// (major, minor), when the loader's text tells.
    pub version: Option<(u32, u32)>,
    pub cache: Option<Cache>,
    subdirectories: Vec<Subdirectory>,
}

/// Bytes of the loader read for its texts: it has some 250 KB.
const MAX_LOADER_BYTES: u64 = 8 << 20;

/// Bytes of the cache: 24 KB for an ordinary system.
const MAX_CACHE_BYTES: u64 = 64 << 20;

/// Elements of all search paths of one lookup: package managers that give each package a directory of its own have
/// some hundred.
const MAX_ELEMENTS: usize = 2048;

impl Glibc {
    /// Reads the loader at `interp` and the root's cache. A loader or cache that is missing or broken is none:
    /// the family's default directories stand for the former's.
    ///
    /// # Errors
    /// What the root answers.
    pub fn open(objects: &Objects<'_>, interp: &RootfsPath, abi: Abi) -> Result<Self, RootfsError> {
        let rootfs = objects.rootfs();
        let text = match objects.open_real(interp)? {
            (real, Opened::Elf(_)) => rootfs.read(&real, 0..MAX_LOADER_BYTES)?,
            _ => Vec::new(),
        };
        let version = loader_version(&text);
        let mut system_directories = compiled_directories(&text);
        if system_directories.is_empty() {
            system_directories = default_directories(rootfs, interp, abi)?;
        }
        let cache = match rootfs.read(&RootfsPath::from(cache::CACHE_PATH), 0..MAX_CACHE_BYTES) {
            Ok(bytes) => Cache::parse(&bytes, abi.order).ok(),
            Err(RootfsError::Io { path, source }) => return Err(RootfsError::Io { path, source }),
            Err(_) => None,
        };
        let subdirectories = hwcaps::subdirectories(abi, version);
        Ok(Self { path: interp.clone(), abi, system_directories, version, cache, subdirectories })
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
        let mut search =
            Search { glibc: self, objects, surroundings, answer: Answer::default(), left: MAX_ELEMENTS };
        if name.contains(&b'/') {
            search.by_path(name, chain)?;
        } else {
            search.by_name(name, chain)?;
        }
        Ok(search.answer)
    }

    /// What `$LIB` stands for: the first compiled directory without its prefix.
    fn lib_token(&self) -> Vec<u8> {
        let first = self.system_directories.first().map_or(&b"/lib"[..], RootfsPath::as_bytes);
        let relative = first.strip_prefix(b"/usr/").or_else(|| first.strip_prefix(b"/")).unwrap_or(first);
        relative.to_vec()
    }

    /// Whether and why this loader takes a file that it opened.
    fn judge(&self, elf: &Elf) -> Verdict {
        let wants = self.abi;
        if elf.abi.class != wants.class {
            return Verdict::OtherClass;
        }
        if elf.abi.order != wants.order {
            return Verdict::Fatal("ELF file data encoding of the other byte order");
        }
        if elf.abi.machine != wants.machine {
            return Verdict::OtherMachine;
        }
        match (elf.shape, elf.fixed, elf.pie) {
            (Shape::Other, _, _) => Verdict::Fatal("only ET_DYN and ET_EXEC can be loaded"),
            (_, true, _) => Verdict::Fatal("cannot dynamically load executable"),
            (_, _, true) => Verdict::Fatal("cannot dynamically load position-independent executable"),
            (Shape::Static, _, _) => Verdict::Fatal("object file has no dynamic section"),
            _ => Verdict::Takes,
        }
    }
}

enum Verdict {
    Takes,
    OtherClass,
    OtherMachine,
    Fatal(&'static str),
}

/// Whether the search goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    GoOn,
    /// Not further in this list of directories.
    SkipList,
    Stop,
}

/// One lookup under way.
struct Search<'s, 'fs> {
    glibc: &'s Glibc,
    objects: &'s Objects<'fs>,
    surroundings: &'s Surroundings,
    answer: Answer,
    left: usize,
}

/// How a file came to be tried.
struct Attempt<'a> {
    rule: Rule,
    through_origin: bool,
    place: &'a Place,
    hwcap: Option<Vec<u8>>,
    /// Every processor tries it.
    always: bool,
}

impl Search<'_, '_> {
    fn by_path(&mut self, name: &[u8], chain: &[&Object]) -> Result<(), RootfsError> {
        let Some(requester) = chain.first() else { return Ok(()) };
        for element in self.expand(name, requester) {
            let end = element.text.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
            let (directory, file) = element.text.split_at(end);
            let Some(place) = self.place(directory)? else { continue };
            let attempt = Attempt {
                rule: Rule::Name,
                through_origin: element.origin,
                place: &place,
                hwcap: element.platform.clone(),
                always: element.platform.is_none(),
            };
            if self.attempt(file, attempt)? == Next::Stop {
                return Ok(());
            }
        }
        Ok(())
    }

    fn by_name(&mut self, name: &[u8], chain: &[&Object]) -> Result<(), RootfsError> {
        let Some(requester) = chain.first() else { return Ok(()) };
        // DT_RPATH counts only while the requester has no DT_RUNPATH, and of its loaders only where they have none.
        if requester.elf.runpath.is_none() {
            for object in chain.iter().filter(|object| object.elf.runpath.is_none()) {
                if let Some(rpath) = &object.elf.rpath
                    && self.path_list(name, rpath, b":", &Rule::Rpath(object.path.clone()), object)?
                        == Next::Stop
                {
                    return Ok(());
                }
            }
        }
        if let Some(list) = self.surroundings.library_path.as_ref().filter(|_| !self.surroundings.secure)
            && self.path_list(name, list, b":;", &Rule::LibraryPath, requester)? == Next::Stop
        {
            return Ok(());
        }
        if let Some(runpath) = &requester.elf.runpath
            && self.path_list(name, runpath, b":", &Rule::Runpath(requester.path.clone()), requester)?
                == Next::Stop
        {
            return Ok(());
        }
        let no_default = requester.elf.no_default_lib;
        if self.cache(name, no_default)? == Next::Stop {
            return Ok(());
        }
        if !no_default {
            for directory in self.glibc.system_directories.clone() {
                let place = Place { directory, passes: Vec::new() };
                match self.directory(name, &place, &Rule::SystemDirectory, false, None)? {
                    Next::GoOn => {}
                    Next::SkipList => break,
                    Next::Stop => return Ok(()),
                }
            }
        }
        self.cache_configuration(name, no_default)
    }

    /// The colon-separated directories of a search path. An empty element is the working directory, an empty list
    /// is none.
    fn path_list(
        &mut self,
        name: &[u8],
        list: &[u8],
        separators: &[u8],
        rule: &Rule,
        owner: &Object,
    ) -> Result<Next, RootfsError> {
        if list.is_empty() {
            return Ok(Next::GoOn);
        }
        for text in list.split(|byte| separators.contains(byte)) {
            for element in self.expand(text, owner) {
                if self.left == 0 {
                    return Ok(Next::Stop);
                }
                self.left -= 1;
                let Some(place) = self.place(&element.text)? else { continue };
                if self.surroundings.secure && element.origin && !self.is_trusted(&place.directory) {
                    continue;
                }
                match self.directory(name, &place, rule, element.origin, element.platform.as_deref())? {
                    Next::GoOn => {}
                    Next::SkipList => return Ok(Next::GoOn),
                    Next::Stop => return Ok(Next::Stop),
                }
            }
        }
        Ok(Next::GoOn)
    }

    /// One directory with its subdirectories for certain processors.
    fn directory(
        &mut self,
        name: &[u8],
        place: &Place,
        rule: &Rule,
        through_origin: bool,
        platform: Option<&[u8]>,
    ) -> Result<Next, RootfsError> {
        let rootfs = self.objects.rootfs();
        if !self.answer.searched.contains(&place.directory) {
            self.answer.searched.push(place.directory.clone());
        }
        if !place.exists(rootfs)? {
            return Ok(Next::GoOn);
        }
        // Most directories have no such subdirectory at all.
        let mut missing: Option<&[u8]> = None;
        for subdirectory in &self.glibc.subdirectories {
            let first = subdirectory.name.split(|byte| *byte == b'/').next().unwrap_or_default();
            if missing == Some(first) {
                continue;
            }
            let below = place.directory.join(&subdirectory.name);
            if !first.is_empty() && !is_directory(rootfs, &below)? {
                if !is_directory(rootfs, &place.directory.join(first))? {
                    missing = Some(first);
                }
                continue;
            }
            let inner = Place { directory: below, passes: place.passes.clone() };
            let label = if subdirectory.name.is_empty() { platform } else { Some(&subdirectory.name[..]) };
            let attempt = Attempt {
                rule: rule.clone(),
                through_origin,
                place: &inner,
                hwcap: label.map(<[u8]>::to_vec),
                always: subdirectory.always && platform.is_none(),
            };
            let next = self.attempt(name, attempt)?;
            if next != Next::GoOn {
                return Ok(next);
            }
        }
        Ok(Next::GoOn)
    }

    fn cache(&mut self, name: &[u8], no_default: bool) -> Result<Next, RootfsError> {
        let glibc = self.glibc;
        let (Some(cache), Some(flags)) = (&glibc.cache, cache::flags_for(glibc.abi)) else {
            return Ok(Next::GoOn);
        };
        for entry in cache.candidates(name, flags) {
            let path = RootfsPath::parse(&entry.path);
            if no_default && self.is_trusted(&path) {
                continue;
            }
            let Some(place) = self.place(entry.path.strip_suffix(path.name()).unwrap_or_default())? else {
                continue;
            };
            let attempt = Attempt {
                rule: Rule::Cache,
                through_origin: false,
                place: &place,
                hwcap: entry.hwcap.clone(),
                always: entry.hwcap.is_none(),
            };
            let file = path.name().to_vec();
            if self.attempt(&file, attempt)? == Next::Stop {
                return Ok(Next::Stop);
            }
        }
        Ok(Next::GoOn)
    }

    /// The directories that a fresh cache would cover: the builder may never have run `ldconfig`.
    fn cache_configuration(&mut self, name: &[u8], no_default: bool) -> Result<(), RootfsError> {
        for directory in ldconf::directories(self.objects.rootfs())? {
            if no_default && self.is_trusted(&directory) {
                continue;
            }
            let place = Place { directory, passes: Vec::new() };
            if self.directory(name, &place, &Rule::CacheConfiguration, false, None)? == Next::Stop {
                break;
            }
        }
        Ok(())
    }

    fn attempt(&mut self, name: &[u8], attempt: Attempt<'_>) -> Result<Next, RootfsError> {
        let path = attempt.place.directory.join(name);
        let (real, opened) = self.objects.open_real(&path)?;
        let refused = |why: &str| Refused { path: path.clone(), why: why.to_owned() };
        let elf = match opened {
            Opened::Missing => return Ok(Next::GoOn),
            Opened::Loop => return Ok(Next::SkipList),
            Opened::Refused(why) => {
                self.answer.fatal = Some(refused(&why));
                return Ok(Next::Stop);
            }
            Opened::Elf(elf) => elf,
        };
        match self.glibc.judge(&elf) {
            Verdict::Takes => {}
            Verdict::Fatal(why) => {
                self.answer.fatal = Some(refused(why));
                return Ok(Next::Stop);
            }
            // A search goes on past files for other machines; a path leads to that file alone.
            Verdict::OtherClass if attempt.rule == Rule::Name => {
                let class = if elf.abi.class == Class::Elf32 { "ELFCLASS32" } else { "ELFCLASS64" };
                self.answer.fatal = Some(refused(&format!("wrong ELF class: {class}")));
                return Ok(Next::Stop);
            }
            Verdict::OtherClass | Verdict::OtherMachine => return Ok(Next::GoOn),
        }
        let origin = path.parent().unwrap_or_else(RootfsPath::root);
        self.answer.found.push(Found {
            directory: origin.clone(),
            object: Object { path, real, origin, elf },
            rule: attempt.rule,
            through_origin: attempt.through_origin,
            hwcap: attempt.hwcap,
            passes: attempt.place.passes.clone(),
        });
        self.answer.complete = attempt.always;
        Ok(if attempt.always { Next::Stop } else { Next::GoOn })
    }

    fn place(&self, text: &[u8]) -> Result<Option<Place>, RootfsError> {
        Place::of(self.objects.rootfs(), text, &self.surroundings.directory)
    }

    fn expand(&self, text: &[u8], owner: &Object) -> Vec<tokens::Element> {
        tokens::expand(
            text,
            owner.origin.as_bytes(),
            &self.glibc.lib_token(),
            hwcaps::platforms(self.glibc.abi.machine),
        )
    }

    /// Below a system directory: the only places that a setuid program's `$ORIGIN` may lead to.
    fn is_trusted(&self, path: &RootfsPath) -> bool {
        self.glibc.system_directories.iter().any(|directory| path.is_within(directory))
    }
}

/// The first run of NUL-separated absolute directories in the loader's data that looks like library directories.
fn compiled_directories(text: &[u8]) -> Vec<RootfsPath> {
    let mut run: Vec<RootfsPath> = Vec::new();
    for piece in text.split(|byte| *byte == 0) {
        if is_library_directory(piece) {
            run.push(RootfsPath::parse(piece));
        } else if !run.is_empty() {
            break;
        }
    }
    run.dedup();
    run
}

/// `/lib/`, `/usr/lib64/`, `/usr/lib/x86_64-linux-gnu/` and the like.
fn is_library_directory(piece: &[u8]) -> bool {
    let absolute = piece.len() > 2 && piece.first() == Some(&b'/') && piece.last() == Some(&b'/');
    absolute
        && piece.iter().all(u8::is_ascii_graphic)
        && piece.split(|byte| *byte == b'/').any(|part| part.starts_with(b"lib"))
}

/// The version of `ld.so (…) stable release version 2.36.`, which loaders carry since 2.33.
fn loader_version(text: &[u8]) -> Option<(u32, u32)> {
    let mark = b" release version ";
    let at = text.windows(mark.len()).position(|window| window == mark)? + mark.len();
    let digits: Vec<u8> =
        text[at..].iter().take(16).take_while(|b| b.is_ascii_digit() || **b == b'.').copied().collect();
    let digits = String::from_utf8(digits).ok()?;
    let mut numbers = digits.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// The family's directories when the loader does not tell.
fn default_directories(
    rootfs: &dyn Rootfs,
    interp: &RootfsPath,
    abi: Abi,
) -> Result<Vec<RootfsPath>, RootfsError> {
    let triplet = match (abi.machine, abi.class) {
        (3, _) => "i386-linux-gnu",
        (21, _) => "powerpc64le-linux-gnu",
        (22, Class::Elf64) => "s390x-linux-gnu",
        (40, _) => "arm-linux-gnueabihf",
        (62, Class::Elf32) => "x86_64-linux-gnux32",
        (62, _) => "x86_64-linux-gnu",
        (183, _) => "aarch64-linux-gnu",
        (243, _) => "riscv64-linux-gnu",
        (258, _) => "loongarch64-linux-gnu",
        _ => "",
    };
    let multiarch = RootfsPath::from(format!("/usr/lib/{triplet}").as_str());
    let names: Vec<String> = if !triplet.is_empty() && is_directory(rootfs, &multiarch)? {
        vec![format!("/lib/{triplet}"), format!("/usr/lib/{triplet}"), "/lib".into(), "/usr/lib".into()]
    } else if interp.as_bytes().starts_with(b"/lib64/")
        && is_directory(rootfs, &RootfsPath::from("/usr/lib64"))?
    {
        vec!["/lib64".into(), "/usr/lib64".into()]
    } else {
        vec!["/lib".into(), "/usr/lib".into()]
    };
    Ok(names.iter().map(|name| RootfsPath::from(name.as_str())).collect())
}
