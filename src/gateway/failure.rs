//! Failures: what a gRPC call answered, with the typed details that make it useful.

use crate::diagnostic::Diagnostic;

/// The error of a call to the daemon, kept whole so that it can be passed on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failure {
    /// gRPC code; 2 (Unknown) for ordinary build errors.
    pub code: i32,
    pub message: String,
    pub details: Vec<Detail>,
}

/// One typed detail: JSON bytes where `type_url` ends in `+json`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Detail {
    pub type_url: String,
    pub value: Vec<u8>,
}

impl Failure {
    /// The digests of the vertices that failed, innermost first.
    pub fn vertices(&self) -> Vec<String> {
        Vec::new()
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// Why a build has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BuildError {
    /// Ours: what is wrong in the Dockerfile or the options.
    Diagnostic(Diagnostic),
    /// The daemon's, passed on with its details; with `at`, located in the Dockerfile unless it already is.
    Daemon { failure: Failure, at: Option<Diagnostic> },
    /// `frontend.caps` asks for what decant does not have (gRPC Unimplemented, detail `errdefs.FrontendCap`).
    UnsupportedCap(String),
    /// Unknown `requestid` (detail `errdefs.Subrequest`).
    UnsupportedRequest(String),
    /// A panic: decant's own bug, with message and place.
    Bug(String),
}

impl From<Diagnostic> for BuildError {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::Diagnostic(diagnostic)
    }
}

impl From<Failure> for BuildError {
    fn from(failure: Failure) -> Self {
        Self::Daemon { failure, at: None }
    }
}
