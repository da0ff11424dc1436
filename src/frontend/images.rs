//! Answers what stages want to know from the outside: images, ignore files of named contexts, inputs.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::load::read_ignore;
use super::source::local_source;
use crate::diagnostic::Diagnostic;
use crate::gateway::{BuildError, Failure, Gateway, ImageLookup, ImageStore};
use crate::image::json;
use crate::image::platform::Platform;
use crate::llb::op::{Op, SourceOp};
use crate::llb::{Caps, Definition, Graph, NodeMeta, State};
use crate::options::BuildOptions;
use crate::stage::{Answer, ImageRequest, Input, ResolvedImage, WantedKind};

/// What the debug variants take their shell from.
const BUSYBOX: &str = "docker.io/library/busybox:stable-musl";

/// The outside world, as far as stages ask for it. Images are looked up once in a build: several platforms and
/// rounds ask for the same.
pub(super) struct Outside<'a, G> {
    gateway: &'a G,
    options: &'a BuildOptions,
    caps: &'a Caps,
    inputs: &'a BTreeMap<String, Definition>,
    images: RefCell<BTreeMap<String, ResolvedImage>>,
}

/// An answer that still has to become part of a graph.
pub(super) enum Found {
    Answer(Answer),
    Input { name: String, definition: Definition, config: Option<Vec<u8>> },
}

impl Found {
    /// Puts an input's vertices into the graph that lowering goes on with.
    pub(super) fn into_answer(self, nodes: &mut Graph) -> Result<Answer, Diagnostic> {
        match self {
            Self::Answer(answer) => Ok(answer),
            Self::Input { name, definition, config } => {
                let state = nodes
                    .import(&definition)
                    .map_err(|error| Diagnostic::new(format!("frontend input `{name}`: {error}")))?;
                Ok(Answer::Input(Input { state, config }))
            }
        }
    }
}

impl<'a, G: Gateway> Outside<'a, G> {
    pub(super) fn new(
        gateway: &'a G,
        options: &'a BuildOptions,
        caps: &'a Caps,
        inputs: &'a BTreeMap<String, Definition>,
    ) -> Self {
        Self { gateway, options, caps, inputs, images: RefCell::default() }
    }

    /// Finds out one thing.
    pub(super) async fn find(&self, wanted: &WantedKind) -> Result<Found, BuildError> {
        match wanted {
            WantedKind::Image(request) => Ok(Found::Answer(Answer::Image(self.image(request).await?))),
            WantedKind::Ignore { key, local } => {
                let attrs = vec![
                    ("local.followpaths", json::to_string(&[".dockerignore"])),
                    ("local.sharedkeyhint", format!("context:{key}-.dockerignore")),
                    ("local.differ", "none".to_owned()),
                ];
                let source = local_source(self.options, local, attrs);
                let name = format!("[context {key}] load .dockerignore");
                let patterns = read_ignore(self.gateway, source, &name, self.caps).await?;
                Ok(Found::Answer(Answer::Ignore(patterns)))
            }
            WantedKind::Input { key, name } => self.input(key, name),
        }
    }

    async fn image(&self, request: &ImageRequest) -> Result<ResolvedImage, Failure> {
        let store = match &request.oci_store {
            Some(store) => ImageStore::OciLayout { session: &self.options.session, store },
            None => ImageStore::Registry,
        };
        let key = format!("{} {:?} {store:?}", request.reference, request.platform);
        if let Some(image) = self.images.borrow().get(&key) {
            return Ok(image.clone());
        }
        let resolved = self
            .gateway
            .resolve_image(ImageLookup {
                reference: &request.reference,
                platform: Some(&request.platform),
                mode: request.resolve_mode,
                log_name: &request.log_name,
                store,
            })
            .await?;
        let image = ResolvedImage {
            reference: if resolved.reference.is_empty() {
                request.reference.clone()
            } else {
                resolved.reference
            },
            digest: resolved.digest,
            config: resolved.config,
        };
        self.images.borrow_mut().insert(key, image.clone());
        Ok(image)
    }

    fn input(&self, key: &str, name: &str) -> Result<Found, BuildError> {
        let definition = self
            .inputs
            .get(name)
            .ok_or_else(|| Diagnostic::new(format!("invalid input {name} for {key}")))?
            .clone();
        let config = match self.options.input_metadata.get(name) {
            None => None,
            Some(metadata) => config_of_input(metadata).map_err(|error| {
                Diagnostic::new(format!("failed to parse input metadata {metadata}: {error}"))
            })?,
        };
        Ok(Found::Input { name: name.to_owned(), definition, config })
    }

    /// The image that brings busybox for the debug variants; a named context of that name replaces it.
    pub(super) async fn busybox(&self, nodes: &mut Graph, platform: &Platform) -> Result<State, BuildError> {
        let written = self
            .options
            .named_contexts
            .get("busybox:stable-musl")
            .and_then(|context| context.strip_prefix("docker-image://"));
        let reference = match written {
            None => BUSYBOX.to_owned(),
            Some(text) => crate::image::reference::ImageRef::parse(text)
                .map_err(|error| Diagnostic::new(error.to_string()))?
                .or_latest()
                .to_string(),
        };
        let request = ImageRequest {
            log_name: format!("[internal] load metadata for {reference}"),
            reference,
            platform: platform.clone(),
            resolve_mode: self.options.image_resolve_mode,
            oci_store: None,
        };
        let image = self.image(&request).await?;
        let pinned = match image.digest.as_str() {
            "" => image.reference,
            digest => format!("{}@{digest}", image.reference),
        };
        let source = SourceOp { identifier: format!("docker-image://{pinned}"), attrs: BTreeMap::new() };
        let meta = NodeMeta { name: Some(format!("[internal] {pinned}")), ..NodeMeta::default() };
        Ok(Some(nodes.add(Op::Source(source), Some(platform.clone()), meta).output()))
    }
}

/// `containerimage.config` of an input's metadata: a JSON map of base64 texts.
fn config_of_input(metadata: &str) -> Result<Option<Vec<u8>>, String> {
    use base64::Engine as _;
    let map: BTreeMap<String, String> =
        serde_json::from_str(metadata).map_err(|error| json::explain(&error, metadata.as_bytes()))?;
    map.get("containerimage.config")
        .map(|text| base64::engine::general_purpose::STANDARD.decode(text).map_err(|error| error.to_string()))
        .transpose()
}
