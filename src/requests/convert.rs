//! `frontend.convertllb`: the build graph as JSON, for programs.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Answer;
use crate::image::json;
use crate::llb::Definition;
use crate::llb::json::{Metadata, metadata};
use crate::llb::proto_json::Message;

/// The name of the request.
pub const NAME: &str = "frontend.convertllb";

#[derive(Serialize)]
struct Document<'a> {
    /// Digest → op.
    def: BTreeMap<String, Message>,
    metadata: BTreeMap<&'a str, Metadata<'a>>,
    source: Message,
}

/// The graph of a target; scratch has no ops.
///
/// # Errors
/// Ops of a frontend input that are no ops.
pub fn answer(definition: &Definition) -> Result<Answer, String> {
    let mut def = BTreeMap::new();
    for (digest, bytes) in definition.ops_by_digest() {
        def.insert(digest, Message::op(bytes).map_err(|error| error.to_string())?);
    }
    let source = Message::source(&definition.source_bytes()).map_err(|error| error.to_string())?;
    let document = Document { def, metadata: metadata(&definition.0), source };
    Ok(Answer { version: "0.1.0", json: json::to_pretty(&document), text: None, wrong: None })
}
