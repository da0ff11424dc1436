//! All instructions are written in the case that most have.

use super::{Rule, Sink};
use crate::dockerfile::Dockerfile;
use crate::dockerfile::source::Span;

pub(super) fn check(dockerfile: &Dockerfile, sink: &mut Sink) {
    // What stands before the first FROM does not count.
    let keywords: Vec<(&str, Span)> = dockerfile
        .stages
        .iter()
        .flat_map(|stage| {
            let from = (stage.from.keyword.as_str(), stage.from.span);
            let rest =
                stage.instructions.iter().map(|instruction| (instruction.keyword.as_str(), instruction.span));
            std::iter::once(from).chain(rest)
        })
        .collect();
    let is_lower = |keyword: &str| keyword == keyword.to_lowercase();
    let is_upper = |keyword: &str| keyword == keyword.to_uppercase();
    let lower = keywords.iter().filter(|(keyword, _)| is_lower(keyword)).count();
    let upper = keywords.iter().filter(|(keyword, _)| is_upper(keyword)).count();
    let (majority, fits): (&str, &dyn Fn(&str) -> bool) =
        if lower > upper { ("lowercase", &is_lower) } else { ("uppercase", &is_upper) };
    for (keyword, span) in keywords {
        if !fits(keyword) {
            let message =
                format!("Command '{keyword}' should match the case of the command majority ({majority})");
            sink.report(&RULE, &[], span, message);
        }
    }
}

static RULE: Rule = Rule {
    name: "ConsistentInstructionCasing",
    description: "All commands within the Dockerfile should use the same casing (either upper or lower)",
    url: "https://docs.docker.com/go/dockerfile/rule/consistent-instruction-casing/",
    experimental: false,
};
