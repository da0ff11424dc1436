//! Distroless stages: from what a stage gathered to the spec of its assembly, and the assembly in the graph.

use std::collections::BTreeMap;

use crate::diagnostic::Diagnostic;
use crate::distill::sbom;
use crate::distill::spec::{
    AssembleSpec, Change, ChangedBy, Command, Config, Control, InstructionId, Mode, Source, Step, StepKind,
    TreeStep, VERSION, Variant, is_shell_form,
};
use crate::distill::step::{self, Assembled, Assembly, BUSYBOX_MOUNT, Input, OwnImage};
use crate::dockerfile::instruction::{CommandLine, Healthcheck, Kind};
use crate::dockerfile::source::Span;
use crate::image::config::DEFAULT_SHELL;
use crate::image::platform::Platform;
use crate::llb::op::Op;
use crate::llb::{Caps, Graph, NodeMeta, Output, ProgressGroup, State};
use crate::lower::{DistilRequest, Distiller, Gathered, Made, Snapshot, StageState, Tree};
use crate::stage::{Base, Stage, StageGraph, StageId};

/// Lowers distroless stages to assemblies, and keeps these for the frontend.
#[derive(Debug)]
pub struct Assembler {
    own: OwnImage,
    caps: Caps,
    control: Control,
    /// The image that brings busybox, for debug variants; resolved by the frontend when one is in play.
    busybox: State,
    /// Entry `healthcheck=off`: its program is not asked for.
    without_healthcheck: bool,
    assembled: Vec<Done>,
}

/// An assembly of a stage.
#[derive(Clone, Debug)]
pub struct Done {
    pub stage: StageId,
    /// Of the stage's end, not of a RUN in the middle.
    pub last: bool,
    pub variant: Variant,
    pub assembled: Assembled,
}

impl Assembler {
    pub fn new(own: OwnImage, caps: Caps, control: Control, busybox: State) -> Self {
        Self { own, caps, control, busybox, without_healthcheck: false, assembled: Vec::new() }
    }

    /// The same, for images that drop their HEALTHCHECK (entry `healthcheck=off`): its program is not asked for.
    #[must_use]
    pub fn without_healthcheck(self) -> Self {
        Self { without_healthcheck: true, ..self }
    }

    /// All assemblies so far, in the order of lowering; those of RUN before the one of their stage's end.
    pub fn assembled(&self) -> &[Done] {
        &self.assembled
    }

    /// Adds the description of a stage as an SPDX document, [`sbom::DOCUMENT_FILE`] of the output; `created` is its
    /// time as SPDX writes it.
    pub fn describe(&self, nodes: &mut Graph, stage: &Assembled, created: &str) -> Output {
        sbom::add(nodes, &self.own, &self.caps, stage, created)
    }

    /// Adds the check of a target that stays as it is: are all libraries and symbol versions there? `lowered` has the
    /// states at the end of each stage.
    ///
    /// # Errors
    /// When the daemon lacks what the check needs.
    pub fn check_target(
        &mut self,
        nodes: &mut Graph,
        graph: &StageGraph,
        lowered: &[Option<StageState>],
    ) -> Result<Assembled, Diagnostic> {
        let id = graph.target;
        let stage = graph.stage(id);
        self.require_caps(stage)?;
        let state = lowered[id.index()].as_ref().expect("the target is lowered");
        let mut draft = Draft::new(Mode::Check, Variant::default());
        draft.add_whole(stage_name(graph, id), state, base_image(graph, id, lowered));
        draft.set_config(graph, id, state, None);
        Ok(self.add(nodes, graph, id, state, draft, true).assembled)
    }

    /// Adds what a target that says nothing becomes: the same as a stage `FROM --distroless=<variant> <target>` after
    /// it, but that one which is distroless already is left. `lowered` has the states at the end of each stage.
    ///
    /// # Errors
    /// When the daemon lacks what distilling needs.
    pub fn distil_target(
        &mut self,
        nodes: &mut Graph,
        graph: &StageGraph,
        lowered: &[Option<StageState>],
        variant: crate::options::Variant,
    ) -> Result<Done, Diagnostic> {
        let id = graph.target;
        self.require_caps(graph.stage(id))?;
        let state = lowered[id.index()].as_ref().expect("the target is lowered");
        let mut draft = Draft::new(Mode::Distil, variant.into());
        draft.implicit = true;
        draft.add_whole(stage_name(graph, id), state, base_image(graph, id, lowered));
        let mut changes = Changes { nodes: &mut *nodes, caps: &self.caps, graph, lowered };
        changes.add_to(&mut draft, id);
        draft.set_config(graph, id, state, None);
        Ok(self.add(nodes, graph, id, state, draft, true))
    }

    fn add(
        &mut self,
        nodes: &mut Graph,
        graph: &StageGraph,
        id: StageId,
        state: &StageState,
        draft: Draft,
        last: bool,
    ) -> Done {
        let stage = graph.stage(id);
        let Draft { mode, implicit, variant, steps, sources, mut config, mut inputs, places } = draft;
        if self.without_healthcheck {
            config.healthcheck = None;
        }
        if variant.debug {
            inputs.push(Input { mount: BUSYBOX_MOUNT.to_owned(), state: self.busybox });
        }
        let assembly = Assembly {
            spec: AssembleSpec {
                version: VERSION,
                mode,
                implicit,
                stage: stage_name(graph, id),
                platform: state.platform.clone(),
                variant,
                steps,
                sources,
                config,
                control: self.control.clone(),
            },
            inputs,
            places,
            label: label(graph, stage, &state.platform),
            spans: stage.spans.clone(),
            ignore_cache: stage.no_cache,
        };
        let assembled = step::add(nodes, &self.own, &self.caps, &assembly);
        let done = Done { stage: id, last, variant, assembled };
        self.assembled.push(done.clone());
        done
    }

    fn require_caps(&self, stage: &Stage) -> Result<(), Diagnostic> {
        match NEEDED_CAPS.iter().find(|(cap, _)| !self.caps.supports(cap)) {
            None => Ok(()),
            Some((cap, version)) => {
                let message = format!("a distroless stage needs the BuildKit capability `{cap}`");
                let hint = format!("use BuildKit {version} or later");
                Err(Diagnostic { message, spans: stage.spans.clone(), hint: Some(hint) })
            }
        }
    }
}

impl Distiller for Assembler {
    fn distil(&mut self, nodes: &mut Graph, request: &DistilRequest<'_>) -> Result<State, Diagnostic> {
        let (graph, id) = (request.graph, request.stage);
        self.require_caps(graph.stage(id))?;
        let mut changes = Changes { nodes: &mut *nodes, caps: &self.caps, graph, lowered: request.lowered };
        let draft = Draft::of_request(request, &mut changes);
        Ok(self.add(nodes, graph, id, request.state, draft, request.last).assembled.tree)
    }
}

/// Whether a build of these stages needs the busybox image: some stage that it reaches, or the implicit one, is a
/// debug variant.
pub fn needs_busybox(graph: &StageGraph, implicit: Option<crate::options::Variant>) -> bool {
    let stages = graph.stages.iter().filter(|stage| stage.reachable).flat_map(|stage| {
        let base = match stage.base {
            Base::Distroless(variant) => Some(variant),
            _ => None,
        };
        [base, stage.distil]
    });
    stages.chain([implicit]).flatten().any(crate::options::Variant::is_debug)
}

/// A spec in the making, with what stays outside of it.
struct Draft {
    mode: Mode,
    implicit: bool,
    variant: Variant,
    steps: Vec<Step>,
    sources: Vec<Source>,
    config: Config,
    inputs: Vec<Input>,
    places: BTreeMap<InstructionId, Span>,
}

impl Draft {
    fn new(mode: Mode, variant: Variant) -> Self {
        Self {
            mode,
            implicit: false,
            variant,
            steps: Vec::new(),
            sources: Vec::new(),
            config: Config::default(),
            inputs: Vec::new(),
            places: BTreeMap::new(),
        }
    }

    /// The stage's own trees, and the stages that it copies from as sources; for `FROM --distroless` the stage that
    /// is cut down is the first of these.
    fn of_request(request: &DistilRequest<'_>, changes: &mut Changes<'_>) -> Self {
        let (graph, id) = (request.graph, request.stage);
        let stage = graph.stage(id);
        let mode = if request.whole.is_some() { Mode::Distil } else { Mode::Compose };
        let mut draft = Self::new(mode, request.variant.into());
        if let Some(whole) = request.whole {
            draft.add_whole(below_name(graph, id), whole, base_image(graph, id, request.lowered));
            if let Base::Stage(below) = stage.base {
                changes.add_to(&mut draft, below);
            }
        }
        draft.add_base(request, stage);
        let mut sources = Sources { first: draft.sources.len(), ids: Vec::new() };
        if request.whole.is_none() {
            sources.add_inherited(graph, id);
        }
        for gathered in request.gathered {
            draft.add_gathered(request, stage, gathered, &mut sources);
        }
        let fallback = request.whole.is_none() && sources.ids.is_empty();
        if fallback {
            sources.ids.extend(graph.earlier(id));
        }
        for source in &sources.ids {
            draft.add_source(request, *source, fallback);
        }
        draft.set_config(graph, id, request.state, current_step(request, stage));
        draft
    }

    /// A whole ordinary stage, with the image at the end of its FROM chain beside it.
    fn add_whole(&mut self, name: String, whole: &StageState, base: State) {
        let mount = format!("/in/src/{}", self.sources.len());
        self.inputs.push(Input { mount: mount.clone(), state: whole.state });
        let base = base.map(|image| {
            let mount = format!("/in/base/{}", self.sources.len());
            self.inputs.push(Input { mount: mount.clone(), state: Some(image) });
            mount
        });
        let env = whole.config.config.env.clone();
        self.sources.push(Source { name, mount, base, env, fallback: false });
    }

    /// `FROM <distroless stage>`: that one's tree is the lowest.
    fn add_base(&mut self, request: &DistilRequest<'_>, stage: &Stage) {
        if request.whole.is_some() || !matches!(stage.base, Base::Stage(_)) {
            return;
        }
        let id = InstructionId {
            stage: stage_name(request.graph, request.stage),
            ordinal: 0,
            text: stage.from_text.clone(),
        };
        if let Some(span) = stage.spans.first() {
            self.places.insert(id.clone(), *span);
        }
        let mount = "/in/own/base".to_owned();
        self.inputs.push(Input { mount: mount.clone(), state: request.start });
        self.steps.push(Step { id, kind: StepKind::Base { mount } });
    }

    fn add_gathered(
        &mut self,
        request: &DistilRequest<'_>,
        stage: &Stage,
        gathered: &Gathered,
        sources: &mut Sources,
    ) {
        let number = self.steps.len();
        let (index, kind) = match gathered {
            Gathered::Tree(tree) => {
                let mount = format!("/in/own/{number}");
                self.inputs.push(Input { mount: mount.clone(), state: Some(tree.output) });
                let from = tree.moved.from.map(|id| sources.index_of(id));
                (tree.step, StepKind::Tree(tree_step(tree, mount, from)))
            }
            Gathered::Run { step, before, after } => {
                let mounts = (format!("/in/run/{number}/before"), format!("/in/run/{number}/after"));
                self.inputs.push(Input { mount: mounts.0.clone(), state: *before });
                self.inputs.push(Input { mount: mounts.1.clone(), state: *after });
                (*step, StepKind::Run { before: mounts.0, after: mounts.1 })
            }
        };
        let id = self.identify(request.graph, request.stage, stage, index);
        self.steps.push(Step { id, kind });
    }

    fn add_source(&mut self, request: &DistilRequest<'_>, id: StageId, fallback: bool) {
        let mount = format!("/in/src/{}", self.sources.len());
        let lowered = request.lowered.get(id.index()).and_then(Option::as_ref);
        self.inputs.push(Input { mount: mount.clone(), state: lowered.and_then(|state| state.state) });
        self.sources.push(Source {
            name: stage_name(request.graph, id),
            mount,
            base: None,
            env: lowered.map(|state| state.config.config.env.clone()).unwrap_or_default(),
            fallback,
        });
    }

    /// The config at step `end` of the stage (absent: at its end), with the instructions that set it.
    fn set_config(&mut self, graph: &StageGraph, id: StageId, state: &StageState, end: Option<usize>) {
        let config = &state.config.config;
        let shell = if config.shell.is_empty() {
            DEFAULT_SHELL.map(str::to_owned).to_vec()
        } else {
            config.shell.clone()
        };
        let mut find = |wanted: fn(&Kind) -> Option<Form>| {
            let (owner, index, form) = setter(graph, id, end, wanted)?;
            Some((self.identify(graph, owner, &graph.stages[owner.index()], index), form))
        };
        let entrypoint = find(|kind| match kind {
            Kind::Entrypoint(line) => Some(form(line)),
            _ => None,
        });
        let cmd = find(|kind| match kind {
            Kind::Cmd(line) => Some(form(line)),
            _ => None,
        });
        let healthcheck = find(|kind| match kind {
            Kind::Healthcheck(Healthcheck::Cmd(check)) => Some(form(&check.command)),
            Kind::Healthcheck(Healthcheck::None) => Some(Form::Exec),
            _ => None,
        });
        let user = find(|kind| matches!(kind, Kind::User(_)).then_some(Form::Exec));
        self.config = Config {
            env: config.env.clone(),
            working_dir: config.working_dir.clone(),
            user: config.user.clone(),
            entrypoint: config.entrypoint.as_deref().map(|args| command(args, entrypoint)),
            cmd: config.cmd.as_deref().map(|args| command(args, cmd)),
            healthcheck: config
                .healthcheck
                .as_ref()
                .and_then(|check| health_command(&check.test, &shell, healthcheck)),
            user_id: user.map(|(id, _)| id),
            volumes: config.volumes.iter().flatten().map(|(path, _)| path.clone()).collect(),
            exposed_ports: config.exposed_ports.iter().flatten().map(|(port, _)| port.clone()).collect(),
        };
    }

    fn identify(&mut self, graph: &StageGraph, owner: StageId, stage: &Stage, index: usize) -> InstructionId {
        let step = &stage.steps[index];
        let id = InstructionId {
            stage: stage_name(graph, owner),
            ordinal: step.ordinal.expect("an instruction that brings files or sets a command is numbered"),
            text: step.instruction.text.clone(),
        };
        self.places.insert(id.clone(), step.instruction.span);
        id
    }
}

/// Adds to the graph what each instruction of ordinary stages changed.
struct Changes<'a> {
    nodes: &'a mut Graph,
    caps: &'a Caps,
    graph: &'a StageGraph,
    lowered: &'a [Option<StageState>],
}

impl Changes<'_> {
    /// Those of a stage and of the stages that it builds on, the lowest first: a FROM chain counts as one stage.
    fn add_to(&mut self, draft: &mut Draft, id: StageId) {
        let mut chain = Vec::new();
        let mut at = Some(id).filter(|id| !self.graph.is_distroless(*id));
        while let Some(id) = at {
            chain.push(id);
            at = match self.graph.stage(id).base {
                Base::Stage(below) if !self.graph.is_distroless(below) => Some(below),
                _ => None,
            };
        }
        for id in chain.into_iter().rev() {
            let Some(state) = self.lowered.get(id.index()).and_then(Option::as_ref) else { continue };
            for snapshot in &state.snapshots {
                let change = self.change(draft, snapshot);
                let step = draft.identify(self.graph, id, self.graph.stage(id), snapshot.step);
                draft.steps.push(Step { id: step, kind: StepKind::Changed(change) });
            }
        }
    }

    fn change(&mut self, draft: &mut Draft, snapshot: &Snapshot) -> Change {
        let mount = format!("/in/change/{}", draft.steps.len());
        let (state, before) = match snapshot.before {
            None => (snapshot.after, None),
            Some(_) if self.caps.supports("diffop") => (Some(self.difference(snapshot)), None),
            Some(before) => {
                let mount = format!("/in/before/{}", draft.steps.len());
                draft.inputs.push(Input { mount: mount.clone(), state: Some(before) });
                (snapshot.after, Some(mount))
            }
        };
        draft.inputs.push(Input { mount: mount.clone(), state });
        let (by, moved, dest) = match &snapshot.made {
            Made::Run => (ChangedBy::Run, None, None),
            Made::Workdir(path) => (ChangedBy::Workdir, None, Some(path.clone())),
            Made::Copy(moved) => (ChangedBy::Copy, Some(moved), Some(moved.dest.clone())),
            Made::Add(moved) => (ChangedBy::Add, Some(moved), Some(moved.dest.clone())),
        };
        Change {
            by,
            mount,
            before,
            src: moved.map(|moved| moved.sources.clone()).unwrap_or_default(),
            dest,
            from: moved.and_then(|moved| moved.from).map(|from| stage_name(self.graph, from)),
        }
    }

    fn difference(&mut self, snapshot: &Snapshot) -> Output {
        let op = Op::Diff { lower: snapshot.before, upper: snapshot.after };
        // One line of progress for all of them: nobody reads a difference.
        let group = ProgressGroup { id: DIFFERENCES.to_owned(), name: DIFFERENCES.to_owned(), weak: true };
        let meta = NodeMeta {
            name: Some(DIFFERENCES.to_owned()),
            progress_group: Some(group),
            ..NodeMeta::default()
        };
        self.nodes.add(op, None, meta).output()
    }
}

/// How vertices are called that tell the files of an instruction from those below it.
const DIFFERENCES: &str = "distroless: what each instruction changed";

/// The stages that a stage copies from, in the order of first use.
struct Sources {
    /// Index of the first one in the spec.
    first: usize,
    ids: Vec<StageId>,
}

impl Sources {
    /// Those of the distroless stages that the stage builds on, the lowest first: a FROM chain counts as one stage.
    fn add_inherited(&mut self, graph: &StageGraph, id: StageId) {
        let mut chain = Vec::new();
        let mut id = id;
        while let (Base::Stage(below), None) = (&graph.stage(id).base, graph.stage(id).distil) {
            id = *below;
            chain.push(id);
        }
        if let (Base::Stage(whole), Some(_)) = (&graph.stage(id).base, graph.stage(id).distil) {
            self.index_of(*whole);
        }
        for stage in chain.into_iter().rev().map(|id| graph.stage(id)) {
            let copies = stage.steps.iter().filter(|step| matches!(step.instruction.value, Kind::Copy(_)));
            for source in copies.flat_map(|step| step.sources.iter()) {
                self.index_of(*source);
            }
        }
    }

    fn index_of(&mut self, id: StageId) -> usize {
        let known = self.ids.iter().position(|known| *known == id);
        self.first
            + known.unwrap_or_else(|| {
                self.ids.push(id);
                self.ids.len() - 1
            })
    }
}

/// The form of a command in the Dockerfile.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Shell,
    Exec,
}

fn form(line: &CommandLine) -> Form {
    match line {
        CommandLine::Shell(_) => Form::Shell,
        CommandLine::Exec(_) => Form::Exec,
    }
}

/// The last instruction before step `end` of the stage that `wanted` recognises, in the stage or in one below it.
fn setter(
    graph: &StageGraph,
    id: StageId,
    end: Option<usize>,
    wanted: fn(&Kind) -> Option<Form>,
) -> Option<(StageId, usize, Form)> {
    let (mut id, mut end) = (id, end);
    // A FROM names an earlier stage, so the chain ends.
    loop {
        let stage = graph.stage(id);
        let steps = &stage.steps[..end.unwrap_or(stage.steps.len())];
        let found = steps
            .iter()
            .enumerate()
            .rev()
            .find_map(|(index, step)| wanted(&step.instruction.value).map(|form| (id, index, form)));
        match (found, &stage.base) {
            (Some(found), _) => return Some(found),
            (None, Base::Stage(below)) => (id, end) = (*below, None),
            (None, _) => return None,
        }
    }
}

fn command(args: &[String], setter: Option<(InstructionId, Form)>) -> Command {
    let shell_form = match &setter {
        Some((_, form)) => *form == Form::Shell,
        // From a base image: its config keeps no form.
        None => is_shell_form(args),
    };
    Command { args: args.to_vec(), shell_form, id: setter.map(|(id, _)| id) }
}

/// `CMD word…` or `CMD-SHELL text`; `NONE` and an inherited one (empty) name no program.
fn health_command(
    test: &[String],
    shell: &[String],
    setter: Option<(InstructionId, Form)>,
) -> Option<Command> {
    let (kind, words) = test.split_first()?;
    let id = setter.map(|(id, _)| id);
    match kind.as_str() {
        "CMD" => Some(Command { args: words.to_vec(), shell_form: false, id }),
        "CMD-SHELL" => Some(Command { args: [shell, words].concat(), shell_form: true, id }),
        _ => None,
    }
}

fn tree_step(tree: &Tree, mount: String, from: Option<usize>) -> TreeStep {
    TreeStep {
        mount,
        from,
        src: tree.moved.sources.clone(),
        dest: tree.moved.dest.clone(),
        parents: tree.parents,
        closure: tree.closure,
        chown: tree.chown.clone(),
    }
}

/// The step that an assembly in the middle of a stage is for: the first RUN after what was gathered.
fn current_step(request: &DistilRequest<'_>, stage: &Stage) -> Option<usize> {
    if request.last {
        return None;
    }
    let after = request.gathered.last().map_or(0, |gathered| match gathered {
        Gathered::Tree(tree) => tree.step + 1,
        Gathered::Run { step, .. } => step + 1,
    });
    let run = stage.steps.iter().skip(after).position(|step| matches!(step.instruction.value, Kind::Run(_)));
    run.map(|offset| after + offset)
}

/// Its name or `stage-<index>`; the reference of an image that only a command names.
pub fn stage_name(graph: &StageGraph, id: StageId) -> String {
    let stage = graph.stage(id);
    match (&stage.name, &stage.base) {
        (Some(name), _) => name.clone(),
        (None, Base::Image(image)) if !stage.registered => image.written.clone(),
        (None, Base::Context(context)) if !stage.registered => context.key.clone(),
        _ if !stage.label.is_empty() => stage.label.clone(),
        _ => format!("stage-{}", id.index()),
    }
}

/// What a stage starts from, in words: the name of the stage below or the image.
fn below_name(graph: &StageGraph, id: StageId) -> String {
    match &graph.stage(id).base {
        Base::Stage(below) => stage_name(graph, *below),
        Base::Image(image) => image.written.clone(),
        Base::Context(context) => context.key.clone(),
        Base::Scratch | Base::Distroless(_) => stage_name(graph, id),
    }
}

/// The image at the end of a stage's FROM chain; `None` for scratch.
fn base_image(graph: &StageGraph, id: StageId, lowered: &[Option<StageState>]) -> State {
    let state = lowered.get(graph.root(id).index())?.as_ref()?;
    state.snapshots.first().map_or(state.state, |snapshot| snapshot.before)
}

/// As vertex names call the stage: with its platform when several are built.
fn label(graph: &StageGraph, stage: &Stage, platform: &Platform) -> String {
    match (graph.multi_platform, stage.label.is_empty()) {
        (false, _) => stage.label.clone(),
        (true, true) => platform.format(),
        (true, false) => format!("{} {}", platform.format(), stage.label),
    }
}

/// What the step cannot do without, and the daemon's version that has it (buildkit-protocol 3).
const NEEDED_CAPS: [(&str, &str); 2] = [("exec.mount.bind", "0.5"), ("file.base", "0.5")];

#[cfg(test)]
mod tests;
