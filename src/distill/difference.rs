//! What changed from one set to another, as text.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::manifest::{Entry, EntryKind, Manifest};

/// One line for each path and package that came (`+`), went (`-`) or changed (`~`), sorted; then the sizes.
/// Empty when the sets are equal.
pub fn difference(old: &Manifest, new: &Manifest) -> String {
    let mut text = String::new();
    let paths = |manifest: &Manifest| -> BTreeMap<String, String> {
        manifest.entries.iter().map(|entry| (entry.path.clone(), describe(entry))).collect()
    };
    lines(&mut text, "", &paths(old), &paths(new));
    let packages = |manifest: &Manifest| -> BTreeMap<String, String> {
        let package = |package: &super::manifest::Package| {
            (format!("{} {}", package.kind, package.name), package.version.clone())
        };
        manifest.packages.iter().map(package).collect()
    };
    lines(&mut text, "package ", &packages(old), &packages(new));
    if !text.is_empty() {
        let (old, new) = (size(old), size(new));
        writeln!(text, "{old} bytes -> {new} bytes").expect("text takes all text");
    }
    text
}

fn lines(text: &mut String, kind: &str, old: &BTreeMap<String, String>, new: &BTreeMap<String, String>) {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for name in names {
        let line = match (old.get(name), new.get(name)) {
            (None, Some(now)) => format!("+ {kind}{name} ({now})\n"),
            (Some(before), None) => format!("- {kind}{name} ({before})\n"),
            (Some(before), Some(now)) if before != now => format!("~ {kind}{name} ({before} -> {now})\n"),
            _ => continue,
        };
        text.push_str(&line);
    }
}

fn describe(entry: &Entry) -> String {
    let what = match &entry.kind {
        EntryKind::File { size } => format!("{size} bytes"),
        EntryKind::Directory => "directory".to_owned(),
        EntryKind::Symlink { target } => return format!("link to {target}"),
    };
    format!("{what}, {} {}:{}", entry.mode, entry.uid, entry.gid)
}

fn size(manifest: &Manifest) -> u64 {
    let bytes = manifest.entries.iter().map(|entry| match entry.kind {
        EntryKind::File { size } => size,
        EntryKind::Directory | EntryKind::Symlink { .. } => 0,
    });
    bytes.fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distill::manifest::tests::{directory, file, manifest};
    use crate::distill::manifest::{Layer, Package};

    fn package(version: &str) -> Package {
        Package {
            name: "libc6".to_owned(),
            version: version.to_owned(),
            kind: "deb".to_owned(),
            files: 1,
            size: 1,
        }
    }

    #[test]
    fn what_came_went_and_changed() {
        let mut old = manifest(vec![directory("/a"), file("/b", 10, Layer::Os), file("/c", 1, Layer::Os)]);
        let mut new = manifest(vec![file("/b", 12, Layer::Os), file("/c", 1, Layer::Application)]);
        new.entries.push(directory("/d"));
        old.packages = vec![package("1")];
        new.packages = vec![package("2")];
        let expected = "\
- /a (directory, 0755 0:0)
~ /b (10 bytes, 0644 0:0 -> 12 bytes, 0644 0:0)
+ /d (directory, 0755 0:0)
~ package deb libc6 (1 -> 2)
11 bytes -> 13 bytes
";
        assert_eq!(difference(&old, &new), expected);
    }

    #[test]
    fn equal_sets_have_no_difference() {
        let one = manifest(vec![file("/b", 10, Layer::Os)]);
        assert_eq!(difference(&one, &one), "");
    }
}
