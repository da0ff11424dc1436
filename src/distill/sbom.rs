//! The exec step that describes a distroless stage: it sees the final tree alone, so that no builder is needed for it.

use super::step::{self, Assembled, Names, OUT_DIR, OwnImage};
use crate::llb::op::Op;
use crate::llb::{Caps, Graph, NodeMeta, Output};

/// Where the tree is mounted.
pub const TREE_DIR: &str = "/in/tree";
/// The document in the step's output. `BuildKit` adds the layers of files to one of a name that starts so.
pub const DOCUMENT_FILE: &str = "sbom.spdx.json";

/// Adds the description of a stage; `created` is the time that the document has (`1970-01-01T00:00:00Z`).
pub fn add(graph: &mut Graph, own: &OwnImage, caps: &Caps, stage: &Assembled, created: &str) -> Output {
    let tree = step::readonly(TREE_DIR, stage.tree, step::content_cache(caps));
    let exec = step::exec(own, &["sbom", created], vec![tree]);
    let index = exec.output_of(OUT_DIR).expect("the mount was just added");
    let name = Some(Names { label: &stage.label }.plain("sbom"));
    let node = graph.add(
        Op::Exec(Box::new(exec)),
        Some(own.platform.clone()),
        NodeMeta { name, ..NodeMeta::default() },
    );
    Output { node, index }
}
