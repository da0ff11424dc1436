//! Stage names have no upper case.

use super::{Rule, Sink};
use crate::dockerfile::instruction::{From, Spanned};
use crate::dockerfile::raw;

pub(super) fn check(from: &Spanned<From>, sink: &mut Sink) {
    let Some(name) = &from.value.name_as_typed else { return };
    if *name != name.to_lowercase() || raw::has(name) {
        sink.report(&RULE, &from.doc, from.span, format!("Stage name '{name}' should be lowercase"));
    }
}

static RULE: Rule = Rule {
    name: "StageNameCasing",
    description: "Stage names should be lowercase",
    url: "https://docs.docker.com/go/dockerfile/rule/stage-name-casing/",
    experimental: false,
};
