//! LLB: the build graph, from typed ops to the bytes whose digests name the vertices.

mod caps;
mod definition;
mod encode;
mod exec;
mod file;
mod import;
pub(crate) mod json;
mod marshal;
mod metadata;
pub mod op;
pub(crate) mod proto_json;
pub(crate) mod remote;
pub(crate) mod sources;
#[cfg(test)]
#[expect(clippy::unnecessary_wraps, reason = "a state is an option wherever it is used")]
mod tests;

pub use caps::Caps;
pub use definition::{Definition, Marshalled, SourceMap};
pub use import::ImportError;

use crate::dockerfile::source::Span;
use crate::image::platform::Platform;
use crate::proto::pb;
use op::Op;

/// Index of a node in its [`Graph`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeId(pub(crate) u32);

/// One output of a node, used as an input elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Output {
    pub node: NodeId,
    pub index: u32,
}

impl NodeId {
    /// The node's first output.
    pub fn output(self) -> Output {
        Output { node: self, index: 0 }
    }
}

/// A file system made by the graph; `None` is scratch.
pub type State = Option<Output>;

/// What goes into `OpMetadata` and the source map; no part of the digest.
#[derive(Clone, Debug, Default)]
pub struct NodeMeta {
    /// `llb.customname`.
    pub name: Option<String>,
    /// `com.docker.dockerfile.v1.command`.
    pub command: Option<String>,
    pub ignore_cache: bool,
    pub progress_group: Option<ProgressGroup>,
    pub linux_resources: Option<LinuxResources>,
    /// Places in the Dockerfile; one location each.
    pub spans: Vec<Span>,
}

#[derive(Clone, Debug)]
pub struct ProgressGroup {
    pub id: String,
    pub name: String,
    pub weak: bool,
}

/// Units as in `docker run`: bytes, CPU shares, microseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinuxResources {
    pub memory: i64,
    pub memory_swap: i64,
    pub cpu_shares: u64,
    pub cpu_period: u64,
    pub cpu_quota: i64,
    pub cpuset_cpus: String,
    pub cpuset_mems: String,
}

/// A vertex before marshalling.
#[derive(Clone, Debug)]
pub struct Node {
    pub op: Op,
    /// Set only on exec, image and oci-layout ops (dockerfile-semantics 12.1).
    pub platform: Option<Platform>,
    pub meta: NodeMeta,
}

/// An arena of nodes; equal nodes marshal to one vertex.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    nodes: Vec<Node>,
    /// Source maps of imported definitions, by vertex digest.
    foreign_sources: Vec<pb::Source>,
}

impl Graph {
    /// Adds a node; its inputs must be outputs of nodes already in this graph.
    pub fn add(&mut self, op: Op, platform: Option<Platform>, meta: NodeMeta) -> NodeId {
        let id = u32::try_from(self.nodes.len()).expect("a Dockerfile has fewer than 2^32 vertices");
        self.nodes.push(Node { op, platform, meta });
        NodeId(id)
    }

    /// The node.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// The node, to complete what is known only after lowering (the paths used from a local source).
    pub fn node_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id.0 as usize]
    }
}
