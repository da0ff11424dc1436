//! Build errors as `google.rpc.Status` with the details that make clients draw the excerpt.

use serde::Serialize;

use crate::diagnostic::Diagnostic;
use crate::gateway::{BuildError, Failure, excerpt};
use crate::image::json;
use crate::llb::SourceMap;
use crate::proto::google::protobuf::Any;
use crate::proto::google::rpc::Status;

/// gRPC codes that we return.
const UNKNOWN: i32 = 2;
const UNIMPLEMENTED: i32 = 12;
const INTERNAL: i32 = 13;

/// The status that ends a build; spans are lines of `source`.
pub(super) fn status(error: &BuildError, source: Option<&SourceMap>) -> Status {
    match error {
        BuildError::Diagnostic(diagnostic) => Status {
            code: UNKNOWN,
            message: diagnostic.text(),
            details: excerpt::details(&diagnostic.spans, source),
        },
        BuildError::Daemon { failure, at } => daemon(failure, at.as_deref(), source),
        BuildError::UnsupportedCap(name) => Status {
            code: UNIMPLEMENTED,
            message: format!("unsupported frontend capability {name}"),
            details: vec![detail("errdefs.FrontendCap", &Named { name })],
        },
        BuildError::UnsupportedRequest(name) => Status {
            code: UNKNOWN,
            message: format!("unsupported request {name}"),
            details: vec![detail("errdefs.Subrequest", &Named { name })],
        },
        BuildError::Bug(what) => Status {
            code: INTERNAL,
            message: format!("decant crashed: {what}; this is a bug in decant, not in your Dockerfile"),
            details: Vec::new(),
        },
    }
}

/// The daemon's error with its own details; ours are added only where it has none.
fn daemon(failure: &Failure, at: Option<&Diagnostic>, source: Option<&SourceMap>) -> Status {
    let mut details: Vec<Any> = failure
        .details
        .iter()
        .map(|detail| Any { type_url: detail.type_url.clone(), value: detail.value.clone() })
        .collect();
    if let Some(at) = at
        && !failure.has_source()
    {
        details.extend(excerpt::details(&at.spans, source));
    }
    Status {
        // A Return with code 0 fails.
        code: if failure.code == 0 { UNKNOWN } else { failure.code },
        message: at.map_or_else(|| failure.message.clone(), Diagnostic::text),
        details,
    }
}

/// A detail in the form that the daemon's own errors have: JSON bytes under a Go type name.
pub(super) fn detail(name: &str, value: &impl Serialize) -> Any {
    Any { type_url: format!("github.com/moby/buildkit/{name}+json"), value: json::to_vec(value) }
}

#[derive(Serialize)]
struct Named<'a> {
    name: &'a str,
}
