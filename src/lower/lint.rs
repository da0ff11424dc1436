//! Lint rules that need the state of a stage: they are reported while its instructions are lowered.

use super::Site;
use crate::dockerfile::instruction::CommandLine;
use crate::dockerfile::pattern::PatternSet;
use crate::dockerfile::port::Style;
use crate::dockerfile::quote::quote;
use crate::dockerfile::source::Span;
use crate::image::config::ImageConfig;
use crate::lint::{Rule, Sink};

/// `ENV key value`.
pub(super) fn legacy_key_value(lint: &mut Sink, site: &Site<'_>) {
    let name = &site.step.instruction.keyword;
    let message =
        format!("\"{name} key=value\" should be used instead of legacy \"{name} key value\" format");
    report(lint, site, &LEGACY_KEY_VALUE_FORMAT, message);
}

/// A variable whose name says that it holds a secret.
pub(super) fn secret_name(lint: &mut Sink, site: &Site<'_>, instruction: &str, name: &str) {
    const SECRET: [&str; 10] = [
        "apikey",
        "auth",
        "credential",
        "credentials",
        "key",
        "password",
        "pword",
        "passwd",
        "secret",
        "token",
    ];
    const HARMLESS: [&str; 3] = ["public", "file", "version"];
    let lower = name.to_lowercase();
    let mut parts = lower.split('_').filter(|part| !part.is_empty());
    let is_secret = parts.clone().any(|part| SECRET.contains(&part));
    if is_secret && !parts.any(|part| HARMLESS.contains(&part)) {
        let message =
            format!("Do not use ARG or ENV instructions for sensitive data ({instruction} {})", quote(name));
        report(lint, site, &SECRETS_USED_IN_ARG_OR_ENV, message);
    }
}

/// The first WORKDIR of a stage is relative.
pub(super) fn relative_workdir(lint: &mut Sink, site: &Site<'_>, path: &str) {
    let message =
        format!("Relative workdir {} can have unexpected results if the base image changes", quote(path));
    report(lint, site, &WORKDIR_RELATIVE_PATH, message);
}

/// Remembers where an instruction stands that counts once; a second one makes the first void.
pub(super) fn used_once(lint: &mut Sink, site: &Site<'_>, last: &mut Option<Span>) {
    if let Some(before) = last.replace(site.span()) {
        let name = &site.step.instruction.keyword;
        let message = format!(
            "Multiple {name} instructions should not be used in the same stage because only the last one will be used"
        );
        let doc = &site.step.instruction.doc;
        lint.report(&MULTIPLE_INSTRUCTIONS_DISALLOWED, doc, before, message);
    }
}

/// A shell form where nobody chose the shell.
pub(super) fn json_args(lint: &mut Sink, site: &Site<'_>, command: &CommandLine, config: &ImageConfig) {
    if matches!(command, CommandLine::Shell(_)) && config.config.shell.is_empty() {
        let name = &site.step.instruction.keyword;
        let message = format!(
            "JSON arguments recommended for {name} to prevent unintended behavior related to OS signals"
        );
        report(lint, site, &JSON_ARGS_RECOMMENDED, message);
    }
}

/// A source of the main context that its ignore file keeps away.
pub(super) fn ignored_file(lint: &mut Sink, site: &Site<'_>, source: &str, ignore: Option<&PatternSet>) {
    let Some(ignore) = ignore.filter(|ignore| !ignore.has_exclusions()) else { return };
    let source = super::path::clean(source);
    if ignore.matches_or_parent(&source) {
        let verb = if site.step.instruction.keyword.eq_ignore_ascii_case("add") { "Add" } else { "Copy" };
        let message = format!("Attempting to {verb} file \"{source}\" that is excluded by .dockerignore");
        report(lint, site, &COPY_IGNORED_FILE, message);
    }
}

/// An EXPOSE word with more than port and protocol, or a protocol in upper case.
pub(super) fn exposed_port(lint: &mut Sink, site: &Site<'_>, word: &str, style: Style) {
    if style.upper_protocol {
        let message = format!("Defined protocol '{word}' in EXPOSE instruction should be lowercase");
        report(lint, site, &EXPOSE_PROTO_CASING, message);
    }
    if style.host_part {
        let message = format!(
            "EXPOSE instruction should not define an IP address or host-port mapping, found '{word}'"
        );
        report(lint, site, &EXPOSE_INVALID_FORMAT, message);
    }
}

fn report(lint: &mut Sink, site: &Site<'_>, rule: &'static Rule, message: String) {
    lint.report(rule, &site.step.instruction.doc, site.span(), message);
}

/// A variable that nothing sets.
pub static UNDEFINED_VAR: Rule = Rule {
    name: "UndefinedVar",
    description: "Variables should be defined before their use",
    url: "https://docs.docker.com/go/dockerfile/rule/undefined-var/",
    experimental: false,
};

pub static LEGACY_KEY_VALUE_FORMAT: Rule = Rule {
    name: "LegacyKeyValueFormat",
    description: "Legacy key/value format with whitespace separator should not be used",
    url: "https://docs.docker.com/go/dockerfile/rule/legacy-key-value-format/",
    experimental: false,
};

pub static SECRETS_USED_IN_ARG_OR_ENV: Rule = Rule {
    name: "SecretsUsedInArgOrEnv",
    description: "Sensitive data should not be used in the ARG or ENV commands",
    url: "https://docs.docker.com/go/dockerfile/rule/secrets-used-in-arg-or-env/",
    experimental: false,
};

pub static WORKDIR_RELATIVE_PATH: Rule = Rule {
    name: "WorkdirRelativePath",
    description: "Relative workdir without an absolute workdir declared within the build can have unexpected results if the base image changes",
    url: "https://docs.docker.com/go/dockerfile/rule/workdir-relative-path/",
    experimental: false,
};

pub static MULTIPLE_INSTRUCTIONS_DISALLOWED: Rule = Rule {
    name: "MultipleInstructionsDisallowed",
    description: "Multiple instructions of the same type should not be used in the same stage",
    url: "https://docs.docker.com/go/dockerfile/rule/multiple-instructions-disallowed/",
    experimental: false,
};

pub static JSON_ARGS_RECOMMENDED: Rule = Rule {
    name: "JSONArgsRecommended",
    description: "JSON arguments recommended for ENTRYPOINT/CMD to prevent unintended behavior related to OS signals",
    url: "https://docs.docker.com/go/dockerfile/rule/json-args-recommended/",
    experimental: false,
};

pub static COPY_IGNORED_FILE: Rule = Rule {
    name: "CopyIgnoredFile",
    description: "Attempting to Copy file that is excluded by .dockerignore",
    url: "https://docs.docker.com/go/dockerfile/rule/copy-ignored-file/",
    experimental: false,
};

pub static EXPOSE_PROTO_CASING: Rule = Rule {
    name: "ExposeProtoCasing",
    description: "Protocol in EXPOSE instruction should be lowercase",
    url: "https://docs.docker.com/go/dockerfile/rule/expose-proto-casing/",
    experimental: false,
};

pub static EXPOSE_INVALID_FORMAT: Rule = Rule {
    name: "ExposeInvalidFormat",
    description: "IP address and host-port mapping should not be used in EXPOSE instruction. This will become an error in a future release",
    url: "https://docs.docker.com/go/dockerfile/rule/expose-invalid-format/",
    experimental: false,
};
