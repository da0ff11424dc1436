//! Budgets: how large a set may be, and who made it larger (design: 2.3, `max-size`, `max-packages`).

use std::collections::BTreeMap;

use crate::diagnostic::Diagnostic;
use crate::distill::manifest::{Entry, EntryKind, Manifest};
use crate::distill::spec::InstructionId;
use crate::dockerfile::source::Span;
use crate::options::Budget;

/// The error of a set that is over its budget, with the largest contributors and their lines; `None` within it.
pub fn exceeded(
    manifest: &Manifest,
    budget: Budget,
    places: &BTreeMap<InstructionId, Span>,
) -> Option<Diagnostic> {
    let size = manifest.entries.iter().map(bytes).fold(0, u64::saturating_add);
    let packages = u32::try_from(manifest.packages.len()).unwrap_or(u32::MAX);
    let mut contributors = contributors(manifest);
    let excess = match (budget.max_size, budget.max_packages) {
        (Some(limit), _) if size > limit => {
            format!("has {}, more than max-size={}", megabytes(size), megabytes(limit))
        }
        (_, Some(limit)) if packages > limit => {
            contributors.retain(|one| one.package);
            format!("has files of {packages} packages, more than max-packages={limit}")
        }
        _ => return None,
    };
    let largest = &contributors[..contributors.len().min(SHOWN)];
    let list: Vec<String> =
        largest.iter().map(|one| format!("{} {}", one.name, megabytes(one.bytes))).collect();
    let message =
        format!("the file set of stage `{}` {excess}; the largest: {}", manifest.stage, list.join(", "));
    let mut spans: Vec<Span> =
        largest.iter().filter_map(|one| places.get(one.instruction?)).copied().collect();
    spans.sort();
    spans.dedup();
    Some(Diagnostic {
        message,
        spans,
        hint: Some("see `--call=distroless` for the reason of each file".to_owned()),
    })
}

/// A package, or a file that no package owns.
struct Contributor<'a> {
    name: &'a str,
    package: bool,
    bytes: u64,
    /// Of its first file that has one.
    instruction: Option<&'a InstructionId>,
}

/// The largest first.
fn contributors(manifest: &Manifest) -> Vec<Contributor<'_>> {
    let mut by_name: BTreeMap<&str, Contributor<'_>> = BTreeMap::new();
    for entry in &manifest.entries {
        let name = entry.package.as_deref().unwrap_or(&entry.path);
        let package = entry.package.is_some();
        let one = by_name.entry(name).or_insert(Contributor { name, package, bytes: 0, instruction: None });
        one.bytes = one.bytes.saturating_add(bytes(entry));
        one.instruction = one.instruction.or(entry.instruction.as_ref());
    }
    let mut all: Vec<_> = by_name.into_values().filter(|one| one.bytes > 0).collect();
    // The sort is stable, so equal ones stay sorted by name.
    all.sort_by_key(|one| std::cmp::Reverse(one.bytes));
    all
}

fn bytes(entry: &Entry) -> u64 {
    match entry.kind {
        EntryKind::File { size } => size,
        EntryKind::Directory | EntryKind::Symlink { .. } => 0,
    }
}

/// With one decimal, as the entry is written.
fn megabytes(bytes: u64) -> String {
    match (bytes / MB, bytes % MB / (MB / 10)) {
        (whole, 0) => format!("{whole}MB"),
        (whole, tenths) => format!("{whole}.{tenths}MB"),
    }
}

const MB: u64 = 1_000_000;
/// Enough to see where the bytes are.
const SHOWN: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distill::manifest::tests::{directory, file, manifest};
    use crate::distill::manifest::{Layer, Package};

    #[test]
    fn the_largest_contributors_are_named() {
        let id = InstructionId { stage: "final".to_owned(), ordinal: 0, text: "COPY server /".to_owned() };
        let mut server = file("/server", 9_000_000, Layer::Application);
        server.instruction = Some(id.clone());
        let libc = |path, size| Entry { package: Some("libc6".to_owned()), ..file(path, size, Layer::Os) };
        let mut set =
            manifest(vec![directory("/"), libc("/ld.so", 200_000), libc("/libc.so", 2_000_000), server]);
        let package =
            Package { name: String::new(), version: String::new(), kind: String::new(), files: 1, size: 1 };
        set.packages = vec![package; 3];
        let places = BTreeMap::from([(id, Span::lines(7, 7))]);
        let with = |max_size, max_packages| {
            exceeded(&set, Budget { max_size, max_packages }, &places)
                .map(|error| (error.message, error.spans))
        };
        let largest = "the largest: /server 9MB, libc6 2.2MB";
        let spans = vec![Span::lines(7, 7)];
        assert_eq!(with(None, None), None);
        assert_eq!(with(Some(11_200_000), Some(3)), None);
        assert_eq!(
            with(Some(10_000_000), None),
            Some((
                format!("the file set of stage `final` has 11.2MB, more than max-size=10MB; {largest}"),
                spans
            ))
        );
        assert_eq!(
            with(None, Some(2)),
            Some((
                "the file set of stage `final` has files of 3 packages, more than max-packages=2; the largest: libc6 2.2MB"
                    .to_owned(),
                Vec::new()
            ))
        );
    }
}
