//! Reads what a build starts from: the Dockerfile, its ignore file, and the kind of main context
//! (buildkit-protocol 8).

use std::collections::BTreeMap;

use super::context::{CONTEXT, Main, alone};
use super::source::{MAX_SOURCE_BYTES, local_source, prefixed};
use crate::diagnostic::Diagnostic;
use crate::dockerfile::ignore::{clean, parse_ignore};
use crate::gateway::{BuildError, Daemon, Gateway, Ref, SolveRequest};
use crate::image::json;
use crate::llb::op::SourceOp;
use crate::llb::{Caps, Definition, Graph, SourceMap};
use crate::options::BuildOptions;

/// What was read before parsing.
pub(super) struct Loaded {
    pub(super) source: SourceMap,
    /// What the Dockerfile was read from; its own ignore file lies there.
    pub(super) result: Ref,
    pub(super) main: Main,
    /// Frontend inputs that named contexts may use.
    pub(super) inputs: BTreeMap<String, Definition>,
}

/// Reads the Dockerfile.
///
/// # Errors
/// What cannot be read, with the official frontend's prefixes.
pub(super) async fn load(
    gateway: &impl Gateway,
    options: &BuildOptions,
    daemon: &Daemon,
) -> Result<Loaded, BuildError> {
    let caps = &daemon.llb_caps;
    let remote = Main::remote(gateway, options, caps).await?;
    let inputs = gateway.inputs().await?;
    let mut filename = options.filename.clone();
    let (main, dockerfile_from) = if let Some(remote) = remote {
        if remote.is_file() {
            CONTEXT.clone_into(&mut filename);
        }
        let definition = remote.definition(caps);
        (Main::Remote(remote), Some(definition))
    } else {
        let main = inputs.get(CONTEXT).cloned().map_or(Main::Local, Main::Input);
        (main, inputs.get("dockerfile").map(|input| again(input, caps)).transpose()?)
    };
    // A local name for the Dockerfile makes it local, whatever the context is.
    let definition = dockerfile_from.filter(|_| options.dockerfile_key.is_none());
    let (source, result) = dockerfile(gateway, options, caps, &filename, definition).await?;
    Ok(Loaded { source, result, main, inputs })
}

/// The Dockerfile with the result it was read from.
async fn dockerfile(
    gateway: &impl Gateway,
    options: &BuildOptions,
    caps: &Caps,
    filename: &str,
    input: Option<Definition>,
) -> Result<(SourceMap, Ref), BuildError> {
    let definition = input.unwrap_or_else(|| {
        let local = options.dockerfile_key.as_deref().unwrap_or("dockerfile");
        let mut follow = vec![filename.to_owned(), format!("{filename}.dockerignore")];
        follow.extend(candidates(filename).into_iter().skip(1));
        let attrs = vec![
            ("local.followpaths", json::to_string(&follow)),
            ("local.sharedkeyhint", local.to_owned()),
            ("local.differ", "none".to_owned()),
        ];
        let name = format!("[internal] load build definition from {filename}");
        alone(local_source(options, local, attrs), &name, caps)
    });
    let result = gateway
        .solve(SolveRequest::new(&definition))
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
    let source = SourceMap {
        filename: filename.to_owned(),
        data,
        language: "Dockerfile".to_owned(),
        definition: Some(definition),
    };
    Ok((source, result))
}

/// The patterns that hold for the main context: of `<Dockerfile>.dockerignore` beside the Dockerfile, else of
/// `.dockerignore` in the context. Only a client's directory has any.
///
/// # Errors
/// A file that is too large or no list of patterns.
pub(super) async fn ignore(
    gateway: &impl Gateway,
    options: &BuildOptions,
    caps: &Caps,
    loaded: &Loaded,
) -> Result<Vec<String>, BuildError> {
    if !matches!(loaded.main, Main::Local) {
        return Ok(Vec::new());
    }
    let beside = format!("{}.dockerignore", loaded.source.filename);
    if let Some(data) = gateway.read_file(&loaded.result, &beside, MAX_SOURCE_BYTES).await? {
        return patterns(&beside, &data);
    }
    let attrs = vec![
        ("local.followpaths", json::to_string(&[".dockerignore"])),
        ("local.sharedkeyhint", "context-.dockerignore".to_owned()),
        ("local.differ", "none".to_owned()),
    ];
    let source = local_source(options, CONTEXT, attrs);
    read_ignore(gateway, source, "[internal] load .dockerignore", caps).await
}

/// The patterns of `.dockerignore` in a local source; none if there is no such file.
///
/// # Errors
/// A file that is too large or no list of patterns.
pub(super) async fn read_ignore(
    gateway: &impl Gateway,
    source: SourceOp,
    name: &str,
    caps: &Caps,
) -> Result<Vec<String>, BuildError> {
    let result = gateway.solve(SolveRequest::new(&alone(source, name, caps))).await?;
    match gateway.read_file(&result, ".dockerignore", MAX_SOURCE_BYTES).await? {
        Some(data) => patterns(".dockerignore", &data),
        None => Ok(Vec::new()),
    }
}

fn patterns(name: &str, data: &[u8]) -> Result<Vec<String>, BuildError> {
    parse_ignore(data).map_err(|error| Diagnostic::new(format!("failed parsing {name}: {error}")).into())
}

/// An input as a definition of our own: what came over the wire may hold empty entries that the daemon refuses.
fn again(input: &Definition, caps: &Caps) -> Result<Definition, Diagnostic> {
    let mut graph = Graph::default();
    let state = graph
        .import(input)
        .map_err(|error| Diagnostic::new(format!("frontend input `dockerfile`: {error}")))?;
    Ok(graph.marshal(state, &SourceMap::default(), caps).definition)
}

/// The Dockerfile's path, and the lower-case name beside it that is taken when the first is missing.
fn candidates(filename: &str) -> Vec<String> {
    let mut paths = vec![filename.to_owned()];
    match filename.rsplit_once('/') {
        None if filename == "Dockerfile" => paths.push("dockerfile".to_owned()),
        Some((dir, "Dockerfile")) => paths.push(clean(&format!("{dir}/dockerfile"))),
        _ => {}
    }
    paths
}
