//! The error details from which clients draw the lines of a file that an error is about.
//!
//! They are `errdefs.Source` messages in the JSON that Go makes of its own structs, not proto3-JSON.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::dockerfile::source::Span;
use crate::gateway::status::detail;
use crate::llb::{Definition, SourceMap};
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

#[derive(Serialize)]
struct Excerpt<'a> {
    info: &'a Info<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ranges: Vec<Range>,
}

#[derive(Serialize)]
struct Info<'a> {
    filename: &'a str,
    data: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    definition: Option<Load<'a>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    language: &'a str,
}

impl<'a> Info<'a> {
    fn of(source: &'a SourceMap) -> Self {
        Self {
            filename: &source.filename,
            data: STANDARD.encode(&source.data),
            definition: source.definition.as_ref().map(Load::of),
            language: &source.language,
        }
    }
}

/// How the file was loaded: a definition of one source, which has no other metadata than this.
#[derive(Serialize)]
struct Load<'a> {
    def: Vec<String>,
    metadata: BTreeMap<&'a str, Metadata<'a>>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    description: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    caps: &'a BTreeMap<String, bool>,
}

impl<'a> Load<'a> {
    fn of(definition: &'a Definition) -> Self {
        let metadata = definition.0.metadata.iter().map(|(vertex, metadata)| {
            (vertex.as_str(), Metadata { description: &metadata.description, caps: &metadata.caps })
        });
        Self {
            def: definition.0.def.iter().map(|op| STANDARD.encode(op)).collect(),
            metadata: metadata.collect(),
        }
    }
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
