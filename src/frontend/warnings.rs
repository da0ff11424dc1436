//! Findings of the lint rules as warnings of the build.

use crate::dockerfile;
use crate::gateway::{Failure, Gateway, Warning};
use crate::lint::{self, Sink};
use crate::llb::{Definition, SourceMap};
use crate::options::BuildOptions;

/// Sends what the rules found.
///
/// # Errors
/// [`Failure`] of a call.
pub(super) async fn send(gateway: &impl Gateway, source: &SourceMap, lint: &Sink) -> Result<(), Failure> {
    let vertex = vertex(source);
    for warning in lint.warnings() {
        let warning = Warning {
            vertex: &vertex,
            short: warning.short(),
            detail: vec![warning.rule.description.to_owned()],
            url: warning.rule.url.to_owned(),
            source: Some(source),
            spans: vec![warning.span],
        };
        gateway.warn(warning).await?;
    }
    Ok(())
}

/// Sends what the rules find in a file that is refused: it may be the cause.
///
/// # Errors
/// [`Failure`] of a call.
pub(super) async fn send_of_refused(
    gateway: &impl Gateway,
    options: &BuildOptions,
    source: &SourceMap,
) -> Result<(), Failure> {
    let Ok(lint) = super::lint_options(options, &source.data) else { return Ok(()) };
    let outcome = dockerfile::parse_all(&source.data);
    if outcome.errors.is_empty() {
        return Ok(());
    }
    let mut sink = Sink::new(lint);
    lint::check_outcome(&outcome, &mut sink);
    send(gateway, source, &sink).await
}

/// The vertex that warnings belong to: the load of the Dockerfile.
pub(super) fn vertex(source: &SourceMap) -> String {
    source.definition.as_ref().and_then(Definition::result_vertex).unwrap_or_default()
}
