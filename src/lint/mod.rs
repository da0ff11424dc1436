//! Lint rules, one per file.
//!
//! [`check`] runs the rules that text alone decides; the others are reported to the same [`Sink`] by
//! the steps that know the facts.

mod consistent_instruction_casing;
mod duplicate_stage_name;
mod from_as_casing;
mod invalid_definition_description;
mod maintainer_deprecated;
mod no_empty_continuation;
mod options;
mod reserved_stage_name;
mod stage_name_casing;

pub use options::{Options, OptionsError, Selection};

use std::collections::BTreeSet;

use crate::dockerfile::directive::check_comment;
use crate::dockerfile::instruction::Parsed;
use crate::dockerfile::source::Span;
use crate::dockerfile::{Dockerfile, Outcome};

/// One rule: what a warning of it is called and where it is documented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    pub name: &'static str,
    pub description: &'static str,
    /// Empty if the rule has no page.
    pub url: &'static str,
    /// Runs only if `experimental=` names it.
    pub experimental: bool,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    pub rule: &'static Rule,
    pub message: String,
    pub span: Span,
}

impl Warning {
    /// What a client shows in its progress: rule, message and first line.
    pub fn short(&self) -> String {
        let Self { rule: Rule { name, .. }, message, span } = self;
        match span.first {
            0 => format!("{name}: {message}"),
            line => format!("{name}: {message} (line {line})"),
        }
    }
}

/// Collects findings in the order they are reported, minus those that the options switch off.
#[derive(Clone, Debug, Default)]
pub struct Sink {
    options: Options,
    warnings: Vec<Warning>,
}

impl Sink {
    /// An empty sink with the options of the directive or the build argument.
    pub fn new(options: Options) -> Self {
        Self { options, warnings: Vec::new() }
    }

    /// Adds a finding unless the options, or a `check=` comment among `doc`, switch `rule` off.
    ///
    /// `doc` is the instruction's [`doc`](crate::dockerfile::instruction::Spanned::doc).
    pub fn report(&mut self, rule: &'static Rule, doc: &[String], span: Span, message: impl Into<String>) {
        // Only the first such comment counts; one that cannot be read changes nothing.
        let own = doc.iter().find_map(|comment| check_comment(comment)).map(Options::parse);
        let own = own.and_then(Result::ok).unwrap_or_default();
        if self.options.enable(rule, &own) {
            self.warnings.push(Warning { rule, message: message.into(), span });
        }
    }

    /// The options it was made with.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Findings in order.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// The names of the rules that fired, sorted, each once: the text of `error=true`.
    pub fn rule_names(&self) -> Vec<&'static str> {
        let names: BTreeSet<_> = self.warnings.iter().map(|warning| warning.rule.name).collect();
        names.into_iter().collect()
    }
}

/// Runs the rules that need no values: groups 1 to 4 of the official order.
pub fn check(dockerfile: &Dockerfile, sink: &mut Sink) {
    check_instructions(dockerfile, sink);
    let mut names = BTreeSet::new();
    for stage in &dockerfile.stages {
        reserved_stage_name::check(&stage.from, sink);
        duplicate_stage_name::check(&stage.from, &mut names, sink);
    }
    consistent_instruction_casing::check(dockerfile, sink);
}

/// Runs the rules that look at one instruction at a time: groups 1 and 2 of the official order.
///
/// For a file that could not be read to its end: what stands before the error is linted all the same.
pub fn check_instructions(dockerfile: &Dockerfile, sink: &mut Sink) {
    no_empty_continuation::check(dockerfile, sink);
    for arg in &dockerfile.global_args {
        invalid_definition_description::check_arg(arg, sink);
    }
    for stage in &dockerfile.stages {
        stage_name_casing::check(&stage.from, sink);
        from_as_casing::check(&stage.from, sink);
        invalid_definition_description::check_stage(&stage.from, sink);
        for instruction in &stage.instructions {
            maintainer_deprecated::check(instruction, sink);
            invalid_definition_description::check_arg(instruction, sink);
        }
    }
}

/// [`check_instructions`] for a file that could not be read to its end.
pub fn check_outcome(outcome: &Outcome, sink: &mut Sink) {
    check_instructions(&outcome.dockerfile, sink);
    match &outcome.refused {
        Some(Parsed::Stage(from)) => {
            stage_name_casing::check(from, sink);
            from_as_casing::check(from, sink);
        }
        Some(Parsed::Instruction(instruction)) => maintainer_deprecated::check(instruction, sink),
        None => {}
    }
}

#[cfg(test)]
mod tests;
