//! Docker Engine 20.10, as Debian 12 has it: ordinary Dockerfiles build and run, distilling works, and what the engine
//! lacks is said with the version that has it.

use crate::support::{Context, Environment, OldEngine, run};

/// What 20.10's own frontend took, and what came later but needs nothing of the daemon.
const ORDINARY: &str = r#"
FROM busybox:stable-musl AS build
ARG WHO=me
WORKDIR /w
COPY . .
COPY --chown=1:2 --chmod=600 file /q
RUN --mount=type=cache,target=/c echo $WHO > /out && cat file >> /out
RUN <<EOF
echo script >> /out
EOF
COPY <<EOF /doc
who = $WHO
EOF

FROM busybox:stable-musl
LABEL a=b
COPY --link --from=build /out /doc /app/
HEALTHCHECK CMD true
CMD ["/bin/busybox", "cat", "/app/out", "/app/doc"]
"#;

const PRINTED: &str = "me\ncontent\nscript\nwho = me\n";

fn context(text: &str) -> Context {
    Context::new(&format!("# syntax={}\n{text}", Environment::read().image)).with("file", "content\n")
}

#[test]
fn builds_and_says_what_it_lacks() {
    let engine = OldEngine::start();
    let version = run(&mut engine.docker(&["version", "--format={{.Server.Version}}"])).succeeded().stdout;

    let ordinary = context(ORDINARY);
    for (tag, policy) in [("old:ordinary", "off"), ("old:distilled", "on")] {
        let mut build = engine.build(tag, ordinary.path());
        let _ = run(build.arg(format!("--build-arg=BUILDKIT_DISTROLESS={policy}"))).succeeded();
        let container = run(&mut engine.docker(&["run", "--rm", "--network=none", "--read-only", tag]));
        assert_eq!(container.succeeded().stdout, PRINTED, "{policy}");
    }
    let shell = run(&mut engine.docker(&["run", "--rm", "--network=none", "old:distilled", "/bin/ls"]));
    assert!(!shell.status.success(), "the distilled image has more than its program");

    if !version.starts_with("20.10.") {
        // A later Debian: its engine knows all of it.
        return;
    }
    for (instruction, expected) in [
        (
            "COPY --exclude=*.md . /x",
            "`--parents` or `--exclude` of COPY and ADD needs BuildKit 0.9 or later",
        ),
        ("COPY --chmod=u+x file /x", "a symbolic `--chmod` needs BuildKit 0.20 or later"),
        ("RUN --mount=type=secret,id=s,env=S true", "`env=` of a secret mount needs BuildKit 0.10 or later"),
    ] {
        let context = context(&format!("FROM busybox:stable-musl\n{instruction}\nCMD [\"/bin/true\"]\n"));
        let printed = run(&mut engine.build("old:lacking", context.path())).failed().text();
        assert!(printed.contains(expected), "{instruction}\n{printed}");
        assert!(printed.contains("docker buildx create"), "{instruction}\n{printed}");
    }
}
