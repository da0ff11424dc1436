//! Stage names that mean something else already.

use super::{Rule, Sink};
use crate::dockerfile::instruction::{From, Spanned};

pub(super) fn check(from: &Spanned<From>, sink: &mut Sink) {
    if let Some(name @ ("context" | "scratch")) = from.value.name.as_deref() {
        let message = format!("Stage name should not use the same name as reserved stage \"{name}\"");
        sink.report(&RULE, &[], from.span, message);
    }
}

static RULE: Rule = Rule {
    name: "ReservedStageName",
    description: "Reserved words should not be used as stage names",
    url: "https://docs.docker.com/go/dockerfile/rule/reserved-stage-name/",
    experimental: false,
};
