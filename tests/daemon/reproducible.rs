//! Equal input gives equal digests on every daemon, and a remote cache spares the builder.

use std::path::Path;

use tempfile::TempDir;

use crate::support::{Context, Environment, FreshDaemon, Image, Outcome, checkout, run};

fn builder(text: &str) -> Context {
    Context::new(&format!("# syntax={}\n{text}", Environment::read().image))
}

/// `buildctl build` of a directory on one daemon.
fn build_on(address: &str, context: &Path, arguments: &[String]) -> Outcome {
    let environment = Environment::read();
    let mut command = environment.program("buildctl");
    command.args(["--addr", address, "build", "--progress=plain", "--frontend=dockerfile.v0"]);
    command.arg(format!("--local=context={}", context.display()));
    command.arg(format!("--local=dockerfile={}", context.display()));
    run(command.args(arguments)).succeeded()
}

fn image_on(address: &str, context: &Path, arguments: &[&str]) -> Image {
    let out = TempDir::new().expect("a temporary directory can be made");
    let archive = out.path().join("image.tar");
    let mut all = vec![format!("--output=type=oci,dest={}", archive.display())];
    all.extend(arguments.iter().map(|&argument| argument.to_owned()));
    build_on(address, context, &all);
    Image::read(&archive)
}

#[test]
fn two_fresh_daemons_give_equal_layers() {
    let example = checkout().join("dockerfiles/examples/c-dlopen");
    let [first, second] = [(), ()].map(|()| {
        let daemon = FreshDaemon::start();
        image_on(&daemon.address, &example, &["--opt=build-arg:SOURCE_DATE_EPOCH=1700000000"])
    });
    assert_eq!(first.diff_ids, second.diff_ids);
    assert_eq!(first.digest, second.digest, "with SOURCE_DATE_EPOCH the manifests are equal too");
}

#[test]
fn a_registry_cache_spares_the_builder() {
    let environment = Environment::read();
    let context = builder(
        "FROM debian:bookworm AS build\nRUN echo \"this step\" ran && mkdir /out && cp /bin/true /out/true\n\
         FROM distroless\nCOPY --from=build /out/true /true\nCMD [\"/true\"]\n",
    );
    let cache = format!("type=registry,ref={}/cache-test/builder:latest", environment.registry);
    {
        let daemon = FreshDaemon::start();
        let printed =
            build_on(&daemon.address, context.path(), &[format!("--export-cache={cache},mode=max")]);
        assert!(step_ran(&printed), "{}", printed.text());
    }
    let daemon = FreshDaemon::start();
    let printed = build_on(&daemon.address, context.path(), &[format!("--import-cache={cache}")]);
    assert!(!step_ran(&printed), "the builder stage ran\n{}", printed.text());
    let mut command = environment.program("buildctl");
    let usage = run(command.args(["--addr", &daemon.address, "du", "--verbose"])).succeeded().stdout;
    assert!(
        !usage.contains("debian:bookworm@") || !usage.lines().any(pulled),
        "the builder's base was pulled\n{usage}"
    );
}

/// Whether the step printed its line; the name of its vertex has the words too.
fn step_ran(printed: &Outcome) -> bool {
    printed.stderr.lines().any(|line| line.ends_with(" this step ran") && !line.contains("RUN"))
}

/// A record of `buildctl du --verbose` for a layer of the builder's base that lies on this daemon's disk.
fn pulled(line: &str) -> bool {
    line.starts_with("Description:") && line.contains("debian:bookworm") && line.contains("pulled from")
}
