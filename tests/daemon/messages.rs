//! What a client prints when a build fails, to the letter.

use crate::support::{Context, Environment, run};

/// What buildx prints from the snippet (or, without one, the error) to the end.
fn message(context: &Context) -> String {
    let outcome = run(&mut Environment::read().buildx_build(context.path())).failed();
    let start = outcome
        .stderr
        .lines()
        .position(|line| line.starts_with("Dockerfile:") || line.starts_with("ERROR: "))
        .unwrap_or_else(|| panic!("no error in\n{}", outcome.text()));
    outcome.stderr.lines().skip(start).collect::<Vec<_>>().join("\n")
}

/// A Dockerfile interpreted by the frontend under test.
fn dockerfile(text: &str) -> Context {
    Context::new(&format!("# syntax={}\n{text}", Environment::read().image))
}

/// The syntax line differs from machine to machine.
#[track_caller]
fn check(context: &Context, expected: &str) {
    let printed = message(context).replace(&Environment::read().image, "decant:dev");
    assert_eq!(printed, expected.trim_start_matches('\n').trim_end(), "\n{printed}");
}

#[test]
fn a_failing_run_points_at_its_line() {
    check(
        &dockerfile("FROM busybox:stable-musl\nRUN true\nRUN echo no && \\\n    exit 3\n"),
        r#"
Dockerfile:4
--------------------
   3 |     RUN true
   4 | >>> RUN echo no && \
   5 | >>>     exit 3
   6 |     
--------------------
ERROR: failed to build: failed to solve: process "/bin/sh -c echo no &&     exit 3" did not complete successfully: exit code: 3
"#,
    );
}

#[test]
fn an_unknown_instruction_points_at_its_line() {
    check(
        &dockerfile("FROM scratch\nCOPPY a b\n"),
        "
Dockerfile:3
--------------------
   1 |     # syntax=decant:dev
   2 |     FROM scratch
   3 | >>> COPPY a b
   4 |     
--------------------
ERROR: failed to build: failed to solve: dockerfile parse error on line 3: unknown instruction: COPPY (did you mean COPY?)
",
    );
}

#[test]
fn an_unknown_stage_is_named() {
    let mut command =
        Environment::read().buildx_build(dockerfile("FROM scratch AS builder\nCOPY Dockerfile /\n").path());
    command.arg("--target=biulder");
    let outcome = run(&mut command).failed();
    let error = outcome.stderr.lines().last().unwrap_or_default();
    assert_eq!(
        error,
        r#"ERROR: failed to build: failed to solve: target stage "biulder" could not be found (did you mean builder?)"#
    );
}

#[test]
fn an_unknown_flag_points_at_its_line() {
    check(
        &dockerfile("FROM scratch\nCOPY --frm=x a b\n"),
        "
Dockerfile:3
--------------------
   1 |     # syntax=decant:dev
   2 |     FROM scratch
   3 | >>> COPY --frm=x a b
   4 |     
--------------------
ERROR: failed to build: failed to solve: dockerfile parse error on line 3: unknown flag: --frm (did you mean from?)
",
    );
}
