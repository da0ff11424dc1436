//! What a manifest changes outside of the file system: the image config, the history, what the user is told.

use std::collections::BTreeMap;

use crate::diagnostic::Diagnostic;
use crate::distill::manifest::{FinalConfig, Finding, Layer, Severity};
use crate::distill::spec::{InstructionId, Variant};
use crate::distill::step::layer_name;
use crate::dockerfile::source::Span;
use crate::image::config::{Config, History};

/// A finding with its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    pub severity: Severity,
    /// `DistrolessShellNeeded`.
    pub rule: String,
    pub diagnostic: Diagnostic,
}

/// Joins findings with the lines of the instructions that they name. A finding on an instruction of another file
/// (a base stage of an earlier build) has no line.
pub fn locate(findings: &[Finding], places: &BTreeMap<InstructionId, Span>) -> Vec<Located> {
    findings
        .iter()
        .map(|finding| {
            let place = finding.instruction.as_ref().and_then(|id| places.get(id));
            Located {
                severity: finding.severity,
                rule: finding.rule.clone(),
                diagnostic: Diagnostic {
                    message: finding.message.clone(),
                    spans: place.copied().into_iter().collect(),
                    hint: finding.hint.clone(),
                },
            }
        })
        .collect()
}

/// Writes what the files decided into the image config: the user as numbers, rewritten commands, and what the
/// variant adds (design: 2.1).
pub fn finish_config(config: &mut Config, files: &FinalConfig, variant: Variant) {
    config.user.clone_from(&files.user);
    if let Some(entrypoint) = &files.entrypoint {
        config.entrypoint = Some(entrypoint.clone());
    }
    if let Some(cmd) = &files.cmd {
        config.cmd = Some(cmd.clone());
    }
    if let (Some(test), Some(healthcheck)) = (&files.healthcheck, &mut config.healthcheck) {
        healthcheck.test = std::iter::once("CMD".to_owned()).chain(test.iter().cloned()).collect();
    }
    if variant.debug {
        append_to_path(&mut config.env, BUSYBOX_DIR);
        if config.entrypoint.is_none() && config.cmd.is_none() {
            config.entrypoint = Some(vec![format!("{BUSYBOX_DIR}/sh")]);
        }
    }
}

/// One entry for each layer, lowest first; the history of the base is dropped with its layers.
///
/// `created` is an RFC 3339 time, when the build has an epoch.
pub fn history(layers: &[Layer], created: Option<&str>) -> Vec<History> {
    layers
        .iter()
        .map(|layer| History {
            created: created.map(str::to_owned),
            created_by: format!("distroless: {}", layer_name(*layer)),
            comment: "decant".to_owned(),
            ..History::default()
        })
        .collect()
}

fn append_to_path(env: &mut Vec<String>, dir: &str) {
    match env.iter_mut().find(|entry| entry.starts_with("PATH=")) {
        Some(path) if path.split(['=', ':']).any(|part| part == dir) => {}
        Some(path) if path.len() == "PATH=".len() => path.push_str(dir),
        Some(path) => {
            path.push(':');
            path.push_str(dir);
        }
        None => env.push(format!("PATH={dir}")),
    }
}

/// Where the debug variants have busybox, as Google's images do.
pub const BUSYBOX_DIR: &str = "/busybox";
