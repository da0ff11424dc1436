//! `frontend.lint`: the findings of all rules, and the error that a build would end with.

use serde::Serialize;

use super::{Answer, excerpt};
use crate::diagnostic::Diagnostic;
use crate::dockerfile::raw;
use crate::dockerfile::source::Span;
use crate::image::json;
use crate::llb::SourceMap;
use crate::llb::json::{Info, Location};

/// The name of the request.
pub const NAME: &str = "frontend.lint";

/// One finding, in the order in which they are reported.
#[derive(Clone, Debug)]
pub struct Finding {
    pub rule: String,
    pub description: String,
    pub url: String,
    pub message: String,
    /// Empty: no line is to blame.
    pub spans: Vec<Span>,
    /// Whether it makes the verdict bad: what distilling has to say does so only under `strict`.
    pub counts: bool,
}

#[derive(Serialize)]
struct Document<'a> {
    /// `null` if there are none.
    warnings: Option<Vec<Warning<'a>>>,
    sources: [Info<'a>; 1],
    #[serde(rename = "buildError", skip_serializing_if = "Option::is_none")]
    error: Option<BuildError<'a>>,
}

#[derive(Serialize)]
struct Warning<'a> {
    #[serde(rename = "ruleName")]
    rule: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    url: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    detail: &'a str,
    location: Location,
}

#[derive(Serialize)]
struct BuildError<'a> {
    message: &'a str,
    location: Location,
}

/// What is to be said about a Dockerfile; `error` is why it cannot be built.
pub fn answer(source: &SourceMap, findings: &[Finding], error: Option<&Diagnostic>) -> Answer {
    let warnings: Vec<Warning<'_>> = findings
        .iter()
        .map(|finding| Warning {
            rule: &finding.rule,
            description: &finding.description,
            url: &finding.url,
            detail: &finding.message,
            location: Location::of(&finding.spans),
        })
        .collect();
    let text = error.map(Diagnostic::text);
    let document = Document {
        warnings: Some(warnings).filter(|list| !list.is_empty()),
        sources: [Info::of(source)],
        error: error
            .zip(text.as_deref())
            .map(|(error, message)| BuildError { message, location: Location::of(&merged(&error.spans)) }),
    };
    Answer {
        version: "1.0.0",
        json: json::to_pretty(&document),
        text: Some(text_of(source, findings)),
        wrong: Some(findings.iter().any(|finding| finding.counts) || error.is_some()),
    }
}

/// The places of an error, line by line, each line once, in order.
fn merged(spans: &[Span]) -> Vec<Span> {
    let mut lines: Vec<u32> = spans.iter().flat_map(|span| span.first..=span.last).collect();
    lines.sort_unstable();
    lines.dedup();
    lines.into_iter().map(|line| Span::lines(line, line)).collect()
}

fn text_of(source: &SourceMap, findings: &[Finding]) -> String {
    let data = raw::decode(&source.data);
    let lines: Vec<&str> = data.split('\n').collect();
    let mut sorted: Vec<&Finding> = findings.iter().collect();
    // Without a place first, by name; then by line.
    sorted.sort_by(|a, b| match (a.spans.first(), b.spans.first()) {
        (None, None) => a.rule.cmp(&b.rule),
        (a, b) => a.map(|span| span.first).cmp(&b.map(|span| span.first)),
    });
    let mut text = String::new();
    for finding in sorted {
        text.push_str("\nWARNING: ");
        text.push_str(&finding.rule);
        if !finding.url.is_empty() {
            text.push_str(" - ");
            text.push_str(&finding.url);
        }
        text.push('\n');
        text.push_str(&raw::lossy(&finding.message));
        text.push('\n');
        if let (Some(first), Some(last)) = (finding.spans.first(), finding.spans.last()) {
            excerpt::push(&mut text, &source.filename, &lines, Span::lines(first.first, last.last));
        }
    }
    text
}
