//! What a manifest changes outside of the file system: the image config, the history, what the user is told.

use std::collections::BTreeMap;

use crate::diagnostic::Diagnostic;
use crate::distill::manifest::{FinalConfig, Finding, Layer, LayerSummary, Severity};
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
        config.entrypoint = Some(entrypoint.clone()).filter(|words| !words.is_empty());
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
/// `summaries` say what a layer holds (`python3.11`); `created` is an RFC 3339 time, when the build has an epoch.
pub fn history(layers: &[Layer], summaries: &[LayerSummary], created: Option<&str>) -> Vec<History> {
    let text = |layer: Layer| {
        let summary = summaries.iter().find(|summary| summary.layer == layer);
        match summary.map(|summary| summary.label.as_str()).filter(|label| !label.is_empty()) {
            Some(label) => format!("distroless: {} ({label})", layer_name(layer)),
            None => format!("distroless: {}", layer_name(layer)),
        }
    };
    layers
        .iter()
        .map(|layer| History {
            created: created.map(str::to_owned),
            created_by: text(*layer),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn the_user_is_written_as_numbers() {
        let mut config = Config { user: "app".to_owned(), ..Config::default() };
        let files = FinalConfig { user: "1000:1000".to_owned(), ..FinalConfig::default() };
        finish_config(&mut config, &files, Variant::default());
        assert_eq!(config.user, "1000:1000");
        assert_eq!(config.entrypoint, None);
    }

    #[test]
    fn a_rewritten_command_replaces_the_shell_form() {
        let mut config =
            Config { cmd: Some(words("/bin/sh -c app")), args_escaped: true, ..Config::default() };
        let files = FinalConfig { cmd: Some(words("app")), ..FinalConfig::default() };
        finish_config(&mut config, &files, Variant::default());
        assert_eq!(config.cmd, Some(words("app")));
    }

    #[test]
    fn debug_variants_have_busybox_on_the_path_and_as_entrypoint() {
        let debug = Variant { nonroot: false, debug: true };
        let rows = [
            ("none set", words(""), None, words("PATH=/busybox"), Some("/busybox/sh")),
            ("path set", words("A=1 PATH=/bin"), None, words("A=1 PATH=/bin:/busybox"), Some("/busybox/sh")),
            ("empty path", words("PATH="), None, words("PATH=/busybox"), Some("/busybox/sh")),
            (
                "there already",
                words("PATH=/busybox:/bin"),
                None,
                words("PATH=/busybox:/bin"),
                Some("/busybox/sh"),
            ),
            ("own entrypoint", words("PATH=/bin"), Some("/app"), words("PATH=/bin:/busybox"), Some("/app")),
        ];
        for (summary, env, entrypoint, expected_env, expected) in rows {
            let mut config = Config { env, entrypoint: entrypoint.map(words), ..Config::default() };
            finish_config(&mut config, &FinalConfig::default(), debug);
            assert_eq!(config.env, expected_env, "{summary}");
            assert_eq!(config.entrypoint, expected.map(words), "{summary}");
        }
    }

    #[test]
    fn findings_are_joined_with_their_lines() {
        let id = InstructionId { stage: "final".to_owned(), ordinal: 1, text: "COPY a b".to_owned() };
        let finding = |instruction: Option<InstructionId>| Finding {
            severity: Severity::Error,
            rule: "DistrolessMissing".to_owned(),
            instruction,
            message: "`/b` is missing".to_owned(),
            hint: Some("copy it".to_owned()),
        };
        let elsewhere = InstructionId { stage: "other".to_owned(), ..id.clone() };
        let places = BTreeMap::from([(id.clone(), Span::lines(3, 4))]);
        let located = locate(&[finding(Some(id)), finding(Some(elsewhere)), finding(None)], &places);
        let spans: Vec<_> = located.into_iter().map(|located| located.diagnostic.spans).collect();
        assert_eq!(spans, [vec![Span::lines(3, 4)], vec![], vec![]]);
    }

    #[test]
    fn each_layer_has_one_history_entry() {
        let runtime =
            LayerSummary { layer: Layer::Runtime, files: 1, size: 1, label: "python3.11".to_owned() };
        let layers = [Layer::Os, Layer::Runtime, Layer::Manifest];
        let history = history(&layers, &[runtime], Some("1970-01-01T00:00:00Z"));
        let texts: Vec<_> = history.iter().map(|entry| entry.created_by.as_str()).collect();
        assert_eq!(texts, ["distroless: os", "distroless: runtime (python3.11)", "distroless: manifest"]);
        assert!(history.iter().all(|entry| !entry.empty_layer && entry.comment == "decant"));
    }
}
