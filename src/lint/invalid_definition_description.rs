//! The comment above a stage or an argument describes it.

use super::{Rule, Sink};
use crate::dockerfile::instruction::{From, Instruction, Kind, Spanned};

pub(super) fn check_stage(from: &Spanned<From>, sink: &mut Sink) {
    if let Some(name) = &from.value.name {
        check(from, "FROM", &[name.as_str()], sink);
    }
}

pub(super) fn check_arg(instruction: &Instruction, sink: &mut Sink) {
    if let Kind::Arg(args) = &instruction.value {
        let names: Vec<&str> = args.iter().map(|arg| arg.name.as_str()).collect();
        check(instruction, "ARG", &names, sink);
    }
}

/// The last comment starts with one of the names.
fn check<T>(instruction: &Spanned<T>, keyword: &str, names: &[&str], sink: &mut Sink) {
    let Some(comment) = instruction.doc.last() else { return };
    let first = comment.split(' ').next().unwrap_or_default();
    let example = match names {
        [] => return,
        names if names.contains(&first) => return,
        [name] => name,
        _ => "<arg_key>",
    };
    let message = format!("Comment for {keyword} should follow the format: `# {example} <description>`");
    sink.report(&RULE, &instruction.doc, instruction.span, message);
}

static RULE: Rule = Rule {
    name: "InvalidDefinitionDescription",
    description: "Comment for build stage or argument should follow the format: `# <arg/stage name> <description>`. If this is not intended to be a description comment, add an empty line or comment between the instruction and the comment.",
    url: "https://docs.docker.com/go/dockerfile/rule/invalid-definition-description/",
    experimental: true,
};
