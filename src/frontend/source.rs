//! What reading the Dockerfile and reading the context have in common.

use crate::diagnostic::Diagnostic;
use crate::gateway::{BuildError, Failure};
use crate::llb::op::SourceOp;
use crate::options::BuildOptions;

/// Most bytes of a Dockerfile or an ignore file (dockerfile-semantics 5.1).
pub(super) const MAX_SOURCE_BYTES: u64 = 16 << 20;

/// A local source of the session that serves it.
pub(super) fn local_source(options: &BuildOptions, local: &str, attrs: Vec<(&str, String)>) -> SourceOp {
    let session = options.local_sessions.get(local).unwrap_or(&options.session);
    let attrs = attrs.into_iter().chain([("local.session", session.clone())]);
    SourceOp {
        identifier: format!("local://{local}"),
        attrs: attrs.map(|(key, value)| (key.to_owned(), value)).collect(),
    }
}

/// The daemon's failure with what we were doing in front.
pub(super) fn prefixed(doing: &str, failure: Failure) -> BuildError {
    let diagnostic = Diagnostic::new(format!("{doing}: {}", failure.message));
    BuildError::daemon_at(failure, diagnostic)
}
