//! Build errors as `google.rpc.Status` with the details that make clients draw the excerpt.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::diagnostic::Diagnostic;
use crate::dockerfile::source::Span;
use crate::gateway::{BuildError, Failure};
use crate::image::json;
use crate::llb::SourceMap;
use crate::proto::google::protobuf::Any;
use crate::proto::google::rpc::Status;

/// gRPC codes that we return.
const UNKNOWN: i32 = 2;
const UNIMPLEMENTED: i32 = 12;
const INTERNAL: i32 = 13;

/// The status that ends a build; spans are lines of `source`.
pub(super) fn status(error: &BuildError, source: Option<&SourceMap>) -> Status {
    match error {
        BuildError::Diagnostic(diagnostic) => {
            Status { code: UNKNOWN, message: diagnostic.text(), details: excerpts(&diagnostic.spans, source) }
        }
        BuildError::Daemon { failure, at } => daemon(failure, at.as_deref(), source),
        BuildError::UnsupportedCap(name) => Status {
            code: UNIMPLEMENTED,
            message: format!("unsupported frontend capability {name}"),
            details: vec![detail("errdefs.FrontendCap", &Named { name })],
        },
        BuildError::UnsupportedRequest(name) => Status {
            code: UNKNOWN,
            message: format!("unsupported request {name}"),
            details: vec![detail("errdefs.Subrequest", &Named { name })],
        },
        BuildError::Bug(what) => Status {
            code: INTERNAL,
            message: format!("decant crashed: {what}; this is a bug in decant, not in your Dockerfile"),
            details: Vec::new(),
        },
    }
}

/// The daemon's error with its own details; ours are added only where it has none.
fn daemon(failure: &Failure, at: Option<&Diagnostic>, source: Option<&SourceMap>) -> Status {
    let mut details: Vec<Any> = failure
        .details
        .iter()
        .map(|detail| Any { type_url: detail.type_url.clone(), value: detail.value.clone() })
        .collect();
    if let Some(at) = at
        && !failure.has_source()
    {
        details.extend(excerpts(&at.spans, source));
    }
    Status {
        // A Return with code 0 fails.
        code: if failure.code == 0 { UNKNOWN } else { failure.code },
        message: at.map_or_else(|| failure.message.clone(), Diagnostic::text),
        details,
    }
}

/// One excerpt for each span; a span is a block of its own.
fn excerpts(spans: &[Span], source: Option<&SourceMap>) -> Vec<Any> {
    let Some(source) = source else { return Vec::new() };
    let info =
        Info { filename: &source.filename, data: STANDARD.encode(&source.data), language: &source.language };
    spans
        .iter()
        .map(|span| {
            let position = |line| Position { line };
            let ranges = (span.first..=span.last)
                .map(|line| Range { start: position(line), end: position(line) })
                .collect();
            detail("errdefs.Source", &Excerpt { info: &info, ranges })
        })
        .collect()
}

/// A detail in the form that the daemon's own errors have: JSON bytes under a Go type name.
fn detail(name: &str, value: &impl Serialize) -> Any {
    Any { type_url: format!("github.com/moby/buildkit/{name}+json"), value: json::to_vec(value) }
}

#[derive(Serialize)]
struct Named<'a> {
    name: &'a str,
}

#[derive(Serialize)]
struct Excerpt<'a> {
    info: &'a Info<'a>,
    ranges: Vec<Range>,
}

#[derive(Serialize)]
struct Info<'a> {
    filename: &'a str,
    data: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    language: &'a str,
}

#[derive(Serialize)]
struct Range {
    start: Position,
    end: Position,
}

#[derive(Serialize)]
struct Position {
    #[serde(skip_serializing_if = "is_zero")]
    line: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(line: &u32) -> bool {
    *line == 0
}
