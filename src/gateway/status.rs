//! Build errors as `google.rpc.Status` with the details that make clients draw the excerpt.

use serde::Serialize;

use crate::diagnostic::Diagnostic;
use crate::dockerfile::raw;
use crate::gateway::excerpt::{self, detail};
use crate::gateway::{BuildError, Failure};
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
            message: raw::lossy(&diagnostic.text()).into_owned(),
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
        message: at.map_or_else(|| failure.message.clone(), |at| raw::lossy(&at.text()).into_owned()),
        details,
    }
}

#[derive(Serialize)]
struct Named<'a> {
    name: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dockerfile::source::Span;
    use crate::gateway::Detail;

    fn file() -> SourceMap {
        SourceMap {
            filename: "Dockerfile".to_owned(),
            data: b"FROM x\n".to_vec(),
            language: "Dockerfile".to_owned(),
            definition: None,
        }
    }

    /// Code, message, then `type value` of each detail.
    fn show(error: &BuildError) -> String {
        let status = status(error, Some(&file()));
        let mut lines = vec![format!("{} {}", status.code, status.message)];
        lines.extend(status.details.iter().map(|detail| {
            let name = detail.type_url.trim_start_matches("github.com/moby/buildkit/");
            format!("{name} {}", String::from_utf8_lossy(&detail.value))
        }));
        lines.join("\n")
    }

    fn excerpt(ranges: &str) -> String {
        format!(
            r#"errdefs.Source+json {{"info":{{"filename":"Dockerfile","data":"RlJPTSB4Cg==","language":"Dockerfile"}},"ranges":[{ranges}]}}"#
        )
    }

    #[test]
    fn errors_have_the_details_that_clients_draw() {
        let line = |number| format!(r#"{{"start":{{"line":{number}}},"end":{{"line":{number}}}}}"#);
        let failure = |details: &[(&str, &str)]| Failure {
            code: 5,
            message: "x: not found".to_owned(),
            details: details
                .iter()
                .map(|(name, value)| Detail {
                    type_url: format!("github.com/moby/buildkit/{name}+json"),
                    value: value.as_bytes().to_vec(),
                })
                .collect(),
        };
        let at = Diagnostic::new("FROM x: not found").at(Span::lines(1, 1));
        let two_places =
            Diagnostic::new("circle").at(Span::lines(1, 2)).at(Span::lines(4, 4)).hint("break it");
        for (summary, error, expected) in [
            (
                "one excerpt a place, one range a line",
                BuildError::from(two_places),
                format!(
                    "2 circle (hint: break it)\n{}\n{}",
                    excerpt(&format!("{},{}", line(1), line(2))),
                    excerpt(&line(4))
                ),
            ),
            (
                "line 0 is left out",
                Diagnostic::new("bad").at(Span::lines(0, 0)).into(),
                format!("2 bad\n{}", excerpt(r#"{"start":{},"end":{}}"#)),
            ),
            (
                "a daemon's error gets our place",
                BuildError::daemon_at(failure(&[("errdefs.Vertex", "{}")]), at.clone()),
                format!("5 FROM x: not found\nerrdefs.Vertex+json {{}}\n{}", excerpt(&line(1))),
            ),
            (
                "unless it has one",
                BuildError::daemon_at(failure(&[("errdefs.Source", "{}")]), at),
                "5 FROM x: not found\nerrdefs.Source+json {}".to_owned(),
            ),
            (
                "code 0 would be no error",
                Failure { code: 0, ..failure(&[]) }.into(),
                "2 x: not found".to_owned(),
            ),
            (
                "subrequest",
                BuildError::UnsupportedRequest("frontend.x".to_owned()),
                "2 unsupported request frontend.x\nerrdefs.Subrequest+json {\"name\":\"frontend.x\"}".to_owned(),
            ),
            (
                "bug",
                BuildError::Bug("panicked at src/x.rs:1:2: oh".to_owned()),
                "13 decant crashed: panicked at src/x.rs:1:2: oh; this is a bug in decant, not in your Dockerfile"
                    .to_owned(),
            ),
        ] {
            assert_eq!(show(&error), expected, "{summary}");
        }
    }
}
