//! What a Dockerfile can ask and older daemons do not know: they refuse the graph with a word of their own, or take it
//! and copy what was excluded. Said on the instruction's line instead, with the version that is needed.

use crate::diagnostic::Diagnostic;
use crate::llb::op::{CopyAction, ExecOp, FileAction, MountKind, Op, SourceOp};
use crate::llb::{Caps, Graph, State};

/// Something that Docker Engine 20.10 (`BuildKit` 0.8) lacks.
struct Feature {
    name: &'static str,
    /// The daemon's cap for it, or one that no daemon with it lacks: copies announce none of their own.
    cap: &'static str,
    /// The first `BuildKit` release that surely has it.
    since: &'static str,
    used: fn(&Op) -> bool,
}

const FEATURES: [Feature; 10] = [
    Feature {
        name: "`--parents` or `--exclude` of COPY and ADD",
        cap: "file.copy.includeexcludepatterns",
        since: "0.9",
        used: |op| copies(op, |copy| !copy.include_patterns.is_empty() || !copy.exclude_patterns.is_empty()),
    },
    Feature {
        name: "a symbolic `--chmod`",
        cap: "file.copy.alwaysreplaceexistingdestpaths",
        since: "0.20",
        used: |op| copies(op, |copy| !copy.mode_str.is_empty()),
    },
    Feature {
        name: "`env=` of a secret mount",
        cap: "exec.secretenv",
        since: "0.10",
        used: |op| runs(op, |exec| !exec.secret_env.is_empty()),
    },
    Feature {
        name: "`size=` of a tmpfs mount",
        cap: "exec.mount.tmpfs.size",
        since: "0.10",
        used: |op| {
            let is_sized = |kind: &MountKind| matches!(kind, MountKind::Tmpfs { size, .. } if *size > 0);
            runs(op, |exec| exec.mounts.iter().any(|mount| is_sized(&mount.kind)))
        },
    },
    Feature {
        name: "a named context from an OCI layout",
        cap: "source.ocilayout",
        since: "0.11",
        used: |op| reads(op, |source| source.identifier.starts_with("oci-layout://")),
    },
    Feature {
        name: "a subdirectory of a Git repository",
        cap: "source.git.subdir",
        since: "0.9",
        used: |op| {
            let has_subdir =
                |id: &str| id.split_once('#').is_some_and(|(_, fragment)| fragment.contains(':'));
            reads(op, |source| source.identifier.starts_with("git://") && has_subdir(&source.identifier))
        },
    },
    Feature {
        name: "the checksum of a Git repository",
        cap: "source.git.checksum",
        since: "0.22",
        used: |op| has_attr(op, "git.checksum"),
    },
    Feature {
        name: "a Git repository without its submodules",
        cap: "source.git.skipsubmodules",
        since: "0.24",
        used: |op| has_attr(op, "git.skipsubmodules"),
    },
    Feature {
        name: "a Git repository with the times of its commit",
        cap: "source.git.mtime",
        since: "0.32",
        used: |op| has_attr(op, "git.mtime"),
    },
    Feature {
        name: "`fetch-by-commit` of a Git repository",
        cap: "source.git.fetchbycommit",
        since: "0.32",
        used: |op| has_attr(op, "git.fetchbycommit"),
    },
];

/// The first step below `result` that asks for more than the daemon with these caps knows.
pub fn first_unknown(graph: &Graph, result: State, caps: &Caps) -> Option<Diagnostic> {
    let missing: Vec<&Feature> = FEATURES.iter().filter(|feature| !caps.supports(feature.cap)).collect();
    if missing.is_empty() {
        return None;
    }
    graph.below(result?.node).into_iter().map(|id| graph.node(id)).find_map(|node| {
        let feature = missing.iter().find(|feature| (feature.used)(&node.op))?;
        Some(Diagnostic {
            message: format!("{} needs BuildKit {} or later", feature.name, feature.since),
            spans: node.meta.spans.clone(),
            hint: Some(
                "update the daemon, or build with a newer one: `docker buildx create --use`".to_owned(),
            ),
        })
    })
}

fn copies(op: &Op, wanted: impl Fn(&CopyAction) -> bool) -> bool {
    let Op::File(file) = op else { return false };
    file.actions.iter().any(|action| matches!(action, FileAction::Copy(copy) if wanted(copy)))
}

fn runs(op: &Op, wanted: impl Fn(&ExecOp) -> bool) -> bool {
    matches!(op, Op::Exec(exec) if wanted(exec))
}

fn reads(op: &Op, wanted: impl Fn(&SourceOp) -> bool) -> bool {
    matches!(op, Op::Source(source) if wanted(source))
}

fn has_attr(op: &Op, name: &str) -> bool {
    reads(op, |source| source.attrs.contains_key(name))
}
