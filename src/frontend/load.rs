//! Reads what a build starts from: the Dockerfile, its ignore file, and the kind of main context
//! (buildkit-protocol 8).

use std::collections::BTreeMap;

use crate::diagnostic::Diagnostic;

use crate::dockerfile::ignore::{clean, parse_ignore};
use crate::gateway::{BuildError, Daemon, Failure, Gateway, Ref, SolveRequest};
use crate::image::json;
use crate::llb::op::{CopyAction, FileAction, FileOp, Op, SourceOp};
use crate::llb::{Caps, Definition, Graph, NodeId, NodeMeta, SourceMap, State};
use crate::lower::MainContext;
use crate::options::BuildOptions;

/// Most bytes of a Dockerfile or an ignore file (dockerfile-semantics 5.1).
const MAX_SOURCE_BYTES: u64 = 16 << 20;
/// Local name of the main context.
const CONTEXT: &str = "context";

/// What was read before parsing.
pub(super) struct Loaded {
    pub(super) source: SourceMap,
    /// What the Dockerfile was read from; its own ignore file lies there.
    pub(super) result: Ref,
    pub(super) main: Main,
    /// Frontend inputs that named contexts may use.
    pub(super) inputs: BTreeMap<String, Definition>,
}

/// The main context.
pub(super) enum Main {
    /// The client's directory.
    Local,
    /// Frontend input `context`.
    Input(Definition),
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
    if let Some(url) = &options.context {
        let message = format!("a remote build context (`{url}`) is not supported yet");
        return Err(Diagnostic::new(message).hint("fetch it first and build from a local directory").into());
    }
    let mut inputs = gateway.inputs().await?;
    let local_dockerfile = match &options.dockerfile_key {
        None => inputs.remove("dockerfile"),
        Some(_) => None,
    };
    let main = inputs.remove(CONTEXT).map_or(Main::Local, Main::Input);
    let (source, result) = dockerfile(gateway, options, caps, local_dockerfile).await?;
    Ok(Loaded { source, result, main, inputs })
}

impl Main {
    /// Adds the main context to a graph.
    ///
    /// # Errors
    /// An input that is no definition.
    pub(super) fn add_to(
        &self,
        graph: &mut Graph,
        options: &BuildOptions,
        ignore: &[String],
    ) -> Result<MainContext, Diagnostic> {
        match self {
            Self::Local => {
                let mut attrs = vec![("local.sharedkeyhint", CONTEXT.to_owned())];
                if !ignore.is_empty() {
                    attrs.push(("local.excludepatterns", json::to_string(&ignore)));
                }
                let source = local_source(options, CONTEXT, attrs);
                let node = add_source(graph, source, "[internal] load build context");
                Ok(MainContext { state: Some(node.output()), local: Some(node) })
            }
            Self::Input(definition) => {
                let state = graph
                    .import(definition)
                    .map_err(|error| Diagnostic::new(format!("frontend input `{CONTEXT}`: {error}")))?;
                let state = narrow(graph, state, &options.context_subdir);
                Ok(MainContext { state, local: None })
            }
        }
    }
}

/// Option `contextsubdir`: the contents of a directory, alone.
fn narrow(graph: &mut Graph, state: State, subdir: &str) -> State {
    if subdir.is_empty() {
        return state;
    }
    let copy = CopyAction { dir_copy_contents: true, ..CopyAction::new(state, subdir, "/") };
    let op = FileOp { base: None, actions: vec![FileAction::Copy(Box::new(copy))] };
    Some(graph.add(Op::File(op), None, NodeMeta::default()).output())
}

/// The Dockerfile with the result it was read from.
async fn dockerfile(
    gateway: &impl Gateway,
    options: &BuildOptions,
    caps: &Caps,
    input: Option<Definition>,
) -> Result<(SourceMap, Ref), BuildError> {
    let filename = &options.filename;
    let definition = input.unwrap_or_else(|| {
        let local = options.dockerfile_key.as_deref().unwrap_or("dockerfile");
        let mut follow = vec![filename.clone(), format!("{filename}.dockerignore")];
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
        filename: filename.clone(),
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
    if let Main::Input(_) = loaded.main {
        return Ok(Vec::new());
    }
    let beside = format!("{}.dockerignore", options.filename);
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

/// A local source of the session that serves it.
pub(super) fn local_source(options: &BuildOptions, local: &str, attrs: Vec<(&str, String)>) -> SourceOp {
    let session = options.local_sessions.get(local).unwrap_or(&options.session);
    let attrs = attrs.into_iter().chain([("local.session", session.clone())]);
    SourceOp {
        identifier: format!("local://{local}"),
        attrs: attrs.map(|(key, value)| (key.to_owned(), value)).collect(),
    }
}

fn add_source(graph: &mut Graph, source: SourceOp, name: &str) -> NodeId {
    let meta = NodeMeta { name: Some(name.to_owned()), ..NodeMeta::default() };
    graph.add(Op::Source(source), None, meta)
}

/// The definition of one source.
fn alone(source: SourceOp, name: &str, caps: &Caps) -> Definition {
    let mut graph = Graph::default();
    let node = add_source(&mut graph, source, name);
    graph.marshal(Some(node.output()), &SourceMap::default(), caps).definition
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

/// The daemon's failure with what we were doing in front.
fn prefixed(doing: &str, failure: Failure) -> BuildError {
    let diagnostic = Diagnostic::new(format!("{doing}: {}", failure.message));
    BuildError::daemon_at(failure, diagnostic)
}
