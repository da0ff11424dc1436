//! One build from top to bottom: the only file that knows the order of its steps.

mod archive;
mod context;
mod distilled;
mod epoch;
mod images;
mod load;
mod requests;
mod sbom;
mod source;
mod warnings;

use std::collections::BTreeMap;

use tokio::sync::OnceCell;

use crate::diagnostic::Diagnostic;
use crate::distill::apply::{self, Located};
use crate::distill::budget;
use crate::distill::spec::Control;
use crate::distill::step::OwnImage;
use crate::dockerfile::pattern::PatternSet;
use crate::dockerfile::{self, Dockerfile, directive};
use crate::gateway::serve::BuildFailure;
use crate::gateway::{BuildError, Daemon, Gateway, Ref, SolveRequest, Warning, join_all};
use crate::image::json;
use crate::image::platform::Platform;
use crate::image::reference::ImageRef;
use crate::lint::{self, Sink};
use crate::llb::op::{Op, SourceOp};
use crate::llb::{Caps, Definition, Graph, NodeMeta};
use crate::lower::distroless::{Assembler, needs_busybox};
use crate::lower::features;
use crate::lower::scan::Scanner;
use crate::lower::{self, Distiller, Lowered, MainContext, NoDistiller};
use crate::options::{BuildOptions, Policy};
use crate::output::{Attestation, BuildResult, PlatformResult};
use crate::stage::epoch::Epoch;
use crate::stage::{self, StageGraph};
use distilled::Last;
use images::Outside;
use load::Loaded;

/// What of the process a build depends on, read by `main`.
#[derive(Clone, Debug, Default)]
pub struct Process {
    /// Environment as text.
    pub env: Vec<(String, String)>,
    /// `frontend.bin`: the definition of decant's own image; absent on old daemons.
    pub own_definition: Option<Vec<u8>>,
}

/// Runs one build: from the environment of a frontend to its result.
///
/// # Errors
/// What the user has to know, with the Dockerfile it happened in.
pub async fn build(gateway: &impl Gateway, process: Process) -> Result<BuildResult, BuildFailure> {
    let daemon = gateway.ping().await?;
    let options = BuildOptions::from_env(process.env)?;
    if !daemon.llb_caps.supports("file.base") {
        return Err(Diagnostic::new("needs BuildKit 0.5 or later").into());
    }
    let loaded = load::load(gateway, &options, &daemon).await?;
    if let Some(cap) = options.unsupported_cap() {
        return Err(BuildError::UnsupportedCap(cap.to_owned()).into());
    }
    if let Some(name) = &options.request {
        let own_definition = process.own_definition.as_deref();
        let asked = requests::Asked { gateway, options: &options, daemon: &daemon, own_definition };
        return asked.answer(name, loaded).await;
    }
    let source = loaded.source.clone();
    let own_definition = process.own_definition.as_deref();
    let build = prepare(gateway, &options, &daemon, loaded, own_definition).await;
    match build {
        Ok(build) => build.build_all().await,
        Err(error) => match warnings::send_of_refused(gateway, &options, &source).await {
            Ok(()) => Err(error),
            Err(failure) => Err(failure.into()),
        },
    }
    .map_err(|error| BuildFailure { error, source: Some(source) })
}

/// Everything that is the same for all platforms of a build.
struct Build<'a, G> {
    gateway: &'a G,
    options: &'a BuildOptions,
    daemon: &'a Daemon,
    loaded: Loaded,
    /// Patterns of the ignore file, once a platform needed them.
    ignore: OnceCell<Vec<String>>,
    /// What lists packages, once a platform needed it.
    scanner: OnceCell<Scanner>,
    own_definition: Option<&'a [u8]>,
    policy: Policy,
    dockerfile: Dockerfile,
    lint: lint::Options,
    epoch: Epoch,
}

/// Parses what text alone decides.
async fn prepare<'a, G: Gateway>(
    gateway: &'a G,
    options: &'a BuildOptions,
    daemon: &'a Daemon,
    loaded: Loaded,
    own_definition: Option<&'a [u8]>,
) -> Result<Build<'a, G>, BuildError> {
    let data = &loaded.source.data;
    let lint = lint_options(options, data)?;
    let policy = policy(options, data)?;
    let dockerfile = dockerfile::parse(data).map_err(|errors| {
        errors.into_iter().next().unwrap_or_else(|| Diagnostic::new("the Dockerfile cannot be read"))
    })?;
    let epoch = epoch::resolve(gateway, options, daemon, &dockerfile, &loaded).await?;
    let (ignore, scanner) = (OnceCell::new(), OnceCell::new());
    Ok(Build {
        gateway,
        options,
        daemon,
        loaded,
        ignore,
        scanner,
        own_definition,
        policy,
        dockerfile,
        lint,
        epoch,
    })
}

/// `BUILDKIT_DOCKERFILE_CHECK`, or the `check` directive.
fn lint_options(options: &BuildOptions, data: &[u8]) -> Result<lint::Options, Diagnostic> {
    if let Some(arg) = options.build_args.get("BUILDKIT_DOCKERFILE_CHECK") {
        return lint::Options::parse(arg).map_err(|error| {
            Diagnostic::new(format!("failed to parse build-arg:BUILDKIT_DOCKERFILE_CHECK: {error}"))
        });
    }
    directive::check(data).map_or_else(
        || Ok(lint::Options::default()),
        |check| {
            lint::Options::parse(&check.value)
                .map_err(|error| Diagnostic::new(format!("failed to parse check options: {error}")))
        },
    )
}

fn policy(options: &BuildOptions, data: &[u8]) -> Result<Policy, Diagnostic> {
    let directive = directive::distroless(data)?;
    Policy::resolve(
        options.distroless_site.as_deref(),
        directive.as_ref().map(|directive| directive.value.as_str()),
        options.distroless_arg.as_deref(),
    )
    .map_err(|error| error.diagnostic(directive.map(|directive| directive.span)))
}

/// One platform, lowered.
struct Lowering {
    nodes: Graph,
    stages: StageGraph,
    lowered: Lowered,
    context: MainContext,
    /// What distilled its stages; absent when nothing can be distilled.
    assembler: Option<Assembler>,
}

/// One platform, asked for.
struct Built {
    lowered: Lowered,
    result: Ref,
    /// What distilling has to say.
    findings: Vec<Located>,
    attestations: Vec<Attestation>,
}

impl<G: Gateway> Build<'_, G> {
    /// The platforms asked for; one `None` when nobody asked.
    fn platforms(&self) -> Vec<Option<&Platform>> {
        match self.options.platforms.as_slice() {
            [] => vec![None],
            platforms => platforms.iter().map(Some).collect(),
        }
    }

    fn is_multi_platform(&self) -> Result<bool, Diagnostic> {
        let multi_platform = self.options.is_multi_platform();
        if !multi_platform && self.options.platforms.len() > 1 {
            return Err(Diagnostic::new(
                "conflicting config: returning multiple target platforms is not allowed",
            ));
        }
        Ok(multi_platform)
    }

    /// What the daemon can put into a graph.
    fn caps(&self) -> &Caps {
        &self.daemon.llb_caps
    }

    async fn build_all(&self) -> Result<BuildResult, BuildError> {
        let multi_platform = self.is_multi_platform()?;
        let outside = self.outside();
        self.require_named_scanner().await?;
        let building = self.platforms().into_iter().enumerate().map(async |(index, platform)| {
            let mut lint = Sink::new(self.lint.clone());
            if index == 0 {
                lint::check(&self.dockerfile, &mut lint);
            }
            let built = self.build_one(&outside, platform, &mut lint).await;
            // What was found before an error is worth knowing too: it may be its cause.
            let warned = if index == 0 { self.warn_of_lint(&lint).await } else { Ok(()) };
            let built = built?;
            warned?;
            if index == 0 {
                self.warn_of_findings(&built.findings).await?;
            }
            Ok::<_, BuildError>(built)
        });
        let mut results = Vec::new();
        for built in join_all(building).await {
            let built = built?;
            results.push(PlatformResult {
                platform: built.lowered.platform,
                result: built.result,
                config: built.lowered.config,
                base_config: built.lowered.base_config,
                attestations: built.attestations,
            });
        }
        Ok(BuildResult::of_platforms(results, multi_platform, self.epoch.time().map(|time| time.seconds)))
    }

    fn outside(&self) -> Outside<'_, G> {
        Outside::new(self.gateway, self.options, self.caps(), &self.loaded.inputs)
    }

    async fn build_one(
        &self,
        outside: &Outside<'_, G>,
        platform: Option<&Platform>,
        lint: &mut Sink,
    ) -> Result<Built, BuildError> {
        let mut lowering = self.lower(outside, platform, self.is_multi_platform()?, lint).await?;
        let last = self.decide(&mut lowering)?;
        let ordinary = lowering.lowered.state;
        let state = match &last {
            Last::Distilled(done) => done.assembled.tree,
            Last::Checked(_) | Last::Left(_) => ordinary,
        };
        let mut result = self.solve_image(&lowering.nodes, state).await?;
        let mut told = self.read_manifests(&lowering, &last, &result).await?;
        told.add(self.note_of(&lowering.stages, &last, &told));
        told.add(self.order_of_directives().into_iter().collect());
        let distilled = match (&last, &told.manifest) {
            (Last::Distilled(done), Some(manifest)) if manifest.left.is_none() => Some((done, manifest)),
            (Last::Distilled(_), _) => {
                result = self.solve_image(&lowering.nodes, ordinary).await?;
                None
            }
            _ => None,
        };
        let assembled = distilled.map(|(done, _)| &done.assembled);
        let attestations = self.attestations(&mut lowering, assembled, ordinary).await?;
        let mut lowered = lowering.lowered;
        if let Some((done, manifest)) = distilled {
            if let Some(over) = budget::exceeded(manifest, self.policy.budget, &done.assembled.places) {
                return Err(over.into());
            }
            let config = &mut lowered.config;
            apply::finish_config(&mut config.config, &manifest.config, done.variant);
            if self.policy.drop_healthcheck {
                config.config.healthcheck = None;
            }
            let created = self.epoch.time().map(lower::rfc3339);
            config.history = apply::history(&done.assembled.layers, &manifest.layers, created.as_deref());
            lowered.base_config = None;
        }
        Ok(Built { lowered, result, findings: told.findings, attestations })
    }

    /// Asks for a result that is exported, with the caches that the build may use.
    async fn solve_image(&self, nodes: &Graph, state: crate::llb::State) -> Result<Ref, BuildError> {
        let definition = self.marshal(nodes, state);
        let request =
            SolveRequest { cache_imports: &self.options.cache_imports, ..SolveRequest::new(&definition) };
        Ok(self.gateway.solve(request).await?)
    }

    /// Everything up to the graph of one platform.
    async fn lower(
        &self,
        outside: &Outside<'_, G>,
        platform: Option<&Platform>,
        multi_platform: bool,
        lint: &mut Sink,
    ) -> Result<Lowering, BuildError> {
        let request = stage::Request {
            options: self.options,
            target_platform: platform,
            multi_platform,
            all_stages: false,
            epoch: self.epoch,
        };
        let mut lowering = self.lower_request(outside, &request, lint).await?;
        self.refuse_violations(lint)?;
        match lowering.lowered.marshal_error.take() {
            None => {
                let unknown = features::first_unknown(&lowering.nodes, lowering.lowered.state, self.caps());
                unknown.map_or(Ok(lowering), |error| Err(error.into()))
            }
            Some(error) => {
                let message = format!("failed to marshal LLB definition: {}", error.message);
                Err(Diagnostic { message, ..error }.into())
            }
        }
    }

    /// Option `error` makes an error of findings.
    fn refuse_violations(&self, lint: &Sink) -> Result<(), Diagnostic> {
        if !self.lint.error || lint.rule_names().is_empty() {
            return Ok(());
        }
        let rules = lint.rule_names().join(", ");
        Err(Diagnostic::new(format!("lint violation found for rules: {rules}")))
    }

    /// [`Build::lower`] for any request.
    async fn lower_request(
        &self,
        outside: &Outside<'_, G>,
        request: &stage::Request<'_>,
        lint: &mut Sink,
    ) -> Result<Lowering, BuildError> {
        let mut nodes = Graph::default();
        let mut stages = StageGraph::new(&self.dockerfile, request, lint)?;
        // Nothing of the stages depends on the ignore file, so nobody waits for it alone.
        let resolving = resolve(outside, &mut stages, &mut nodes, lint);
        let (resolved, patterns) = tokio::join!(resolving, self.ignore_patterns());
        resolved?;
        let patterns = patterns?;
        let ignore = PatternSet::new(patterns.iter().map(String::as_str))
            .map_err(|error| Diagnostic::new(error.to_string()))?;
        let context = self.loaded.main.add_to(&mut nodes, self.options, patterns)?;
        let mut assembler = self.assembler(outside, &mut nodes, &stages).await?;
        let request = lower::Request {
            stages: &stages,
            options: self.options,
            caps: self.caps(),
            context,
            ignore: Some(&ignore),
        };
        let distiller: &mut dyn Distiller = match &mut assembler {
            Some(assembler) => assembler,
            None => &mut NoDistiller,
        };
        let lowered = lower::lower(&request, &mut nodes, distiller, lint)?;
        Ok(Lowering { nodes, stages, lowered, context, assembler })
    }

    /// The ignore file of the main context, read once for all platforms.
    async fn ignore_patterns(&self) -> Result<&[String], BuildError> {
        let reading = || load::ignore(self.gateway, self.options, self.caps(), &self.loaded);
        Ok(self.ignore.get_or_try_init(reading).await?)
    }

    /// `None` when distilling is off and no stage says distroless.
    async fn assembler(
        &self,
        outside: &Outside<'_, G>,
        nodes: &mut Graph,
        stages: &StageGraph,
    ) -> Result<Option<Assembler>, BuildError> {
        if !self.distils() && stages.ids().all(|id| stages.distroless_variant(id).is_none()) {
            return Ok(None);
        }
        let own = own_image(nodes, self.own_definition, self.options)?;
        let implicit = self.policy.variant.filter(|_| self.distils());
        let busybox = if needs_busybox(stages, implicit) {
            outside.busybox(nodes, &stages.target_platform).await?
        } else {
            None
        };
        let control = Control {
            program: self.policy.programs.clone(),
            include: self.policy.include.clone(),
            exclude: self.policy.exclude.clone(),
        };
        let assembler = Assembler::new(own, self.caps().clone(), control, busybox);
        Ok(Some(if self.policy.drop_healthcheck { assembler.without_healthcheck() } else { assembler }))
    }

    /// Whether a last stage that says nothing is distilled.
    fn distils(&self) -> bool {
        self.policy.distil.unwrap_or(true)
    }

    fn marshal(&self, nodes: &Graph, state: crate::llb::State) -> Definition {
        nodes.marshal(state, &self.loaded.source, self.caps()).definition
    }

    /// `--call=distroless`: the report form of the target's assembly, for the first platform.
    async fn report(&self) -> Result<BuildResult, BuildError> {
        let platform = self.platforms().into_iter().next().flatten();
        let mut lint = Sink::new(self.lint.clone());
        let mut lowering = self.lower(&self.outside(), platform, false, &mut lint).await?;
        let (text, json, failed) = match self.decide(&mut lowering)? {
            Last::Distilled(done) => self.reported(&lowering.nodes, &done.assembled).await?,
            Last::Checked(assembled) => self.reported(&lowering.nodes, &assembled).await?,
            Last::Left(reason) => {
                let reason = reason.text();
                let json = format!("{{\n  \"left\": {}\n}}", json::to_string(&reason));
                (format!("the target stays as it is: {reason}\n"), json, false)
            }
        };
        let status: &[u8] = if failed { b"1" } else { b"0" };
        Ok(BuildResult::of_request(BTreeMap::from([
            ("result.txt".to_owned(), text.into_bytes()),
            ("result.json".to_owned(), json.into_bytes()),
            ("version".to_owned(), b"1.0.0".to_vec()),
            ("result.statuscode".to_owned(), status.to_vec()),
        ])))
    }

    async fn warn_of_lint(&self, lint: &Sink) -> Result<(), BuildError> {
        Ok(warnings::send(self.gateway, &self.loaded.source, lint).await?)
    }

    /// Warnings and notices of distilling; with `strict` the first one is an error.
    async fn warn_of_findings(&self, findings: &[Located]) -> Result<(), BuildError> {
        for located in findings.iter().filter(|located| !self.lint.skips(&located.rule)) {
            if self.policy.strict {
                return Err(located.diagnostic.clone().into());
            }
            let spans = &located.diagnostic.spans;
            let line = spans.first().map_or_else(String::new, |span| format!(" (line {})", span.first));
            self.gateway
                .warn(Warning {
                    vertex: &warnings::vertex(&self.loaded.source),
                    short: format!("{}: {}{line}", located.rule, located.diagnostic.text()),
                    detail: Vec::new(),
                    url: String::new(),
                    source: Some(&self.loaded.source),
                    spans: spans.clone(),
                })
                .await?;
        }
        Ok(())
    }
}

/// decant's own image as a part of the graph: what it was started from, or the image of the syntax line on
/// daemons that do not hand it over.
fn own_image(
    nodes: &mut Graph,
    definition: Option<&[u8]>,
    options: &BuildOptions,
) -> Result<OwnImage, Diagnostic> {
    let worker = options.workers.first().and_then(|worker| worker.platforms.first());
    let binary = OWN_BINARY.to_owned();
    if let Some(bytes) = definition {
        let broken = |error: &dyn std::fmt::Display| {
            Diagnostic::new(format!("the definition of decant's own image: {error}"))
        };
        let definition = Definition::decode(bytes).map_err(|error| broken(&error))?;
        let state = nodes.import(&definition).map_err(|error| broken(&error))?;
        let platform = definition.platform().or_else(|| worker.cloned()).unwrap_or_default();
        return Ok(OwnImage { state, platform, binary });
    }
    let source = options.source.as_deref().unwrap_or_default();
    let reference = ImageRef::parse(source)
        .map_err(|error| Diagnostic::new(format!("decant's own image `{source}`: {error}")))?
        .or_latest();
    let platform = worker.cloned().unwrap_or_default();
    let op = SourceOp { identifier: format!("docker-image://{reference}"), attrs: BTreeMap::new() };
    let meta = NodeMeta { name: Some(format!("[internal] {reference}")), ..NodeMeta::default() };
    let state = Some(nodes.add(Op::Source(op), Some(platform.clone()), meta).output());
    Ok(OwnImage { state, platform, binary })
}

/// Where the binary lies in decant's own image (`dockerfiles/decant.Dockerfile`).
const OWN_BINARY: &str = "/decant";

/// Finds out what the stages want to know, until nothing is wanted.
async fn resolve<G: Gateway>(
    outside: &Outside<'_, G>,
    stages: &mut StageGraph,
    nodes: &mut Graph,
    lint: &mut Sink,
) -> Result<(), BuildError> {
    loop {
        let wanted = stages.wanted()?;
        if wanted.is_empty() {
            return Ok(());
        }
        let found = join_all(wanted.iter().map(|wanted| outside.find(&wanted.kind))).await;
        for (wanted, found) in wanted.iter().zip(found) {
            let answer = match found {
                Ok(found) => found.into_answer(nodes)?,
                Err(BuildError::Daemon { failure, .. }) => {
                    let diagnostic = stages.unresolved(wanted, &failure.message);
                    return Err(BuildError::daemon_at(failure, diagnostic));
                }
                // What is wrong with a context is told at the line that uses it.
                Err(BuildError::Diagnostic(error)) if error.spans.is_empty() => {
                    let spans = stages.stage(wanted.stage).spans.clone();
                    return Err(Diagnostic { spans, ..error }.into());
                }
                Err(error) => return Err(error),
            };
            stages.provide(wanted, answer, lint)?;
        }
    }
}
