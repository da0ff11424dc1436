//! What the step tells in its log: short lines for people.
//!
//! A log that cannot be written is no reason to fail, so errors of `log` are dropped.

use std::collections::BTreeMap;
use std::io::Write;

use super::writer::Written;
use crate::distill::manifest::{Finding, Layer, Manifest, Severity};
use crate::distill::step::layer_name;

/// Counts and sizes of each layer, then what there is to know.
pub(super) fn written(log: &mut dyn Write, manifest: &Manifest, layers: &BTreeMap<Layer, Written>) {
    if let Some(reason) = &manifest.left {
        let _ = writeln!(log, "{} stays as it is: {reason}", manifest.stage);
    }
    for (layer, counts) in layers.iter().filter(|(layer, _)| **layer != Layer::Manifest) {
        let label = manifest.layers.iter().find(|summary| summary.layer == *layer).map_or("", |s| &s.label);
        let line = format!(
            "{:<12} {:>6} files {:>10}  {label}",
            layer_name(*layer),
            counts.files + counts.links,
            human(counts.bytes)
        );
        let _ = writeln!(log, "{}", line.trim_end());
    }
    findings(log, &manifest.findings);
}

/// One line for each finding, the instruction and the hint below it.
pub(super) fn findings(log: &mut dyn Write, findings: &[Finding]) {
    for finding in findings {
        let word = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Notice => "note",
        };
        let _ = writeln!(log, "{word}: {} ({})", finding.message, finding.rule);
        if let Some(id) = &finding.instruction {
            let _ = writeln!(log, "  {}: {}", id.stage, id.text);
        }
        if let Some(hint) = &finding.hint {
            let _ = writeln!(log, "  hint: {hint}");
        }
    }
}

/// How many findings there are; who asked for a report reads them there.
pub(super) fn counts(log: &mut dyn Write, findings: &[Finding]) {
    let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let _ = writeln!(log, "errors: {errors}, warnings: {warnings}, notes: {}", count(Severity::Notice));
}

/// Why the step stops.
pub(super) fn error(log: &mut dyn Write, text: &str) {
    let _ = writeln!(log, "decant: {text}");
}

/// Bytes with a decimal unit, as `docker images` shows them.
fn human(bytes: u64) -> String {
    let (mut whole, mut tenths, mut unit) = (bytes, 0, 0);
    while whole >= 1000 && unit + 1 < UNITS.len() {
        (whole, tenths, unit) = (whole / 1000, whole % 1000 / 100, unit + 1);
    }
    if unit == 0 { format!("{whole} B") } else { format!("{whole}.{tenths} {}", UNITS[unit]) }
}

const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_decimal() {
        let rows = [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (1_234_567, "1.2 MB"),
            (1_999_999, "1.9 MB"),
            (u64::MAX, "18446744.0 TB"),
        ];
        for (bytes, expected) in rows {
            assert_eq!(human(bytes), expected);
        }
    }
}
