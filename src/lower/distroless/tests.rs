//! Dockerfiles as text, their assemblies as text: the spec, the mounts, the layers.

use std::fmt::Write;

use super::*;
use crate::distill::spec;
use crate::dockerfile;
use crate::lint::{self, Sink};
use crate::llb::op::{FileAction, MountKind, Op, SourceOp};
use crate::llb::{NodeId, NodeMeta, Output};
use crate::lower::{MainContext, Request, lower};
use crate::options::BuildOptions;
use crate::stage;
use crate::stage::epoch::Epoch;

struct Lowered {
    nodes: Graph,
    assembler: Assembler,
    graph: StageGraph,
    /// States at the end of each stage.
    stages: Vec<Option<StageState>>,
}

fn node(nodes: &mut Graph, identifier: &str) -> Output {
    let op = SourceOp { identifier: identifier.to_owned(), attrs: BTreeMap::new() };
    let meta = NodeMeta { name: Some(identifier.to_owned()), ..NodeMeta::default() };
    nodes.add(Op::Source(op), None, meta).output()
}

fn caps(without: &str) -> Caps {
    ["file.base", "exec.mount.bind", "exec.mount.cache.content", "mergeop", "diffop"]
        .into_iter()
        .filter(|cap| *cap != without)
        .collect()
}

fn lowered_with(dockerfile: &str, caps: &Caps) -> Result<Lowered, Diagnostic> {
    let dockerfile = dockerfile::parse(dockerfile.as_bytes()).unwrap();
    let options = BuildOptions::default();
    let mut lint = Sink::new(lint::Options::default());
    let request = stage::Request {
        options: &options,
        target_platform: None,
        multi_platform: false,
        all_stages: false,
        epoch: Epoch::default(),
    };
    let mut graph = StageGraph::new(&dockerfile, &request, &mut lint)?;
    assert_eq!(graph.wanted()?.len(), 0, "tests have no images");
    let mut nodes = Graph::default();
    let own = OwnImage {
        state: Some(node(&mut nodes, "decant")),
        platform: Platform {
            os: "linux".to_owned(),
            architecture: "riscv64".to_owned(),
            ..Platform::default()
        },
        binary: "/decant".to_owned(),
    };
    let busybox = Some(node(&mut nodes, "busybox"));
    let context = MainContext { state: Some(node(&mut nodes, "context")), local: None };
    let mut assembler = Assembler::new(own, caps.clone(), Control::default(), busybox);
    let request = Request { stages: &graph, options: &options, caps, context, ignore: None };
    let lowered = lower(&request, &mut nodes, &mut assembler, &mut lint)?;
    if assembler.assembled().is_empty() {
        assembler.check_target(&mut nodes, &graph, &lowered.stages)?;
    }
    Ok(Lowered { nodes, assembler, graph, stages: lowered.stages })
}

fn lowered(dockerfile: &str) -> Lowered {
    lowered_with(dockerfile, &caps("")).unwrap()
}

impl Lowered {
    /// The last assembly.
    fn last(&self) -> &Done {
        self.assembler.assembled().last().unwrap()
    }

    fn spec(&self) -> AssembleSpec {
        let Op::Exec(exec) = &self.nodes.node(self.last().assembled.exec).op else { panic!("no exec") };
        let mount = exec.mounts.iter().find(|mount| mount.dest == "/in/spec").unwrap();
        let MountKind::Bind { source: Some(source), .. } = &mount.kind else { panic!("no bind") };
        let Op::File(file) = &self.nodes.node(source.node).op else { panic!("no file op") };
        let [FileAction::Mkfile { data, .. }] = file.actions.as_slice() else { panic!("no mkfile") };
        spec::from_bytes(data).unwrap()
    }

    fn name(&self, id: NodeId) -> &str {
        self.nodes.node(id).meta.name.as_deref().unwrap()
    }

    fn state(&self, state: State) -> String {
        match state {
            None => "scratch".to_owned(),
            Some(output) if output.index == 0 => format!("`{}`", self.name(output.node)),
            Some(output) => format!("`{}` output {}", self.name(output.node), output.index),
        }
    }

    /// The vertices of the last assembly, one line for each mount and layer.
    fn vertices(&self) -> String {
        let assembled = &self.last().assembled;
        let node = self.nodes.node(assembled.exec);
        let Op::Exec(exec) = &node.op else { panic!("no exec") };
        let platform = node.platform.as_ref().unwrap().format();
        let mut text = format!("`{}` {} on {platform}\n", self.name(assembled.exec), exec.args.join(" "));
        for mount in &exec.mounts {
            let MountKind::Bind { source, access, content_cache, .. } = &mount.kind else {
                panic!("no bind")
            };
            writeln!(text, "  {} {access:?} {content_cache:?} {}", mount.dest, self.state(*source)).unwrap();
        }
        let mut pending = vec![assembled.tree];
        let mut lines = Vec::new();
        while let Some(state) = pending.pop() {
            let Some(output) = state else { continue };
            match &self.nodes.node(output.node).op {
                Op::Merge(inputs) => {
                    let inputs: Vec<State> = inputs.iter().copied().map(Some).collect();
                    let names: Vec<String> = inputs.iter().map(|input| self.state(*input)).collect();
                    lines.push(format!("`{}` merges {}\n", self.name(output.node), names.join(", ")));
                    pending.extend(inputs.into_iter().rev());
                }
                Op::File(file) => {
                    let [FileAction::Copy(copy)] = file.actions.as_slice() else { continue };
                    if copy.source.map(|source| source.node) != Some(assembled.exec) {
                        continue;
                    }
                    lines.push(format!(
                        "`{}` copies {} of {} onto {}\n",
                        self.name(output.node),
                        copy.src,
                        self.state(copy.source),
                        self.state(file.base)
                    ));
                    pending.push(file.base);
                }
                _ => {}
            }
        }
        text + &lines.concat()
    }
}

const SERVER: &str = r#"
FROM scratch AS build
COPY . /src
FROM distroless:nonroot AS final
COPY --from=build /out/server /server
USER nobody
ENTRYPOINT ["/server"]
"#;

#[test]
fn an_assembly_is_an_exec_step_with_a_copy_for_each_layer() {
    let expected = "\
`[final] distroless: assemble` /decant assemble on linux/riscv64
  / Output Default `decant`
  /in/own/0 Readonly Off `[final 1/1] COPY --from=build /out/server /server`
  /in/src/0 Readonly Off `[build 1/1] COPY . /src`
  /in/spec Readonly Default `[final] distroless: spec`
  /out Output Default scratch
`[final] distroless: image` merges `[final 1/4] distroless: os`, `[final 2/4] distroless: runtime`, \
`[final 3/4] distroless: dependencies`, `[final 4/4] distroless: application`, `[final] distroless: manifest`
`[final 1/4] distroless: os` copies /os of `[final] distroless: assemble` output 1 onto scratch
`[final 2/4] distroless: runtime` copies /runtime of `[final] distroless: assemble` output 1 onto scratch
`[final 3/4] distroless: dependencies` copies /dependencies of `[final] distroless: assemble` output 1 onto scratch
`[final 4/4] distroless: application` copies /application of `[final] distroless: assemble` output 1 onto scratch
`[final] distroless: manifest` copies /manifest of `[final] distroless: assemble` output 1 onto scratch
";
    assert_eq!(lowered(SERVER).vertices(), expected);
}

#[test]
fn without_merge_the_layers_are_copied_one_onto_the_other() {
    let expected = "\
`[final] distroless: manifest` copies /manifest of `[final] distroless: assemble` output 1 onto \
`[final 4/4] distroless: application`
`[final 4/4] distroless: application` copies /application of `[final] distroless: assemble` output 1 onto \
`[final 3/4] distroless: dependencies`
`[final 3/4] distroless: dependencies` copies /dependencies of `[final] distroless: assemble` output 1 onto \
`[final 2/4] distroless: runtime`
`[final 2/4] distroless: runtime` copies /runtime of `[final] distroless: assemble` output 1 onto \
`[final 1/4] distroless: os`
`[final 1/4] distroless: os` copies /os of `[final] distroless: assemble` output 1 onto scratch
";
    let vertices = lowered_with(SERVER, &caps("mergeop")).unwrap().vertices();
    assert!(vertices.ends_with(expected), "{vertices}");
}

#[test]
fn old_daemons_get_what_they_know() {
    let vertices = lowered_with(SERVER, &caps("exec.mount.cache.content")).unwrap().vertices();
    assert!(vertices.contains("/in/src/0 Readonly Default"), "{vertices}");
    let error = lowered_with(SERVER, &caps("exec.mount.bind")).err().unwrap();
    assert_eq!(
        error.text(),
        "a distroless stage needs the BuildKit capability `exec.mount.bind` (hint: use BuildKit 0.5 or later)"
    );
}

#[test]
fn the_spec_says_what_the_stage_does() {
    let spec = lowered(SERVER).spec();
    let steps: Vec<_> = spec.steps.iter().map(|step| (step.id.ordinal, step.id.text.as_str())).collect();
    assert_eq!(steps, [(0, "COPY --from=build /out/server /server")]);
    let StepKind::Tree(tree) = &spec.steps[0].kind else { panic!("no tree") };
    assert_eq!(
        (tree.from, tree.src.as_slice(), tree.dest.as_str()),
        (Some(0), ["/out/server".to_owned()].as_slice(), "/server")
    );
    assert_eq!((spec.sources[0].name.as_str(), spec.sources[0].fallback), ("build", false));
    assert_eq!(spec.variant, Variant { nonroot: true, debug: false });
    let config = &spec.config;
    assert_eq!((config.user.as_str(), config.working_dir.as_str()), ("nobody", "/home/nonroot"));
    assert_eq!(config.user_id.as_ref().unwrap().ordinal, 1);
    let entrypoint = config.entrypoint.as_ref().unwrap();
    assert_eq!(
        (entrypoint.args.as_slice(), entrypoint.shell_form),
        (["/server".to_owned()].as_slice(), false)
    );
    assert_eq!(entrypoint.id.as_ref().unwrap().text, "ENTRYPOINT [\"/server\"]");
}

#[test]
fn what_changes_no_file_changes_no_spec() {
    let same = [
        ("comments and blank lines", SERVER.replace("USER", "# who runs it\n\nUSER")),
        ("labels", SERVER.replace("USER", "LABEL a=b\nUSER")),
        ("stop signal", SERVER.replace("USER", "STOPSIGNAL 9\nUSER")),
        ("an argument that nobody uses", SERVER.replace("USER", "ARG A=1\nUSER")),
        ("a stage that nobody needs", format!("FROM scratch AS other\n{SERVER}")),
        ("the builder's instructions", SERVER.replace("/src", "/sources")),
    ];
    let bytes = |dockerfile: &str| String::from_utf8(spec::to_bytes(&lowered(dockerfile).spec())).unwrap();
    for (summary, dockerfile) in same {
        assert_eq!(bytes(&dockerfile), bytes(SERVER), "{summary}");
    }
    assert_ne!(bytes(&SERVER.replace("nobody", "root")), bytes(SERVER));
}

#[test]
fn instructions_are_found_again_in_the_file() {
    let lowered = lowered(SERVER);
    let places = &lowered.last().assembled.places;
    let lines: Vec<_> = places.iter().map(|(id, span)| (id.ordinal, span.first)).collect();
    assert_eq!(lines, [(0, 5), (1, 6), (2, 7)]);
}

#[test]
fn a_stage_that_copies_from_nowhere_falls_back_to_the_one_before() {
    let lowered = lowered(
        "FROM scratch AS one\nCOPY a /\nFROM scratch AS two\nCOPY b /\nFROM distroless\nCMD [\"b\"]\n",
    );
    let spec = lowered.spec();
    let sources: Vec<_> = spec.sources.iter().map(|s| (s.name.as_str(), s.fallback)).collect();
    assert_eq!(sources, [("two", true)]);
    assert!(
        lowered.vertices().contains("/in/src/0 Readonly Off `[two 1/1] COPY b /`"),
        "{}",
        lowered.vertices()
    );
}

#[test]
fn run_is_a_step_between_two_assemblies() {
    let lowered = lowered(
        r#"
FROM scratch AS build
COPY a /
FROM distroless AS final
COPY --from=build /a /a
ENTRYPOINT ["/a"]
RUN ["/a", "--check"]
ENTRYPOINT ["/a", "serve"]
CMD ["now"]
"#,
    );
    let done = lowered.assembler.assembled();
    assert_eq!(done.iter().map(|done| done.last).collect::<Vec<_>>(), [false, true]);
    let spec = lowered.spec();
    assert_eq!(
        spec.steps[1].kind,
        StepKind::Run { before: "/in/run/1/before".to_owned(), after: "/in/run/1/after".to_owned() }
    );
    let vertices = lowered.vertices();
    assert!(vertices.contains("/in/run/1/before Readonly Off `[final] distroless: image`"), "{vertices}");
    assert!(
        vertices.contains("/in/run/1/after Readonly Off `[final 2/2] RUN [\"/a\", \"--check\"]`"),
        "{vertices}"
    );

    let first = Lowered {
        nodes: lowered.nodes.clone(),
        assembler: Assembler { assembled: vec![done[0].clone()], ..Assembler::new_like(&lowered.assembler) },
        graph: lowered.graph.clone(),
        stages: lowered.stages.clone(),
    };
    let config = first.spec().config;
    assert_eq!(config.entrypoint.unwrap().args, ["/a"], "the one above RUN counts");
    assert_eq!(config.cmd, None);
}

#[test]
fn a_stage_on_a_distroless_stage_starts_with_its_tree() {
    let lowered = lowered(
        "FROM scratch AS build\nCOPY a /\nFROM distroless AS base\nCOPY --from=build /a /a\nCMD [\"/a\"]\n\
         FROM base AS final\nCOPY b /b\n",
    );
    let spec = lowered.spec();
    assert_eq!(spec.steps[0].kind, StepKind::Base { mount: "/in/own/base".to_owned() });
    assert_eq!(spec.steps[0].id.text, "FROM base AS final");
    assert_eq!(
        (spec.sources[0].name.as_str(), spec.sources[0].fallback),
        ("build", false),
        "a chain is one stage"
    );
    assert!(
        lowered.vertices().contains("/in/own/base Readonly Off `[base] distroless: image`"),
        "{}",
        lowered.vertices()
    );
    let cmd = spec.config.cmd.unwrap().id.unwrap();
    assert_eq!(
        (cmd.stage.as_str(), cmd.text.as_str()),
        ("base", "CMD [\"/a\"]"),
        "inherited, and still known"
    );
}

#[test]
fn debug_variants_mount_busybox_and_have_a_layer_for_it() {
    let lowered = lowered("FROM scratch AS build\nCOPY a /\nFROM distroless:debug\nCOPY --from=build a /a\n");
    let vertices = lowered.vertices();
    assert!(vertices.contains("/in/busybox Readonly Off `busybox`"), "{vertices}");
    assert!(vertices.contains("`[stage-1 5/5] distroless: debug` copies /debug"), "{vertices}");
}

#[test]
fn a_target_that_stays_is_checked_alone() {
    let lowered =
        lowered("FROM scratch AS build\nCOPY . /src\nFROM scratch\nCOPY --from=build /a /a\nCMD [\"/a\"]\n");
    let expected = "\
`[stage-1] distroless: check` /decant assemble on linux/riscv64
  / Output Default `decant`
  /in/src/0 Readonly Off `[stage-1 1/1] COPY --from=build /a /a`
  /in/spec Readonly Default `[stage-1] distroless: spec`
  /out Output Default scratch
`[stage-1] distroless: manifest` copies /manifest of `[stage-1] distroless: check` output 1 onto scratch
";
    assert_eq!(lowered.vertices(), expected);
    assert_eq!(lowered.spec().mode, Mode::Check);
}

const WHOLE: &str = r#"
FROM scratch AS build
COPY . /src
FROM scratch AS base
ADD a /etc/
FROM base AS app
WORKDIR /srv
RUN make
COPY --from=build /out/server ./
CMD ["./server"]
FROM --distroless=nonroot app AS final
COPY b /b
"#;

/// Each step of a spec: what it is, its mounts, from where to where.
fn changes(spec: &AssembleSpec) -> Vec<String> {
    let text = |step: &Step| match &step.kind {
        StepKind::Changed(change) => format!(
            "{} {:?} {}{} {}:{} to {}",
            step.id.stage,
            change.by,
            change.mount,
            change.before.as_ref().map_or_else(String::new, |before| format!(" after {before}")),
            change.from.as_deref().unwrap_or("-"),
            change.src.join(" "),
            change.dest.as_deref().unwrap_or("-")
        ),
        other => {
            format!("{} {}", step.id.stage, if matches!(other, StepKind::Tree(_)) { "tree" } else { "other" })
        }
    };
    spec.steps.iter().map(text).collect()
}

#[test]
fn what_each_instruction_of_the_whole_chain_changed_is_evidence() {
    let lowered = lowered(WHOLE);
    let spec = lowered.spec();
    assert_eq!((spec.mode, spec.implicit, spec.variant.nonroot), (Mode::Distil, false, true));
    let expected = [
        "base Add /in/change/0 -:/a to /etc/",
        "app Workdir /in/change/1 -: to /srv",
        "app Run /in/change/2 -: to -",
        "app Copy /in/change/3 build:/out/server to /srv/",
        "final tree",
    ];
    assert_eq!(changes(&spec), expected);
    let vertices = lowered.vertices();
    assert!(vertices.contains("/in/change/0 Readonly Off `[base 1/1] ADD a /etc/`"), "{vertices}");
    assert!(vertices.contains(&format!("/in/change/2 Readonly Off `{DIFFERENCES}`")), "{vertices}");
    assert!(!vertices.contains("`[build "), "no builder is mounted: {vertices}");
}

#[test]
fn daemons_without_differences_get_both_trees() {
    let lowered = lowered_with(WHOLE, &caps("diffop")).unwrap();
    assert_eq!(changes(&lowered.spec())[2], "app Run /in/change/2 after /in/before/2 -: to -");
    let vertices = lowered.vertices();
    assert!(vertices.contains("/in/before/2 Readonly Off `[app 1/3] WORKDIR /srv`"), "{vertices}");
    assert!(vertices.contains("/in/change/2 Readonly Off `[app 2/3] RUN make`"), "{vertices}");
}

#[test]
fn an_unmodified_target_is_distilled_like_a_stage_after_it() {
    let text = WHOLE.split("FROM --distroless").next().unwrap();
    let mut lowered = lowered(text);
    let (graph, stages) = (lowered.graph.clone(), lowered.stages.clone());
    let variant = crate::options::Variant::Nonroot;
    lowered.assembler.distil_target(&mut lowered.nodes, &graph, &stages, variant).unwrap();
    let spec = lowered.spec();
    assert!(spec.implicit);
    assert_eq!(changes(&spec).len(), 4);
    assert_eq!(spec.stage, "app");
}

#[test]
fn forms_of_commands_are_known() {
    let spec = lowered(
        "FROM scratch AS build\nCOPY . /\nFROM distroless\nCOPY --from=build /a /a\n\
         HEALTHCHECK CMD /a --health || exit 1\nCMD /a $B\nVOLUME /data\nEXPOSE 80\n",
    )
    .spec();
    let config = spec.config;
    let words = |command: &Option<Command>| {
        let command = command.as_ref().unwrap();
        (command.args.join("|"), command.shell_form)
    };
    assert_eq!(words(&config.cmd), ("/bin/sh|-c|/a $B".to_owned(), true));
    assert_eq!(words(&config.healthcheck), ("/bin/sh|-c|/a --health || exit 1".to_owned(), true));
    assert_eq!((config.volumes, config.exposed_ports), (vec!["/data".to_owned()], vec!["80/tcp".to_owned()]));
}

impl Assembler {
    fn new_like(other: &Self) -> Self {
        Self::new(other.own.clone(), other.caps.clone(), other.control.clone(), other.busybox)
    }
}
