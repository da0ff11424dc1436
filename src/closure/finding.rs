//! What planning tells the user: rule names in one place, and the collector that keeps findings sorted and single.

use std::collections::BTreeSet;

use crate::distill::manifest::{Finding, Severity};
use crate::distill::spec::InstructionId;

/// A library that something in the set needs is in no source.
pub const LIBRARY_MISSING: &str = "DistrolessLibraryMissing";
/// The library that is there lacks a symbol version.
pub const SYMBOL_VERSION: &str = "DistrolessSymbolVersion";
/// A program that a command names is nowhere.
pub const PROGRAM_MISSING: &str = "DistrolessProgramMissing";
/// A user or group name that no passwd or group file knows.
pub const UNKNOWN_USER: &str = "DistrolessUnknownUser";
/// A command or script needs a shell, so a shell is in the set.
pub const SHELL_NEEDED: &str = "DistrolessShellNeeded";
/// A program imports `system` or `popen`.
pub const SHELL_HINT: &str = "DistrolessShellHint";
/// A shell-form command became exec form.
pub const EXEC_FORM: &str = "DistrolessExecForm";
/// A script that only starts its arguments was left out of a command.
pub const ENTRYPOINT_SCRIPT: &str = "DistrolessEntrypointScript";
/// A package manager's command was replaced by what its script starts.
pub const PACKAGE_SCRIPT: &str = "DistrolessPackageScript";
/// What a script starts is not in its text, or cannot be read there.
pub const SCRIPT_UNCLEAR: &str = "DistrolessScriptUnclear";
/// A library that a program may open by name was not found.
pub const UNRESOLVED_DLOPEN: &str = "DistrolessUnresolvedDlopen";
/// Evidence asks for data files that no source has.
pub const RESOURCE_MISSING: &str = "DistrolessResourceMissing";
/// A secret in a copied directory stays out.
pub const SECRET_SKIPPED: &str = "DistrolessSecretSkipped";
/// A secret named in COPY is in the set.
pub const SECRET_COPIED: &str = "DistrolessSecretCopied";
/// A setuid or setgid file.
pub const SETUID: &str = "DistrolessSetuid";
/// A device, socket, pipe, or a name that would be a whiteout.
pub const SPECIAL_FILE: &str = "DistrolessSpecialFile";
/// The user of the image cannot read a file.
pub const UNREADABLE: &str = "DistrolessUnreadable";
/// An exposed port below 1024, and a user that is not root.
pub const PRIVILEGED_PORT: &str = "DistrolessPrivilegedPort";
/// The image runs as root.
pub const ROOT_USER: &str = "DistrolessRootUser";
/// Files come from a stage that no COPY names.
pub const FALLBACK_SOURCE: &str = "DistrolessFallbackSource";
/// Two sources hold different files at one path.
pub const MIXED_SOURCES: &str = "DistrolessMixedSources";
/// Files come from different distributions or releases.
pub const MIXED_SYSTEMS: &str = "DistrolessMixedSystems";
/// An interpreter whose needs decant does not know.
pub const RUNTIME_UNKNOWN: &str = "DistrolessRuntimeUnknown";
/// An `include=` that matches nothing.
pub const INCLUDE_UNMATCHED: &str = "DistrolessIncludeUnmatched";
/// The `# distroless=` directive keeps other directives from being read.
pub const DIRECTIVE_ORDER: &str = "DistrolessDirectiveOrder";
/// A stage stays as it is.
pub const NOT_DISTILLED: &str = "DistrolessNotDistilled";
/// A root file system cannot be read as expected.
pub const UNREADABLE_SOURCE: &str = "DistrolessUnreadableSource";
/// The output resolves differently from the plan.
pub const OUTPUT_DIFFERS: &str = "DistrolessOutputDiffers";

/// A package that the Dockerfile installed stays out: nothing uses it.
pub const PACKAGE_DROPPED: &str = "DistrolessPackageDropped";
/// Something that exists in the stage stays out and may be missed.
pub const DATA_HINT: &str = "DistrolessDataHint";
/// What only the toolchain needs stays out, where the stage compiled its program or copied a whole prefix.
pub const BUILD_MATERIAL: &str = "DistrolessBuildMaterial";
/// What RUN made is seen in some directories only.
pub const PARTIAL_EVIDENCE: &str = "DistrolessPartialEvidence";

/// Findings, each once.
#[derive(Clone, Debug, Default)]
pub(super) struct Findings {
    all: BTreeSet<Finding>,
}

impl Findings {
    pub(super) fn add(&mut self, finding: Finding) {
        self.all.insert(finding);
    }

    pub(super) fn extend(&mut self, findings: impl IntoIterator<Item = Finding>) {
        self.all.extend(findings);
    }

    pub(super) fn has_errors(&self) -> bool {
        self.all.iter().any(|finding| finding.severity == Severity::Error)
    }

    pub(super) fn has_rule(&self, severity: Severity, rule: &str) -> bool {
        self.all.iter().any(|finding| finding.severity == severity && finding.rule == rule)
    }

    /// Errors first, then by rule, instruction and message.
    pub(super) fn into_sorted(self) -> Vec<Finding> {
        self.all.into_iter().collect()
    }
}

pub(super) fn error(rule: &str, message: impl Into<String>) -> Finding {
    finding(Severity::Error, rule, message)
}

pub(super) fn warning(rule: &str, message: impl Into<String>) -> Finding {
    finding(Severity::Warning, rule, message)
}

pub(super) fn notice(rule: &str, message: impl Into<String>) -> Finding {
    finding(Severity::Notice, rule, message)
}

fn finding(severity: Severity, rule: &str, message: impl Into<String>) -> Finding {
    Finding { severity, rule: rule.to_owned(), instruction: None, message: message.into(), hint: None }
}

impl Finding {
    /// The same with the instruction to blame.
    #[must_use]
    pub fn at(mut self, instruction: Option<&InstructionId>) -> Self {
        self.instruction = instruction.cloned();
        self
    }

    /// The same with what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Rules about a stage's own user and ports: a stage that builds on it or copies from it has its own, and says them
/// itself.
pub(crate) const OF_THE_CONFIG: [&str; 2] = [PRIVILEGED_PORT, ROOT_USER];

/// Every rule that planning raises; each has a page in `docs/rules/`.
pub const RULES: [&str; 30] = [
    BUILD_MATERIAL,
    DATA_HINT,
    DIRECTIVE_ORDER,
    EXEC_FORM,
    FALLBACK_SOURCE,
    INCLUDE_UNMATCHED,
    LIBRARY_MISSING,
    MIXED_SOURCES,
    MIXED_SYSTEMS,
    NOT_DISTILLED,
    OUTPUT_DIFFERS,
    PACKAGE_DROPPED,
    PARTIAL_EVIDENCE,
    PRIVILEGED_PORT,
    PROGRAM_MISSING,
    RESOURCE_MISSING,
    ROOT_USER,
    RUNTIME_UNKNOWN,
    SCRIPT_UNCLEAR,
    SECRET_COPIED,
    SECRET_SKIPPED,
    SETUID,
    SHELL_HINT,
    SHELL_NEEDED,
    SPECIAL_FILE,
    SYMBOL_VERSION,
    UNKNOWN_USER,
    UNREADABLE,
    UNREADABLE_SOURCE,
    UNRESOLVED_DLOPEN,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_a_page() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rules");
        for rule in RULES {
            let page = std::fs::read_to_string(folder.join(format!("{rule}.md"))).unwrap_or_default();
            assert!(page.starts_with(&format!("# {rule}\n")), "{rule}");
        }
    }
}
