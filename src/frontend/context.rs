//! The main context: a directory of the client, a frontend input, or something remote (buildkit-protocol 8).

use super::archive;
use super::source::{MAX_SOURCE_BYTES, local_source, prefixed};
use crate::diagnostic::Diagnostic;
use crate::dockerfile::git_ref::{GitMtime, GitRef, parse_git_ref};
use crate::gateway::{BuildError, Gateway, Ref, SolveRequest};
use crate::image::json;
use crate::llb::op::{CopyAction, FileAction, FileOp, Op, SourceOp};
use crate::llb::remote::git_source;
use crate::llb::{Caps, Definition, Graph, NodeId, NodeMeta, SourceMap, State};
use crate::lower::MainContext;
use crate::options::BuildOptions;
use crate::stage::epoch;

/// Local name of the main context, and the file name of a downloaded one.
pub(super) const CONTEXT: &str = "context";
/// Bytes that tell an archive from a Dockerfile.
const START_BYTES: u32 = 1024;

/// The main context.
pub(super) enum Main {
    /// The client's directory.
    Local,
    /// Frontend input `context`.
    Input(Definition),
    Remote(Remote),
}

/// A context that the daemon fetches.
pub(super) struct Remote {
    source: SourceOp,
    /// Of the vertex.
    name: String,
    form: Form,
}

/// What the fetched source is.
enum Form {
    /// A directory.
    Tree,
    /// A file to unpack.
    Archive,
    /// The Dockerfile.
    File,
}

impl Main {
    /// What the options say about the main context; `None` leaves it to inputs and the client.
    ///
    /// # Errors
    /// A git reference that contradicts itself, and a download that fails.
    pub(super) async fn remote(
        gateway: &impl Gateway,
        options: &BuildOptions,
        caps: &Caps,
    ) -> Result<Option<Remote>, BuildError> {
        let Some(url) = &options.context else { return Ok(None) };
        let git = parse_git_ref(url).map_err(|error| Diagnostic::new(error.to_string()))?;
        if let Some(git) = git {
            return Ok(Some(Remote {
                source: git_source(&with_options(git, options), options.git_advice),
                name: format!("[internal] load git source {url}"),
                form: Form::Tree,
            }));
        }
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return Ok(None);
        }
        let attrs = [("http.filename".to_owned(), CONTEXT.to_owned())];
        let source = SourceOp { identifier: url.clone(), attrs: attrs.into() };
        let name = "[internal] load remote build context".to_owned();
        let mut remote = Remote { source, name, form: Form::File };
        let result = gateway
            .solve(SolveRequest::new(&remote.fetched(caps)))
            .await
            .map_err(|failure| prefixed("failed to resolve httpcontext", failure))?;
        let start = gateway
            .read_start(&result, CONTEXT, START_BYTES)
            .await
            .map_err(|failure| prefixed("failed to read downloaded context", failure))?;
        if archive::is_archive(&start) {
            remote.form = Form::Archive;
        }
        Ok(Some(remote))
    }

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
        let state = match self {
            Self::Local => {
                let mut attrs = vec![("local.sharedkeyhint", CONTEXT.to_owned())];
                if !ignore.is_empty() {
                    attrs.push(("local.excludepatterns", json::to_string(&ignore)));
                }
                let source = local_source(options, CONTEXT, attrs);
                let node = add_source(graph, source, "[internal] load build context");
                return Ok(MainContext { state: Some(node.output()), local: Some(node) });
            }
            Self::Input(definition) => graph
                .import(definition)
                .map_err(|error| Diagnostic::new(format!("frontend input `{CONTEXT}`: {error}")))?,
            Self::Remote(remote) => remote.add_to(graph),
        };
        Ok(MainContext { state: narrow(graph, state, &options.context_subdir), local: None })
    }

    /// The context alone.
    ///
    /// # Errors
    /// An input that is no definition.
    pub(super) fn definition(&self, options: &BuildOptions, caps: &Caps) -> Result<Definition, Diagnostic> {
        let mut graph = Graph::default();
        let context = self.add_to(&mut graph, options, &[])?;
        Ok(graph.marshal(context.state, &SourceMap::default(), caps).definition)
    }
}

impl Remote {
    /// Whether the download is the Dockerfile itself.
    pub(super) fn is_file(&self) -> bool {
        matches!(self.form, Form::File)
    }

    /// The tree that the Dockerfile is read from; a subdirectory narrows only the context.
    pub(super) fn definition(&self, caps: &Caps) -> Definition {
        let mut graph = Graph::default();
        let state = self.add_to(&mut graph);
        graph.marshal(state, &SourceMap::default(), caps).definition
    }

    /// What is fetched, as it comes.
    fn fetched(&self, caps: &Caps) -> Definition {
        alone(self.source.clone(), &self.name, caps)
    }

    fn add_to(&self, graph: &mut Graph) -> State {
        let fetched = Some(add_source(graph, self.source.clone(), &self.name).output());
        if !matches!(self.form, Form::Archive) {
            return fetched;
        }
        let unpack = CopyAction {
            attempt_unpack: true,
            create_dest_path: false,
            ..CopyAction::new(fetched, format!("/{CONTEXT}"), "/")
        };
        Some(copied(graph, unpack))
    }
}

/// What build arguments say about the git repository of a context; its own query wins where it says so too.
fn with_options(mut git: GitRef, options: &BuildOptions) -> GitRef {
    if options.keep_git_dir {
        git.keep_git_dir = Some(true);
    }
    let has_epoch = options.build_args.get(epoch::NAME).is_some_and(|value| !value.is_empty());
    if has_epoch && git.mtime.is_none() {
        git.mtime = Some(GitMtime::Commit);
    }
    git
}

/// Option `contextsubdir`: the contents of a directory, alone.
fn narrow(graph: &mut Graph, state: State, subdir: &str) -> State {
    if subdir.is_empty() {
        return state;
    }
    let copy = CopyAction::contents(state, crate::dockerfile::ignore::clean(&format!("/{subdir}")));
    Some(copied(graph, copy))
}

fn copied(graph: &mut Graph, copy: CopyAction) -> crate::llb::Output {
    let op = FileOp { base: None, actions: vec![FileAction::Copy(Box::new(copy))] };
    graph.add(Op::File(op), None, NodeMeta::default()).output()
}

/// The definition of one source.
pub(super) fn alone(source: SourceOp, name: &str, caps: &Caps) -> Definition {
    let mut graph = Graph::default();
    let node = add_source(&mut graph, source, name);
    graph.marshal(Some(node.output()), &SourceMap::default(), caps).definition
}

fn add_source(graph: &mut Graph, source: SourceOp, name: &str) -> NodeId {
    let meta = NodeMeta { name: Some(name.to_owned()), ..NodeMeta::default() };
    graph.add(Op::Source(source), None, meta)
}

/// Reads a whole file below a limit, for the time of its entries.
pub(super) async fn read_all(
    gateway: &impl Gateway,
    result: &Ref,
    path: &str,
) -> Result<Vec<u8>, BuildError> {
    let data = gateway.read_file(result, path, MAX_SOURCE_BYTES).await?;
    Ok(data.unwrap_or_default())
}
