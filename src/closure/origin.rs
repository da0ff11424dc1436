//! Where a copied file lay before: COPY's mapping from sources to destination, read backwards.

use super::glob;
use super::hygiene;
use super::tree::Origin;
use super::view::SourceRoot;
use crate::distill::spec::TreeStep;
use crate::rootfs::links::{self, Resolved};
use crate::rootfs::{FileKind, Rootfs, RootfsError, RootfsPath, Stat};

/// What one source word of a COPY matched.
struct Match {
    /// Where it begins in the destination.
    target: RootfsPath,
    /// Its real path in the source; absent where the source cannot be seen (the build context).
    real: Option<RootfsPath>,
    /// A file, not a directory's content.
    file: bool,
    /// The word has no wildcard.
    named: bool,
    /// The word's own name is one that secrets have.
    secret: bool,
}

/// The mapping of one COPY or ADD.
pub(super) struct Origins<'a> {
    source: Option<(usize, &'a SourceRoot<'a>)>,
    matches: Vec<Match>,
    dest: RootfsPath,
}

impl<'a> Origins<'a> {
    /// Reads the step's words; `tree` is what it made.
    ///
    /// # Errors
    /// What the roots answer.
    pub(super) fn new(
        step: &TreeStep,
        tree: &dyn Rootfs,
        sources: &'a [SourceRoot<'a>],
    ) -> Result<Self, RootfsError> {
        let source = step.from.and_then(|index| Some((index, sources.get(index)?)));
        let dest = RootfsPath::parse(step.dest.as_bytes());
        let mut matches = Vec::new();
        for word in &step.src {
            let named = !glob::has_wildcard(word.as_bytes());
            match source {
                Some((_, source)) => {
                    for path in glob::expand(source.root, word.as_bytes())? {
                        matches.extend(in_source(step, tree, &dest, source.root, word, &path, named)?);
                    }
                    if RootfsPath::parse(&glob::literal(word.as_bytes())).is_root() {
                        matches.push(Match {
                            target: dest.clone(),
                            real: Some(RootfsPath::root()),
                            file: false,
                            named,
                            secret: false,
                        });
                    }
                }
                None if named => matches.extend(in_context(step, tree, &dest, word)?),
                None => {}
            }
        }
        Ok(Self { source, matches, dest })
    }

    /// Where the entry at `path` of the step's tree lay, when that is known for certain.
    ///
    /// # Errors
    /// What the source answers.
    pub(super) fn of(&self, path: &RootfsPath, stat: &Stat) -> Result<Option<Origin>, RootfsError> {
        let Some((index, source)) = self.source else { return Ok(None) };
        // Later words overwrite what earlier ones put at the same place.
        for found in self.matches.iter().rev() {
            let Some(real) = &found.real else { continue };
            let Some(candidate) = below(found, real, path) else { continue };
            let there = source.root.stat(&candidate)?;
            if there.is_some_and(|there| there.kind == stat.kind && there.size == stat.size) {
                return Ok(Some(Origin { source: index, path: candidate }));
            }
        }
        Ok(None)
    }

    /// Whether the instruction names this file itself.
    pub(super) fn names(&self, path: &RootfsPath) -> bool {
        self.matches.iter().any(|found| found.named && found.file && found.target == *path)
    }

    /// Whether the instruction names something that holds secrets, and this is (in) it.
    pub(super) fn names_secret(&self, path: &RootfsPath) -> bool {
        self.matches.iter().any(|found| found.named && found.secret && path.is_within(&found.target))
    }

    /// Whether the last component of `path` is the instruction's own word: the destination or a parent of it.
    pub(super) fn is_destination(&self, path: &RootfsPath) -> bool {
        self.dest.is_within(path)
            || self.matches.iter().any(|found| !found.file && found.target.is_within(path))
    }
}

fn below(found: &Match, real: &RootfsPath, path: &RootfsPath) -> Option<RootfsPath> {
    if found.target == *path {
        return Some(real.clone());
    }
    if found.file || !path.is_within(&found.target) {
        return None;
    }
    let skip = found.target.components().count();
    let rest: Vec<&[u8]> = path.components().skip(skip).collect();
    Some(real.join(&rest.join(&b'/')))
}

fn in_source(
    step: &TreeStep,
    tree: &dyn Rootfs,
    dest: &RootfsPath,
    source: &dyn Rootfs,
    word: &str,
    path: &RootfsPath,
    named: bool,
) -> Result<Vec<Match>, RootfsError> {
    let (real, file) = match links::resolve(source, path) {
        Ok(Resolved::Found { path, stat, .. }) => (path, stat.kind != FileKind::Directory),
        // COPY copies a dangling link as it is.
        Ok(Resolved::Missing { .. }) | Err(RootfsError::LinkLoop(_)) => (path.clone(), true),
        Err(error) => return Err(error),
    };
    let secret = is_secret(path);
    if step.parents {
        let kept = kept_parents(word, path);
        return Ok(vec![Match { target: dest.join(&kept), real: Some(real), file, named, secret }]);
    }
    if !file {
        return Ok(vec![Match { target: dest.clone(), real: Some(real), file, named, secret }]);
    }
    let beside = dest.join(path.name());
    let into = step.dest.ends_with('/') || is_file(tree, &beside)? && !is_file(tree, dest)?;
    let target = if into { beside } else { dest.clone() };
    Ok(vec![Match { target, real: Some(real), file, named, secret }])
}

fn in_context(
    step: &TreeStep,
    tree: &dyn Rootfs,
    dest: &RootfsPath,
    word: &str,
) -> Result<Vec<Match>, RootfsError> {
    let path = RootfsPath::parse(&glob::literal(word.as_bytes()));
    let target = match step.parents {
        true => dest.join(&kept_parents(word, &path)),
        false if is_file(tree, dest)? => dest.clone(),
        false => dest.join(path.name()),
    };
    let file = is_file(tree, &target)?;
    let target = if file || step.parents { target } else { dest.clone() };
    Ok(vec![Match { target, real: None, file, named: true, secret: is_secret(&path) }])
}

fn is_secret(path: &RootfsPath) -> bool {
    let parent = path.parent().map(|parent| parent.name().to_vec()).unwrap_or_default();
    hygiene::is_secret_name(&parent, path.name())
}

fn is_file(tree: &dyn Rootfs, path: &RootfsPath) -> Result<bool, RootfsError> {
    Ok(tree.stat(path)?.is_some_and(|stat| stat.kind != FileKind::Directory))
}

/// With `--parents`, what of a source path stays in the destination: all of it, or what follows `/./`.
fn kept_parents(word: &str, path: &RootfsPath) -> Vec<u8> {
    let pivot = word
        .split_once("/./")
        .map_or(0, |(before, _)| before.split('/').filter(|part| !matches!(*part, "" | ".")).count());
    let parts: Vec<&[u8]> = path.components().skip(pivot).collect();
    parts.join(&b'/')
}
