//! Source files and lines on the wire.

use crate::dockerfile::source::Span;
use crate::llb::SourceMap;
use crate::proto::pb;

/// The file, as clients print excerpts of it.
pub(crate) fn info(source: &SourceMap) -> pb::SourceInfo {
    pb::SourceInfo {
        filename: source.filename.clone(),
        data: source.data.clone(),
        definition: source.definition.as_ref().map(|definition| definition.0.clone()),
        language: source.language.clone(),
    }
}

/// One range for each line, as clients expect it.
pub(crate) fn ranges(spans: &[Span]) -> Vec<pb::Range> {
    let line = |line: u32| pb::Position { line: line.try_into().unwrap_or(i32::MAX), character: 0 };
    spans
        .iter()
        .flat_map(|span| span.first..=span.last)
        .map(|number| pb::Range { start: Some(line(number)), end: Some(line(number)) })
        .collect()
}
