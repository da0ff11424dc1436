//! No empty line inside a continued instruction.

use super::{Rule, Sink};
use crate::dockerfile::Dockerfile;

pub(super) fn check(dockerfile: &Dockerfile, sink: &mut Sink) {
    for &span in &dockerfile.empty_continuations {
        sink.report(&RULE, &[], span, "Empty continuation line");
    }
}

static RULE: Rule = Rule {
    name: "NoEmptyContinuation",
    description: "Empty continuation lines will become errors in a future release",
    url: "https://docs.docker.com/go/dockerfile/rule/no-empty-continuation/",
    experimental: false,
};
