//! One build from top to bottom: the only file that knows the order of its steps.

use std::collections::BTreeMap;

use crate::diagnostic::Diagnostic;
use crate::gateway::serve::BuildFailure;
use crate::gateway::{BuildError, Gateway, Ref, SolveRequest};
use crate::image::config::ImageConfig;
use crate::llb::op::{Op, SourceOp};
use crate::llb::{Caps, Graph, NodeMeta, SourceMap};
use crate::options::BuildOptions;
use crate::output::{BuildResult, ResultRefs};

/// Most bytes of a Dockerfile or an ignore file (dockerfile-semantics 5.1).
const MAX_SOURCE_BYTES: u64 = 16 << 20;

/// Runs one build: from the environment of a frontend to its result.
///
/// # Errors
/// What the user has to know, with the Dockerfile it happened in.
pub async fn build(
    gateway: &impl Gateway,
    env: impl IntoIterator<Item = (String, String)>,
) -> Result<BuildResult, BuildFailure> {
    let daemon = gateway.ping().await?;
    let options = BuildOptions::from_env(env)?;
    if !daemon.llb_caps.supports("file.base") {
        return Err(Diagnostic::new("needs BuildKit 0.5 or later").into());
    }
    let source = load_dockerfile(gateway, &options, &daemon.llb_caps).await?;
    if let Some(cap) = options.unsupported_cap() {
        return Err(BuildError::UnsupportedCap(cap.to_owned()).into());
    }
    if let Some(request) = &options.request {
        return Err(BuildError::UnsupportedRequest(request.clone()).into());
    }
    compile(gateway, &options, &source).await.map_err(|error| BuildFailure { error, source: Some(source) })
}

/// Everything below the text of the Dockerfile.
#[expect(clippy::unused_async, reason = "the steps below it will call the daemon")]
async fn compile(
    _gateway: &impl Gateway,
    _options: &BuildOptions,
    _source: &SourceMap,
) -> Result<BuildResult, BuildError> {
    let config =
        ImageConfig { architecture: "amd64".to_owned(), os: "linux".to_owned(), ..ImageConfig::default() };
    let platforms =
        r#"{"Platforms":[{"ID":"linux/amd64","Platform":{"architecture":"amd64","os":"linux"}}]}"#;
    Ok(BuildResult {
        refs: ResultRefs::Single(Ref::default()),
        metadata: BTreeMap::from([
            ("containerimage.config".to_owned(), config.to_json()),
            ("refs.platforms".to_owned(), platforms.as_bytes().to_vec()),
        ]),
        attestations: BTreeMap::new(),
    })
}

/// Reads the Dockerfile from the client's local source.
async fn load_dockerfile(
    gateway: &impl Gateway,
    options: &BuildOptions,
    caps: &Caps,
) -> Result<SourceMap, BuildError> {
    let filename = &options.filename;
    let local = options.dockerfile_key.as_deref().unwrap_or("dockerfile");
    let mut graph = Graph::default();
    let node = graph.add(
        Op::Source(dockerfile_source(options, local)),
        None,
        NodeMeta {
            name: Some(format!("[internal] load build definition from {filename}")),
            ..NodeMeta::default()
        },
    );
    let marshalled = graph.marshal(Some(node.output()), &SourceMap::default(), caps);
    let result = gateway
        .solve(SolveRequest::new(&marshalled.definition))
        .await
        .map_err(|failure| prefixed("failed to resolve dockerfile", failure))?;
    let mut data = None;
    for path in candidates(filename) {
        data = gateway
            .read_file(&result, &path, MAX_SOURCE_BYTES)
            .await
            .map_err(|failure| prefixed("failed to read dockerfile", failure))?;
        if data.is_some() {
            break;
        }
    }
    let data = data.ok_or_else(|| {
        Diagnostic::new(format!("failed to read dockerfile: open {filename}: no such file or directory"))
    })?;
    Ok(SourceMap {
        filename: filename.clone(),
        data,
        language: "Dockerfile".to_owned(),
        definition: Some(marshalled.definition),
    })
}

/// The local source narrowed to the Dockerfile and its ignore file (buildkit-protocol 8).
fn dockerfile_source(options: &BuildOptions, local: &str) -> SourceOp {
    let session = options.local_sessions.get(local).unwrap_or(&options.session);
    let mut follow = vec![options.filename.clone(), format!("{}.dockerignore", options.filename)];
    follow.extend(candidates(&options.filename).into_iter().skip(1));
    SourceOp {
        identifier: format!("local://{local}"),
        attrs: [
            ("local.followpaths", crate::image::json::to_string(&follow)),
            ("local.session", session.clone()),
            ("local.sharedkeyhint", local.to_owned()),
            ("local.differ", "none".to_owned()),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .into(),
    }
}

/// The Dockerfile's path, and the lower-case name beside it that is taken when the first is missing.
fn candidates(filename: &str) -> Vec<String> {
    let mut paths = vec![filename.to_owned()];
    match filename.rsplit_once('/') {
        None if filename == "Dockerfile" => paths.push("dockerfile".to_owned()),
        Some((dir, "Dockerfile")) => paths.push(format!("{dir}/dockerfile")),
        _ => {}
    }
    paths
}

/// The daemon's failure with what we were doing in front.
fn prefixed(doing: &str, failure: crate::gateway::Failure) -> BuildError {
    let at = Some(Diagnostic::new(format!("{doing}: {}", failure.message)));
    BuildError::Daemon { failure, at }
}
