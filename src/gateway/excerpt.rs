//! The error details from which clients draw the lines of a file that an error is about.
//!
//! They are `errdefs.Source` messages in the JSON that Go makes of its own structs, not proto3-JSON.

use serde::Serialize;

use crate::dockerfile::source::Span;
use crate::image::json;
use crate::llb::SourceMap;
use crate::llb::json::Info;
use crate::proto::google::protobuf::Any;

/// One excerpt for each span; a span is a block of its own.
pub(super) fn details(spans: &[Span], source: Option<&SourceMap>) -> Vec<Any> {
    let Some(source) = source else { return Vec::new() };
    let info = Info::of(source);
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
pub(super) fn detail(name: &str, value: &impl Serialize) -> Any {
    Any { type_url: format!("github.com/moby/buildkit/{name}+json"), value: json::to_vec(value) }
}

#[derive(Serialize)]
struct Excerpt<'a> {
    info: &'a Info<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ranges: Vec<Range>,
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
