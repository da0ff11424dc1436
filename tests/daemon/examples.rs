//! The examples: what is in their images and why, that nothing of it can be left out, and that they run.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Container, Environment, Image, checkout, run};

/// An example with what its image may weigh beyond the program, in bytes.
struct Example {
    name: &'static str,
    /// Path of the program in the image.
    program: &'static str,
    /// What the ordinary image runs.
    command: &'static str,
    beyond: u64,
    nonroot: bool,
}

const STATIC: u64 = 1_500_000;
const DYNAMIC: u64 = 4_000_000;
/// libstdc++ alone is 2.2 MB; the limit of C programs and that.
const CPP: u64 = 6_500_000;

const EXAMPLES: &[Example] = &[
    Example {
        name: "go-hello-distroless",
        command: "/go/bin/app",
        program: "/app",
        beyond: STATIC,
        nonroot: false,
    },
    Example {
        name: "go-https-timezone",
        command: "/clock -once",
        program: "/clock",
        beyond: STATIC,
        nonroot: true,
    },
    Example {
        name: "rust-dynamic",
        command: "count",
        program: "/usr/bin/count",
        beyond: DYNAMIC,
        nonroot: true,
    },
    Example {
        name: "cpp-origin",
        command: "/opt/greeter/bin/greeter",
        program: "/app/bin/greeter",
        beyond: CPP,
        nonroot: false,
    },
    Example {
        name: "c-dlopen",
        command: "evidence",
        program: "/usr/local/bin/evidence",
        beyond: DYNAMIC,
        nonroot: false,
    },
];

fn directory(name: &str) -> PathBuf {
    checkout().join("dockerfiles/examples").join(name)
}

/// Builds an example, with `arguments` of buildx, and unpacks its image.
fn build(name: &str, arguments: &[&str]) -> Image {
    let out = TempDir::new().expect("a temporary directory can be made");
    let archive = out.path().join("image.tar");
    let mut command = Environment::read().buildx_build(&directory(name));
    command.args(arguments).arg(format!("--output=type=oci,dest={}", archive.display()));
    let _ = run(&mut command).succeeded();
    Image::read(&archive)
}

/// What the ordinary image of an example prints. Its command runs in a step of the build: the image is large, and
/// exporting it would take longer than all the rest.
fn ordinary_output(example: &Example) -> String {
    let source = directory(example.name);
    let ordinary =
        fs::read_to_string(source.join("ordinary.Dockerfile")).expect("an example has an ordinary image");
    let out = TempDir::new().expect("a temporary directory can be made");
    let file = out.path().join("Dockerfile");
    let text = format!(
        "{}\nRUN --network=none {} > /printed\nFROM scratch\nCOPY --from=ordinary /printed /\n",
        name_last_stage(&ordinary, "ordinary"),
        example.command
    );
    fs::write(&file, text).expect("a Dockerfile can be written");
    let mut command = Environment::read().buildx_build(&source);
    command.arg(format!("--file={}", file.display()));
    let _ = run(command.arg(format!("--output=type=local,dest={}", out.path().display()))).succeeded();
    fs::read_to_string(out.path().join("printed")).expect("the step has printed")
}

/// The Dockerfile with its last stage called `name`.
fn name_last_stage(dockerfile: &str, name: &str) -> String {
    let last = dockerfile.rfind("FROM ").expect("a Dockerfile has a stage");
    let end = dockerfile[last..].find('\n').map_or(dockerfile.len(), |end| last + end);
    format!("{} AS {name}{}", &dockerfile[..end], &dockerfile[end..])
}

/// Path and reasons of each entry, one a line.
fn listing(manifest: &Value) -> String {
    let mut lines = Vec::new();
    for entry in manifest["entries"].as_array().expect("a manifest lists entries") {
        let reasons: Vec<_> = entry["reason"]
            .as_array()
            .expect("an entry has reasons")
            .iter()
            .map(|reason| match reason["by"].as_str() {
                Some("") | None => reason["why"].as_str().unwrap_or("?").to_owned(),
                Some(by) => format!("{} {by}", reason["why"].as_str().unwrap_or("?")),
            })
            .collect();
        let target = entry["target"].as_str().map_or_else(String::new, |target| format!(" -> {target}"));
        lines.push(format!(
            "{}{target} [{}{}] {}",
            entry["path"].as_str().expect("an entry has a path"),
            entry["layer"].as_str().expect("an entry has a layer"),
            if entry["hard"] == true { ", hard" } else { "" },
            reasons.join(" → ")
        ));
    }
    lines.join("\n")
}

#[test]
fn file_lists_and_reasons_are_as_reviewed() {
    for example in EXAMPLES {
        let image = build(example.name, &[]);
        insta::with_settings!({prepend_module_to_snapshot => false, snapshot_path => "../cases/examples"}, {
            insta::assert_snapshot!(format!("files-{}", example.name), listing(&image.manifest()));
        });
    }
}

#[test]
fn the_manifest_lists_exactly_the_files_of_the_image() {
    for example in EXAMPLES {
        let image = build(example.name, &[]);
        let manifest = image.manifest();
        let listed: BTreeSet<String> = manifest["entries"]
            .as_array()
            .expect("a manifest lists entries")
            .iter()
            .map(|entry| entry["path"].as_str().expect("an entry has a path").to_owned())
            .filter(|path| path != "/")
            .collect();
        // The manifest does not list itself.
        let own = ["/usr/lib/decant", "/usr/lib/decant/manifest.json.gz", "/usr/lib", "/usr"];
        let shipped: BTreeSet<String> = image.paths().into_iter().collect();
        let unlisted: Vec<_> =
            shipped.difference(&listed).filter(|path| !own.contains(&path.as_str())).collect();
        let missing: Vec<_> = listed.difference(&shipped).collect();
        assert!(unlisted.is_empty() && missing.is_empty(), "{}: {unlisted:?} {missing:?}", example.name);
    }
}

#[test]
fn examples_print_what_their_ordinary_images_print() {
    for example in EXAMPLES {
        let image = build(example.name, &[]);
        let printed = Container::of(&image).run().succeeded().stdout;
        assert_eq!(printed, ordinary_output(example), "{}", example.name);
        let other = Container::of(&image).user(65532, 65532).run().succeeded().stdout;
        assert_eq!(printed, other, "{} as another user", example.name);
        if example.nonroot {
            assert_eq!(image.config["config"]["User"], "65532:65532", "{}", example.name);
        }
    }
}

#[test]
fn no_hard_file_can_be_left_out() {
    for example in EXAMPLES {
        let image = build(example.name, &[]);
        let whole = Container::of(&image).run().succeeded();
        let manifest = image.manifest();
        let hard: Vec<String> = manifest["entries"]
            .as_array()
            .expect("a manifest lists entries")
            .iter()
            .filter(|entry| entry["hard"] == true && entry["type"] != "directory")
            .map(|entry| entry["path"].as_str().expect("an entry has a path").to_owned())
            .collect();
        assert!(!hard.is_empty(), "{} has no hard file", example.name);
        for path in hard {
            let file = image.rootfs().join(&path[1..]);
            let aside = image.rootfs().join("aside");
            fs::rename(&file, &aside).expect("a file can be moved");
            let without = Container::of(&image).run();
            fs::rename(&aside, &file).expect("a file can be moved back");
            assert!(
                !without.status.success() || without.stdout != whole.stdout,
                "{}: {path} is hard, but the program runs as well without it",
                example.name
            );
        }
    }
}

#[test]
fn images_are_small() {
    for example in EXAMPLES {
        let image = build(example.name, &[]);
        let program =
            fs::metadata(image.rootfs().join(&example.program[1..])).expect("the program is there").len();
        let beyond = image.size() - program;
        assert!(
            beyond <= example.beyond,
            "{}: {beyond} bytes beyond the program, at most {} are wanted",
            example.name,
            example.beyond
        );
    }
}

#[test]
fn nothing_to_administer_with_is_in_an_image() {
    const FORBIDDEN: &[&str] = &[
        "sh", "bash", "dash", "ash", "busybox", "apt", "apt-get", "dpkg", "apk", "rpm", "dnf", "yum", "pip",
        "npm",
    ];
    for example in EXAMPLES {
        let image = build(example.name, &[]);
        for path in image.paths() {
            let metadata = fs::symlink_metadata(image.rootfs().join(&path[1..])).expect("a path exists");
            let name = path.rsplit('/').next().expect("a path has a last part");
            assert!(metadata.is_dir() || !FORBIDDEN.contains(&name), "{}: {path}", example.name);
            let special = metadata.permissions().mode() & 0o6000;
            assert!(metadata.is_symlink() || special == 0, "{}: {path} is setuid or setgid", example.name);
        }
    }
}
