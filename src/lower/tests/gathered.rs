//! What a distroless stage hands to its distiller.

use super::{Build, linux_amd64};
use crate::diagnostic::Diagnostic;
use crate::llb::op::{FileAction, Op};
use crate::llb::{Graph, State};
use crate::lower::{DistilRequest, Distiller, Gathered};

/// Writes down what it is asked and leaves the stage as it started.
#[derive(Default)]
struct Recorder(Vec<String>);

impl Distiller for Recorder {
    fn distil(&mut self, nodes: &mut Graph, request: &DistilRequest<'_>) -> Result<State, Diagnostic> {
        let whole = if request.whole.is_some() { " whole" } else { "" };
        let last = if request.last { "end" } else { "run" };
        self.0.push(format!("{last} {}{whole}", request.variant.as_str()));
        for gathered in request.gathered {
            self.0.push(match gathered {
                Gathered::Tree(tree) => {
                    let closure = if tree.closure { " closed" } else { "" };
                    let owner = tree.chown.as_deref().map_or_else(String::new, |who| format!(" for {who}"));
                    let from = tree.moved.from.map_or("context", |stage| &request.graph.stage(stage).label);
                    let sources = tree.moved.sources.join(" ");
                    let alone = is_alone(nodes, tree.output.node);
                    format!("  {} {from}:{sources} to {}{closure}{owner}{alone}", tree.step, tree.moved.dest)
                }
                Gathered::Run { step, .. } => format!("  {step} run"),
            });
        }
        Ok(request.start)
    }
}

/// A tree lies on scratch and names nobody: what a name means is settled in the whole.
fn is_alone(nodes: &Graph, node: crate::llb::NodeId) -> &'static str {
    let Op::File(file) = &nodes.node(node).op else { return " no file op" };
    let named = file.actions.iter().any(
        |action| matches!(action, FileAction::Copy(copy) if format!("{:?}", copy.owner).contains("Name")),
    );
    match (file.base, named) {
        (None, false) => "",
        (Some(_), _) => " on a base",
        (None, true) => " with names",
    }
}

fn check(dockerfile: &str, expected: &[&str]) {
    let mut recorder = Recorder::default();
    Build::default().run_with(dockerfile, &mut recorder).unwrap();
    assert_eq!(recorder.0, expected, "{dockerfile}");
}

#[test]
fn trees_lie_alone_and_keep_their_words() {
    check(
        "FROM scratch AS build\nRUN x\nFROM distroless:nonroot\nARG D=/opt\nUSER app\nWORKDIR $D\n\
         COPY --from=build --chown=app:5 --closure=false /a \"b\" ./\nADD --chown=7 c /\nENTRYPOINT [\"/a\"]",
        &[
            "end nonroot",
            "  2 context: to /opt for app",
            "  3 build:/a /b to /opt/ for app:5",
            "  4 context:/c to / closed for 7",
        ],
    );
}

#[test]
fn a_run_sees_what_is_above_it() {
    check(
        "FROM distroless\nCOPY a /a\nRUN [\"/a\"]\nCOPY b /b",
        &[
            "run latest",
            "  0 context:/a to /a closed",
            "end latest",
            "  0 context:/a to /a closed",
            "  1 run",
            "  2 context:/b to /b closed",
        ],
    );
}

#[test]
fn an_ordinary_base_is_handed_over_whole() {
    check("FROM --distroless=debug busybox\nCOPY a /a", &["end debug whole", "  0 context:/a to /a closed"]);
}

#[test]
fn a_stage_on_a_distroless_stage_is_distroless() {
    check(
        "FROM distroless:debug AS a\nCOPY a /a\nFROM a\nCOPY b /b",
        &["end debug", "  0 context:/a to /a closed", "end debug", "  0 context:/b to /b closed"],
    );
}

#[test]
fn a_stage_or_context_of_that_name_wins() {
    check("FROM scratch AS distroless\nRUN x\nFROM distroless\nRUN y", &[]);
    check("FROM docker.io/library/distroless\nRUN x", &[]);
    let mut recorder = Recorder::default();
    let build = Build::default().context("distroless", "docker-image://scratch");
    build.run_with("FROM distroless\nRUN x", &mut recorder).unwrap();
    assert!(recorder.0.is_empty());
    let built = Build::default().run("FROM distroless").unwrap();
    assert_eq!(built.lowered.platform, linux_amd64());
}
