//! What the application names: programs that the stage's instructions installed, and files that RUN made outside of
//! the application's directories. Source text, configuration, the environment and the application's own programs are
//! read for it.

use std::collections::{BTreeMap, BTreeSet};

use super::files::STAGE;
use super::patterns::Patterns;
use super::places::{Places, is_system_directory};
use super::words::{self, Named, TextKind};
use crate::closure::follow::is_documentation;
use crate::closure::libraries::env_value;
use crate::closure::literals::{self, Literals};
use crate::closure::reason;
use crate::closure::roots::{DEFAULT_PATH, Wish};
use crate::closure::set::{Closure, Strength};
use crate::closure::strings;
use crate::distill::manifest::Reason;
use crate::distill::spec::Mode;
use crate::rootfs::links::{self, Resolved};
use crate::rootfs::{FileKind, RootfsError, RootfsPath};
use crate::rules::Mention;

/// What may be named, and which files were read for it.
#[derive(Default)]
pub(in crate::closure) struct Mentions {
    known: Option<Known>,
    read: BTreeSet<RootfsPath>,
    /// Tools that the application's own text asks installed packages for, by name.
    asked: BTreeSet<Vec<u8>>,
    /// Tools that only installed packages name: by program, the file with its chain.
    doubted: BTreeMap<RootfsPath, (RootfsPath, Vec<Reason>)>,
}

/// What the application may name.
struct Known {
    /// Programs that the base image does not have, by name.
    programs: BTreeMap<Vec<u8>, RootfsPath>,
    program_paths: BTreeSet<RootfsPath>,
    /// How their names begin.
    names: Literals,
    /// The names that are found inside other text.
    telling: Literals,
    /// What RUN made, and no package owns, outside of the application's directories.
    made: BTreeSet<RootfsPath>,
    /// Those of them that are directories with nothing in them.
    empty: BTreeSet<RootfsPath>,
    /// Files of packages that RUN installed: a text that names one by its whole path wants it.
    installed: BTreeSet<RootfsPath>,
    /// Those of them in the user's home directory and where programs keep data there, by name.
    kept: BTreeMap<Vec<u8>, RootfsPath>,
    texts: Texts,
}

/// How files are read, by their names.
struct Texts {
    source: Patterns,
    data: Patterns,
    skipped: Patterns,
    common: BTreeSet<Vec<u8>>,
    /// Names of tools that come only when the application asks for them.
    asked: BTreeSet<Vec<u8>>,
    /// Directories of installed packages.
    dependencies: Patterns,
}

impl Texts {
    fn new(rules: &Mention, dependencies: &[String]) -> Self {
        Self {
            asked: rules.asked.iter().map(|name| name.clone().into_bytes()).collect(),
            dependencies: Patterns::new(dependencies),
            source: Patterns::new(&rules.source),
            data: Patterns::new(&rules.data),
            skipped: Patterns::new(&rules.skipped),
            common: rules.common.iter().map(|name| name.clone().into_bytes()).collect(),
        }
    }

    fn kind_of(&self, path: &RootfsPath, executable: bool) -> Option<TextKind> {
        if self.skipped.cover(path) {
            None
        } else if self.source.matches(path) || executable && !path.name().contains(&b'.') {
            Some(TextKind::Source)
        } else {
            self.data.matches(path).then_some(TextKind::Data)
        }
    }
}

impl Closure<'_> {
    /// Brings what the files of the set name that were not read yet.
    ///
    /// # Errors
    /// What the roots answer.
    pub(in crate::closure) fn follow_mentions(
        &mut self,
        mentions: &mut Mentions,
    ) -> Result<Vec<Wish>, RootfsError> {
        let mut wishes = Vec::new();
        if self.world.spec.mode != Mode::Distil || self.world.sources.is_empty() {
            return Ok(wishes);
        }
        let known = if let Some(known) = mentions.known.take() {
            known
        } else {
            let known = self.known()?;
            self.mentioned_by_environment(&known, &mut wishes)?;
            known
        };
        if !(known.programs.is_empty() && known.made.is_empty() && known.installed.is_empty()) {
            self.read_mentions(&known, mentions, &mut wishes)?;
        }
        mentions.known = Some(known);
        Ok(wishes)
    }

    fn read_mentions(
        &mut self,
        known: &Known,
        mentions: &mut Mentions,
        wishes: &mut Vec<Wish>,
    ) -> Result<(), RootfsError> {
        let changes = self.world.changes;
        let unread: Vec<RootfsPath> = self
            .items
            .iter()
            .filter(|(path, item)| item.stat.kind == FileKind::Regular && !mentions.read.contains(*path))
            // Files of the base image and of packages name what they could use, not what is used; but a program that
            // is started may end without a directory that the Dockerfile made for it.
            .filter(|(path, _)| {
                changes.get(path).is_some()
                    && (changes.is_put(path)
                        || !self.is_packaged(path)
                        || !known.empty.is_empty() && self.is_started(path))
            })
            .map(|(path, _)| path.clone())
            .collect();
        for path in unread {
            let found = self.named_by(&path, known)?;
            let chain = self.items.get(&path).map(|item| item.reason.clone()).unwrap_or_default();
            let installed = known.texts.dependencies.cover(&path);
            if !installed {
                mentions.asked.extend(found.imported);
            }
            for program in found.programs {
                // Packages name their installer in what they say to people.
                if installed && self.left().holds(&program) {
                    continue;
                }
                if installed && known.texts.asked.contains(program.name()) {
                    mentions.doubted.entry(program).or_insert_with(|| (path.clone(), chain.clone()));
                } else {
                    self.mentioned_program(&program, &path, &chain, wishes)?;
                }
            }
            for directory in found.directories {
                let chain = reason::then(&by_file(&chain, &path), "names", reason::escaped(&directory));
                self.bring(STAGE, &directory, &chain, Strength::Soft)?;
            }
            for file in found.files {
                self.mentioned_file(&file, &path, &chain, wishes)?;
            }
            mentions.read.insert(path);
        }
        for (program, (by, chain)) in &mentions.doubted {
            if mentions.asked.contains(program.name()) {
                self.mentioned_program(program, by, chain, wishes)?;
            } else {
                self.doubted.insert(program.clone(), by.clone());
            }
        }
        Ok(())
    }

    /// What one file names.
    fn named_by(&self, path: &RootfsPath, known: &Known) -> Result<Found, RootfsError> {
        let mut found = Found::default();
        let Some(item) = self.items.get(path) else { return Ok(found) };
        let of_package = !self.world.changes.is_put(path) && self.is_packaged(path);
        if of_package {
            let scanned = self.with_bytes(path, |bytes| {
                strings::scan(bytes, SHORTEST_PATH, &mut |text| {
                    let paths = words::paths(text).into_iter().filter(|path| known.empty.contains(path));
                    found.directories.extend(paths);
                })
            });
            let _ = scanned;
            return Ok(found);
        }
        if self.elves.contains_key(path) {
            // A native module of an installed package holds words of all kinds, and starts nothing.
            let own = !known.texts.dependencies.cover(path);
            let scanned = self.with_bytes(path, |bytes| {
                strings::scan(bytes, SHORTEST, &mut |text| found.in_data(text, known, own))
            });
            // A program whose data cannot be read names nothing.
            let _ = scanned;
            if found.is_rust {
                found.programs.append(&mut found.glued);
            }
            return Ok(found);
        }
        let Some(kind) = known.texts.kind_of(path, item.stat.mode & 0o111 != 0) else { return Ok(found) };
        let Some((rootfs, file)) = self.file_of(path) else { return Ok(found) };
        let text = rootfs.read(&file, 0..MAX_TEXT_BYTES)?;
        let starters = &self.world.rules.application.mention.starters;
        let named = words::read(&text, kind, starters, &|word| {
            known.programs.contains_key(word) || known.kept.contains_key(word)
        });
        found.in_text(&named, known);
        if kind == TextKind::Source && known.texts.asked.iter().any(|name| known.programs.contains_key(name))
        {
            found.imported = words::imported(&text, &known.texts.asked);
        }
        Ok(found)
    }

    /// What may be named.
    fn known(&self) -> Result<Known, RootfsError> {
        let world = self.world;
        let stage = world.sources[STAGE].root;
        let places = Places::of(world.spec, stage, world.changes)?;
        let generated = Patterns::new(&world.rules.application.generated);
        let (mut made, mut installed, mut empty) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for (path, touched) in world.changes.iter() {
            let by_run = touched.run.is_some() && touched.put.is_none();
            if !by_run || places.hold(path) || generated.cover(path) {
                continue;
            }
            let packaged = self.is_packaged(path);
            if packaged && is_documentation(path) || world.changes.in_base(path)?.is_some() {
                continue;
            }
            match stage.stat(path)? {
                Some(stat) if packaged && stat.kind == FileKind::Regular => installed.insert(path.clone()),
                Some(stat) if !packaged => {
                    if stat.kind == FileKind::Directory {
                        empty.insert(path.clone());
                    }
                    made.insert(path.clone())
                }
                _ => false,
            };
        }
        empty.retain(|path| !is_above(path, &made) && !is_above(path, &installed));
        let programs = self.new_programs()?;
        let rules = &world.rules.application;
        let texts = Texts::new(&rules.mention, &rules.dependencies);
        let program_paths = programs.values().cloned().collect();
        let names = Literals::new(programs.keys());
        let telling =
            programs.keys().filter(|name| name.len() >= TELLING_NAME && !texts.common.contains(*name));
        let telling = Literals::new(telling);
        let kept = self.kept_in_home(&made);
        Ok(Known { programs, program_paths, names, telling, made, empty, installed, kept, texts })
    }

    /// What a RUN made in the user's home directory: programs put the parts of its path together, so that its name is all
    /// that tells (XDG base directories).
    fn kept_in_home(&self, made: &BTreeSet<RootfsPath>) -> BTreeMap<Vec<u8>, RootfsPath> {
        let Some(home) = self.user_home(STAGE) else { return BTreeMap::new() };
        let home = RootfsPath::parse(home.as_bytes());
        let parents: BTreeSet<RootfsPath> =
            HOME_PARTS.iter().map(|part| home.join(part.as_bytes())).collect();
        let kept = made.iter().filter(|path| {
            path.name().len() >= SHORTEST_KEPT
                && !parents.contains(*path)
                && path.parent().is_some_and(|parent| parents.contains(&parent))
        });
        kept.map(|path| (path.name().to_vec(), path.clone())).collect()
    }

    /// The programs on `PATH` that the base image does not have.
    fn new_programs(&self) -> Result<BTreeMap<Vec<u8>, RootfsPath>, RootfsError> {
        let world = self.world;
        let stage = world.sources[STAGE].root;
        let mut programs = BTreeMap::new();
        let path = env_value(&world.spec.config.env, "PATH").filter(|path| !path.is_empty());
        let path = path.unwrap_or_else(|| DEFAULT_PATH.to_owned());
        let quiet = Patterns::new(&world.rules.application.package.quiet);
        let mut seen = BTreeSet::new();
        for dir in path.split(':').filter(|dir| dir.starts_with('/')) {
            let Resolved::Found { path: dir, .. } =
                links::resolve(stage, &RootfsPath::parse(dir.as_bytes()))?
            else {
                continue;
            };
            if !seen.insert(dir.clone()) {
                continue;
            }
            let entries = match stage.list(&dir) {
                Err(RootfsError::NotADirectory(_) | RootfsError::NotFound(_)) => continue,
                other => other?,
            };
            for entry in entries {
                let path = dir.join(&entry.name);
                let program = match entry.stat.kind {
                    FileKind::Regular => entry.stat.mode & 0o111 != 0,
                    FileKind::Symlink(_) => true,
                    _ => false,
                };
                if program
                    && !programs.contains_key(&entry.name)
                    && world.changes.in_base(&path)?.is_none()
                    && !self.is_of_package(&path, &quiet)
                {
                    programs.insert(entry.name, path);
                }
            }
        }
        Ok(programs)
    }

    /// Whether the package that owns what a path leads to is called like one of these. Those that only building needs
    /// are no programs to start: libraries and build scripts of installed packages name compilers, and no application
    /// of an image starts one. `program=` brings it.
    fn is_of_package(&self, path: &RootfsPath, names: &Patterns) -> bool {
        let source = &self.world.sources[STAGE];
        let (Some(database), Ok(Resolved::Found { path: real, .. })) =
            (source.packages.as_deref(), links::resolve(source.root, path))
        else {
            return false;
        };
        // A database that cannot be read is told elsewhere.
        let owner = database.owner(&real).ok().flatten();
        let package = owner.and_then(|id| database.packages().get(id.0 as usize));
        package.is_some_and(|package| names.matches(&RootfsPath::root().join(package.name.as_bytes())))
    }

    /// Variables of the image that name programs and files that the stage made.
    fn mentioned_by_environment(&mut self, known: &Known, wishes: &mut Vec<Wish>) -> Result<(), RootfsError> {
        let not_data = Patterns::new(&self.world.rules.application.mention.variables);
        for setting in &self.world.spec.config.env {
            let Some((name, value)) = setting.split_once('=') else { continue };
            if not_data.matches(&RootfsPath::root().join(name.as_bytes())) {
                continue;
            }
            let chain = reason::root("environment", name);
            if let Some(program) = known.programs.get(value.as_bytes()).cloned() {
                self.start_mentioned(&program, &chain, wishes)?;
            }
            for part in value.split(':').filter(|part| part.starts_with('/')) {
                let path = RootfsPath::parse(part.as_bytes());
                if known.program_paths.contains(&path) {
                    self.start_mentioned(&path, &chain, wishes)?;
                } else if let Some(real) = self.made_path(&path, known)? {
                    self.bring_made(&real, &chain, wishes)?;
                }
            }
        }
        Ok(())
    }

    /// The real path of a file or directory that a RUN made.
    fn made_path(&self, path: &RootfsPath, known: &Known) -> Result<Option<RootfsPath>, RootfsError> {
        match links::resolve(self.world.sources[STAGE].root, path) {
            Ok(resolved) => Ok(resolved.path().filter(|real| known.made.contains(*real)).cloned()),
            Err(RootfsError::LinkLoop(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn mentioned_program(
        &mut self,
        program: &RootfsPath,
        by: &RootfsPath,
        chain: &[Reason],
        wishes: &mut Vec<Wish>,
    ) -> Result<(), RootfsError> {
        if program == by {
            return Ok(());
        }
        let chain = by_file(chain, by);
        self.start_mentioned(program, &chain, wishes)
    }

    fn start_mentioned(
        &mut self,
        program: &RootfsPath,
        chain: &[Reason],
        wishes: &mut Vec<Wish>,
    ) -> Result<(), RootfsError> {
        let chain = reason::then(chain, "names", reason::escaped(program));
        if let Some(real) = self.bring(STAGE, program, &chain, Strength::Soft)? {
            self.started_as(program, &real);
            wishes.push(Wish { path: real, strength: Strength::Soft, started: true });
        }
        Ok(())
    }

    fn mentioned_file(
        &mut self,
        file: &RootfsPath,
        by: &RootfsPath,
        chain: &[Reason],
        wishes: &mut Vec<Wish>,
    ) -> Result<(), RootfsError> {
        let chain = by_file(chain, by);
        self.bring_made(file, &chain, wishes)
    }

    /// Brings a file that RUN made, or a directory with everything in it.
    fn bring_made(
        &mut self,
        path: &RootfsPath,
        chain: &[Reason],
        wishes: &mut Vec<Wish>,
    ) -> Result<(), RootfsError> {
        if is_system_directory(path) {
            return Ok(());
        }
        let never = Patterns::new(&self.world.rules.application.never);
        if never.cover(path) {
            return Ok(());
        }
        let chain = reason::then(chain, "names", reason::escaped(path));
        for path in self.bring_tree(STAGE, path, &chain, Strength::Soft, &|path| never.matches(path))? {
            wishes.push(Wish { path, strength: Strength::Soft, started: false });
        }
        Ok(())
    }
}

/// What one file names.
#[derive(Default)]
struct Found {
    programs: BTreeSet<RootfsPath>,
    files: BTreeSet<RootfsPath>,
    directories: BTreeSet<RootfsPath>,
    /// Programs whose names are a part of a short run: in a program of Rust, of one of its literals.
    glued: BTreeSet<RootfsPath>,
    is_rust: bool,
    /// Tools after which something is called that it imports.
    imported: BTreeSet<Vec<u8>>,
}

impl Found {
    fn in_text(&mut self, named: &Named, known: &Known) {
        for word in &named.words {
            // A common word is a program only where it is started.
            if !known.texts.common.contains(word) || named.started.contains(word) {
                self.programs.extend(known.programs.get(word).cloned());
            }
        }
        for path in &named.paths {
            self.path(path, known, true);
            if known.installed.contains(path) && !known.program_paths.contains(path) {
                self.files.insert(path.clone());
            }
        }
        for name in named.words.union(&named.home) {
            self.files.extend(known.kept.get(name).cloned());
        }
    }

    /// A text in the data of a program: a literal by itself, or one of many in a run of them (Go, Rust).
    fn in_data(&mut self, text: &[u8], known: &Known, programs: bool) {
        if programs && known.names.may_begin(text) {
            let first = text.split(|byte| *byte == b' ').next().unwrap_or(text);
            if !known.texts.common.contains(first) {
                self.programs.extend(known.programs.get(first).cloned());
            }
        }
        for path in words::paths(text) {
            self.path(&path, known, false);
        }
        if programs {
            self.is_rust = self.is_rust || literals::contains(text, RUST);
        }
        if programs && text.len() > LONG_RUN {
            known.telling.find(text, &mut |_, name| self.programs.extend(known.programs.get(name).cloned()));
        } else if programs && !literals::contains(text, b".so") {
            // A library is called after its program.
            known.telling.find(text, &mut |_, name| self.glued.extend(known.programs.get(name).cloned()));
        }
    }

    fn path(&mut self, path: &RootfsPath, known: &Known, directories: bool) {
        if known.program_paths.contains(path) {
            self.programs.insert(path.clone());
        } else if known.made.contains(path) && (directories || !is_above(path, &known.made)) {
            self.files.insert(path.clone());
        }
    }
}

/// The chain to a file, with its path at the end.
fn by_file(chain: &[Reason], file: &RootfsPath) -> Vec<Reason> {
    let path = reason::escaped(file);
    if chain.last().is_some_and(|last| last.by == path) {
        return chain.to_vec();
    }
    reason::then(chain, "text", path)
}

/// Whether something of the set of paths lies below the path.
fn is_above(path: &RootfsPath, paths: &BTreeSet<RootfsPath>) -> bool {
    let mut below = path.as_bytes().to_vec();
    below.push(b'/');
    let start = RootfsPath::parse(&[&below[..], b"\x01"].concat());
    paths.range(start..).next().is_some_and(|next| next.as_bytes().starts_with(&below))
}

/// Where programs keep data for a user: the home directory, and below it.
const HOME_PARTS: [&str; 5] = ["", ".cache", ".config", ".local", ".local/share"];

/// Shorter names of directories are too common as words.
const SHORTEST_KEPT: usize = 4;

/// Bytes of one text that are read.
const MAX_TEXT_BYTES: u64 = 2 << 20;

/// A path of a directory that a RUN made: `/a/b`.
const SHORTEST_PATH: usize = 4;

/// Shorter texts name no program.
const SHORTEST: usize = 2;

/// Literals without an end between them make runs of this length at least.
const LONG_RUN: usize = 256;

/// A text of Rust's standard library, which is a part of every program (`library/std/src/panic.rs`).
const RUST: &[u8] = b"RUST_BACKTRACE";

/// Shorter names may be a part of any word.
const TELLING_NAME: usize = 6;
