//! The whole program against a stand-in for the daemon: what goes over the wire, and how decant ends.

use decant::proto::google::protobuf::Any;

use crate::support::daemon::{Daemon, status};

const DETAIL: &str = "github.com/moby/buildkit/errdefs.Vertex+json";

#[test]
fn a_missing_dockerfile_is_returned_and_the_program_ends() {
    let served = Daemon::current().serve();
    assert_eq!(served.error(), "failed to read dockerfile: open Dockerfile: no such file or directory");
    assert_eq!(served.calls.first().map(String::as_str), Some("Ping"));
    assert_eq!(served.calls.last().map(String::as_str), Some("Return"));
    // A code other than 0 would beat the returned error; the connection was open until the end.
    assert!(served.status.success(), "{:?} {}", served.status, served.stderr);
    assert_eq!(served.stderr, "");
}

#[test]
fn bad_options_are_returned() {
    let served = Daemon { options: vec!["force-network-mode=moon"], ..Daemon::current() }.serve();
    assert_eq!(served.error(), "invalid netmode moon");
    assert_eq!(served.calls, ["Ping", "Return"]);
}

/// The details of a failed step hold the Dockerfile twice encoded and come in one header.
#[test]
fn large_error_details_are_passed_on() {
    let value = vec![b'x'; 400 << 10];
    let mut error = status(2, "the step failed");
    error.details.push(Any { type_url: DETAIL.to_owned(), value: value.clone() });
    let served = Daemon { solve_error: Some(error), ..Daemon::current() }.serve();
    assert_eq!(served.error(), "failed to resolve dockerfile: the step failed");
    let returned = served.returned.unwrap().error.unwrap();
    assert_eq!(returned.code, 2);
    assert_eq!(returned.details, [Any { type_url: DETAIL.to_owned(), value }]);
}

#[test]
fn large_files_are_read_in_pages() {
    let line = b"# a comment of thirty-two bytes\n";
    let files = [("Dockerfile", line.repeat((9 << 20) / line.len()))].into();
    let served = Daemon { files, ..Daemon::current() }.serve();
    let page = 8 << 20;
    let reads = &served.reads[..2];
    assert_eq!(reads, [("Dockerfile".to_owned(), 0, page), ("Dockerfile".to_owned(), page, page)]);
    assert!(served.status.success(), "{}", served.stderr);
}

#[test]
fn a_dockerfile_over_the_limit_is_refused() {
    let files = [("Dockerfile", vec![b'#'; (16 << 20) + 1])].into();
    let served = Daemon { files, ..Daemon::current() }.serve();
    assert_eq!(
        served.error(),
        "failed to read dockerfile: Dockerfile exceeds maximum allowed size of 16777216 bytes"
    );
}

#[test]
fn an_unsupported_cap_is_typed() {
    let served = Daemon {
        options: vec!["frontend.caps=moby.buildkit.frontend.moon+forward"],
        files: [("Dockerfile", b"FROM scratch\n".to_vec())].into(),
        ..Daemon::current()
    }
    .serve();
    let name = "moby.buildkit.frontend.moon";
    assert_eq!(served.error(), format!("unsupported frontend capability {name}"));
    let error = served.returned.unwrap().error.unwrap();
    assert_eq!(error.code, 12);
    assert_eq!(error.details[0].type_url, "github.com/moby/buildkit/errdefs.FrontendCap+json");
    assert_eq!(error.details[0].value, format!(r#"{{"name":"{name}"}}"#).as_bytes());
}

#[test]
fn a_daemon_that_goes_away_ends_the_program() {
    for call in ["Ping", "Solve", "Return"] {
        let served = Daemon { vanish_at: Some(call), ..Daemon::current() }.serve();
        assert_eq!(served.status.code(), Some(1), "{call}");
        assert!(served.stderr.starts_with("decant: "), "{call}: {}", served.stderr);
        assert_eq!(served.stderr.lines().count(), 1, "{call}: {}", served.stderr);
    }
}

/// Each call is a round trip that every build pays for.
#[test]
fn a_build_makes_no_call_without_need() {
    let dockerfile = "FROM debian AS build\nRUN make\nFROM alpine\nCOPY --from=build /a /a\nCOPY . .\n";
    let served = Daemon {
        options: vec!["build-arg:BUILDKIT_DISTROLESS=off"],
        files: [("Dockerfile", dockerfile.into())].into(),
        ..Daemon::current()
    }
    .serve();
    assert!(
        served.returned.as_ref().is_some_and(|returned| returned.error.is_none()),
        "{:?}",
        served.returned
    );
    let read: Vec<&str> = served.reads.iter().map(|(path, ..)| path.as_str()).collect();
    assert_eq!(read, ["Dockerfile", "Dockerfile.dockerignore", ".dockerignore"]);
    // Images are looked up while the ignore file is read.
    let mut calls = served.calls;
    assert_eq!(calls.drain(..4).collect::<Vec<_>>(), ["Ping", "Inputs", "Solve", "ReadFile"]);
    let mut together: Vec<String> = calls.drain(..3).collect();
    together.sort();
    assert_eq!(together, ["ReadFile", "ResolveImageConfig", "ResolveImageConfig"]);
    assert_eq!(calls, ["Solve", "ReadFile", "Solve", "Return"]);
}
