//! Source nodes of named contexts.

use std::collections::{BTreeMap, BTreeSet};

use super::Lowering;
use crate::image::json;
use crate::image::platform::Platform;
use crate::llb::op::{Op, SourceOp};
use crate::llb::remote;
use crate::llb::{Graph, NodeId, NodeMeta, State};
use crate::stage::{ContextBase, ContextSource, StageId};

impl Lowering<'_> {
    /// The file system of a named context; `platform` is that of the stage it stands for.
    pub(super) fn context_state(&mut self, id: StageId, context: &ContextBase, platform: &Platform) -> State {
        let key = &context.key;
        let session = &self.request.options.session;
        let named = |name: String| NodeMeta { name: Some(name), ..NodeMeta::default() };
        let (op, platform, meta) = match &context.source {
            ContextSource::Scratch | ContextSource::Given { .. } => return None,
            ContextSource::Input { loaded, .. } => return loaded.as_ref().and_then(|input| input.state),
            ContextSource::Image { written, known } => {
                // Not pinned by digest: the official frontend names the image as resolved, tag only.
                let reference = known.as_ref().map_or(written, |known| &known.unpinned);
                let op =
                    SourceOp { identifier: format!("docker-image://{reference}"), attrs: BTreeMap::new() };
                (op, Some(platform.clone()), named(format!("[context {key}] {written}")))
            }
            ContextSource::OciLayout { reference, store, .. } => {
                let op = SourceOp {
                    identifier: format!("oci-layout://{reference}"),
                    attrs: BTreeMap::from([
                        ("oci.session".to_owned(), session.clone()),
                        ("oci.store".to_owned(), store.clone()),
                    ]),
                };
                (op, Some(platform.clone()), named(format!("[context {key}] OCI load from client")))
            }
            ContextSource::Local { name, ignore } => {
                let op = self.local_source(key, name, ignore.as_deref().unwrap_or_default());
                (op, None, named(format!("[context {key}] load from client")))
            }
            ContextSource::Git { written, git } => {
                let op = remote::git_source(git, self.request.options.git_advice);
                (op, None, named(format!("[internal] load git source {written}")))
            }
            ContextSource::Http(url) => {
                let op = SourceOp {
                    identifier: url.clone(),
                    attrs: BTreeMap::from([("http.filename".to_owned(), "context".to_owned())]),
                };
                (op, None, named(format!("[context {key}] {url}")))
            }
        };
        let node = self.nodes.add(Op::Source(op), platform, meta);
        if matches!(context.source, ContextSource::Local { .. }) {
            self.local_contexts.push((id, node));
        }
        Some(node.output())
    }

    fn local_source(&self, key: &str, name: &str, ignore: &[String]) -> SourceOp {
        let options = self.request.options;
        let session = options.local_sessions.get(name).unwrap_or(&options.session);
        let plain = key.split("::").next().unwrap_or(key);
        let shared = options.local_shared_keys.get(plain).map_or("", String::as_str);
        let mut attrs = BTreeMap::from([
            ("local.session".to_owned(), session.clone()),
            ("local.sharedkeyhint".to_owned(), format!("context:{key}-{shared}")),
        ]);
        if !ignore.is_empty() {
            attrs.insert("local.excludepatterns".to_owned(), json_text(&ignore));
        }
        SourceOp { identifier: format!("local://{name}"), attrs }
    }
}

/// Narrows a local source to `paths`; `None` leaves it whole.
pub(super) fn follow(nodes: &mut Graph, node: NodeId, paths: Option<BTreeSet<String>>) {
    if let (Some(paths), Op::Source(source)) = (paths, &mut nodes.node_mut(node).op) {
        source.attrs.insert("local.followpaths".to_owned(), json_text(&paths));
    }
}

fn json_text(value: &impl serde::Serialize) -> String {
    String::from_utf8_lossy(&json::to_vec(value)).into_owned()
}
