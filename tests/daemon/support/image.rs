//! A built image on disk: its config, its layers, and its root file system unpacked.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::process::run;

/// An image that a build wrote as an OCI archive, unpacked as root with owners and modes.
#[derive(Debug)]
pub(crate) struct Image {
    directory: TempDir,
    /// The image config.
    pub(crate) config: Value,
    /// `sha256:…` of the manifest.
    pub(crate) digest: String,
    /// Diff ids of the layers, lowest first.
    pub(crate) diff_ids: Vec<String>,
}

impl Image {
    /// Reads an OCI archive (`--output type=oci`) of one platform.
    ///
    /// # Panics
    /// When it is no such archive, or a layer holds a whiteout: distroless images have none.
    pub(crate) fn read(archive: &Path) -> Self {
        let directory = TempDir::new().expect("a temporary directory can be made");
        let layout = directory.path().join("layout");
        let rootfs = directory.path().join("rootfs");
        for path in [&layout, &rootfs] {
            fs::create_dir(path).expect("a directory can be made");
        }
        let _ = run(Command::new("tar").arg("-xf").arg(archive).arg("-C").arg(&layout)).succeeded();
        let index = json(&layout.join("index.json"));
        let mut digest = text(&index["manifests"][0]["digest"]);
        let mut manifest = json(&blob(&layout, &digest));
        if manifest["manifests"].is_array() {
            digest = text(&manifest["manifests"][0]["digest"]);
            manifest = json(&blob(&layout, &digest));
        }
        let config = json(&blob(&layout, &text(&manifest["config"]["digest"])));
        for layer in manifest["layers"].as_array().expect("a manifest lists layers") {
            let file = blob(&layout, &text(&layer["digest"]));
            let _ = run(Command::new("tar")
                .args(["--numeric-owner", "--xattrs", "--xattrs-include=*", "-xpf"])
                .arg(&file)
                .arg("-C")
                .arg(&rootfs))
            .succeeded();
        }
        let diff_ids = config["rootfs"]["diff_ids"]
            .as_array()
            .expect("a config lists diff ids")
            .iter()
            .map(text)
            .collect();
        let image = Self { directory, config, digest, diff_ids };
        assert!(
            image.paths().iter().all(|path| !path.contains("/.wh.")),
            "a distroless layer holds a whiteout"
        );
        image
    }

    /// The unpacked root file system.
    pub(crate) fn rootfs(&self) -> PathBuf {
        self.directory.path().join("rootfs")
    }

    /// All paths of the image, sorted.
    pub(crate) fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        walk(&self.rootfs(), "", &mut paths);
        paths.sort();
        paths
    }

    /// Bytes of all regular files.
    pub(crate) fn size(&self) -> u64 {
        self.paths()
            .iter()
            .filter_map(|path| fs::symlink_metadata(self.rootfs().join(&path[1..])).ok())
            .filter(fs::Metadata::is_file)
            .map(|metadata| metadata.len())
            .sum()
    }

    /// A list of the config's strings, such as `Env` or `Cmd`; empty if absent.
    pub(crate) fn strings(&self, key: &str) -> Vec<String> {
        self.config["config"][key].as_array().map_or_else(Vec::new, |list| list.iter().map(text).collect())
    }

    /// The in-toto statements about the image that have this predicate type.
    pub(crate) fn statements(&self, predicate_type: &str) -> Vec<Value> {
        let layout = self.directory.path().join("layout");
        let mut index = json(&layout.join("index.json"));
        if index["manifests"].as_array().is_some_and(|list| list.len() == 1) {
            index = json(&blob(&layout, &text(&index["manifests"][0]["digest"])));
        }
        let about = |descriptor: &&Value| {
            descriptor["annotations"]["vnd.docker.reference.digest"] == self.digest.as_str()
        };
        let manifests = index["manifests"].as_array().cloned().unwrap_or_default();
        let mut statements = Vec::new();
        for descriptor in manifests.iter().filter(about) {
            let manifest = json(&blob(&layout, &text(&descriptor["digest"])));
            let layers = manifest["layers"].as_array().cloned().unwrap_or_default();
            let wanted =
                layers.iter().filter(|it| it["annotations"]["in-toto.io/predicate-type"] == predicate_type);
            statements.extend(wanted.map(|layer| json(&blob(&layout, &text(&layer["digest"])))));
        }
        statements
    }

    /// The manifest of decant in the image.
    ///
    /// # Panics
    /// When there is none.
    pub(crate) fn manifest(&self) -> Value {
        let file = self.rootfs().join("usr/lib/decant/manifest.json.gz");
        let unzipped = run(Command::new("gzip").arg("-dc").arg(&file)).succeeded();
        serde_json::from_str(&unzipped.stdout).expect("the manifest is JSON")
    }
}

fn walk(directory: &Path, prefix: &str, paths: &mut Vec<String>) {
    for entry in fs::read_dir(directory).expect("an unpacked directory can be listed") {
        let entry = entry.expect("an entry can be read");
        let path = format!("{prefix}/{}", entry.file_name().to_string_lossy());
        if entry.file_type().expect("an entry has a type").is_dir() {
            walk(&entry.path(), &path, paths);
        }
        paths.push(path);
    }
}

fn json(file: &Path) -> Value {
    let bytes = fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn blob(layout: &Path, digest: &str) -> PathBuf {
    layout.join("blobs").join(digest.replace(':', "/"))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no string")).to_owned()
}
