//! Looks up the time that `SOURCE_DATE_EPOCH` names: of a commit, a download, or the files of an archive.

use super::archive;
use super::context::read_all;
use super::load::Loaded;
use crate::dockerfile::Dockerfile;
use crate::gateway::{BuildError, Daemon, Gateway, SolveRequest, SourceLookup};
use crate::llb::op::SourceOp;
use crate::llb::{Definition, Graph};
use crate::options::BuildOptions;
use crate::stage::epoch::{self, Epoch, Time, TimeOf};

/// What a build's time is.
///
/// # Errors
/// A value that names no source of times, and a source that cannot be asked.
pub(super) async fn resolve(
    gateway: &impl Gateway,
    options: &BuildOptions,
    daemon: &Daemon,
    dockerfile: &Dockerfile,
    loaded: &Loaded,
) -> Result<Epoch, BuildError> {
    let (source, log_name) = match epoch::read(dockerfile, options)? {
        TimeOf::Known(epoch) => return Ok(epoch),
        TimeOf::MainContext => {
            let definition = loaded.main.definition(options, &daemon.llb_caps)?;
            (only_source(&definition), "[internal] resolve main build context metadata".to_owned())
        }
        TimeOf::Source { source, log_name } => (Some(source), log_name),
        TimeOf::Input { name, key, log_name } => {
            let definition = loaded.inputs.get(&name).ok_or_else(|| {
                crate::diagnostic::Diagnostic::new(format!("invalid input {name} for {key}"))
            })?;
            (only_source(definition), log_name)
        }
    };
    let Some(source) = source else { return Ok(Epoch::Resolved(None)) };
    Ok(Epoch::Resolved(time_of(gateway, &source, &log_name, daemon).await?))
}

async fn time_of(
    gateway: &impl Gateway,
    source: &SourceOp,
    log_name: &str,
    daemon: &Daemon,
) -> Result<Option<Time>, BuildError> {
    let is_git = source.identifier.starts_with("git://");
    let is_http = source.identifier.starts_with("http://") || source.identifier.starts_with("https://");
    // Nothing else has a time.
    if !is_git && !is_http {
        return Ok(None);
    }
    let meta = gateway.resolve_source(SourceLookup { source, log_name, git_object: is_git }).await?;
    if let Some(git) = meta.git.filter(|git| !git.commit_object.is_empty()) {
        return Ok(epoch::commit_time(&git.commit_object));
    }
    if let Some(time) = meta.http.as_ref().and_then(|http| http.last_modified) {
        return Ok(Some(Time::utc(time)));
    }
    let Some(filename) = source.attrs.get("http.filename").filter(|_| is_http) else { return Ok(None) };
    let mut graph = Graph::default();
    let node = graph.add(crate::llb::op::Op::Source(source.clone()), None, crate::llb::NodeMeta::default());
    let file = crate::llb::SourceMap::default();
    let definition = graph.marshal(Some(node.output()), &file, &daemon.llb_caps).definition;
    let result = gateway.solve(SolveRequest::new(&definition)).await?;
    Ok(archive::newest_file(&read_all(gateway, &result, filename).await?).map(Time::utc))
}

/// The one source of a graph: two have two times.
fn only_source(definition: &Definition) -> Option<SourceOp> {
    let mut sources = definition.sources();
    let first = sources.next()?;
    sources.next().is_none().then_some(first)
}
