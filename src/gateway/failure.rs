//! Failures: what a gRPC call answered, with the typed details that make it useful.

use prost::Message;

use crate::diagnostic::Diagnostic;
use crate::proto::google::rpc;

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
    /// A failure of our own making.
    pub fn new(message: impl Into<String>) -> Self {
        Self { code: UNKNOWN, message: message.into(), details: Vec::new() }
    }

    /// The digests of the vertices that failed, in the order of the details.
    ///
    /// Daemons before `BuildKit` 0.9 drop details: empty there.
    pub fn vertices(&self) -> Vec<String> {
        self.details_named("errdefs.Vertex")
            .filter_map(|detail| serde_json::from_slice::<Vertex>(&detail.value).ok())
            .map(|vertex| vertex.digest)
            .collect()
    }

    /// Whether it already points at a line of some file.
    pub fn has_source(&self) -> bool {
        self.details_named("errdefs.Source").next().is_some()
    }

    /// Whether a read failed only because there is no such file. The daemon has no typed error for it, so
    /// its text decides; a failed step below carries its vertex.
    pub fn is_missing_file(&self) -> bool {
        self.message.ends_with("no such file or directory")
            && self.details_named("errdefs.Vertex").next().is_none()
    }

    fn details_named(&self, name: &str) -> impl Iterator<Item = &Detail> {
        let json = format!("/{name}+json");
        self.details.iter().filter(move |detail| detail.type_url.ends_with(&json))
    }
}

/// `errdefs.Vertex`.
#[derive(serde::Deserialize)]
struct Vertex {
    #[serde(default, alias = "Digest")]
    digest: String,
}

impl From<tonic::Status> for Failure {
    fn from(status: tonic::Status) -> Self {
        let details = rpc::Status::decode(status.details())
            .map(|typed| typed.details)
            .unwrap_or_default()
            .into_iter()
            .map(|any| Detail { type_url: any.type_url, value: any.value })
            .collect();
        Self { code: i32::from(status.code()), message: status.message().to_owned(), details }
    }
}

/// gRPC code of ordinary errors.
const UNKNOWN: i32 = 2;

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
    Daemon { failure: Failure, at: Option<Box<Diagnostic>> },
    /// `frontend.caps` asks for what decant does not have (gRPC Unimplemented, detail `errdefs.FrontendCap`).
    UnsupportedCap(String),
    /// Unknown `requestid` (detail `errdefs.Subrequest`).
    UnsupportedRequest(String),
    /// A panic: decant's own bug, with message and place.
    Bug(String),
}

impl BuildError {
    /// The daemon's failure told with `diagnostic`'s message and place.
    pub fn daemon_at(failure: Failure, diagnostic: Diagnostic) -> Self {
        Self::Daemon { failure, at: Some(Box::new(diagnostic)) }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(message: &str, details: &[(&str, &str)]) -> Failure {
        let details = details
            .iter()
            .map(|(name, value)| Detail {
                type_url: format!("github.com/moby/buildkit/{name}+json"),
                value: value.as_bytes().to_vec(),
            })
            .collect();
        Failure { code: UNKNOWN, message: message.to_owned(), details }
    }

    #[test]
    fn failed_vertices_are_found() {
        let details = [
            ("errdefs.Vertex", r#"{"digest":"sha256:a"}"#),
            ("errdefs.Solve", r#"{"digest":"sha256:no"}"#),
            ("errdefs.Vertex", "broken"),
            ("errdefs.Vertex", r#"{"Digest":"sha256:b"}"#),
        ];
        assert_eq!(failure("x", &details).vertices(), ["sha256:a", "sha256:b"]);
    }

    #[test]
    fn only_the_file_itself_can_be_missing() {
        for (summary, message, details, expected) in [
            ("file", "open a: no such file or directory", &[][..], true),
            ("stat", "lstat a: no such file or directory", &[], true),
            ("other", "open a: not a regular file", &[], false),
            (
                "a step's own message",
                "mkfile /a/b: no such file or directory",
                &[("errdefs.Vertex", r#"{"digest":"sha256:a"}"#)],
                false,
            ),
        ] {
            assert_eq!(failure(message, details).is_missing_file(), expected, "{summary}");
        }
    }
}
