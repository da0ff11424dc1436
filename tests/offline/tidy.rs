//! The boundaries of ARCHITECTURE.md, read from the source.

use std::fs;
use std::path::{Path, PathBuf};

/// Who may say what: a text that only code below the named places may contain.
struct Boundary {
    what: &'static str,
    texts: &'static [&'static str],
    allowed: &'static [&'static str],
}

const BOUNDARIES: &[Boundary] = &[
    Boundary {
        what: "async and gRPC stay at the edge",
        texts: &["async fn", "tokio::", "tonic::", "hyper::", "hyper_util::"],
        allowed: &["src/gateway/", "src/frontend.rs", "src/frontend/", "src/main.rs", "src/watched.rs"],
    },
    Boundary {
        what: "generated protobuf types stay in the edge and in llb",
        texts: &["crate::gateway::pb", "crate::proto", "tonic::include_proto", "prost::"],
        allowed: &["src/gateway/", "src/llb/"],
    },
    Boundary {
        what: "environment, files and process exit stay at the edges",
        texts: &["std::env", "std::fs", "process::exit", "rustix::"],
        allowed: &[
            "src/main.rs",
            "src/gateway/",
            "src/rootfs/dir.rs",
            "src/rootfs/dir/",
            "src/rootfs/image/",
            "src/assemble/",
        ],
    },
    Boundary { what: "no clock", texts: &["SystemTime", "Instant::now"], allowed: &[] },
    Boundary { what: "no hashed collections", texts: &["HashMap", "HashSet"], allowed: &[] },
    Boundary {
        what: "lints are configured in Cargo.toml, exceptions are `#[expect]`",
        texts: &["#![allow", "#![deny", "#[allow("],
        // Generated code has lints of its own.
        allowed: &["src/proto.rs"],
    },
];

#[test]
fn boundaries_hold() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut crossed = Vec::new();
    for file in rust_files(&root.join("src")) {
        let text = fs::read_to_string(&file).unwrap();
        let name = file.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        for (number, line) in code_lines(&text) {
            for boundary in BOUNDARIES {
                let inside = boundary.allowed.iter().any(|place| name.starts_with(place));
                if !inside && boundary.texts.iter().any(|text| line.contains(text)) {
                    crossed.push(format!("{name}:{number}: {}: {}", boundary.what, line.trim()));
                }
            }
        }
    }
    assert!(crossed.is_empty(), "boundaries crossed:\n{}", crossed.join("\n"));
}

#[test]
fn every_file_says_what_it_is_for() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let silent: Vec<_> = rust_files(&root.join("src"))
        .into_iter()
        .filter(|file| !fs::read_to_string(file).unwrap().starts_with("//! "))
        .collect();
    assert!(silent.is_empty(), "files without a first `//!` sentence: {silent:?}");
}

#[test]
fn no_file_is_a_drawer_for_everything() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let drawers: Vec<_> = rust_files(&root.join("src"))
        .into_iter()
        .filter(|file| {
            matches!(
                file.file_name().and_then(|name| name.to_str()),
                Some("utils.rs" | "util.rs" | "helpers.rs" | "common.rs" | "types.rs" | "misc.rs")
            )
        })
        .collect();
    assert!(drawers.is_empty(), "{drawers:?}");
}

/// Lines of code with their numbers: comments are left out, and so is what follows the first `#[cfg(test)]`,
/// because unit tests stand at the end of their file.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line))
        .take_while(|(_, line)| !line.starts_with("#[cfg(test)]"))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory can be listed") {
        let path = entry.expect("an entry can be read").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && path.file_name() != Some("tests.rs".as_ref())
        {
            files.push(path);
        }
    }
    files.sort();
    files
}
