//! The ways in which a frontend loses a build on a real daemon although each of its messages is right.
//! The tests hold for any frontend: the official one passes them too.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::support::{Context, Environment, Outcome, run};

/// A Dockerfile interpreted by the frontend under test.
fn dockerfile(text: &str) -> Context {
    Context::new(&format!("# syntax={}\n{text}", Environment::read().image))
}

/// A command that asks the frontend under test itself: nobody else reads the Dockerfile before.
fn ask_directly(context: &Context) -> Command {
    let environment = Environment::read();
    let mut command = environment.program("buildctl");
    command.args(["build", "--progress=plain", "--frontend=gateway.v0", "--opt=cmdline=direct"]);
    command.arg(format!("--opt=source={}", environment.image));
    for local in ["context", "dockerfile"] {
        command.arg(format!("--local={local}={}", context.path().display()));
    }
    command
}

/// The file system that a build gives.
fn built(context: &Context) -> TempDir {
    let out = TempDir::new().expect("a temporary directory can be made");
    let mut command = Environment::read().buildctl_build(context.path());
    let _ = run(command.arg(format!("--output=type=local,dest={}", out.path().display()))).succeeded();
    out
}

/// The line of the Dockerfile that the client points at, and the error.
fn blamed(outcome: &Outcome) -> (Vec<&str>, &str) {
    let lines = outcome.stderr.lines().filter(|line| line.contains(" | >>> "));
    let error = outcome.stderr.lines().rfind(|line| line.starts_with("ERROR: ")).unwrap_or_default();
    (lines.collect(), error)
}

/// A step far above many kinds of ops; `{}` makes its digest new in each run.
const FAILING: &str = "\
FROM busybox:stable-musl AS base
ARG GREETING=hello
ENV GREETING=$GREETING
WORKDIR /work
FROM base AS files
COPY --chmod=644 --chown=12:34 Dockerfile /files/
COPY --link Dockerfile /linked/
ADD Dockerfile /added/
COPY <<text /text
written here
text
FROM base AS last
COPY --from=files /files /linked /files/
RUN --mount=type=cache,target=/cache --mount=type=bind,from=files,target=/mnt true
RUN --mount=type=tmpfs,target=/tmp echo fails && exit 7
";

const FAILURE: &str = "ERROR: failed to build: failed to solve: process \"/bin/sh -c echo fails && exit 7\" did not \
                       complete successfully: exit code: 7";

/// The daemon names a vertex by the digest of the op as it encodes it, so the lines of a failed step are found
/// only when ours has the same bytes, and those of all ops below it.
#[test]
fn a_failed_step_above_all_kinds_of_ops_is_found_in_the_dockerfile() {
    let context = dockerfile(FAILING);
    let outcome = run(&mut Environment::read().buildx_build(context.path())).failed();
    let expected = "  16 | >>> RUN --mount=type=tmpfs,target=/tmp echo fails && exit 7";
    assert_eq!(blamed(&outcome), (vec![expected], FAILURE), "{}", outcome.text());
}

/// The details of an error hold the Dockerfile twice encoded and travel in one header.
#[test]
fn a_failed_step_of_a_large_dockerfile_is_found() {
    let padding = "# one of very many lines that say nothing at all\n".repeat(3000);
    assert!(padding.len() > 128 << 10);
    let context = dockerfile(&format!("{padding}{FAILING}"));
    let outcome = run(&mut Environment::read().buildx_build(context.path())).failed();
    let expected = "3016 | >>> RUN --mount=type=tmpfs,target=/tmp echo fails && exit 7";
    let (lines, error) = blamed(&outcome);
    assert_eq!(lines.iter().map(|line| line.trim()).collect::<Vec<_>>(), [expected], "{error}");
    assert_eq!(error, FAILURE);
}

/// The daemon runs the steps after the frontend returned; it waits for the frontend's process, kills a frontend
/// that closed its connection a second ago, and fails the build of one that ends with a code.
#[test]
fn a_result_survives_the_end_of_the_frontend() {
    let context = dockerfile("FROM busybox:stable-musl\nRUN sleep 3 && echo slow >/file\n");
    let out = TempDir::new().expect("a temporary directory can be made");
    let mut command = Environment::read().buildctl_build(context.path());
    command.args(["--no-cache", &format!("--output=type=local,dest={}", out.path().display())]);
    let outcome = run(&mut command).succeeded();
    assert_eq!(
        fs::read_to_string(out.path().join("file")).unwrap_or_default(),
        "slow\n",
        "{}",
        outcome.text()
    );
}

/// The daemon refuses caps that it does not know: `file.copy.modestring` and
/// `exec.meta.removemountstubs.recursive` have fields but are no caps.
#[test]
fn symbolic_modes_and_mounts_at_new_paths_need_no_cap() {
    let context = dockerfile(
        "FROM busybox:stable-musl AS build\nCOPY --chmod=u=rw,go=r,a+X tree /tree/\n\
         RUN --mount=type=bind,target=/new/mount/point test -e /new/mount/point/Dockerfile\n\
         FROM scratch\nCOPY --from=build /tree /tree\nCOPY --from=build /ne[w] /new\n",
    )
    .with("tree/sub/file", "content\n");
    let file = context.path().join("tree/sub/file");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("a mode can be set");
    let out = built(&context);
    let mode = |path: &str| {
        let metadata = fs::metadata(out.path().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        metadata.permissions().mode() & 0o7777
    };
    assert_eq!(mode("tree/sub/file"), 0o644);
    assert_eq!(mode("tree/sub"), 0o755);
    assert!(!out.path().join("new").exists(), "a place made for a mount stays in the image");
}

/// A message holds 16 MiB, so files come in pages.
#[test]
fn a_dockerfile_of_many_megabytes_is_read_to_its_end() {
    let padding = format!("# {}\n", "x".repeat(1022)).repeat(10 << 10);
    let context = Context::new(&format!("{padding}FROM scratch\nCOPY <<end /file\nat the end\nend\n"));
    let out = TempDir::new().expect("a temporary directory can be made");
    let mut command = ask_directly(&context);
    let _ = run(command.arg(format!("--output=type=local,dest={}", out.path().display()))).succeeded();
    assert_eq!(fs::read_to_string(out.path().join("file")).unwrap_or_default(), "at the end\n");
}

#[test]
fn a_dockerfile_over_the_limit_is_refused() {
    let context = Context::new(&"# a comment of thirty-two bytes\n".repeat((16 << 15) + 1));
    let outcome = run(&mut ask_directly(&context)).failed();
    assert_eq!(
        outcome.stderr.lines().last(),
        Some(
            "error: failed to solve: failed to read dockerfile: Dockerfile exceeds maximum allowed size of \
             16777216 bytes"
        ),
        "{}",
        outcome.text()
    );
}

/// The daemon's cache key of a file action has neither its kind nor its zero fields: an empty file could come
/// back as the directory that an earlier step made at the same path.
#[test]
fn an_empty_file_where_another_stage_has_a_directory_stays_a_file() {
    let context = dockerfile(
        "FROM scratch AS directory\nWORKDIR /place\nFROM scratch AS file\nCOPY <<none /place\nnone\n\
         FROM scratch\nCOPY --from=directory / /first/\nCOPY --from=file / /second/\n",
    );
    let out = built(&context);
    assert!(out.path().join("first/place").is_dir());
    assert!(out.path().join("second/place").is_file());
}

/// A linked target of bake takes our definition as an input; ops without metadata are refused there.
#[test]
fn a_result_serves_another_target_as_an_input() {
    let context = dockerfile(
        "FROM busybox:stable-musl AS tool\nWORKDIR /made\nRUN echo made >here\nFROM scratch AS user\n\
         COPY --from=other /made/here /taken\n",
    )
    .with(
        "docker-bake.json",
        r#"{"target": {"tool": {"target": "tool"}, "user": {"target": "user", "contexts": {"other": "target:tool"}}}}"#,
    );
    let out = TempDir::new().expect("a temporary directory can be made");
    let mut command = Environment::read().program("buildx");
    command.current_dir(context.path());
    command.args(["bake", "--builder=decant", "--progress=plain", "--allow=fs=*", "user"]);
    command.arg(format!("--set=user.output=type=local,dest={}", out.path().display()));
    let outcome = run(&mut command).succeeded();
    let taken: PathBuf = out.path().join("taken");
    assert_eq!(fs::read_to_string(taken).unwrap_or_default(), "made\n", "{}", outcome.text());
}
