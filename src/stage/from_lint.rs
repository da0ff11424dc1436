//! Lint rules about `FROM` lines: they need the values of global arguments and what bases turned out to be.

use std::collections::BTreeSet;

use super::GlobalArgs;
use crate::dockerfile::Dockerfile;
use crate::dockerfile::instruction::{From, Spanned};
use crate::dockerfile::quote::quote;
use crate::dockerfile::source::Span;
use crate::dockerfile::suggest;
use crate::dockerfile::word::{Expansion, Lexer, Variables};
use crate::image::platform::Platform;
use crate::image::reference::ImageRef;
use crate::lint::{Rule, Sink};

/// Each base name must be an image name when no build argument is given.
pub(super) fn default_args(dockerfile: &Dockerfile, predefined: &GlobalArgs, lint: &mut Sink) {
    // A default that cannot be expanded fails the build right after, with its own error.
    let Ok(defaults) = predefined.clone().declare(dockerfile, &std::collections::BTreeMap::new()) else {
        return;
    };
    let lexer = Lexer::new(dockerfile.escape);
    for section in &dockerfile.stages {
        let from = &section.from;
        let raw = &from.value.image;
        let Ok(expansion) = lexer.expand(raw, &defaults) else { return };
        if ImageRef::parse(&expansion.value).is_err() {
            let message = format!("Default value for ARG {raw} results in empty or invalid base image name");
            lint.report(&INVALID_DEFAULT_ARG_IN_FROM, &from.doc, from.span, message);
        }
    }
}

/// Variables of a `FROM` line must be declared before it.
pub(super) fn undefined_args(
    unmatched: &BTreeSet<String>,
    args: &GlobalArgs,
    from: &Spanned<From>,
    lint: &mut Sink,
) {
    for name in unmatched.iter().filter(|name| !args.declared().contains(name)) {
        let suggestion = suggest::suffix(name, args.names());
        let message = format!("FROM argument '{name}' is not declared{suggestion}");
        lint.report(&UNDEFINED_ARG_IN_FROM, &from.doc, from.span, message);
    }
}

/// `--platform` should neither repeat the default nor be a constant.
pub(super) fn platform(
    raw: &str,
    expansion: &Expansion,
    args: &GlobalArgs,
    from: &Spanned<From>,
    lint: &mut Sink,
) {
    let value = &expansion.value;
    let only_target = expansion.matched.len() == 1 && expansion.matched.contains(TARGETPLATFORM);
    if only_target && args.lookup(TARGETPLATFORM) == Some(value) {
        let message = format!(
            "Setting platform to predefined {raw} in FROM is redundant as this is the default behavior"
        );
        lint.report(&REDUNDANT_TARGET_PLATFORM, &from.doc, from.span, message);
    }
    if !expansion.matched.is_empty() || !expansion.unmatched.is_empty() {
        return;
    }
    let stage = from.value.name.as_deref().unwrap_or_default();
    let Ok(platform) = Platform::parse(value) else { return };
    if !stage.contains(&platform.os) && !stage.contains(&platform.architecture) {
        let message = format!("FROM --platform flag should not use constant value {}", quote(value));
        lint.report(&FROM_PLATFORM_FLAG_CONST_DISALLOWED, &from.doc, from.span, message);
    }
}

/// A base image should be made for the platform that the stage wants.
pub(super) fn base_image_platform(
    image: &str,
    expected: &Platform,
    actual: &Platform,
    spans: &[Span],
    lint: &mut Sink,
) {
    if (&expected.os, &expected.architecture) == (&actual.os, &actual.architecture) {
        return;
    }
    let message = format!(
        "Base image {image} was pulled with platform \"{}\", expected \"{}\" for current build",
        actual.clone().normalize().format_all(),
        expected.clone().normalize().format_all(),
    );
    if let Some(&span) = spans.first() {
        lint.report(&INVALID_BASE_IMAGE_PLATFORM, &[], span, message);
    }
}

const TARGETPLATFORM: &str = "TARGETPLATFORM";

/// A base name that only a build argument makes valid.
pub static INVALID_DEFAULT_ARG_IN_FROM: Rule = Rule {
    name: "InvalidDefaultArgInFrom",
    description: "Default value for global ARG results in an empty or invalid base image name",
    url: "https://docs.docker.com/go/dockerfile/rule/invalid-default-arg-in-from/",
    experimental: false,
};

/// A variable in `FROM` that no global `ARG` declares.
pub static UNDEFINED_ARG_IN_FROM: Rule = Rule {
    name: "UndefinedArgInFrom",
    description: "FROM command must use declared ARGs",
    url: "https://docs.docker.com/go/dockerfile/rule/undefined-arg-in-from/",
    experimental: false,
};

/// `--platform=$TARGETPLATFORM`.
pub static REDUNDANT_TARGET_PLATFORM: Rule = Rule {
    name: "RedundantTargetPlatform",
    description: "Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the default behavior",
    url: "https://docs.docker.com/go/dockerfile/rule/redundant-target-platform/",
    experimental: false,
};

/// `--platform=linux/amd64`.
pub static FROM_PLATFORM_FLAG_CONST_DISALLOWED: Rule = Rule {
    name: "FromPlatformFlagConstDisallowed",
    description: "FROM --platform flag should not use a constant value",
    url: "https://docs.docker.com/go/dockerfile/rule/from-platform-flag-const-disallowed/",
    experimental: false,
};

/// An image for another platform than the stage's.
pub static INVALID_BASE_IMAGE_PLATFORM: Rule = Rule {
    name: "InvalidBaseImagePlatform",
    description: "Base image platform does not match expected target platform",
    url: "",
    experimental: false,
};
