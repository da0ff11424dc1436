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
    let context = dockerfile("FROM scratch AS builder\nCOPY Dockerfile /\n");
    let mut command = Environment::read().buildx_build(context.path());
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

/// A C program that needs a library from a directory that no loader searches.
const LOST_LIBRARY: &str = "FROM gcc:12 AS build
WORKDIR /src
RUN echo 'int lost(void) { return 0; }' > lost.c && echo 'int lost(void); int main(void) { return lost(); }' > main.c
RUN gcc -shared -fPIC -o liblost.so lost.c && gcc -o /usr/local/bin/finder main.c -L. -llost

FROM distroless
COPY --from=build /usr/local/bin/finder /finder
CMD [\"/finder\"]
";

#[test]
fn a_missing_library_points_at_the_instruction_that_asked_for_it() {
    check(
        &dockerfile(LOST_LIBRARY),
        r#"
Dockerfile:8
--------------------
   6 |     
   7 |     FROM distroless
   8 | >>> COPY --from=build /usr/local/bin/finder /finder
   9 |     CMD ["/finder"]
  10 |     
--------------------
ERROR: failed to build: failed to solve: `/finder` needs `liblost.so`, which no search path of stage `build` holds (cmd → /finder → liblost.so; searched `/lib/x86_64-linux-gnu`, `/usr/lib/x86_64-linux-gnu`, `/lib`, `/usr/lib`, `/usr/local/lib64`, `/usr/local/lib` and 1 more) (hint: install the library in the build stage, or COPY `liblost.so` into a directory that is searched)
"#,
    );
}

/// A program made with a newer glibc than Google's base image has.
const TOO_NEW: &str = "FROM debian:trixie-slim AS build
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends gcc libc6-dev > /dev/null
WORKDIR /src
RUN echo '#include <stdio.h>\\nint main(void) { int n; return sscanf(\"1\", \"%d\", &n) - 1; }' > main.c && gcc -D_GNU_SOURCE -o /hello main.c

FROM gcr.io/distroless/base-debian12
COPY --from=build /hello /
CMD [\"/hello\"]
";

#[test]
fn a_symbol_version_that_the_base_lacks_is_named() {
    check(
        &dockerfile(TOO_NEW),
        r#"
Dockerfile:9
--------------------
   7 |     FROM gcr.io/distroless/base-debian12
   8 |     COPY --from=build /hello /
   9 | >>> CMD ["/hello"]
  10 |     
--------------------
ERROR: failed to build: failed to solve: `/hello` needs `GLIBC_2.38`, but `libc.so.6` of `stage-1` ends at `GLIBC_2.36` (cmd → /hello) (hint: build on the release that the image is made of, or use `FROM distroless` as the last stage)
"#,
    );
}
