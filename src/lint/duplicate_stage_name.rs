//! Each stage name is used once.

use std::collections::BTreeSet;

use super::{Rule, Sink};
use crate::dockerfile::instruction::{From, Spanned};

/// Reports `from` if its name is among those `seen` in stages above, and adds it to them.
pub(super) fn check<'d>(from: &'d Spanned<From>, seen: &mut BTreeSet<&'d str>, sink: &mut Sink) {
    let Some(name) = &from.value.name else { return };
    if !seen.insert(name) {
        let message = format!("Duplicate stage name \"{name}\", stage names should be unique");
        sink.report(&RULE, &[], from.span, message);
    }
}

static RULE: Rule = Rule {
    name: "DuplicateStageName",
    description: "Stage names should be unique",
    url: "https://docs.docker.com/go/dockerfile/rule/duplicate-stage-name/",
    experimental: false,
};
