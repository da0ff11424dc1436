//! From a closed set to a plan: generated files, parents, owners, layers, the checks for the image's user.

use std::collections::{BTreeMap, BTreeSet};

use super::accounts::{Directory, NONROOT};
use super::admission::CAPABILITY;
use super::base;
use super::compose::{GENERATED_WHY, unknown_account};
use super::finding;
use super::foreseen;
use super::ownership::{Ownership, RECORD_WHY, union_of_lines, union_of_packages};
use super::plan::{Content, LoadedProgram, Plan, PlannedEntry};
use super::reason;
use super::set::{Closure, Strength};
use super::tree::content_of;
use super::view::Place;
use crate::closure::search::Loader;
use crate::closure::search::cache::{CACHE_PATH, Cache, CacheEntry, flags_for};
use crate::distill::manifest::{FinalConfig, Layer, Reason};
use crate::rootfs::links::{self, Resolved};
use crate::rootfs::{FileKind, Rootfs, RootfsError, RootfsPath};

/// A closed set with what the rest of planning found.
pub(super) struct Finish<'c, 'a> {
    closure: &'c mut Closure<'a>,
    accounts: &'c mut Directory,
    entries: BTreeMap<RootfsPath, PlannedEntry>,
}

/// The plan of a closed set.
///
/// # Errors
/// What the roots answer.
pub(super) fn finish(
    closure: &mut Closure<'_>,
    accounts: &mut Directory,
    mut config: FinalConfig,
) -> Result<Plan, RootfsError> {
    let user = user(closure, accounts, &mut config);
    closure.bring_licences();
    let ownership = closure.ownership();
    let mut finish = Finish { closure, accounts, entries: BTreeMap::new() };
    finish.items(&ownership);
    finish.records(&ownership);
    finish.volumes()?;
    finish.home(user.uid, user.gid)?;
    finish.loader_cache();
    finish.account_files();
    finish.parents()?;
    finish.directories();
    finish.readable(&user);
    let entries = finish.entries;
    Ok(Plan {
        entries,
        config,
        packages: union_of_packages(ownership.packages, &closure.world.composition.packages),
        findings: Vec::new(),
        left: None,
        programs: programs(closure),
        runtimes: closure.runtime_labels(),
    })
}

/// Who the image's processes are.
struct Identity {
    uid: u32,
    gid: u32,
    /// Groups besides `gid`.
    groups: BTreeSet<u32>,
}

/// Resolves the image's user and writes its numbers.
fn user(closure: &mut Closure<'_>, accounts: &mut Directory, config: &mut FinalConfig) -> Identity {
    let spec = closure.world.spec;
    let text = spec.config.user.trim();
    let mut groups = BTreeSet::new();
    let numbers = if text.is_empty() {
        let numbers = if spec.variant.nonroot { (NONROOT, NONROOT) } else { (0, 0) };
        if spec.variant.nonroot {
            config.user = format!("{NONROOT}:{NONROOT}");
        }
        numbers
    } else {
        match accounts.user(text) {
            Ok((uid, gid)) => {
                groups = if text.contains(':') { BTreeSet::new() } else { accounts.further_groups(uid) };
                // With a group beside it, engines do not look for further ones in /etc/group.
                config.user = if groups.is_empty() { format!("{uid}:{gid}") } else { uid.to_string() };
                (uid, gid)
            }
            Err(unknown) => {
                closure.findings.add(unknown_account(&unknown, spec.config.user_id.as_ref()));
                (0, 0)
            }
        }
    };
    closure.findings.extend(foreseen::of_user(numbers.0, &spec.config));
    Identity { uid: numbers.0, gid: numbers.1, groups }
}

impl Finish<'_, '_> {
    fn items(&mut self, ownership: &Ownership) {
        let layers = self.closure.layers(&ownership.names);
        let paths: Vec<RootfsPath> = self.closure.items.keys().cloned().collect();
        for path in paths {
            let item = &self.closure.items[&path];
            let node = match item.place {
                Place::Tree => self.closure.node(&path),
                Place::Source(..) => None,
            };
            let content = match (&item.place, node) {
                (_, Some(node)) => Some(node.content.clone()),
                (Place::Source(index, from), None) => {
                    let mount = self.closure.world.sources[*index].mount;
                    content_of(mount, from, &item.stat)
                }
                (Place::Tree, None) => None,
            };
            let rewritten = self.closure.runtimes.rewritten.remove(&path).map(Content::Bytes);
            let copied = rewritten.is_none();
            let Some(content) = rewritten.or(content) else { continue };
            let carried = node.and_then(|node| node.came.carried.as_ref());
            let mut entry = PlannedEntry {
                content,
                mode: item.stat.mode & 0o7777,
                uid: node.map_or(item.stat.uid, |node| node.uid),
                gid: node.map_or(item.stat.gid, |node| node.gid),
                xattrs: item.stat.xattrs.clone(),
                hardlink: self.closure.hardlink_of(&path).filter(|_| copied),
                layer: layers
                    .get(&path)
                    .copied()
                    .or_else(|| carried.map(|carried| carried.layer))
                    .unwrap_or(Layer::Application),
                reason: item.reason.clone(),
                hard: item.hard && !matches!(item.stat.kind, FileKind::Directory),
                package: ownership
                    .names
                    .get(&path)
                    .cloned()
                    .or_else(|| carried.and_then(|carried| carried.package.clone())),
                step: self.closure.step_of(&path),
            };
            if node.is_none() {
                self.take_privileges(&path, &mut entry);
            }
            self.accounts.keep(entry.uid, entry.gid);
            self.entries.insert(path, entry);
        }
    }

    /// A file that closure brought keeps its privileges only when it is wanted for itself.
    fn take_privileges(&mut self, path: &RootfsPath, entry: &mut PlannedEntry) {
        let regular = matches!(entry.content, Content::Copy { .. });
        let capable = entry.xattrs.iter().any(|(name, _)| name == CAPABILITY);
        if !regular || entry.mode & 0o6000 == 0 && !capable {
            return;
        }
        let root = self.closure.items.get(path).is_some_and(|item| {
            item.strength > Strength::Soft || item.reason.iter().any(|reason| reason.why == "names")
        });
        let finding = if root {
            format!(
                "`{path}` gives its caller privileges (setuid, setgid or capabilities) and is in the image"
            )
        } else {
            entry.mode &= !0o6000;
            entry.xattrs.retain(|(name, _)| name != CAPABILITY);
            format!(
                "`{path}` is setuid, setgid or has capabilities: taken away, since nothing names it as a program"
            )
        };
        self.closure.findings.add(finding::warning(finding::SETUID, finding));
    }

    fn records(&mut self, ownership: &Ownership) {
        for (path, content, names) in &ownership.records {
            let files = self
                .entries
                .values()
                .filter(|entry| entry.package.as_ref().is_some_and(|package| names.contains(package)));
            // Never in os: that layer is the same for every program, a record lists what this one ships.
            let layer =
                files.map(|entry| entry.layer).max().unwrap_or(Layer::Dependencies).max(Layer::Dependencies);
            let by = names.join(", ");
            let entry = generated(Content::Bytes(content.clone()), 0o644, RECORD_WHY, &by, layer);
            self.add_record(path, content, entry);
        }
    }

    /// Adds a record; one that the stage below has of the same package lists its files too.
    fn add_record(&mut self, path: &RootfsPath, content: &[u8], entry: PlannedEntry) {
        let Some(old) = self.entries.get_mut(path) else {
            self.entries.insert(path.clone(), entry);
            return;
        };
        if path.name().ends_with(b".md5sums")
            && let Content::Copy { size, .. } = old.content
            && let Some((rootfs, from)) = self.closure.file_of(path)
            && let Ok(before) = rootfs.read(&from, 0..size.min(MAX_RECORD_BYTES))
        {
            old.content = Content::Bytes(union_of_lines(&before, content));
            old.layer = old.layer.max(entry.layer);
        }
    }

    /// VOLUME paths exist, with the owner and mode that a source has there.
    fn volumes(&mut self) -> Result<(), RootfsError> {
        for volume in &self.closure.world.spec.config.volumes {
            let path = self.real(&RootfsPath::parse(volume.as_bytes()))?;
            if self.exists(&path) {
                continue;
            }
            let stat = self.closure.world.views[self.closure.first_view()].stat(&path)?;
            let mut entry = generated(Content::Directory, 0o755, "volume", volume, Layer::Application);
            if let Some(stat) = stat.filter(|stat| stat.kind == FileKind::Directory) {
                (entry.mode, entry.uid, entry.gid) = (stat.mode, stat.uid, stat.gid);
                self.accounts.keep(stat.uid, stat.gid);
            }
            self.entries.insert(path, entry);
        }
        Ok(())
    }

    /// The home directory of the image's user.
    fn home(&mut self, uid: u32, gid: u32) -> Result<(), RootfsError> {
        let Some(user) =
            self.accounts.of(uid).cloned().filter(|user| uid != 0 && user.home != "/nonexistent")
        else {
            return Ok(());
        };
        let path = self.real(&RootfsPath::parse(user.home.as_bytes()))?;
        if path.is_root() || self.exists(&path) {
            return Ok(());
        }
        let stat = self.closure.world.views[self.closure.first_view()].stat(&path)?;
        let mut entry = generated(Content::Directory, 0o700, "home", &user.name, Layer::Application);
        (entry.uid, entry.gid) = (uid, gid);
        if let Some(stat) = stat.filter(|stat| stat.kind == FileKind::Directory) {
            (entry.mode, entry.uid, entry.gid) = (stat.mode, stat.uid, stat.gid);
            self.accounts.keep(stat.uid, stat.gid);
        }
        self.entries.insert(path, entry);
        Ok(())
    }

    /// A cache of the loader's own, when a library is found through the cache only.
    fn loader_cache(&mut self) {
        let path = RootfsPath::from(CACHE_PATH);
        // `ldconfig -p` prints it: that is how `ctypes.util.find_library` finds libraries.
        let asked = self.entries.keys().any(|path| path.name() == b"ldconfig");
        let wanted = asked
            || self
                .closure
                .processes
                .iter()
                .any(|process| process.loaded.iter().any(|loaded| loaded.by_cache));
        if !wanted || self.exists(&path) {
            return;
        }
        let mut all: Vec<CacheEntry> = Vec::new();
        let mut order = None;
        for process in &self.closure.processes {
            let Loader::Glibc(glibc) = &*process.loader else { continue };
            let view = process.loaded.first().map_or(0, |loaded| loaded.view);
            let Some(flags) = flags_for(glibc.abi) else { continue };
            order = order.or(Some(glibc.abi.order));
            for entry in glibc.cache.iter().flat_map(|cache| &cache.entries) {
                let at = RootfsPath::parse(&entry.path);
                if let Ok(Resolved::Found { path: real, .. }) =
                    links::resolve(&self.closure.world.views[view], &at)
                    && self.entries.contains_key(&real)
                    && self.has_links(view, &at)
                {
                    all.push(entry.clone());
                }
            }
            for loaded in process.loaded.iter().filter(|loaded| loaded.by_cache) {
                all.push(CacheEntry {
                    name: loaded.object.path.name().to_vec(),
                    path: loaded.object.path.as_bytes().to_vec(),
                    flags,
                    hwcap: loaded.hwcap.clone(),
                });
            }
        }
        let Some(order) = order else { return };
        // One line for each name and file: a library of the cache is also one that was found by it.
        let key = |entry: &CacheEntry| (entry.name.clone(), entry.path.clone(), entry.hwcap.clone());
        all.sort_by_key(key);
        all.dedup_by_key(|entry| key(entry));
        let bytes = Cache { entries: all }.write(order);
        let mut entry =
            generated(Content::Bytes(bytes), 0o644, GENERATED_WHY, "cache of the loader", Layer::Application);
        let by_cache = self.closure.processes.iter().flat_map(|process| &process.loaded);
        entry.hard = by_cache
            .filter(|loaded| loaded.by_cache)
            .any(|loaded| self.closure.items.get(&loaded.path).is_some_and(|item| item.hard));
        self.entries.insert(path, entry);
    }

    /// Whether every link on the way to a library is in the set.
    fn has_links(&self, view: usize, path: &RootfsPath) -> bool {
        match links::resolve(&self.closure.world.views[view], path) {
            Ok(resolved) => resolved.links().iter().all(|link| self.exists(link)),
            Err(_) => false,
        }
    }

    /// passwd and group, unless the user put files of their own there.
    fn account_files(&mut self) {
        let names = std::mem::take(&mut self.closure.servers.accounts);
        for name in &names {
            self.accounts.keep_named(name);
        }
        let holds = |shell: &str| {
            let merged = format!("/usr{shell}");
            [shell, &merged].into_iter().any(|path| self.exists(&RootfsPath::parse(path.as_bytes())))
        };
        let passwd = self.accounts.passwd(&holds, self.closure.locks_accounts());
        let files = [("/etc/passwd", passwd), ("/etc/group", self.accounts.group())];
        for (path, content) in files {
            let path = RootfsPath::from(path);
            if self.closure.node(&path).is_none() {
                let entry = generated(Content::Bytes(content), 0o644, base::WHY, "users", Layer::Application);
                self.entries.insert(path, entry);
            }
        }
    }

    /// Directories above everything, as the tree, else the source, has them.
    fn parents(&mut self) -> Result<(), RootfsError> {
        let mut missing: BTreeMap<RootfsPath, RootfsPath> = BTreeMap::new();
        for path in self.entries.keys() {
            let mut at = path.parent();
            while let Some(parent) =
                at.filter(|parent| !parent.is_root() && !self.entries.contains_key(parent))
            {
                at = parent.parent();
                missing.entry(parent).or_insert_with(|| path.clone());
            }
        }
        for (path, child) in missing {
            let reason = reason::escaped(&child);
            let mut entry = generated(Content::Directory, 0o755, "parent", &reason, Layer::Application);
            let view = self.closure.view_of(&child);
            if let Some(node) = self.closure.node(&path) {
                (entry.mode, entry.uid, entry.gid) = (node.mode, node.uid, node.gid);
                entry.step = node.came.step;
                entry.reason.clone_from(&node.came.reason);
            } else if let Some((_, stat)) = self.closure.world.views[view].place(&path)?
                && stat.kind == FileKind::Directory
            {
                (entry.mode, entry.uid, entry.gid) = (stat.mode, stat.uid, stat.gid);
                entry.xattrs = stat.xattrs;
                self.accounts.keep(entry.uid, entry.gid);
            }
            self.entries.insert(path, entry);
        }
        Ok(())
    }

    /// A directory goes with the lowest of what it holds; those of the base set are in every image's os layer.
    fn directories(&mut self) {
        let mut lowest: BTreeMap<RootfsPath, Layer> = BTreeMap::new();
        for (path, entry) in &self.entries {
            if matches!(entry.content, Content::Directory) {
                continue;
            }
            let mut at = path.parent();
            while let Some(parent) = at {
                at = parent.parent();
                let layer = lowest.entry(parent).or_insert(entry.layer);
                *layer = (*layer).min(entry.layer);
            }
        }
        for (path, entry) in &mut self.entries {
            if matches!(entry.content, Content::Directory) {
                let base = entry.reason.first().is_some_and(|reason| reason.why == base::WHY);
                entry.layer = match lowest.get(path) {
                    _ if base => Layer::Os,
                    Some(layer) => *layer,
                    None => entry.layer,
                };
            }
        }
    }

    /// Warns about files that the image's user cannot read.
    fn readable(&mut self, user: &Identity) {
        let uid = user.uid;
        if uid == 0 {
            return;
        }
        let allowed = |entry: &PlannedEntry, bit: u32| {
            let shift = match (entry.uid == uid, entry.gid == user.gid || user.groups.contains(&entry.gid)) {
                (true, _) => 6,
                (false, true) => 3,
                (false, false) => 0,
            };
            matches!(entry.content, Content::Symlink(_)) || entry.mode >> shift & bit != 0
        };
        let mut closed: BTreeSet<RootfsPath> = BTreeSet::new();
        let mut first: BTreeMap<Option<usize>, (RootfsPath, u32)> = BTreeMap::new();
        for (path, entry) in &self.entries {
            let directory = matches!(entry.content, Content::Directory);
            let within = path.parent().is_some_and(|parent| closed.contains(&parent));
            let open = !within && allowed(entry, if directory { 1 } else { 4 });
            if directory && !open {
                closed.insert(path.clone());
            }
            // The base set's own closed directories are meant to be.
            let meant =
                entry.reason.first().is_some_and(|reason| reason.why == base::WHY || reason.why == "parent");
            let told = if within { entry.hard } else { !meant };
            if !open && told {
                let entry = first.entry(entry.step).or_insert_with(|| (path.clone(), 0));
                entry.1 += 1;
            }
        }
        for (step, (path, count)) in first {
            let more = if count > 1 { format!(" and {} more", count - 1) } else { String::new() };
            let entry = &self.entries[&path];
            let message = format!(
                "user {uid} cannot read `{path}` (mode {:04o}, owner {}:{}){more}",
                entry.mode, entry.uid, entry.gid
            );
            let id = step.and_then(|step| self.closure.world.spec.steps.get(step)).map(|step| &step.id);
            self.closure.findings.add(
                finding::warning(finding::UNREADABLE, message).hint("COPY it with --chown or --chmod").at(id),
            );
        }
    }

    fn exists(&self, path: &RootfsPath) -> bool {
        self.entries.contains_key(path) || self.closure.node(path).is_some()
    }

    /// The path through the links of the stage's own tree.
    fn real(&self, path: &RootfsPath) -> Result<RootfsPath, RootfsError> {
        match links::resolve(&self.closure.world.composition.tree, path) {
            Ok(Resolved::Found { path, .. }) => Ok(path),
            Ok(Resolved::Missing { at, rest, .. }) => Ok(at.join(&rest)),
            Err(RootfsError::LinkLoop(_)) => Ok(path.clone()),
            Err(error) => Err(error),
        }
    }
}

/// A file of our own making, owned by root.
fn generated(content: Content, mode: u32, why: &str, by: &str, layer: Layer) -> PlannedEntry {
    PlannedEntry {
        content,
        mode,
        uid: 0,
        gid: 0,
        xattrs: Vec::new(),
        hardlink: None,
        layer,
        reason: vec![Reason { why: why.to_owned(), by: by.to_owned() }],
        hard: false,
        package: None,
        step: None,
    }
}

fn programs(closure: &Closure<'_>) -> Vec<LoadedProgram> {
    let mut programs: Vec<LoadedProgram> = closure
        .processes
        .iter()
        .filter(|process| process.loaded[0].object.elf.interp.is_some())
        .map(|process| {
            let libraries: BTreeSet<RootfsPath> = process
                .loaded
                .iter()
                .take(process.started)
                .skip(1)
                .map(|loaded| loaded.path.clone())
                .collect();
            LoadedProgram {
                path: process.program.clone(),
                libraries: libraries.into_iter().collect(),
                strict: closure.strength_of_needs(process.strength, &process.program) > Strength::Soft,
            }
        })
        .collect();
    programs.sort();
    programs.dedup();
    programs
}

/// Bytes of a package's list of sums: about 80 for each file.
const MAX_RECORD_BYTES: u64 = 64 << 20;
