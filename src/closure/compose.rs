//! The stage's own tree: its instructions' trees laid over the base set, in order.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;

use super::accounts::{Accounts, Directory, Unknown};
use super::admission::{self, Claim, Verdict, odd, odd_finding};
use super::base;
use super::finding::{self, Findings};
use super::origin::Origins;
use super::plan::Roots;
use super::reason;
use super::tree::{Came, Carried, Node, Tree};
use super::view::SourceRoot;
use crate::closure::application::is_in_tests;
use crate::distill::manifest::{self, Manifest, Severity};
use crate::distill::spec::{AssembleSpec, InstructionId, Step, StepKind, TreeStep};
use crate::rootfs::{Entry, FileKind, Rootfs, RootfsError, RootfsPath, Stat};
use crate::rules::Rules;

/// What the instructions alone say.
pub(super) struct Composition<'a> {
    pub(super) tree: Tree<'a>,
    pub(super) accounts: Directory,
    /// What RUN removed: closure does not bring it back unless it must.
    pub(super) removed: BTreeSet<RootfsPath>,
    /// Packages of the distroless stages that this one builds on.
    pub(super) packages: Vec<manifest::Package>,
}

/// Lays the steps of `spec` over the base set.
///
/// # Errors
/// What the roots answer; what is wrong with an instruction goes to `findings`.
pub(super) fn compose<'a>(
    spec: &AssembleSpec,
    roots: &'a Roots<'a>,
    sources: &'a [SourceRoot<'a>],
    usable: &BTreeSet<usize>,
    rules: &Rules,
    findings: &mut Findings,
) -> Result<Composition<'a>, RootfsError> {
    let bases = spec.steps.iter().filter_map(base_mount);
    let mut known = vec![Accounts::base()];
    known.extend(bases.filter_map(|mount| roots.get(mount)).map(|root| Accounts::read(*root)));
    known.extend(
        usable.iter().filter_map(|index| sources.get(*index)).map(|source| Accounts::read(source.root)),
    );
    let identity = base::identity_source(sources, usable);
    let mut composer = Composer {
        out: Composition {
            tree: base::tree(roots, identity.and_then(|index| sources.get(index)))?,
            accounts: Directory::new(known),
            removed: BTreeSet::new(),
            packages: Vec::new(),
        },
        roots,
        sources,
        rules,
        findings,
    };
    for (index, step) in spec.steps.iter().enumerate() {
        match &step.kind {
            StepKind::Base { mount } => composer.base(index, mount)?,
            StepKind::Tree(tree) => composer.tree(index, &step.id, tree)?,
            StepKind::Run { before, after } => composer.run(index, &step.id, before, after)?,
            // Evidence about the source: it brings nothing by itself.
            StepKind::Changed(_) => {}
        }
    }
    let mut out = composer.out;
    // The base set has no such files yet, so these are the user's own.
    let own = Accounts::read(&out.tree);
    out.accounts.prefer(own);
    Ok(out)
}

fn base_mount(step: &Step) -> Option<&str> {
    match &step.kind {
        StepKind::Base { mount } => Some(mount),
        StepKind::Tree(_) | StepKind::Run { .. } | StepKind::Changed(_) => None,
    }
}

struct Composer<'a, 'f> {
    out: Composition<'a>,
    roots: &'a Roots<'a>,
    sources: &'a [SourceRoot<'a>],
    rules: &'f Rules,
    findings: &'f mut Findings,
}

/// One instruction's tree while it is laid.
struct Laying<'s> {
    index: usize,
    id: &'s InstructionId,
    mount: &'s str,
    origins: Origins<'s>,
    step: &'s TreeStep,
    owner: Option<(u32, u32)>,
}

impl<'s> Laying<'s> {
    fn claim(&self, path: &RootfsPath) -> Claim<'s> {
        Claim { id: Some(self.id), named: self.origins.names(path), secret: self.origins.names_secret(path) }
    }

    /// The node of an entry of the instruction's tree.
    fn node(&self, path: &RootfsPath, stat: &Stat) -> Result<Option<Node>, RootfsError> {
        let came = Came {
            step: Some(self.index),
            origin: self.origins.of(path, stat)?,
            source: self.step.from,
            closure: self.step.closure,
            named: self.origins.names(path),
            reason: reason::root(why_of(self.id), self.id.text.clone()),
            carried: None,
        };
        let node = Node::copied(self.mount, path, stat, came);
        Ok(node.map(|mut node| {
            if let Some((uid, gid)) = self.owner {
                (node.uid, node.gid) = (uid, gid);
            }
            node
        }))
    }
}

impl<'a> Composer<'a, '_> {
    /// Another distroless stage: its entries with what its manifest says about them.
    fn base(&mut self, index: usize, mount: &str) -> Result<(), RootfsError> {
        let Some(root) = self.mounted(mount) else { return Ok(()) };
        let manifest = read_manifest(root);
        let carried: BTreeMap<RootfsPath, &manifest::Entry> = manifest
            .iter()
            .flat_map(|manifest| &manifest.entries)
            .map(|entry| (RootfsPath::parse(&reason::unescape(&entry.path)), entry))
            .collect();
        if let Some(manifest) = &manifest {
            let kept = manifest.findings.iter().filter(|finding| {
                finding.severity != Severity::Error
                    && !finding::OF_THE_CONFIG.contains(&finding.rule.as_str())
            });
            self.findings.extend(kept.cloned());
            self.out.packages.extend(manifest.packages.iter().cloned());
        }
        let mut pending = vec![RootfsPath::root()];
        while let Some(dir) = pending.pop() {
            for Entry { name, stat } in root.list(&dir)? {
                let path = dir.join(&name);
                if stat.kind == FileKind::Directory {
                    pending.push(path.clone());
                }
                let entry = carried.get(&path);
                let why = entry.and_then(|entry| entry.reason.first()).map(|reason| reason.why.as_str());
                let ours = why == Some(GENERATED_WHY)
                    || why == Some(base::WHY)
                        && ACCOUNTS.iter().any(|known| path.as_bytes() == known.as_bytes());
                let own = RootfsPath::from(manifest::PATH);
                if ours || path == own || Some(&path) == own.parent().as_ref() {
                    // Made anew for this stage.
                    continue;
                }
                let came = Came {
                    step: Some(index),
                    reason: entry.map(|entry| entry.reason.clone()).unwrap_or_default(),
                    carried: entry.map(|entry| Carried {
                        layer: entry.layer,
                        hard: entry.hard,
                        package: entry.package.clone(),
                    }),
                    ..Came::default()
                };
                if let Some(node) = Node::copied(mount, &path, &stat, came) {
                    self.out.tree.insert(path, node);
                }
            }
        }
        Ok(())
    }

    fn tree(&mut self, index: usize, id: &InstructionId, step: &TreeStep) -> Result<(), RootfsError> {
        let Some(root) = self.mounted(&step.mount) else { return Ok(()) };
        let owner = match &step.chown {
            None => None,
            Some(chown) => match self.out.accounts.chown(chown) {
                Ok(owner) => Some(owner),
                Err(unknown) => {
                    self.findings.add(unknown_account(&unknown, Some(id)));
                    None
                }
            },
        };
        let origins = Origins::new(step, root, self.sources)?;
        let laying = Laying { index, id, mount: &step.mount, origins, step, owner };
        let mut pending = vec![(RootfsPath::root(), RootfsPath::root())];
        while let Some((from, to)) = pending.pop() {
            for Entry { name, stat } in root.list(&from)? {
                let path = from.join(&name);
                let target = to.join(&name);
                if stat.kind == FileKind::Directory {
                    if !self.refuses(&laying, root, &path, &stat)? {
                        let real = self.lay_directory(&laying, &path, target, &stat)?;
                        pending.push((path, real));
                    }
                } else if !self.refuses(&laying, root, &path, &stat)? {
                    self.lay_file(&laying, &path, target, stat)?;
                }
            }
        }
        Ok(())
    }

    fn lay_directory(
        &mut self,
        laying: &Laying<'_>,
        path: &RootfsPath,
        target: RootfsPath,
        stat: &Stat,
    ) -> Result<RootfsPath, RootfsError> {
        let Some(node) = laying.node(path, stat)? else { return Ok(target) };
        let there = self.out.tree.get(&target).map(Node::is_directory);
        let real = match there {
            Some(true) => target,
            Some(false) => {
                let template = node.clone();
                self.out.tree.ensure_directory(&target, &|_| template.clone())?
            }
            None => {
                self.out.tree.insert(target.clone(), node);
                return Ok(target);
            }
        };
        // A copy changes a directory that is there already only below its destination.
        if !laying.origins.is_destination(path) {
            self.out.tree.insert(real.clone(), node);
        }
        Ok(real)
    }

    fn lay_file(
        &mut self,
        laying: &Laying<'_>,
        path: &RootfsPath,
        target: RootfsPath,
        mut stat: Stat,
    ) -> Result<(), RootfsError> {
        let claim = laying.claim(path);
        self.findings.extend(admission::take_privileges(&target, &mut stat, claim));
        if let Some(node) = laying.node(path, &stat)? {
            self.out.tree.insert(target, node);
        }
        Ok(())
    }

    /// Whether the entry stays out; says so.
    fn refuses(
        &mut self,
        laying: &Laying<'_>,
        root: &dyn Rootfs,
        path: &RootfsPath,
        stat: &Stat,
    ) -> Result<bool, RootfsError> {
        if laying.origins.is_destination(path)
            && stat.kind == FileKind::Directory
            && odd(path, stat).is_none()
        {
            return Ok(false);
        }
        match admission::judge(root, path, stat, laying.claim(path))? {
            Verdict::Admitted(told) => {
                self.findings.extend(told);
                Ok(false)
            }
            Verdict::Refused(told) => {
                if told.rule != finding::SECRET_SKIPPED || !is_in_tests(&self.rules.application, path) {
                    self.findings.add(told);
                }
                Ok(true)
            }
        }
    }

    /// What a RUN changed.
    fn run(
        &mut self,
        index: usize,
        id: &InstructionId,
        before: &str,
        after: &str,
    ) -> Result<(), RootfsError> {
        let (Some(before), Some(root)) = (self.mounted(before), self.mounted(after)) else { return Ok(()) };
        let mut pending = vec![RootfsPath::root()];
        while let Some(dir) = pending.pop() {
            let old: BTreeMap<Vec<u8>, Stat> = match before.list(&dir) {
                Ok(entries) => entries.into_iter().map(|entry| (entry.name, entry.stat)).collect(),
                Err(RootfsError::NotFound(_) | RootfsError::NotADirectory(_)) => BTreeMap::new(),
                Err(error) => return Err(error),
            };
            let new = root.list(&dir)?;
            for name in old.keys().filter(|name| new.iter().all(|entry| entry.name != **name)) {
                let path = dir.join(name);
                if !is_stub(&path) {
                    self.out.tree.remove(&path);
                    self.out.removed.insert(path);
                }
            }
            for Entry { name, stat } in new {
                let path = dir.join(&name);
                if is_stub(&path) {
                    continue;
                }
                if stat.kind == FileKind::Directory {
                    pending.push(path.clone());
                }
                if old.get(&name).is_some_and(|old| is_same(old, &stat)) {
                    continue;
                }
                if let Some(what) = odd(&path, &stat) {
                    self.findings.add(odd_finding(&path, what).at(Some(id)));
                    continue;
                }
                let came = Came {
                    step: Some(index),
                    closure: true,
                    reason: reason::root("run", id.text.clone()),
                    ..Came::default()
                };
                self.run_entry(after, root, &path, &stat, came)?;
            }
        }
        Ok(())
    }

    fn run_entry(
        &mut self,
        mount: &str,
        root: &dyn Rootfs,
        path: &RootfsPath,
        stat: &Stat,
        came: Came,
    ) -> Result<(), RootfsError> {
        // Directories above it may have come by closure, and so be unknown here.
        let mut parents = Vec::new();
        let mut at = path.parent();
        while let Some(parent) = at.filter(|parent| self.out.tree.get(parent).is_none()) {
            at = parent.parent();
            parents.push(parent);
        }
        for parent in parents.into_iter().rev() {
            let Some(stat) = root.stat(&parent)? else { continue };
            if let Some(node) = Node::copied(mount, &parent, &stat, came.clone()) {
                self.out.tree.insert(parent, node);
            }
        }
        if let Some(node) = Node::copied(mount, path, stat, came) {
            self.out.tree.insert(path.clone(), node);
        }
        Ok(())
    }

    fn mounted(&mut self, mount: &str) -> Option<&'a dyn Rootfs> {
        let found = self.roots.get(mount).copied();
        if found.is_none() {
            self.findings.add(finding::error(
                finding::UNREADABLE_SOURCE,
                format!("nothing is mounted at `{mount}`, which the spec names"),
            ));
        }
        found
    }
}

/// The error for a name that no account file has.
pub(super) fn unknown_account(unknown: &Unknown, id: Option<&InstructionId>) -> manifest::Finding {
    let (what, name, file) = match unknown {
        Unknown::User(name) => ("user", name, "passwd"),
        Unknown::Group(name) => ("group", name, "group"),
    };
    finding::error(
        finding::UNKNOWN_USER,
        format!("{what} `{name}` is in no `/etc/{file}`: neither the base set's nor a source's"),
    )
    .hint(format!("create it in the build stage, or use a number instead of `{name}`"))
    .at(id)
}

/// Whether RUN left an entry as it was.
pub(super) fn is_same(old: &Stat, new: &Stat) -> bool {
    let metadata = old.kind == new.kind && old.mode == new.mode && (old.uid, old.gid) == (new.uid, new.gid);
    let content = old.size == new.size && old.mtime_ns == new.mtime_ns;
    metadata && old.xattrs == new.xattrs && (new.kind == FileKind::Directory || content)
}

/// Whether the container runtime put it there for a RUN.
pub(super) fn is_stub(path: &RootfsPath) -> bool {
    let stubs = ["/proc", "/sys", "/dev", "/etc/resolv.conf", "/etc/hosts", "/etc/hostname", "/.dockerenv"];
    stubs.iter().any(|stub| path.is_within(&RootfsPath::from(*stub)))
        || path.as_bytes() == b"/usr/lib/decant"
        || path.as_bytes() == manifest::PATH.as_bytes()
}

/// The first word of a chain for what an instruction put there.
fn why_of(id: &InstructionId) -> &'static str {
    match id.text.split_whitespace().next() {
        Some(word) if word.eq_ignore_ascii_case("ADD") => "added",
        Some(word) if word.eq_ignore_ascii_case("WORKDIR") => "workdir",
        _ => "copied",
    }
}

/// The manifest of a distroless tree, when it has one that can be read.
fn read_manifest(root: &dyn Rootfs) -> Option<Manifest> {
    let packed = root.read(&RootfsPath::from(manifest::PATH), 0..MAX_MANIFEST_BYTES).ok()?;
    let mut text = Vec::new();
    let mut reader = flate2::read::GzDecoder::new(&packed[..]).take(MAX_MANIFEST_BYTES);
    reader.read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

/// Files of the base set that name users.
const ACCOUNTS: [&str; 2] = ["/etc/passwd", "/etc/group"];

/// Why of files that are computed: accounts, the loader's cache.
pub(super) const GENERATED_WHY: &str = "generated";

/// Bytes of a manifest, packed and unpacked: about 200 for each entry.
const MAX_MANIFEST_BYTES: u64 = 256 << 20;
