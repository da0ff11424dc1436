//! Layers by change rate: what applications on one base share, and what a change of one line moves.

use tempfile::TempDir;

use crate::support::{Context, Environment, Image, run};

/// The distroless image of an unmodified Dockerfile.
fn image_of(context: &Context) -> Image {
    let environment = Environment::read();
    let out = TempDir::new().expect("a temporary directory can be made");
    let archive = out.path().join("image.tar");
    let mut command = environment.buildctl_build(context.path());
    command.arg(format!("--opt=build-arg:BUILDKIT_SYNTAX={}", environment.image));
    let _ = run(command.arg(format!("--output=type=oci,dest={}", archive.display()))).succeeded();
    Image::read(&archive)
}

/// A Python application with a package beside it.
fn application(script: &str, package: &str) -> Context {
    Context::new(
        "FROM python:3.12-slim\nWORKDIR /app\nCOPY vendor /usr/local/lib/python3.12/site-packages/\n\
         COPY main.py settings.ini ./\nCMD [\"python\", \"main.py\"]\n",
    )
    .with("main.py", script)
    .with("settings.ini", "[app]\n")
    .with("vendor/mine/__init__.py", package)
}

#[test]
fn applications_on_one_base_share_the_os_and_runtime_layers() {
    let plain = image_of(&application("print('one')\n", "A = 1\n"));
    let other = image_of(&application("import ssl, sqlite3, zoneinfo\nprint('two')\n", "import decimal\n"));
    assert_eq!(plain.diff_ids[..2], other.diff_ids[..2], "os and runtime");
    assert_ne!(plain.diff_ids[3], other.diff_ids[3], "the applications differ");
    let runtime = plain.manifest();
    let layers = runtime["layers"].as_array().expect("a manifest lists layers");
    let runtime = layers.iter().find(|layer| layer["layer"] == "runtime").expect("one is the runtime's");
    assert!(runtime["files"].as_u64() > Some(100), "the standard library is in it: {runtime}");
}

#[test]
fn a_changed_line_moves_the_application_and_the_manifest() {
    let before = image_of(&application("print('one')\n", "A = 1\n"));
    let after = image_of(&application("print('changed')\n", "A = 1\n"));
    let moved: Vec<usize> = (0..before.diff_ids.len())
        .filter(|index| before.diff_ids[*index] != after.diff_ids[*index])
        .collect();
    assert_eq!(moved, [3, 4], "application and manifest");
}
