//! One situation: a directory with `trap.toml`, as tests/traps/README.md explains it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// What `trap.toml` says; the README has the meaning of each key.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Expected {
    pub(crate) about: String,
    pub(crate) args: Option<Vec<String>>,
    pub(crate) serve: Option<Serve>,
    pub(crate) user: Option<String>,
    pub(crate) env: Vec<String>,
    pub(crate) network: bool,
    pub(crate) tmpfs: Vec<String>,
    pub(crate) mask: Vec<String>,
    /// Seconds that the program may run.
    pub(crate) limit: u64,
    /// Exit code of the ordinary image.
    pub(crate) exit: i32,
    /// What the program prints, where the ordinary image cannot be exported: that is not built.
    pub(crate) output: Option<String>,
    pub(crate) build_args: Vec<String>,
    pub(crate) target: Option<String>,
    pub(crate) left: Option<String>,
    pub(crate) error: Option<String>,
    pub(crate) present: Vec<String>,
    pub(crate) absent: Vec<String>,
    /// Texts that no file of the image holds.
    pub(crate) nowhere: Vec<String>,
    pub(crate) findings: Vec<String>,
    pub(crate) max_mb: Option<f64>,
    /// Most milliseconds of the assemble step, where it ran.
    pub(crate) max_ms: Option<u64>,
    pub(crate) google: Option<String>,
    /// Globs of files, and why the ordinary program opens them while the set lacks them.
    pub(crate) opened: BTreeMap<String, String>,
    pub(crate) sample: bool,
}

impl Default for Expected {
    fn default() -> Self {
        Self {
            about: String::new(),
            args: None,
            serve: None,
            user: None,
            env: Vec::new(),
            network: false,
            tmpfs: Vec::new(),
            mask: Vec::new(),
            limit: 60,
            exit: 0,
            output: None,
            build_args: Vec::new(),
            target: None,
            left: None,
            error: None,
            present: Vec::new(),
            absent: Vec::new(),
            nowhere: Vec::new(),
            findings: Vec::new(),
            max_mb: None,
            max_ms: None,
            google: None,
            opened: BTreeMap::new(),
            sample: false,
        }
    }
}

/// A program that answers requests until it is told to end.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Serve {
    pub(crate) port: u16,
    /// `PATH`, or `METHOD PATH BODY`.
    #[serde(default)]
    pub(crate) get: Vec<String>,
    /// Texts sent over one TCP connection each, for servers that do not speak HTTP.
    #[serde(default)]
    pub(crate) send: Vec<String>,
    /// Seconds until it listens.
    #[serde(default = "twenty")]
    pub(crate) start: u64,
}

fn twenty() -> u64 {
    20
}

/// A situation.
#[derive(Debug)]
pub(crate) struct Case {
    /// `group/name`.
    pub(crate) name: String,
    pub(crate) directory: PathBuf,
    pub(crate) expected: Expected,
    /// The text of `trap.toml`.
    pub(crate) text: String,
}

impl Case {
    fn read(directory: PathBuf, name: String) -> Result<Self, String> {
        let text = fs::read_to_string(directory.join("trap.toml")).map_err(|error| error.to_string())?;
        let expected: Expected = toml::from_str(&text).map_err(|error| error.to_string())?;
        if expected.about.is_empty() {
            return Err("`about` says nothing".to_owned());
        }
        if let Some(serve) = &expected.serve
            && serve.get.is_empty()
            && serve.send.is_empty()
        {
            return Err("`serve` asks nothing".to_owned());
        }
        Ok(Self { name, directory, expected, text })
    }

    /// The second Dockerfile, if there is one.
    pub(crate) fn distroless_dockerfile(&self) -> Option<&'static str> {
        self.has("Dockerfile.distroless").then_some("Dockerfile.distroless")
    }

    /// Whether the directory holds such a file.
    pub(crate) fn has(&self, file: &str) -> bool {
        self.directory.join(file).exists()
    }
}

/// A situation, or the name of one that cannot be read and why.
pub(crate) type Read = Result<Case, (String, String)>;

/// All situations, sorted by name.
pub(crate) fn all(root: &Path) -> Vec<Read> {
    let mut cases = Vec::new();
    for group in directories(root) {
        for directory in directories(&group) {
            if directory.join("trap.toml").exists() {
                let name = format!("{}/{}", last(&group), last(&directory));
                cases.push(Case::read(directory, name.clone()).map_err(|error| (name, error)));
            }
        }
    }
    cases
}

fn directories(root: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(root).expect("the traps can be listed");
    let mut paths: Vec<_> =
        entries.filter_map(Result::ok).map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    paths.sort();
    paths
}

fn last(path: &Path) -> String {
    path.file_name().expect("a listed path has a name").to_string_lossy().into_owned()
}
