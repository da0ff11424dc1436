//! What a person reads about a set: the table of `--call=distroless`, the reason of one path.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::finding;
use super::grouping::grouped;
use super::plan::{Content, Plan, PlannedEntry};
use super::reason;
use crate::distill::manifest::{Entry, EntryKind, Finding, Layer, LayerSummary, Manifest, Severity};
use crate::distill::spec::{AssembleSpec, VERSION};

/// The manifest of a plan; `tool` is `decant <version>`.
pub fn manifest_of(plan: &Plan, spec: &AssembleSpec, tool: &str) -> Manifest {
    let entries: Vec<Entry> = plan
        .entries
        .iter()
        .filter(|(path, _)| !path.is_root())
        .map(|(path, entry)| manifest_entry(reason::escaped(path), entry, spec))
        .collect();
    let mut findings = plan.findings.clone();
    findings
        .sort_by(|a, b| (&a.rule, &a.instruction, &a.message).cmp(&(&b.rule, &b.instruction, &b.message)));
    Manifest {
        version: VERSION,
        tool: tool.to_owned(),
        stage: spec.stage.clone(),
        mode: spec.mode,
        variant: spec.variant,
        platform: spec.platform.clone(),
        left: plan.left.clone(),
        config: plan.config.clone(),
        layers: summaries(&entries, &plan.runtimes),
        entries,
        packages: plan.packages.clone(),
        findings,
    }
}

fn manifest_entry(path: String, entry: &PlannedEntry, spec: &AssembleSpec) -> Entry {
    Entry {
        path,
        kind: match &entry.content {
            Content::Directory => EntryKind::Directory,
            Content::Symlink(target) => EntryKind::Symlink { target: reason::escape_bytes(target) },
            Content::Copy { size, .. } => EntryKind::File { size: *size },
            Content::Bytes(bytes) => EntryKind::File { size: bytes.len() as u64 },
        },
        mode: format!("{:04o}", entry.mode),
        uid: entry.uid,
        gid: entry.gid,
        layer: entry.layer,
        reason: entry.reason.clone(),
        hard: entry.hard,
        package: entry.package.clone(),
        instruction: entry.step.and_then(|step| spec.steps.get(step)).map(|step| step.id.clone()),
    }
}

/// The layers that hold something, lowest first.
fn summaries(entries: &[Entry], runtimes: &[String]) -> Vec<LayerSummary> {
    let mut sums: BTreeMap<Layer, (u32, u64)> = BTreeMap::new();
    for entry in entries {
        let sum = sums.entry(entry.layer).or_default();
        if let EntryKind::File { size } = entry.kind {
            sum.0 += 1;
            sum.1 += size;
        }
    }
    let summary = |(layer, (files, size))| {
        let label = if layer == Layer::Runtime { runtimes.join(", ") } else { String::new() };
        LayerSummary { layer, files, size, label }
    };
    sums.into_iter().map(summary).collect()
}

/// The set as text: by layer, by package, each path with its reason. `before` is (bytes, files) of the stage.
pub fn text(manifest: &Manifest, before: Option<(u64, u32)>) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}", headline(manifest, before));
    if manifest.left.is_some() {
        findings(&mut out, &manifest.findings);
        return out;
    }
    layers(&mut out, manifest);
    packages(&mut out, manifest);
    files(&mut out, manifest);
    findings(&mut out, &manifest.findings);
    out
}

fn headline(manifest: &Manifest, before: Option<(u64, u32)>) -> String {
    let name = format!("{} ({})", manifest.stage, manifest.platform.format());
    if let Some(why) = &manifest.left {
        return format!("{name} stays as it is: {why}");
    }
    let (files, size) = total(manifest);
    let now = format!("{} in {}", megabytes(size), count(files, "file"));
    match before {
        Some((size, files)) => format!("{name}: {now}, from {} in {}", megabytes(size), count(files, "file")),
        None => format!("{name}: {now}"),
    }
}

fn total(manifest: &Manifest) -> (u32, u64) {
    manifest.layers.iter().fold((0, 0), |(files, size), layer| (files + layer.files, size + layer.size))
}

fn layers(out: &mut String, manifest: &Manifest) {
    let rows: Vec<[String; 3]> = manifest
        .layers
        .iter()
        .map(|layer| {
            let label = if layer.label.is_empty() { String::new() } else { format!(" ({})", layer.label) };
            [format!("{}{label}", layer_name(layer.layer)), megabytes(layer.size), count(layer.files, "file")]
        })
        .collect();
    table(out, "layers", &rows);
}

fn packages(out: &mut String, manifest: &Manifest) {
    let mut packages: Vec<_> = manifest.packages.iter().collect();
    packages.sort_by(|a, b| b.size.cmp(&a.size).then_with(|| a.name.cmp(&b.name)));
    let row = |package: &&crate::distill::manifest::Package| {
        [
            format!("{} {}", package.name, package.version),
            megabytes(package.size),
            count(package.files, "file"),
        ]
    };
    let rows: Vec<[String; 3]> = packages.iter().map(row).collect();
    table(out, "packages", &rows);
}

/// The files by layer, each with its reason; directories, which follow from files, and licences are left out.
fn files(out: &mut String, manifest: &Manifest) {
    for layer in manifest.layers.iter().map(|summary| summary.layer).collect::<BTreeSet<_>>() {
        let shown: Vec<&Entry> = manifest
            .entries
            .iter()
            .filter(|entry| {
                entry.layer == layer && !matches!(entry.kind, EntryKind::Directory) && tells(entry)
            })
            .collect();
        if shown.is_empty() {
            continue;
        }
        table(out, layer_name(layer), &grouped(&shown, total(manifest).1 / SHARE));
    }
}

fn tells(entry: &Entry) -> bool {
    let why = entry.reason.first().map(|reason| reason.why.as_str()).unwrap_or_default();
    !matches!(why, "licence" | "package record" | "base set" | "parent")
}

pub(super) fn shown_path(entry: &Entry) -> String {
    match &entry.kind {
        EntryKind::Symlink { target } => format!("{} → {target}", entry.path),
        EntryKind::File { .. } | EntryKind::Directory => entry.path.clone(),
    }
}

pub(super) fn size_of(entry: &Entry) -> Option<u64> {
    match entry.kind {
        EntryKind::File { size } => Some(size),
        EntryKind::Directory | EntryKind::Symlink { .. } => None,
    }
}

/// Who asked for it, in a few words.
pub(super) fn short_reason(entry: &Entry) -> String {
    let Some(last) = entry.reason.iter().rev().find(|reason| reason.why != "symlink") else {
        return String::new();
    };
    let first = &entry.reason[0];
    if std::ptr::eq(first, last) || entry.reason.len() == 1 {
        return match last.why.as_str() {
            "entrypoint" | "cmd" | "healthcheck" => last.why.to_uppercase(),
            _ => last.by.clone(),
        };
    }
    let at = entry.reason.iter().position(|reason| std::ptr::eq(reason, last)).unwrap_or(0);
    let before = at.checked_sub(1).and_then(|at| entry.reason.get(at)).unwrap_or(first);
    match last.why.as_str() {
        "rule" => format!("{}: {}", before.by, last.by),
        why => format!("{why} by {}", before.by),
    }
}

/// What is told, what stays out and may be missed by itself: each line of that ends with the entry that keeps it.
fn findings(out: &mut String, all: &[Finding]) {
    let (missed, told): (Vec<&Finding>, Vec<&Finding>) =
        all.iter().partition(|finding| MISSED.contains(&finding.rule.as_str()));
    section(out, "left out and may be missed", &missed);
    section(out, "findings", &told);
}

fn section(out: &mut String, title: &str, all: &[&Finding]) {
    if all.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{title}");
    for finding in all {
        let severity = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Notice => "notice",
        };
        let _ = writeln!(out, "  {severity} {}: {}", finding.rule, finding.message);
        if let Some(hint) = &finding.hint {
            let _ = writeln!(out, "    hint: {hint}");
        }
    }
}

/// Rows under a title: the first column left, the second right, the third as it is.
fn table(out: &mut String, title: &str, rows: &[[String; 3]]) {
    if rows.is_empty() {
        return;
    }
    let width = |column: usize| {
        rows.iter().map(|row| row[column].chars().count()).filter(|width| *width <= WIDE).max()
    };
    let (first, second) = (width(0).unwrap_or(0), width(1).unwrap_or(0));
    let _ = writeln!(out, "\n{title}");
    for [name, size, rest] in rows {
        let line = format!("  {name:<first$}  {size:>second$}  {rest}");
        let _ = writeln!(out, "{}", line.trim_end());
    }
}

fn layer_name(layer: Layer) -> &'static str {
    match layer {
        Layer::Os => "os",
        Layer::Runtime => "runtime",
        Layer::Dependencies => "dependencies",
        Layer::Application => "application",
        Layer::Debug => "debug",
        Layer::Manifest => "manifest",
    }
}

pub(super) fn count(number: u32, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

/// Decimal megabytes, with as many digits as say something.
pub(super) fn megabytes(bytes: u64) -> String {
    let hundredths = bytes.saturating_add(5_000) / 10_000;
    match bytes {
        0 => "0 MB".to_owned(),
        _ if hundredths == 0 => "<0.01 MB".to_owned(),
        _ if hundredths < 1000 => format!("{}.{:02} MB", hundredths / 100, hundredths % 100),
        _ => {
            let tenths = bytes.saturating_add(50_000) / 100_000;
            format!("{}.{} MB", tenths / 10, tenths % 10)
        }
    }
}

/// Why `path` (as in the manifest) is in the set; `None` when it is not.
pub fn explain(manifest: &Manifest, path: &str) -> Option<String> {
    let at = manifest.entries.binary_search_by(|entry| entry.path.as_str().cmp(path)).ok();
    let entry = at
        .map(|at| &manifest.entries[at])
        .or_else(|| manifest.entries.iter().find(|entry| entry.path == path))?;
    let mut out = String::new();
    let what = match &entry.kind {
        EntryKind::File { size } => format!("file, {}", megabytes(*size)),
        EntryKind::Directory => "directory".to_owned(),
        EntryKind::Symlink { target } => format!("link to {target}"),
    };
    let _ = writeln!(out, "{path}: {what}, mode {}, owner {}:{}", entry.mode, entry.uid, entry.gid);
    let _ = writeln!(out, "  layer        {}", layer_name(entry.layer));
    if let Some(name) = &entry.package {
        let found = manifest.packages.iter().find(|package| package.name == *name);
        let version = found.map(|package| format!(" {}", package.version)).unwrap_or_default();
        let _ = writeln!(out, "  package      {name}{version}");
    }
    if let Some(id) = &entry.instruction {
        let _ = writeln!(out, "  instruction  {} (stage {})", id.text, id.stage);
    }
    let _ = writeln!(
        out,
        "  needed       {}",
        if entry.hard { "the command fails without it" } else { "not for certain" }
    );
    for (depth, step) in entry.reason.iter().enumerate() {
        let title = if depth == 0 { "because" } else { "" };
        let _ = writeln!(
            out,
            "  {title:<11}  {}{}{}",
            "  ".repeat(depth),
            step.why,
            if step.by.is_empty() { String::new() } else { format!(" {}", step.by) }
        );
    }
    Some(out)
}

/// Rules that tell what stays out although it may be used.
const MISSED: [&str; 5] = [
    finding::BUILD_MATERIAL,
    finding::DATA_HINT,
    finding::PACKAGE_DROPPED,
    finding::SHELL_HINT,
    finding::UNRESOLVED_DLOPEN,
];

/// A directory that is more than this part of the whole is shown by what it holds.
const SHARE: u64 = 10;

/// Longer names do not push the other columns away.
const WIDE: usize = 72;
