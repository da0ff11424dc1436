//! Every client and engine builds with nothing but the syntax line, and with `BUILDKIT_SYNTAX`.

use std::process::Command;

use tempfile::TempDir;

use crate::support::{Container, Context, Environment, Image, checkout, run};

const HELLO: &str = "FROM golang:1.26 AS build\nWORKDIR /src\nCOPY . .\nRUN go build -o /out/hello main.go\n";

fn hello(syntax: Option<&str>, last_stage: &str) -> Context {
    let syntax = syntax.map_or_else(String::new, |image| format!("# syntax={image}\n"));
    Context::new(&format!("{syntax}{HELLO}{last_stage}")).with(
        "main.go",
        "package main\n\nimport \"fmt\"\n\nfunc main() { fmt.Println(\"Hello, distroless!\") }\n",
    )
}

const DISTROLESS: &str = "FROM distroless\nCOPY --from=build /out/hello /\nCMD [\"/hello\"]\n";
const TUTORIAL: &str =
    "FROM gcr.io/distroless/base-debian12\nCOPY --from=build /out/hello /\nCMD [\"/hello\"]\n";

/// Runs a build that writes an OCI archive and returns what its container prints.
fn printed(command: &mut Command, output: impl FnOnce(&str) -> String) -> String {
    let out = TempDir::new().expect("a temporary directory can be made");
    let archive = out.path().join("image.tar");
    let _ = run(command.arg(output(&format!("type=oci,dest={}", archive.display())))).succeeded();
    Container::of(&Image::read(&archive)).run().succeeded().stdout
}

#[test]
fn buildx_with_a_remote_daemon() {
    let environment = Environment::read();
    let context = hello(Some(&environment.image), DISTROLESS);
    let text = printed(&mut environment.buildx_build(context.path()), |output| format!("--output={output}"));
    assert_eq!(text, "Hello, distroless!\n");
}

#[test]
fn buildctl() {
    let environment = Environment::read();
    let context = hello(Some(&environment.image), DISTROLESS);
    let text =
        printed(&mut environment.buildctl_build(context.path()), |output| format!("--output={output}"));
    assert_eq!(text, "Hello, distroless!\n");
}

#[test]
fn buildctl_with_the_gateway_frontend() {
    let environment = Environment::read();
    let context = hello(None, DISTROLESS);
    let mut command = environment.program("buildctl");
    command.args(["build", "--progress=plain", "--frontend=gateway.v0"]);
    command.arg(format!("--opt=source={}", environment.image));
    command.arg(format!("--local=context={}", context.path().display()));
    command.arg(format!("--local=dockerfile={}", context.path().display()));
    let text = printed(&mut command, |output| format!("--output={output}"));
    assert_eq!(text, "Hello, distroless!\n");
}

#[test]
fn an_unmodified_tutorial_with_a_build_argument() {
    let environment = Environment::read();
    let context = hello(None, TUTORIAL);
    let mut command = environment.buildx_build(context.path());
    command.arg(format!("--build-arg=BUILDKIT_SYNTAX={}", environment.image));
    let text = printed(&mut command, |output| format!("--output={output}"));
    assert_eq!(text, "Hello, distroless!\n");
}

#[test]
fn an_unmodified_tutorial_with_a_named_context() {
    let environment = Environment::read();
    let context = hello(Some("docker/dockerfile:1"), TUTORIAL);
    let mut command = environment.buildx_build(context.path());
    command.arg(format!("--build-context=docker/dockerfile:1=docker-image://{}", environment.image));
    let text = printed(&mut command, |output| format!("--output={output}"));
    assert_eq!(text, "Hello, distroless!\n");
}

/// Builds with the engine's own builder and runs with `docker run`.
fn with_the_engine(context: &Context, tag: &str, arguments: &[String]) -> String {
    let environment = Environment::read();
    // The machine's own client; its configuration directory has the pinned buildx as plugin.
    let mut command = Command::new("docker");
    command.args(["--host", environment.docker_host(), "buildx", "build", "--builder=default", "--load"]);
    command.args(["--progress=plain", "--tag", tag]).args(arguments).arg(context.path());
    let _ = run(command.env_remove("BUILDX_BUILDER")).succeeded();
    let mut command = Command::new("docker");
    command.args(["--host", environment.docker_host(), "run", "--rm", "--read-only", "--network=none"]);
    run(command.args(["--user=65532:65532", tag])).succeeded().stdout
}

#[test]
fn the_engine_with_a_syntax_line() {
    let environment = Environment::read();
    let context = hello(Some(&environment.image), DISTROLESS);
    assert_eq!(with_the_engine(&context, "decant-test/engine:syntax", &[]), "Hello, distroless!\n");
}

#[test]
fn the_engine_with_a_build_argument() {
    let environment = Environment::read();
    let context = hello(None, TUTORIAL);
    let syntax = format!("--build-arg=BUILDKIT_SYNTAX={}", environment.image);
    assert_eq!(with_the_engine(&context, "decant-test/engine:argument", &[syntax]), "Hello, distroless!\n");
}

#[test]
fn the_examples_name_a_syntax_image_that_the_stand_serves() {
    let environment = Environment::read();
    let example = checkout().join("dockerfiles/examples/go-hello-distroless");
    let text = printed(&mut environment.buildx_build(&example), |output| format!("--output={output}"));
    assert_eq!(text, "Hello, distroless!\n");
}
