//! Source files and metadata of definitions as the JSON that Go makes of its own structs.
//!
//! Error details and answers to requests carry it; it is not proto3-JSON, which is [`super::proto_json`].

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::dockerfile::source::Span;
use crate::llb::{Definition, SourceMap, encode, sources};
use crate::proto::pb;

/// `pb.SourceInfo`.
#[derive(Serialize)]
pub(crate) struct Info<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    filename: &'a str,
    #[serde(skip_serializing_if = "String::is_empty")]
    data: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    definition: Option<Load<'a>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    language: &'a str,
}

impl<'a> Info<'a> {
    pub(crate) fn of(source: &'a SourceMap) -> Self {
        Self {
            filename: &source.filename,
            data: STANDARD.encode(&source.data),
            definition: source.definition.as_ref().map(|Definition(definition)| Load::of(definition)),
            language: &source.language,
        }
    }

    fn of_message(info: &'a pb::SourceInfo) -> Self {
        Self {
            filename: &info.filename,
            data: STANDARD.encode(&info.data),
            definition: info.definition.as_ref().map(Load::of),
            language: &info.language,
        }
    }
}

/// `pb.Definition`: how a file was loaded.
#[derive(Serialize)]
struct Load<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    def: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<&'a str, Metadata<'a>>,
    #[serde(rename = "Source", skip_serializing_if = "Option::is_none")]
    source: Option<Source<'a>>,
}

impl<'a> Load<'a> {
    fn of(definition: &'a pb::Definition) -> Self {
        Self {
            def: definition.def.iter().map(|op| STANDARD.encode(op)).collect(),
            metadata: metadata(definition),
            source: Source::of_all(definition),
        }
    }
}

/// The metadata of each vertex, by digest.
pub(crate) fn metadata(definition: &pb::Definition) -> BTreeMap<&str, Metadata<'_>> {
    definition.metadata.iter().map(|(vertex, meta)| (vertex.as_str(), Metadata::of(meta))).collect()
}

/// `pb.OpMetadata`.
#[derive(Serialize)]
pub(crate) struct Metadata<'a> {
    #[serde(skip_serializing_if = "is_false")]
    ignore_cache: bool,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    description: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    export_cache: Option<ExportCache>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    caps: &'a BTreeMap<String, bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    progress_group: Option<ProgressGroup<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    linux_resources: Option<LinuxResources<'a>>,
}

impl<'a> Metadata<'a> {
    fn of(meta: &'a pb::OpMetadata) -> Self {
        Self {
            ignore_cache: meta.ignore_cache,
            description: &meta.description,
            export_cache: meta.export_cache.as_ref().map(|cache| ExportCache { value: cache.value }),
            caps: &meta.caps,
            progress_group: meta.progress_group.as_ref().map(|group| ProgressGroup {
                id: &group.id,
                name: &group.name,
                weak: group.weak,
            }),
            linux_resources: meta.linux_resources.as_ref().map(|limits| LinuxResources {
                memory: limits.memory,
                memory_swap: limits.memory_swap,
                cpu_shares: limits.cpu_shares,
                cpu_period: limits.cpu_period,
                cpu_quota: limits.cpu_quota,
                cpuset_cpus: &limits.cpuset_cpus,
                cpuset_mems: &limits.cpuset_mems,
            }),
        }
    }
}

#[derive(Serialize)]
struct ExportCache {
    #[serde(rename = "Value", skip_serializing_if = "is_false")]
    value: bool,
}

#[derive(Serialize)]
struct ProgressGroup<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
    #[serde(skip_serializing_if = "is_false")]
    weak: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LinuxResources<'a> {
    #[serde(skip_serializing_if = "is_zero")]
    memory: i64,
    #[serde(skip_serializing_if = "is_zero")]
    memory_swap: i64,
    #[serde(skip_serializing_if = "is_zero")]
    cpu_shares: u64,
    #[serde(skip_serializing_if = "is_zero")]
    cpu_period: u64,
    #[serde(skip_serializing_if = "is_zero")]
    cpu_quota: i64,
    #[serde(skip_serializing_if = "str::is_empty")]
    cpuset_cpus: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    cpuset_mems: &'a str,
}

#[derive(Serialize)]
struct Source<'a> {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    locations: BTreeMap<String, Locations>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    infos: Vec<Info<'a>>,
}

impl<'a> Source<'a> {
    /// The places of all vertices: the official client lists those without a place too.
    fn of_all(definition: &'a pb::Definition) -> Option<Self> {
        let (_, vertices) = definition.def.split_last()?;
        let places = |vertex: &String| definition.source.as_ref()?.locations.get(vertex);
        let locations = vertices.iter().map(|op| encode::digest(op)).map(|vertex| {
            let locations = places(&vertex).map(|places| &places.locations[..]).unwrap_or_default();
            let locations = locations.iter().map(Location::of_message).collect();
            (vertex, Locations { locations })
        });
        let locations = locations.collect();
        let infos = definition.source.iter().flat_map(|source| &source.infos).map(Info::of_message);
        Some(Self { locations, infos: infos.collect() })
    }
}

#[derive(Serialize)]
struct Locations {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    locations: Vec<Location>,
}

/// `pb.Location`: lines of a source file.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Location {
    #[serde(skip_serializing_if = "is_zero")]
    source_index: i32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ranges: Vec<Range>,
}

impl Location {
    /// Lines of the first file, one range for each.
    pub(crate) fn of(spans: &[Span]) -> Self {
        Self { source_index: 0, ranges: sources::ranges(spans).iter().map(Range::of).collect() }
    }

    fn of_message(location: &pb::Location) -> Self {
        Self { source_index: location.source_index, ranges: location.ranges.iter().map(Range::of).collect() }
    }
}

#[derive(Debug, Serialize)]
struct Range {
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<Position>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<Position>,
}

impl Range {
    fn of(range: &pb::Range) -> Self {
        Self { start: range.start.map(Position::of), end: range.end.map(Position::of) }
    }
}

#[derive(Debug, Serialize)]
struct Position {
    #[serde(skip_serializing_if = "is_zero")]
    line: i32,
    #[serde(skip_serializing_if = "is_zero")]
    character: i32,
}

impl Position {
    fn of(position: pb::Position) -> Self {
        Self { line: position.line, character: position.character }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

fn is_zero<T: PartialEq + Default>(value: &T) -> bool {
    *value == T::default()
}
