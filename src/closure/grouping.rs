//! The files of a layer as rows that a person reads: a directory whose files have one reason is one row.

use super::report::{count, megabytes, short_reason, shown_path, size_of};
use crate::distill::manifest::Entry;

/// Path, size and reason of each row. `entries` are sorted by path. Of a directory of more than `large` bytes those parts
/// are rows that have a share in it.
pub(super) fn grouped(entries: &[&Entry], large: u64) -> Vec<[String; 3]> {
    let mut rows = Vec::new();
    directory(entries, 0, large, &mut rows);
    rows
}

/// The rows of entries whose paths have their first `depth` names in common.
fn directory(entries: &[&Entry], depth: usize, large: u64, rows: &mut Vec<[String; 3]>) {
    for part in parts(entries, depth) {
        let inner = name_at(part[0], depth).is_some();
        let path = prefix(part[0], if inner { depth + 1 } else { depth });
        let files = part.len();
        match (inner, common_reason(part)) {
            (true, Some(why)) if files > FEW && (size(part) <= large || depth >= MAX_DEPTH) => {
                rows.push(summary(&format!("{path}/**"), files, "file", size(part), why));
            }
            (true, Some(why)) if files > FEW => {
                let (shown, rest): (Vec<_>, Vec<_>) =
                    parts(part, depth + 1).into_iter().partition(|one| size(one) >= large / SHARES);
                for one in shown {
                    directory(one, depth + 1, large, rows);
                }
                let files: usize = rest.iter().map(|one| one.len()).sum();
                if files > 0 {
                    let bytes = rest.iter().map(|one| size(one)).sum();
                    rows.push(summary(&format!("{path}/**"), files, "more file", bytes, why));
                }
            }
            (true, _) if files > 1 && depth < MAX_DEPTH => directory(part, depth + 1, large, rows),
            (false, Some(why)) if files > FEW => {
                rows.push(summary(&format!("{path}/*"), files, "file", size(part), why));
            }
            _ => rows.extend(part.iter().map(|entry| {
                [shown_path(entry), size_of(entry).map(megabytes).unwrap_or_default(), short_reason(entry)]
            })),
        }
    }
}

/// Entries by the directory of this depth; those that lie in none by their reasons.
fn parts<'e, 's>(entries: &'s [&'e Entry], depth: usize) -> Vec<&'s [&'e Entry]> {
    let alike = |a: &&Entry, b: &&Entry| match (name_at(a, depth), name_at(b, depth)) {
        (None, None) => short_reason(a) == short_reason(b),
        (a, b) => a == b,
    };
    entries.chunk_by(alike).collect()
}

fn size(entries: &[&Entry]) -> u64 {
    entries.iter().filter_map(|entry| size_of(entry)).fold(0, u64::saturating_add)
}

fn summary(path: &str, files: usize, what: &str, size: u64, why: String) -> [String; 3] {
    let files = count(u32::try_from(files).unwrap_or(u32::MAX), what);
    [format!("{path} ({files})"), megabytes(size), why]
}

/// The directory of this depth that holds an entry; `None` when the entry itself has that depth.
fn name_at(entry: &Entry, depth: usize) -> Option<&str> {
    let mut names = entry.path.split('/').skip(depth + 1);
    let name = names.next()?;
    names.next().map(|_| name)
}

fn prefix(entry: &Entry, names: usize) -> String {
    let names: Vec<&str> = entry.path.split('/').take(names + 1).collect();
    names.join("/")
}

/// The reason that all have; what was compiled from one of them has none of its own.
fn common_reason(entries: &[&Entry]) -> Option<String> {
    let mut own = entries.iter().filter(|entry| !is_compiled(entry)).map(|entry| short_reason(entry));
    let first = own.next().or_else(|| entries.first().map(|entry| short_reason(entry)))?;
    own.all(|why| why == first).then_some(first)
}

fn is_compiled(entry: &Entry) -> bool {
    entry
        .reason
        .iter()
        .rev()
        .find(|reason| reason.why != "symlink")
        .is_some_and(|last| last.why == "compiled")
}

/// So many files are shown one by one.
const FEW: usize = 4;

/// What is smaller than this part of a large directory is not shown by itself.
const SHARES: u64 = 10;

/// Deeper directories are one row each.
const MAX_DEPTH: usize = 40;
