//! Symbol versions against the chosen libraries, and the choice between sources that differ.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::finding;
use super::reason;
use super::set::{Closure, Strength, named};
use super::view::{Pins, Place, is_libc_family};
use crate::closure::elf::Elf;
use crate::closure::search::{Loader, Opened, versions};
use crate::distill::manifest::{Finding, Reason};
use crate::rootfs::links::{self, Resolved};
use crate::rootfs::{RootfsError, RootfsPath};

/// A symbol version that the chosen library does not define.
struct Lack {
    wanting: RootfsPath,
    version: Vec<u8>,
    library: Vec<u8>,
    provider: RootfsPath,
    strength: Strength,
    chain: Vec<Reason>,
}

/// A choice that was made between sources, to tell the user.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Choice {
    pub(super) library: String,
    pub(super) winner: usize,
    pub(super) losers: BTreeSet<usize>,
}

impl Closure<'_> {
    /// Another choice between the sources that is worth a try; `None` when this one stands.
    ///
    /// # Errors
    /// What the roots answer.
    pub(super) fn better_pins(&self, pins: &Pins) -> Result<Option<(Pins, Choice)>, RootfsError> {
        for (path, sources) in &self.conflicts {
            if is_pinned(pins, path) {
                continue;
            }
            let library = path.name().to_vec();
            let mut winner = sources.first().copied();
            for source in sources {
                if self.satisfies(*source, path, &library)? {
                    winner = Some(*source);
                    break;
                }
            }
            if let Some(winner) = winner {
                return Ok(Some(pin(pins, path, &library, winner, sources)));
            }
        }
        for lack in self.lacks() {
            let path = self.parent_resolved(&lack.provider)?;
            let Some(Place::Source(current, _)) = self.items.get(&path).map(|item| &item.place) else {
                continue;
            };
            if is_pinned(pins, &path) {
                continue;
            }
            for source in self.world.usable.iter().filter(|source| *source != current) {
                if self.satisfies(*source, &path, &lack.library)? {
                    let both = BTreeSet::from([*current, *source]);
                    return Ok(Some(pin(pins, &path, &lack.library, *source, &both)));
                }
            }
        }
        Ok(None)
    }

    /// Whether a source's library at `path` defines every version that anything of the set wants from it.
    fn satisfies(&self, source: usize, path: &RootfsPath, library: &[u8]) -> Result<bool, RootfsError> {
        let Some(provider) = self.library_of(source, path)? else { return Ok(false) };
        if self.unmet(library, &provider).is_some() {
            return Ok(false);
        }
        Ok(!is_libc_family(path) || self.libc_satisfies(source)?)
    }

    /// Whether all that the set takes of the C library could come from a source: it is chosen as a whole, so the
    /// loader of a release is no better than its `libc.so.6`.
    fn libc_satisfies(&self, source: usize) -> Result<bool, RootfsError> {
        for path in self.elves.keys().filter(|path| is_libc_family(path)) {
            if let Some(provider) = self.library_of(source, path)?
                && self.unmet(path.name(), &provider).is_some()
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The first file of the set that wants a version which the library does not define.
    fn unmet(&self, library: &[u8], provider: &Elf) -> Option<(RootfsPath, Vec<u8>)> {
        self.elves.iter().find_map(|(path, elf)| {
            let missing = versions::missing(elf, library, provider);
            let need = missing.into_iter().find(|need| !need.weak)?;
            Some((path.clone(), need.name.clone()))
        })
    }

    /// The library at a path of the final tree, as one source has it.
    fn library_of(&self, source: usize, path: &RootfsPath) -> Result<Option<std::rc::Rc<Elf>>, RootfsError> {
        let (Some(view), Some(plain)) = (self.world.views.get(source), self.world.plain.get(source)) else {
            return Ok(None);
        };
        for path in view.spellings(source, path)? {
            if let Opened::Elf(elf) = plain.open(&path)? {
                return Ok(Some(elf));
            }
        }
        Ok(None)
    }

    fn parent_resolved(&self, path: &RootfsPath) -> Result<RootfsPath, RootfsError> {
        let view = &self.world.views[self.first_view()];
        Ok(match links::resolve_parent(view, path)? {
            Resolved::Found { path, .. } => path,
            Resolved::Missing { .. } => path.clone(),
        })
    }

    fn lacks(&self) -> Vec<Lack> {
        let mut lacks = Vec::new();
        // musl has no symbol versions.
        for process in self.processes.iter().filter(|process| matches!(*process.loader, Loader::Glibc(_))) {
            for loaded in &process.loaded {
                let elf = &loaded.object.elf;
                for need in &elf.version_needs {
                    for provider in process.variants(&need.library) {
                        let missing = versions::missing(elf, &need.library, &provider.object.elf);
                        lacks.extend(missing.into_iter().filter(|version| !version.weak).map(|version| {
                            Lack {
                                wanting: loaded.path.clone(),
                                version: version.name.clone(),
                                library: need.library.clone(),
                                provider: provider.object.path.clone(),
                                strength: self
                                    .items
                                    .get(&loaded.path)
                                    .map_or(Strength::Soft, |item| item.strength)
                                    .min(process.strength),
                                chain: loaded.reason.clone(),
                            }
                        }));
                    }
                }
            }
        }
        lacks.sort_by(|a, b| {
            b.strength
                .cmp(&a.strength)
                .then_with(|| a.wanting.cmp(&b.wanting))
                .then_with(|| natural(&b.version, &a.version))
        });
        lacks
    }

    /// Says which versions are missing: the highest of each library for each file.
    ///
    /// # Errors
    /// What the roots answer.
    pub(super) fn report_versions(&mut self) -> Result<(), RootfsError> {
        let mut said: BTreeSet<(RootfsPath, Vec<u8>)> = BTreeSet::new();
        for lack in self.lacks() {
            if lack.strength == Strength::Swept || !said.insert((lack.wanting.clone(), lack.library.clone()))
            {
                continue;
            }
            let path = self.parent_resolved(&lack.provider)?;
            let provider = self.processes.iter().find_map(|process| process.named(&lack.library));
            let Some(provider) = provider.map(|loaded| loaded.object.elf.clone()) else { continue };
            let holder = match self.items.get(&path).map(|item| &item.place) {
                Some(Place::Source(index, _)) => Some(*index),
                _ => None,
            };
            let name = holder
                .map_or_else(|| "the stage itself".to_owned(), |index| named(self.world.sources[index].name));
            let mut message = version_text(&lack.wanting, &lack.version, &lack.library, &name, &provider);
            for source in self.world.usable.iter().filter(|source| Some(**source) != holder) {
                if let Some(other) = self.library_of(*source, &path)?
                    && other.version_defs != provider.version_defs
                {
                    let other_name = named(self.world.sources[*source].name);
                    let text = match self.unmet(&lack.library, &other) {
                        Some((wanting, version)) if version != lack.version => format!(
                            ", and that of {other_name} lacks `{}`, which `{wanting}` needs",
                            String::from_utf8_lossy(&version)
                        ),
                        _ => format!(", and that of {other_name} {}", ends_at(&other, &lack.version)),
                    };
                    message.push_str(&text);
                }
            }
            let _ = write!(message, " ({})", reason::arrows(&lack.chain));
            let finding = super::complaint::severity(lack.strength, finding::SYMBOL_VERSION, message)
                .hint("build and copy from stages with the same base image release");
            self.findings.add(finding.at(self.instruction_of(&lack.wanting)));
        }
        Ok(())
    }

    /// The notices for choices between sources.
    pub(super) fn choice_notices(&self, choices: &BTreeSet<Choice>) -> Vec<Finding> {
        let sources = self.world.sources;
        let texts = choices.iter().filter(|choice| choice.library.contains(".so")).map(|choice| {
            let losers: Vec<String> = choice.losers.iter().map(|index| named(sources[*index].name)).collect();
            finding::notice(
                finding::MIXED_SOURCES,
                format!(
                    "`{}` of {} is taken, that of {} is another one",
                    choice.library,
                    named(sources[choice.winner].name),
                    losers.join(" and ")
                ),
            )
        });
        texts.collect()
    }
}

fn is_pinned(pins: &Pins, path: &RootfsPath) -> bool {
    pins.paths.contains_key(path) || is_libc_family(path) && pins.libc.is_some()
}

fn pin(
    pins: &Pins,
    path: &RootfsPath,
    library: &[u8],
    winner: usize,
    sources: &BTreeSet<usize>,
) -> (Pins, Choice) {
    let mut pins = pins.clone();
    if is_libc_family(path) {
        pins.libc = Some(winner);
    } else {
        pins.paths.insert(path.clone(), winner);
    }
    let losers = sources.iter().copied().filter(|source| *source != winner).collect();
    (pins, Choice { library: String::from_utf8_lossy(library).into_owned(), winner, losers })
}

/// ``` `/hello` needs `GLIBC_2.38`, but `libc.so.6` of `image` ends at `GLIBC_2.36` ```
pub(super) fn version_text(
    wanting: &RootfsPath,
    version: &[u8],
    library: &[u8],
    holder: &str,
    provider: &Elf,
) -> String {
    format!(
        "`{wanting}` needs `{}`, but `{}` of {holder} {}",
        String::from_utf8_lossy(version),
        String::from_utf8_lossy(library),
        ends_at(provider, version)
    )
}

/// How far the versions of a library go, as the end of a sentence.
fn ends_at(provider: &Elf, version: &[u8]) -> String {
    let prefix = |name: &[u8]| name.iter().rposition(|byte| *byte == b'_').map_or(name.len(), |at| at + 1);
    let family = &version[..prefix(version)];
    let numbered = |name: &&Vec<u8>| {
        let rest = name.strip_prefix(family);
        rest.is_some_and(|rest| rest.first().is_some_and(u8::is_ascii_digit))
    };
    let highest = provider.version_defs.iter().filter(numbered).max_by(|a, b| natural(a, b));
    match highest {
        Some(highest) if natural(highest, version) == Ordering::Less => {
            format!("ends at `{}`", String::from_utf8_lossy(highest))
        }
        _ => "does not define it".to_owned(),
    }
}

/// Compares texts with runs of digits as numbers.
pub(super) fn natural(a: &[u8], b: &[u8]) -> Ordering {
    fn parts(text: &[u8]) -> Vec<(u64, &[u8])> {
        let mut parts = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let (number, after) = rest.split_at(digits);
            let letters = after.iter().take_while(|byte| !byte.is_ascii_digit()).count();
            let (text, after) = after.split_at(letters);
            let number = number
                .iter()
                .fold(0u64, |sum, digit| sum.saturating_mul(10).saturating_add(u64::from(digit - b'0')));
            parts.push((number, text));
            rest = after;
        }
        parts
    }
    parts(a).cmp(&parts(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_numbers() {
        for (a, b, expected) in [
            ("GLIBC_2.4", "GLIBC_2.36", Ordering::Less),
            ("GLIBC_2.36", "GLIBC_2.36", Ordering::Equal),
            ("GLIBCXX_3.4.9", "GLIBCXX_3.4.30", Ordering::Less),
            ("GLIBC_2.2.5", "GLIBC_2.2", Ordering::Greater),
        ] {
            assert_eq!(natural(a.as_bytes(), b.as_bytes()), expected, "{a} {b}");
        }
    }
}
