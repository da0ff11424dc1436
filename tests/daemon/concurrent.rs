//! Many builds at once on one daemon: each gets what it asked for, and nothing of another.

use std::fs;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use crate::support::{Context, Environment, Image, run_within};

const BUILDS: usize = 40;

/// All of them share the machine.
const LIMIT: Duration = Duration::from_mins(9);

/// Dockerfiles of four kinds; `N` is the number of the build.
const KINDS: [&str; 4] = [
    // As the official frontend makes it.
    "FROM busybox:stable-musl\nARG NUMBER\nLABEL number=$NUMBER\nENV NUMBER=$NUMBER\nCOPY file-$NUMBER /number\n\
     RUN [\"/bin/busybox\", \"sh\", \"-c\", \"echo $NUMBER >> /number\"]\nCMD [\"/bin/busybox\", \"cat\", \"/number\"]\n",
    // Distilled, with no word of it in the file.
    "FROM busybox:stable-musl AS build\nARG NUMBER\nCOPY file-$NUMBER /number\nRUN echo $NUMBER >> /number\n\
     FROM busybox:stable-musl\nARG NUMBER\nLABEL number=$NUMBER\nENV NUMBER=$NUMBER\nCOPY --from=build /number /number\n\
     USER $NUMBER:$NUMBER\nCMD [\"/bin/busybox\", \"cat\", \"/number\"]\n",
    // Distroless by name, with a target before the last stage.
    "FROM busybox:stable-musl AS build\nARG NUMBER\nCOPY file-$NUMBER /number\nRUN echo $NUMBER >> /number\n\
     FROM distroless AS wanted\nARG NUMBER\nLABEL number=$NUMBER\nENV NUMBER=$NUMBER\nCOPY --from=build /number /number\n\
     COPY --from=build /bin/busybox /bin/busybox\nCMD [\"/bin/busybox\", \"cat\", \"/number\"]\n\
     FROM scratch AS other\nCOPY file-$NUMBER /wrong\n",
    // Fails, each with its own words.
    "FROM busybox:stable-musl\nARG NUMBER\nRUN echo build $NUMBER fails && exit $NUMBER\n",
];

#[test]
fn forty_builds_at_once_do_not_mix() {
    thread::scope(|scope| {
        let builds: Vec<_> = (0..BUILDS).map(|number| scope.spawn(move || one(number))).collect();
        for build in builds {
            build.join().expect("each build is right");
        }
    });
}

fn one(number: usize) {
    let environment = Environment::read();
    let kind = number % KINDS.len();
    // Not 0, which is no failure.
    let number = number + 1;
    let context = Context::new(&format!("# syntax={}\n{}", environment.image, KINDS[kind]))
        .with(&format!("file-{number}"), format!("file {number}\n"));
    let out = TempDir::new().expect("a temporary directory can be made");
    let archive = out.path().join("image.tar");
    let mut command = environment.buildctl_build(context.path());
    command.arg(format!("--opt=build-arg:NUMBER={number}")).arg(format!("--opt=label:build={number}"));
    command.arg(format!("--output=type=oci,dest={}", archive.display()));
    match kind {
        0 => drop(command.arg("--opt=build-arg:BUILDKIT_DISTROLESS=off")),
        1 => drop(command.arg("--opt=build-arg:SOURCE_DATE_EPOCH=1700000000")),
        2 => drop(command.arg("--opt=target=wanted")),
        _ => {}
    }
    let outcome = run_within(LIMIT, &mut command);
    if kind == 3 {
        let text = outcome.failed().text();
        assert!(text.contains(&format!("exit code: {number}")), "{text}");
        assert!(text.contains(&format!("build {number} fails")), "{text}");
        return;
    }
    let _ = outcome.succeeded();
    let image = Image::read(&archive);
    let number = number.to_string();
    assert_eq!(image.config["config"]["Labels"]["number"], number.as_str());
    assert_eq!(image.config["config"]["Labels"]["build"], number.as_str());
    assert!(image.strings("Env").contains(&format!("NUMBER={number}")));
    let content = fs::read_to_string(image.rootfs().join("number")).expect("the file is in the image");
    assert_eq!(content, format!("file {number}\n{number}\n"));
    assert!(image.paths().iter().all(|path| path != "/wrong"));
    let is_distilled = image.rootfs().join("usr/lib/decant/manifest.json.gz").exists();
    assert_eq!(is_distilled, kind != 0, "build {number} of kind {kind}");
}
