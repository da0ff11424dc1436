//! The gateway over gRPC.

use std::collections::BTreeMap;
use std::io;

use crate::gateway::stdio::{Driver, MAX_MESSAGE_BYTES, Wire};
use crate::gateway::{
    BuildError, Daemon, Failure, FileStat, Gateway, GitMeta, HttpMeta, ImageLookup, ImageStore, Ref,
    ResolvedImage, SolveRequest, SourceLookup, SourceMeta, Warning, status, wire,
};
use crate::llb::{Definition, SourceMap};
use crate::output::BuildResult;
use crate::proto::moby::buildkit::v1::frontend as api;
use crate::proto::moby::buildkit::v1::frontend::llb_bridge_client::LlbBridgeClient;
use crate::proto::pb;

/// Bytes of one `ReadFile` call: half of what a message holds.
const PAGE_BYTES: u64 = 8 << 20;

/// The daemon at the other end of the wire.
#[derive(Clone)]
pub struct Client {
    bridge: LlbBridgeClient<Wire>,
    daemon: Daemon,
}

impl Client {
    /// Connects on stdin and stdout; the driver must run as long as calls are made.
    ///
    /// # Errors
    /// When stdin and stdout are no pipes.
    pub(super) async fn connect_stdio() -> io::Result<(Self, Driver)> {
        let (wire, driver) = Wire::connect_stdio().await?;
        Ok((Self::new(wire), driver))
    }

    /// A client on an open connection. [`Gateway::ping`] comes first: it learns what the daemon can do.
    pub(super) fn new(wire: Wire) -> Self {
        let origin = http::Uri::from_static("http://localhost");
        let bridge = LlbBridgeClient::with_origin(wire, origin)
            .max_decoding_message_size(MAX_MESSAGE_BYTES)
            .max_encoding_message_size(MAX_MESSAGE_BYTES);
        Self { bridge, daemon: Daemon::default() }
    }

    /// Asks the daemon what it can do and keeps the answer.
    ///
    /// # Errors
    /// Any [`Failure`] of the call.
    pub(super) async fn greet(&mut self) -> Result<&Daemon, Failure> {
        let pong = self.bridge.clone().ping(api::PingRequest {}).await?.into_inner();
        self.daemon = Daemon {
            gateway_caps: wire::caps(&pong.frontend_api_caps, BASE_GATEWAY_CAPS),
            llb_caps: wire::caps(&pong.llb_caps, BASE_LLB_CAPS),
            workers: pong.workers.into_iter().map(wire::worker).collect(),
        };
        Ok(&self.daemon)
    }

    fn can(&self, cap: &str) -> bool {
        self.daemon.gateway_caps.supports(cap)
    }

    async fn read_range(
        &self,
        result: &Ref,
        path: &str,
        offset: u64,
        length: u64,
    ) -> Result<Vec<u8>, Failure> {
        let range = api::FileRange { offset: clamp(offset), length: clamp(length) };
        let request = api::ReadFileRequest {
            r#ref: result.id.clone(),
            file_path: path.to_owned(),
            range: Some(range),
            mount_index: 0,
        };
        Ok(self.bridge.clone().read_file(request).await?.into_inner().data)
    }

    /// `ResolveImageConfig`: for daemons without cap `source.metaresolver`.
    async fn resolve_image_config(&self, lookup: ImageLookup<'_>) -> Result<ResolvedImage, Failure> {
        let (resolver_type, session, store) = match lookup.store {
            ImageStore::Registry => (0, "", ""),
            ImageStore::OciLayout { session, store } => (1, session, store),
        };
        let request = api::ResolveImageConfigRequest {
            r#ref: lookup.reference.to_owned(),
            platform: lookup.platform.map(Into::into),
            resolve_mode: lookup.mode.as_str().to_owned(),
            log_name: lookup.log_name.to_owned(),
            resolver_type,
            session_id: session.to_owned(),
            store_id: store.to_owned(),
            source_policies: Vec::new(),
        };
        match self.bridge.clone().resolve_image_config(request).await {
            Ok(answer) => {
                let answer = answer.into_inner();
                // Old daemons leave the reference out.
                let reference =
                    if answer.r#ref.is_empty() { lookup.reference.to_owned() } else { answer.r#ref };
                Ok(ResolvedImage { reference, digest: answer.digest, config: answer.config, redirect: None })
            }
            Err(error) => {
                let failure = Failure::from(error);
                match redirect_in(&failure.message) {
                    Some(identifier) => Ok(ResolvedImage {
                        redirect: Some(identifier.to_owned()),
                        ..ResolvedImage::default()
                    }),
                    None => Err(failure),
                }
            }
        }
    }

    async fn resolve_image_meta(&self, lookup: ImageLookup<'_>) -> Result<ResolvedImage, Failure> {
        let (scheme, attrs) = match lookup.store {
            ImageStore::Registry => ("docker-image://", BTreeMap::new()),
            ImageStore::OciLayout { session, store } => (
                "oci-layout://",
                BTreeMap::from([
                    ("oci.session".to_owned(), session.to_owned()),
                    ("oci.store".to_owned(), store.to_owned()),
                ]),
            ),
        };
        let request = api::ResolveSourceMetaRequest {
            source: Some(pb::SourceOp { identifier: format!("{scheme}{}", lookup.reference), attrs }),
            platform: lookup.platform.map(Into::into),
            log_name: lookup.log_name.to_owned(),
            resolve_mode: lookup.mode.as_str().to_owned(),
            image: Some(api::ResolveSourceImageRequest::default()),
            ..api::ResolveSourceMetaRequest::default()
        };
        let answer = self.bridge.clone().resolve_source_meta(request).await?.into_inner();
        let identifier = answer.source.map(|source| source.identifier).unwrap_or_default();
        let image = answer.image.unwrap_or_default();
        match identifier.strip_prefix(scheme) {
            Some(reference) => Ok(ResolvedImage {
                reference: reference.to_owned(),
                digest: image.digest,
                config: image.config,
                redirect: None,
            }),
            None => Ok(ResolvedImage { redirect: Some(identifier), ..ResolvedImage::default() }),
        }
    }
}

impl Gateway for Client {
    async fn ping(&self) -> Result<Daemon, Failure> {
        Ok(self.daemon.clone())
    }

    async fn inputs(&self) -> Result<BTreeMap<String, Definition>, Failure> {
        if !self.can("frontend.inputs") {
            return Ok(BTreeMap::new());
        }
        let answer = self.bridge.clone().inputs(api::InputsRequest {}).await?.into_inner();
        Ok(answer.definitions.into_iter().map(|(name, inner)| (name, Definition(inner))).collect())
    }

    async fn solve(&self, request: SolveRequest<'_>) -> Result<Ref, Failure> {
        if request.definition.is_scratch() {
            return Ok(Ref::default());
        }
        let evaluate = request.evaluate && self.can("gateway.solve.evaluate");
        let message = api::SolveRequest {
            definition: Some(request.definition.0.clone()),
            allow_result_return: true,
            allow_result_array_ref: true,
            cache_imports: request.cache_imports.iter().map(Into::into).collect(),
            evaluate,
            ..api::SolveRequest::default()
        };
        let answer = self.bridge.clone().solve(message).await?.into_inner();
        let result = wire::single_ref(answer)?;
        if request.evaluate && !evaluate {
            self.stat_file(&result, ".").await?;
        }
        Ok(result)
    }

    async fn evaluate(&self, result: &Ref) -> Result<(), Failure> {
        if result.id.is_empty() {
            return Ok(());
        }
        if self.can("gateway.evaluate") {
            let request = api::EvaluateRequest { r#ref: result.id.clone() };
            self.bridge.clone().evaluate(request).await?;
        } else {
            self.stat_file(result, ".").await?;
        }
        Ok(())
    }

    async fn read_file(&self, result: &Ref, path: &str, limit: u64) -> Result<Option<Vec<u8>>, Failure> {
        if result.id.is_empty() {
            return Ok(None);
        }
        let mut data = Vec::new();
        loop {
            let offset = data.len() as u64;
            // One byte over the limit is enough to know.
            let length = PAGE_BYTES.min(limit + 1 - offset);
            let page = match self.read_range(result, path, offset, length).await {
                Ok(page) => page,
                Err(failure) if failure.is_missing_file() => return Ok(None),
                Err(failure) => return Err(failure),
            };
            let short = (page.len() as u64) < length;
            data.extend_from_slice(&page);
            if data.len() as u64 > limit {
                return Err(Failure::new(format!("{path} exceeds maximum allowed size of {limit} bytes")));
            }
            if short {
                return Ok(Some(data));
            }
        }
    }

    async fn read_start(&self, result: &Ref, path: &str, length: u32) -> Result<Vec<u8>, Failure> {
        self.read_range(result, path, 0, u64::from(length)).await
    }

    async fn stat_file(&self, result: &Ref, path: &str) -> Result<Option<FileStat>, Failure> {
        if result.id.is_empty() {
            return Ok(None);
        }
        let request =
            api::StatFileRequest { r#ref: result.id.clone(), path: path.to_owned(), mount_index: 0 };
        match self.bridge.clone().stat_file(request).await.map_err(Failure::from) {
            Ok(answer) => {
                let stat = answer.into_inner().stat.unwrap_or_default();
                Ok(Some(FileStat { size: stat.size.try_into().unwrap_or(0), mode: stat.mode }))
            }
            Err(failure) if failure.is_missing_file() => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    async fn resolve_image(&self, lookup: ImageLookup<'_>) -> Result<ResolvedImage, Failure> {
        if self.can("source.metaresolver") {
            self.resolve_image_meta(lookup).await
        } else {
            self.resolve_image_config(lookup).await
        }
    }

    async fn resolve_source(&self, lookup: SourceLookup<'_>) -> Result<SourceMeta, Failure> {
        let request = api::ResolveSourceMetaRequest {
            source: Some(pb::SourceOp {
                identifier: lookup.source.identifier.clone(),
                attrs: lookup.source.attrs.clone(),
            }),
            log_name: lookup.log_name.to_owned(),
            git: lookup.git_object.then_some(api::ResolveSourceGitRequest { return_object: true }),
            ..api::ResolveSourceMetaRequest::default()
        };
        let answer = self.bridge.clone().resolve_source_meta(request).await?.into_inner();
        Ok(SourceMeta {
            identifier: answer.source.map(|source| source.identifier).unwrap_or_default(),
            git: answer.git.map(|git| GitMeta { checksum: git.checksum, commit_object: git.commit_object }),
            http: answer.http.map(|http| HttpMeta {
                filename: http.filename,
                last_modified: http.last_modified.map(|time| time.seconds),
            }),
        })
    }

    async fn warn(&self, warning: Warning<'_>) -> Result<(), Failure> {
        if !self.can("gateway.warnings") {
            return Ok(());
        }
        self.bridge.clone().warn(wire::warning(warning)).await?;
        Ok(())
    }

    async fn return_result(&self, result: BuildResult) -> Result<(), Failure> {
        let result = wire::result(result, self.can("proto.refarray"));
        let request = api::ReturnRequest { result: Some(result), error: None };
        self.bridge.clone().r#return(request).await?;
        Ok(())
    }

    async fn return_error(&self, error: &BuildError, source: Option<&SourceMap>) -> Result<(), Failure> {
        let request = api::ReturnRequest { result: None, error: Some(status::status(error, source)) };
        self.bridge.clone().r#return(request).await?;
        Ok(())
    }
}

/// What a source policy made of an image, from the text of daemons that tell it only there.
fn redirect_in(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("ref mutated by policy to non-image: ")?;
    rest.split_once(" -> ").map(|(_, identifier)| identifier)
}

fn clamp(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// What daemons can do that answer a ping without a list.
const BASE_GATEWAY_CAPS: &[&str] = &["solve.base", "solve.inlinereturn", "resolveimage", "readfile"];

/// The same for LLB.
const BASE_LLB_CAPS: &[&str] = &[
    "source.image",
    "source.local",
    "source.local.unique",
    "source.local.sessionid",
    "source.local.includepatterns",
    "source.local.followpaths",
    "source.local.excludepatterns",
    "source.local.sharedkeyhint",
    "source.git",
    "source.git.keepgitdir",
    "source.git.fullurl",
    "source.http",
    "source.http.checksum",
    "source.http.perm",
    "soruce.http.uidgid",
    "exec.meta.base",
    "exec.meta.proxyenv",
    "exec.mount.bind",
    "exec.mount.cache",
    "exec.mount.cache.sharing",
    "exec.mount.selector",
    "exec.mount.tmpfs",
    "exec.mount.secret",
    "constraints",
    "platform",
    "meta.ignorecache",
    "meta.description",
    "meta.exportcache",
];
