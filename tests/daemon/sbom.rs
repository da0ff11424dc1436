//! The SBOM of a distroless image: decant's own, of what is shipped and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Context, Environment, Image, Outcome, run};

/// A Python application of Debian with a package beside it.
fn application() -> Context {
    Context::new(&format!(
        "# syntax={}\nFROM python:3.12-slim\nWORKDIR /app\nCOPY vendor /usr/local/lib/python3.12/site-packages/\n\
         COPY main.py ./\nCMD [\"python\", \"main.py\"]\n",
        Environment::read().image
    ))
    .with("main.py", "import mine\nprint('described')\n")
    .with("vendor/mine/__init__.py", "A = 1\n")
    .with("vendor/mine-1.5.dist-info/METADATA", "Metadata-Version: 2.1\nName: mine\nVersion: 1.5\n")
    .with("vendor/mine-1.5.dist-info/RECORD", "mine/__init__.py,,\nmine-1.5.dist-info/METADATA,,\n")
}

fn build(context: &Context, archive: &Path, arguments: &[&str]) -> Outcome {
    let mut command = Environment::read().buildx_build(context.path());
    command.arg(format!("--output=type=oci,dest={}", archive.display())).args(arguments);
    run(&mut command).succeeded()
}

#[test]
fn the_document_is_of_exactly_the_shipped_files() {
    let (context, out) = (application(), TempDir::new().expect("a temporary directory can be made"));
    let archive = out.path().join("image.tar");
    let epoch = "--build-arg=SOURCE_DATE_EPOCH=1700000000";
    let _ = build(&context, &archive, &[epoch]);
    let described = build(&context, &archive, &[epoch, "--sbom=true"]);
    // From an earlier run of this test even that step may be cached.
    let ran = steps_that_ran(&described);
    assert!(ran.iter().all(|step| *step == "distroless: sbom"), "{ran:?}\n{}", described.text());

    let image = Image::read(&archive);
    let statements = image.statements("https://spdx.dev/Document");
    let [statement] = statements.as_slice() else { panic!("{} statements", statements.len()) };
    let document = &statement["predicate"];
    assert_eq!(document["spdxVersion"], "SPDX-2.3");
    assert_eq!(document["creationInfo"]["created"], "2023-11-14T22:13:20Z");
    let creators = document["creationInfo"]["creators"].to_string();
    assert!(creators.contains("Tool: decant-"), "{creators}");

    let files = list(document, "files");
    let named: BTreeSet<String> = files.iter().map(|file| text(file, "fileName")[1..].to_owned()).collect();
    let is_file = |path: &String| fs::symlink_metadata(image.rootfs().join(&path[1..])).unwrap().is_file();
    let shipped: BTreeSet<String> = image.paths().into_iter().filter(is_file).collect();
    assert_eq!(named, shipped);
    let layers = files.iter().filter(|file| text(file, "comment").contains("layerID: sha256:")).count();
    assert_eq!(layers, files.len(), "the daemon adds the layer of each file");

    let packages: BTreeMap<String, String> = list(document, "packages")
        .iter()
        .map(|package| (text(package, "name"), text(&package["externalRefs"][0], "referenceLocator")))
        .collect();
    let libc = &packages["libc6"];
    assert!(libc.starts_with("pkg:deb/debian/libc6@2.") && libc.contains("distro=debian-1"), "{libc}");
    assert_eq!(packages["mine"], "pkg:pypi/mine@1.5");
    assert!(!packages.contains_key("apt"), "{packages:?}");
}

/// The names of distroless steps that no cache held. The spec is text from the frontend: a daemon may write it again.
fn steps_that_ran(outcome: &Outcome) -> Vec<&str> {
    let lines = || outcome.stderr.lines().filter_map(|line| line.strip_prefix('#')?.split_once(' '));
    let cached: BTreeSet<&str> =
        lines().filter(|(_, rest)| *rest == "CACHED").map(|(step, _)| step).collect();
    let steps: BTreeMap<&str, &str> =
        lines().filter(|(_, rest)| rest.contains("distroless: ") && !rest.ends_with(": spec")).collect();
    steps.into_iter().filter(|(step, _)| !cached.contains(step)).map(|(_, name)| name).collect()
}

fn list(value: &Value, key: &str) -> Vec<Value> {
    value[key].as_array().cloned().unwrap_or_default()
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}
