//! Definitions: a marshalled graph, as it travels to the daemon and back.

use std::collections::BTreeMap;

use prost::Message;

use crate::llb::NodeId;
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

    /// The digest of the vertex that makes the result; `None` for scratch.
    pub fn result_vertex(&self) -> Option<String> {
        let terminal = pb::Op::decode(self.0.def.last()?.as_slice()).ok()?;
        terminal.inputs.first().map(|input| input.digest.clone())
    }
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
