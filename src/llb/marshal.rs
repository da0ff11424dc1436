//! From nodes to the bytes whose digests name the vertices.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;

use crate::dockerfile::source::Span;
use crate::llb::encode::{self, Member};
use crate::llb::file::Inputs;
use crate::llb::op::{Op, RawOp};
use crate::llb::{
    Caps, Definition, Graph, Marshalled, Node, NodeId, Output, SourceMap, State, exec, file, metadata,
    sources,
};
use crate::proto::pb;

impl Graph {
    /// Encodes what `result` is made of: inputs depth first, each distinct op once, the terminal op last.
    ///
    /// `file` is the file that the nodes' spans point into. `caps` are the daemon's LLB caps: without
    /// `exec.meta.setsdefaultpath` exec ops get the default `PATH` here. Scratch gives the empty definition.
    pub fn marshal(&self, result: State, file: &SourceMap, caps: &Caps) -> Marshalled {
        let Some(result) = result else { return Marshalled::default() };
        let mut building = Building::default();
        for id in self.below(result.node) {
            building.add(id, self.node(id), caps);
        }
        let mut source = building.source(file);
        for foreign in &self.foreign_sources {
            append_foreign(&mut source, foreign, &building.metadata);
        }
        let terminal = encode::terminal_op(building.input(result));
        building.metadata.insert(encode::digest(&terminal), metadata::terminal(&building.metadata));
        building.ops.push(terminal);
        let definition = pb::Definition {
            def: building.ops,
            metadata: building.metadata,
            source: (!source.infos.is_empty()).then_some(source),
        };
        Marshalled { definition: Definition(definition), digests: building.digests }
    }

    /// The nodes below `root` and itself, inputs first. A stack of its own: Dockerfiles may be long.
    pub(crate) fn below(&self, root: NodeId) -> Vec<NodeId> {
        let mut order = Vec::new();
        let mut entered = BTreeSet::from([root]);
        let mut stack = vec![(root, self.inputs(root).into_iter())];
        while let Some((id, inputs)) = stack.last_mut() {
            match inputs.next() {
                Some(input) if entered.insert(input.node) => {
                    stack.push((input.node, self.inputs(input.node).into_iter()));
                }
                Some(_) => {}
                None => {
                    order.push(*id);
                    stack.pop();
                }
            }
        }
        order
    }

    /// The inputs of a node in the order in which the official client visits them, which is not
    /// that of the op's own inputs: a file op's last action comes first.
    fn inputs(&self, id: NodeId) -> Vec<Output> {
        match &self.node(id).op {
            Op::Source(_) => Vec::new(),
            Op::Exec(exec) => {
                exec::file_systems(exec).into_iter().filter_map(|mount| mount.kind.source()).collect()
            }
            // The base, then the sources from the last to the first, as the official client walks them.
            Op::File(file) => {
                let sources = file.actions.iter().rev().filter_map(|action| match action {
                    super::op::FileAction::Copy(copy) => copy.source,
                    _ => None,
                });
                file.base.into_iter().chain(sources).collect()
            }
            Op::Merge(inputs) => inputs.clone(),
            Op::Diff { lower, upper } => lower.iter().chain(upper).copied().collect(),
            Op::Raw(raw) => raw.inputs.clone(),
        }
    }
}

/// A definition that grows vertex by vertex.
#[derive(Default)]
struct Building {
    ops: Vec<Vec<u8>>,
    metadata: BTreeMap<String, pb::OpMetadata>,
    digests: BTreeMap<NodeId, String>,
    locations: BTreeMap<String, Vec<Span>>,
}

impl Building {
    fn add(&mut self, id: NodeId, node: &Node, caps: &Caps) {
        let (bytes, metadata) = self.encode(node, caps);
        let digest = encode::digest(&bytes);
        if let Some(known) = self.metadata.get_mut(&digest) {
            metadata::merge(known, metadata);
        } else {
            self.metadata.insert(digest.clone(), metadata);
            self.ops.push(bytes);
        }
        if !node.meta.spans.is_empty() {
            let spans = self.locations.entry(digest.clone()).or_default();
            for span in &node.meta.spans {
                // Each image that a mount names has its own place, which is none.
                if span.first == 0 || !spans.contains(span) {
                    spans.push(*span);
                }
            }
        }
        self.digests.insert(id, digest);
    }

    fn encode(&self, node: &Node, caps: &Caps) -> (Vec<u8>, pb::OpMetadata) {
        let digest_of = |output| self.input(output);
        let mut inputs = Inputs::new(&digest_of);
        let (member, needed) = match &node.op {
            Op::Raw(raw) => return (raw.bytes.clone(), raw_metadata(raw)),
            Op::Source(source) => (Member::Source(source.clone()), metadata::source_caps(source)),
            Op::Exec(exec) => exec::member(exec, caps, &mut inputs),
            Op::File(file) => (file::member(file, &mut inputs), metadata::file_caps(file)),
            Op::Merge(operands) => {
                let operands = operands
                    .iter()
                    .map(|operand| pb::MergeInput { input: inputs.push(Some(*operand)) })
                    .collect();
                (Member::Merge(pb::MergeOp { inputs: operands }), BTreeSet::from(["mergeop"]))
            }
            Op::Diff { lower, upper } => {
                let diff = pb::DiffOp {
                    lower: Some(pb::LowerDiffInput { input: inputs.push(*lower) }),
                    upper: Some(pb::UpperDiffInput { input: inputs.push(*upper) }),
                };
                (Member::Diff(diff), BTreeSet::from(["diffop"]))
            }
        };
        let bytes = encode::op(inputs.into_table(), node.platform.as_ref(), member);
        (bytes, metadata::of(&node.meta, needed))
    }

    /// How another op names an output.
    fn input(&self, output: Output) -> pb::Input {
        let digest = self.digests.get(&output.node).cloned();
        pb::Input {
            digest: digest.expect("inputs are encoded before the ops that use them"),
            index: i64::from(output.index),
        }
    }

    /// Where in `file` each vertex comes from; without infos when no vertex has a place.
    fn source(&mut self, file: &SourceMap) -> pb::Source {
        if self.locations.is_empty() {
            return pb::Source::default();
        }
        let locations = std::mem::take(&mut self.locations)
            .into_iter()
            .map(|(digest, spans)| {
                let locations = spans
                    .into_iter()
                    .map(|span| pb::Location {
                        source_index: 0,
                        // A vertex without a line of its own still says which file it comes from.
                        ranges: if span.first == 0 { Vec::new() } else { sources::ranges(&[span]) },
                    })
                    .collect();
                (digest, pb::Locations { locations })
            })
            .collect();
        pb::Source { locations, infos: vec![sources::info(file)] }
    }
}

/// Metadata of a foreign op; never empty.
///
/// prost leaves out a map value that is an empty message, and buildkitd crashes on a map entry
/// without value. Every op needs the cap named here anyway.
fn raw_metadata(raw: &RawOp) -> pb::OpMetadata {
    let mut metadata = pb::OpMetadata::decode(raw.metadata.as_slice()).unwrap_or_default();
    if metadata == pb::OpMetadata::default() {
        metadata.caps.insert("constraints".to_owned(), true);
    }
    metadata
}

/// Adds the places of a foreign definition, its file indexes shifted behind the ones that are there.
fn append_foreign(
    source: &mut pb::Source,
    foreign: &pb::Source,
    vertices: &BTreeMap<String, pb::OpMetadata>,
) {
    let used = foreign.locations.iter().filter(|(digest, _)| vertices.contains_key(*digest));
    let shift = i32::try_from(source.infos.len()).unwrap_or(i32::MAX);
    let files = i32::try_from(foreign.infos.len()).unwrap_or(i32::MAX);
    let mut any = false;
    for (digest, locations) in used {
        let shifted: Vec<pb::Location> = locations
            .locations
            .iter()
            // The daemon refuses a definition with an index that no file has.
            .filter(|location| (0..files).contains(&location.source_index))
            .map(|location| pb::Location {
                source_index: location.source_index.saturating_add(shift),
                ranges: location.ranges.clone(),
            })
            .collect();
        // An entry without a location is encoded without a value, which the daemon refuses as nil.
        if !shifted.is_empty() {
            source.locations.entry(digest.clone()).or_default().locations.extend(shifted);
            any = true;
        }
    }
    // An entry without places would be a map entry without value: see `raw_metadata`.
    source.locations.retain(|_, locations| !locations.locations.is_empty());
    if any {
        source.infos.extend(foreign.infos.iter().cloned());
    }
}
