//! What the frontend asks of the assemble step: canonical JSON, an input of the exec op and so part of its
//! cache key. Nothing in it may change when nothing relevant changed: no line numbers, no options that only
//! decide how findings are shown.

use serde::{Deserialize, Serialize};

use crate::image::config::DEFAULT_SHELL;
use crate::image::platform::Platform;
use crate::options;

/// The version of spec and manifest; a mismatch is an error, the two are always of one binary.
pub const VERSION: u32 = 1;

/// The whole order for one distroless stage, or for one look at a stage that stays as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AssembleSpec {
    pub version: u32,
    pub mode: Mode,
    /// The Dockerfile does not ask for it ([`Mode::Distil`]): a stage that is distroless already stays as it is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub implicit: bool,
    /// Name of the stage, or `stage-<index>`.
    pub stage: String,
    /// The platform of the files, never that of the machine that assembles.
    pub platform: Platform,
    pub variant: Variant,
    /// The stage's own trees in instruction order.
    pub steps: Vec<Step>,
    /// Where files that are missing are looked up, in order.
    pub sources: Vec<Source>,
    pub config: Config,
    pub control: Control,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// `FROM distroless`: the steps laid over the base set, closed over the sources.
    Compose,
    /// `FROM --distroless`, or an unmodified last stage: what the stage `sources[0]` needs to run. The steps of that
    /// stage come first, as [`StepKind::Changed`]; then those of the distroless stage itself.
    Distil,
    /// A last stage that is not distilled: only check that libraries and symbol versions are there.
    Check,
}

/// The variants of the tags that Google's images have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variant {
    pub nonroot: bool,
    pub debug: bool,
}

impl From<options::Variant> for Variant {
    fn from(variant: options::Variant) -> Self {
        Self { nonroot: variant.is_nonroot(), debug: variant.is_debug() }
    }
}

/// One instruction of the stage that brings files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    pub id: InstructionId,
    #[serde(flatten)]
    pub kind: StepKind,
}

/// An instruction, identified without a line: comments and blank lines change nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct InstructionId {
    pub stage: String,
    /// Among the stage's COPY, ADD, WORKDIR, RUN, ENTRYPOINT, CMD, HEALTHCHECK and USER instructions, from 0.
    pub ordinal: u32,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum StepKind {
    /// Another distroless stage's whole tree, with its manifest in it (`FROM <distroless stage>`).
    Base { mount: String },
    /// What one COPY, ADD or WORKDIR put on scratch, without owner names.
    Tree(TreeStep),
    /// An exec-form RUN: the tree it saw and the tree it left.
    Run { before: String, after: String },
    /// What an instruction of the stage that is cut down made there ([`Mode::Distil`]): evidence, not content. The
    /// files themselves are taken from `sources[0]`, so what a later instruction removed is not there.
    Changed(Change),
}

/// The files that one instruction of an ordinary stage added or changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    pub by: ChangedBy,
    /// Directory with the added and changed files alone; with `before`, the whole tree after the instruction.
    pub mount: String,
    /// The whole tree before the instruction, where the daemon cannot make the difference itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// COPY and ADD: source words as expanded, relative to the root of the source.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub src: Vec<String>,
    /// COPY, ADD and WORKDIR: destination as expanded and made absolute; a trailing `/` is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dest: Option<String>,
    /// COPY from another stage or image: its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// The kinds of instructions that change files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangedBy {
    Copy,
    Add,
    Run,
    Workdir,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TreeStep {
    /// Directory of the tree inside the assemble container.
    pub mount: String,
    /// Index in [`AssembleSpec::sources`] of the stage or image it was copied from; absent: build context,
    /// heredoc, URL, or WORKDIR.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<usize>,
    /// Source words as expanded, relative to the root of the source.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub src: Vec<String>,
    /// Destination as expanded and made absolute; a trailing `/` is kept.
    pub dest: String,
    /// `--parents`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub parents: bool,
    /// `--closure` (true unless switched off).
    pub closure: bool,
    /// `--chown` as expanded, names and all; applies to all files of the tree and to parents it made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chown: Option<String>,
}

/// A root file system that files may come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// Stage name or image reference, for messages.
    pub name: String,
    /// Directory inside the assemble container.
    pub mount: String,
    /// The base image of the stage, where it is known and differs from the stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// The stage's environment (`PATH`, `LD_LIBRARY_PATH`, …).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
    /// Taken only when something is still missing (the nearest earlier stage, no `COPY --from` named it).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fallback: bool,
}

/// The image config of the stage as far as it decides about files.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Config {
    pub env: Vec<String>,
    pub working_dir: String,
    pub user: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<Command>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cmd: Option<Command>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub healthcheck: Option<Command>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<InstructionId>,
    pub volumes: Vec<String>,
    /// `80/tcp`.
    pub exposed_ports: Vec<String>,
}

/// A command of the config with the instruction that set it (absent: the base image).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Command {
    pub args: Vec<String>,
    /// The last argument is a shell script that `args[..n-1]` interprets.
    pub shell_form: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<InstructionId>,
}

/// Whether the words of a command whose form is unknown are the default shell with a script: only the shell form
/// writes this.
pub fn is_shell_form(args: &[String]) -> bool {
    matches!(args, [shell, option, _] if *shell == DEFAULT_SHELL[0] && *option == DEFAULT_SHELL[1])
}

/// Entries of the control grammar that decide about files (design: 2.3).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Control {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub program: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
}

/// The spec as the step reads it: members in the order of the types, no blanks, so equal specs are equal bytes.
pub fn to_bytes(spec: &AssembleSpec) -> Vec<u8> {
    serde_json::to_vec(spec)
        .expect("a spec has no map with keys that are no text, and no other value that JSON lacks")
}

/// Reads a spec.
///
/// # Errors
/// When it is no spec, or one of another version.
pub fn from_bytes(bytes: &[u8]) -> Result<AssembleSpec, SpecError> {
    let version: Versioned = serde_json::from_slice(bytes)?;
    if version.version != VERSION {
        return Err(SpecError::Version(version.version));
    }
    Ok(serde_json::from_slice(bytes)?)
}

#[derive(Debug, thiserror::Error)]
pub enum SpecError {
    #[error("the spec has version {0}, this decant reads {VERSION}")]
    Version(u32),
    #[error("the spec cannot be read: {0}")]
    Malformed(#[from] serde_json::Error),
}

#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(ordinal: u32, text: &str) -> InstructionId {
        InstructionId { stage: "final".to_owned(), ordinal, text: text.to_owned() }
    }

    fn example() -> AssembleSpec {
        let tree = TreeStep {
            mount: "/in/own/0".to_owned(),
            from: Some(0),
            src: vec!["/out/server".to_owned()],
            dest: "/server".to_owned(),
            parents: false,
            closure: true,
            chown: None,
        };
        AssembleSpec {
            version: VERSION,
            mode: Mode::Compose,
            implicit: false,
            stage: "final".to_owned(),
            platform: Platform {
                architecture: "amd64".to_owned(),
                os: "linux".to_owned(),
                ..Platform::default()
            },
            variant: Variant { nonroot: true, debug: false },
            steps: vec![
                Step { id: id(0, "COPY --from=build /out/server /server"), kind: StepKind::Tree(tree) },
                Step {
                    id: id(1, "RUN [\"/server\", \"--check\"]"),
                    kind: StepKind::Run {
                        before: "/in/run/1/before".to_owned(),
                        after: "/in/run/1/after".to_owned(),
                    },
                },
            ],
            sources: vec![Source {
                name: "build".to_owned(),
                mount: "/in/src/0".to_owned(),
                base: None,
                env: vec!["PATH=/bin".to_owned()],
                fallback: false,
            }],
            config: Config {
                working_dir: "/home/nonroot".to_owned(),
                entrypoint: Some(Command {
                    args: vec!["/server".to_owned()],
                    shell_form: false,
                    id: Some(id(2, "ENTRYPOINT [\"/server\"]")),
                }),
                ..Config::default()
            },
            control: Control::default(),
        }
    }

    /// The bytes are part of the cache key of every user's builds: a change here throws their caches away.
    #[test]
    fn the_bytes_are_these() {
        let expected = concat!(
            r#"{"version":1,"mode":"compose","stage":"final","#,
            r#""platform":{"architecture":"amd64","os":"linux"},"variant":{"nonroot":true,"debug":false},"#,
            r#""steps":[{"id":{"stage":"final","ordinal":0,"text":"COPY --from=build /out/server /server"},"#,
            r#""kind":"tree","mount":"/in/own/0","from":0,"src":["/out/server"],"dest":"/server","closure":true},"#,
            r#"{"id":{"stage":"final","ordinal":1,"text":"RUN [\"/server\", \"--check\"]"},"#,
            r#""kind":"run","before":"/in/run/1/before","after":"/in/run/1/after"}],"#,
            r#""sources":[{"name":"build","mount":"/in/src/0","env":["PATH=/bin"]}],"#,
            r#""config":{"env":[],"working_dir":"/home/nonroot","user":"","#,
            r#""entrypoint":{"args":["/server"],"shell_form":false,"#,
            r#""id":{"stage":"final","ordinal":2,"text":"ENTRYPOINT [\"/server\"]"}},"#,
            r#""volumes":[],"exposed_ports":[]},"control":{}}"#,
        );
        assert_eq!(String::from_utf8(to_bytes(&example())).unwrap(), expected);
        assert_eq!(from_bytes(expected.as_bytes()).unwrap(), example());
    }

    #[test]
    fn another_version_is_refused_before_anything_else() {
        let error = from_bytes(br#"{"version":2,"unknown":true}"#).unwrap_err();
        assert_eq!(error.to_string(), "the spec has version 2, this decant reads 1");
    }
}
