//! Definitions: a marshalled graph, as it travels to the daemon and back.

use std::collections::BTreeMap;

use prost::Message;

use crate::image::platform::Platform;
use crate::llb::op::SourceOp;
use crate::llb::{NodeId, encode};
use crate::proto::pb;

/// A marshalled graph. Without ops it is scratch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Definition(pub(crate) pb::Definition);

impl Definition {
    /// Reads the protobuf form, as in `frontend.bin`.
    ///
    /// # Errors
    /// When `bytes` are no `pb.Definition`.
    pub fn decode(bytes: &[u8]) -> Result<Self, prost::DecodeError> {
        pb::Definition::decode(bytes).map(Self)
    }

    /// The protobuf form.
    pub fn encode(&self) -> Vec<u8> {
        self.0.encode_to_vec()
    }

    /// Whether it stands for an empty file system.
    pub fn is_scratch(&self) -> bool {
        self.0.def.is_empty()
    }

    /// The ops as encoded, inputs before users; the last one only names the result.
    pub fn ops(&self) -> &[Vec<u8>] {
        &self.0.def
    }

    /// Takes a cap out of what a vertex needs.
    pub fn forget_cap(&mut self, vertex: &str, cap: &str) {
        if let Some(metadata) = self.0.metadata.get_mut(vertex) {
            metadata.caps.remove(cap);
        }
    }

    /// The ops with their digests.
    pub fn ops_by_digest(&self) -> impl Iterator<Item = (String, &[u8])> {
        self.0.def.iter().map(|bytes| (encode::digest(bytes), bytes.as_slice()))
    }

    /// Its source ops.
    pub fn sources(&self) -> impl Iterator<Item = SourceOp> {
        let ops = self.0.def.iter().filter_map(|bytes| pb::Op::decode(bytes.as_slice()).ok());
        ops.filter_map(|op| match op.op? {
            pb::op::Op::Source(source) => {
                Some(SourceOp { identifier: source.identifier, attrs: source.attrs })
            }
            _ => None,
        })
    }

    /// Its `pb.Source` as protobuf bytes: which lines of which files the vertices come from.
    ///
    /// Not for the wire: as in the official client all vertices have an entry, and the daemon refuses one without
    /// a place.
    pub fn source_bytes(&self) -> Vec<u8> {
        all_places(&self.0).map(|source| source.encode_to_vec()).unwrap_or_default()
    }

    /// The digest of the vertex that makes the result; `None` for scratch.
    pub fn result_vertex(&self) -> Option<String> {
        let terminal = pb::Op::decode(self.0.def.last()?.as_slice()).ok()?;
        terminal.inputs.first().map(|input| input.digest.clone())
    }
}

impl Definition {
    /// What its result was built for: the platform of the op that makes it, or of the nearest one below that has
    /// one (file ops have none).
    pub fn platform(&self) -> Option<Platform> {
        let (terminal, ops) = self.0.def.split_last()?;
        let mut wanted = first_input(terminal)?;
        // Inputs stand before their users, so one pass downwards meets the whole chain.
        for bytes in ops.iter().rev() {
            if encode::digest(bytes) != wanted {
                continue;
            }
            let op = pb::Op::decode(bytes.as_slice()).ok()?;
            if let Some(platform) = op.platform {
                return Some(platform.into());
            }
            wanted = op.inputs.into_iter().next()?.digest;
        }
        None
    }
}

fn all_places(definition: &pb::Definition) -> Option<pb::Source> {
    let (_, vertices) = definition.def.split_last()?;
    let mut source = definition.source.clone().unwrap_or_default();
    for op in vertices {
        source.locations.entry(encode::digest(op)).or_default();
    }
    for info in &mut source.infos {
        if let Some(load) = &mut info.definition {
            load.source = all_places(load);
        }
    }
    Some(source)
}

fn first_input(op: &[u8]) -> Option<String> {
    Some(pb::Op::decode(op).ok()?.inputs.into_iter().next()?.digest)
}

/// A definition with the digest of each node that is part of it.
#[derive(Clone, Debug, Default)]
pub struct Marshalled {
    pub definition: Definition,
    /// `sha256:…` of each node below the result.
    pub digests: BTreeMap<NodeId, String>,
}

/// The file that spans point into.
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    pub filename: String,
    pub data: Vec<u8>,
    /// `Dockerfile` for Dockerfiles.
    pub language: String,
    /// The load of the file itself.
    pub definition: Option<Definition>,
}
