//! A change of the syntax line keeps the build cache: every step is there already, both ways.

use std::collections::BTreeMap;

use tempfile::TempDir;

use crate::support::{Context, Environment, checkout, run};

/// The official frontend as an image, as the registry of the stand has it.
const OFFICIAL: &str = "docker/dockerfile:1";

/// Most kinds of steps, in two stages.
const STEPS: &str = r#"
FROM busybox:stable-musl AS build
ARG WHO=me
WORKDIR /src
COPY --chmod=640 . .
COPY --from=busybox:stable-musl /bin/busybox /tools/
COPY --parents --exclude=*.md dir/./sub /parents/
ADD --link https_is_no_scheme.txt /linked/
RUN --mount=type=cache,target=/cache --mount=type=bind,source=dir,target=/dir ls /dir > /out.txt
RUN ["sh", "-c", "echo $WHO >> /out.txt"]
RUN <<EOF
set -e
echo script >> /out.txt
EOF
COPY <<EOF /etc/app.conf
who = $WHO
EOF

FROM busybox:stable-musl
ENV CONF=/etc/app.conf
COPY --from=build --chown=5:5 /out.txt /app/out.txt
COPY --link --from=build /etc/app.conf /etc/app.conf
WORKDIR /app
RUN --network=none test -s out.txt && mkdir -m 700 private
USER 5:5
CMD ["/bin/busybox", "cat", "/app/out.txt"]
"#;

/// The steps of one build, and whether each was in the cache.
type Steps = BTreeMap<String, bool>;

/// Builds with the frontend image `syntax`; the steps are what the client shows in `[stage i/n]`, but for FROM.
#[track_caller]
fn build(context: &Context, syntax: &str, arguments: &[&str]) -> Steps {
    let mut command = Environment::read().buildx_build(context.path());
    command.arg(format!("--build-arg=BUILDKIT_SYNTAX={syntax}")).arg("--output=type=cacheonly");
    let printed = run(command.args(arguments)).succeeded().stderr;
    let mut names = BTreeMap::new();
    let mut steps = Steps::new();
    for (number, text) in printed.lines().filter_map(|line| line.strip_prefix('#')?.split_once(' ')) {
        if let Some((place, instruction)) = text.strip_prefix('[').and_then(|text| text.split_once("] ")) {
            if place.contains('/') && !instruction.starts_with("FROM ") {
                names.insert(number, text);
                steps.entry(text.to_owned()).or_insert(false);
            }
        } else if text == "CACHED"
            && let Some(&name) = names.get(number)
        {
            steps.insert(name.to_owned(), true);
        }
    }
    steps
}

/// A context whose steps no cache has yet.
fn unseen(context: Context) -> Context {
    let name = TempDir::new().expect("a temporary directory can be made");
    context.with("unseen", name.path().as_os_str().as_encoded_bytes())
}

fn steps() -> Context {
    let files = ["a.txt", "https_is_no_scheme.txt", "dir/sub/b.txt", "dir/sub/c.md"];
    files.into_iter().fold(unseen(Context::new(STEPS)), |context, file| context.with(file, file))
}

/// The example of a Dockerfile that knows nothing of decant.
fn tutorial() -> Context {
    let example = checkout().join("dockerfiles/examples/go-hello");
    let read = |name: &str| std::fs::read_to_string(example.join(name)).expect("the example has this file");
    let context = Context::new(&read("Dockerfile"));
    let names = std::fs::read_dir(&example).expect("the example can be listed");
    unseen(names.fold(context, |context, entry| {
        let name = entry.expect("an entry can be read").file_name().into_string().expect("names are plain");
        let text = read(&name);
        context.with(&name, text)
    }))
}

const OFF: &[&str] = &["--build-arg=BUILDKIT_DISTROLESS=off"];

/// Builds with `first`, then with `second`: that one must do nothing.
#[track_caller]
fn check(context: &Context, first: (&str, &[&str]), second: (&str, &[&str])) {
    let filled = build(context, first.0, first.1);
    assert!(filled.values().any(|cached| !cached), "the cache had all of it before: {filled:#?}");
    let found = build(context, second.0, second.1);
    for step in filled.keys() {
        assert_eq!(found.get(step), Some(&true), "`{step}` of\n{found:#?}");
    }
}

#[test]
fn from_the_official_frontend_to_decant() {
    let image = &Environment::read().image;
    for context in [steps(), tutorial()] {
        check(&context, (OFFICIAL, &[]), (image, OFF));
    }
}

#[test]
fn from_decant_to_the_official_frontend() {
    let image = &Environment::read().image;
    for context in [steps(), tutorial()] {
        check(&context, (image, OFF), (OFFICIAL, &[]));
    }
}

#[test]
fn distilling_keeps_the_steps_of_all_stages() {
    let image = &Environment::read().image;
    for context in [steps(), tutorial()] {
        check(&context, (OFFICIAL, &[]), (image, &[]));
    }
}

#[test]
fn what_distilling_built_serves_the_official_frontend() {
    let image = &Environment::read().image;
    let context = steps();
    let _ = build(&context, image, &[]);
    let found = build(&context, OFFICIAL, &[]);
    assert!(!found.is_empty() && found.values().all(|cached| *cached), "{found:#?}");
}
