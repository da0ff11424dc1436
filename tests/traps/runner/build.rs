//! Builds a Dockerfile and says what the client was told.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::case::Case;
use super::store::{Store, Stored};
use super::support::{Environment, run_within};

/// Time that one build may take: packages are installed and programs compiled on busy cores.
const LIMIT: Duration = Duration::from_mins(20);

/// A build that ended.
#[derive(Debug)]
pub(crate) struct Built {
    pub(crate) image: Result<Stored, String>,
    /// Warnings as the client shows them.
    pub(crate) warnings: Vec<String>,
    /// Time of the assemble step; absent when it came from the cache.
    pub(crate) assemble: Option<Duration>,
}

/// Builds `dockerfile` of a case, with `syntax` in place of what its first line names.
pub(crate) fn build(store: &Store, case: &Case, dockerfile: &str, syntax: Option<&str>) -> Built {
    let environment = Environment::read();
    let layout = store.new_layout();
    let mut command = environment.program("buildctl");
    command.args(["build", "--progress=rawjson", "--frontend=dockerfile.v0"]);
    for local in ["context", "dockerfile"] {
        command.arg(format!("--local={local}={}", case.directory.display()));
    }
    command.arg(format!("--opt=filename={dockerfile}"));
    if let Some(target) = &case.expected.target {
        command.arg(format!("--opt=target={target}"));
    }
    for arg in &case.expected.build_args {
        command.arg(format!("--opt=build-arg:{arg}"));
    }
    if let Some(syntax) = syntax {
        command.arg(format!("--opt=build-arg:BUILDKIT_SYNTAX={syntax}"));
    }
    command.arg(format!(
        "--output=type=oci,tar=false,dest={},compression=zstd,compression-level=1,oci-mediatypes=true",
        layout.path().display()
    ));
    let outcome = run_within(LIMIT, &mut command);
    let told = Told::read(&outcome.stderr);
    let image = if outcome.status.success() {
        Ok(store.keep(layout.path()))
    } else {
        Err(format!("{}{}", told.log, told.text))
    };
    Built { image, warnings: told.warnings, assemble: told.assemble }
}

/// Pushes the frontend of a case that has one of its own (`frontend.Dockerfile`, from decant's image `decant`), and
/// gives its name.
pub(crate) fn frontend(case: &Case, image: &str) -> String {
    const FILE: &str = "frontend.Dockerfile";
    if !case.has(FILE) {
        return image.to_owned();
    }
    let environment = Environment::read();
    let name = format!("{}/decant:trap-{}", environment.registry, case.name.replace('/', "-"));
    let mut command = environment.program("buildctl");
    command.args(["build", "--progress=plain", "--frontend=dockerfile.v0"]);
    for local in ["context", "dockerfile"] {
        command.arg(format!("--local={local}={}", case.directory.display()));
    }
    command.arg(format!("--opt=filename={FILE}"));
    command.arg(format!("--opt=context:decant=docker-image://{image}"));
    command.arg(format!("--output=type=image,name={name},push=true,oci-mediatypes=true"));
    let _ = run_within(LIMIT, &mut command).succeeded();
    name
}

/// What `--progress=rawjson` printed.
#[derive(Default)]
struct Told {
    warnings: Vec<String>,
    assemble: Option<Duration>,
    /// Output of the steps.
    log: String,
    /// What is no progress: the error.
    text: String,
}

impl Told {
    fn read(stderr: &str) -> Self {
        let mut told = Self::default();
        let mut names: BTreeMap<String, String> = BTreeMap::new();
        for line in stderr.lines() {
            let Ok(status) = serde_json::from_str::<Value>(line) else {
                told.text.push_str(line);
                told.text.push('\n');
                continue;
            };
            for vertex in list(&status, "vertexes") {
                let digest = text(vertex, "digest").to_owned();
                if !text(vertex, "name").is_empty() {
                    names.insert(digest.clone(), text(vertex, "name").to_owned());
                }
                let name = names.get(&digest).map_or("", String::as_str);
                if name.ends_with("distroless: assemble") && vertex["cached"] != true {
                    told.assemble = time(vertex, "started")
                        .zip(time(vertex, "completed"))
                        .map_or(told.assemble, |(started, completed)| completed.duration_since(started).ok());
                }
            }
            for warning in list(&status, "warnings") {
                told.warnings.push(base64(text(warning, "short")));
            }
            for log in list(&status, "logs") {
                told.log.push_str(&base64(text(log, "data")));
            }
        }
        told
    }
}

fn list<'a>(status: &'a Value, key: &str) -> &'a [Value] {
    status[key].as_array().map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn time(vertex: &Value, key: &str) -> Option<SystemTime> {
    humantime::parse_rfc3339(vertex[key].as_str()?).ok()
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The directory of all situations.
pub(crate) fn traps() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traps")
}
