//! Foreign definitions (`frontend.bin`, frontend inputs) as nodes that keep their bytes.

use std::collections::BTreeMap;

use prost::Message;

use crate::llb::op::{Op, RawOp};
use crate::llb::{Definition, Graph, NodeId, NodeMeta, Output, State, encode};
use crate::proto::pb;

/// Why a definition cannot be part of a graph.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    #[error("op {index} of the definition is no valid protobuf message")]
    Op { index: usize },
    #[error("op {index} of the definition needs `{digest}`, which no op before it has")]
    MissingInput { index: usize, digest: String },
    #[error("op {index} of the definition uses output {output} of an op")]
    Output { index: usize, output: i64 },
    #[error("the definition names no result")]
    NoResult,
}

impl Graph {
    /// Adds the ops of `definition` as they are and returns its result.
    ///
    /// # Errors
    /// [`ImportError`] when the definition is broken.
    pub fn import(&mut self, definition: &Definition) -> Result<State, ImportError> {
        let Definition(foreign) = definition;
        let Some((terminal, ops)) = foreign.def.split_last() else { return Ok(None) };
        let mut nodes = BTreeMap::new();
        for (index, bytes) in ops.iter().enumerate() {
            let inputs = inputs(bytes, index, &nodes)?;
            let digest = encode::digest(bytes);
            let metadata = foreign.metadata.get(&digest).map(Message::encode_to_vec);
            let op = RawOp { bytes: bytes.clone(), inputs, metadata: metadata.unwrap_or_default() };
            nodes.insert(digest, self.add(Op::Raw(op), None, NodeMeta::default()));
        }
        let result = inputs(terminal, ops.len(), &nodes)?;
        self.foreign_sources.extend(foreign.source.clone());
        result.first().copied().map(Some).ok_or(ImportError::NoResult)
    }
}

/// The inputs of an op as outputs of nodes that are there already.
fn inputs(bytes: &[u8], index: usize, nodes: &BTreeMap<String, NodeId>) -> Result<Vec<Output>, ImportError> {
    let op = pb::Op::decode(bytes).map_err(|_| ImportError::Op { index })?;
    op.inputs
        .into_iter()
        .map(|input| {
            let node =
                *nodes.get(&input.digest).ok_or(ImportError::MissingInput { index, digest: input.digest })?;
            let output =
                u32::try_from(input.index).map_err(|_| ImportError::Output { index, output: input.index })?;
            Ok(Output { node, index: output })
        })
        .collect()
}
