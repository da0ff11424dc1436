//! One build from top to bottom: the only file that knows the order of its steps.

mod images;
mod load;

use crate::diagnostic::Diagnostic;
use crate::dockerfile::pattern::PatternSet;
use crate::dockerfile::{self, Dockerfile, directive};
use crate::gateway::serve::BuildFailure;
use crate::gateway::{BuildError, Daemon, Gateway, Ref, SolveRequest, Warning, join_all};
use crate::image::platform::Platform;
use crate::lint::{self, Sink};
use crate::llb::{Caps, Definition, Graph};
use crate::lower::{self, Lowered};
use crate::options::{BuildOptions, Policy};
use crate::output::{BuildResult, PlatformResult};
use crate::stage::epoch::Epoch;
use crate::stage::{self, StageGraph};
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
    let source = loaded.source.clone();
    let own_definition = process.own_definition.as_deref();
    let build = prepare(gateway, &options, &daemon, loaded, own_definition);
    match build {
        Ok(build) => build.run().await,
        Err(error) => Err(error.into()),
    }
    .map_err(|error| BuildFailure { error, source: Some(source) })
}

/// Everything that is the same for all platforms of a build.
struct Build<'a, G> {
    gateway: &'a G,
    options: &'a BuildOptions,
    daemon: &'a Daemon,
    loaded: Loaded,
    own_definition: Option<&'a [u8]>,
    policy: Policy,
    dockerfile: Dockerfile,
    lint: lint::Options,
    epoch: Epoch,
}

/// Parses what text alone decides.
fn prepare<'a, G: Gateway>(
    gateway: &'a G,
    options: &'a BuildOptions,
    daemon: &'a Daemon,
    loaded: Loaded,
    own_definition: Option<&'a [u8]>,
) -> Result<Build<'a, G>, Diagnostic> {
    let data = &loaded.source.data;
    let lint = lint_options(options, data)?;
    let policy = policy(options, data)?;
    let dockerfile = dockerfile::parse(data).map_err(|errors| {
        errors.into_iter().next().unwrap_or_else(|| Diagnostic::new("the Dockerfile cannot be read"))
    })?;
    let epoch = stage::epoch::resolve(&dockerfile, options)?;
    Ok(Build { gateway, options, daemon, loaded, own_definition, policy, dockerfile, lint, epoch })
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

/// One platform, lowered and asked for.
struct Built {
    lowered: Lowered,
    result: Ref,
}

impl<G: Gateway> Build<'_, G> {
    async fn run(&self) -> Result<BuildResult, BuildError> {
        match self.options.request.as_deref() {
            None => self.build_all().await,
            Some(other) => Err(BuildError::UnsupportedRequest(other.to_owned())),
        }
    }

    /// The platforms asked for; one `None` when nobody asked.
    fn platforms(&self) -> Vec<Option<&Platform>> {
        match self.options.platforms.as_slice() {
            [] => vec![None],
            platforms => platforms.iter().map(Some).collect(),
        }
    }

    fn is_multi_platform(&self) -> Result<bool, Diagnostic> {
        let many = self.options.platforms.len() > 1;
        match self.options.multi_platform {
            Some(false) if many => {
                Err(Diagnostic::new("conflicting config: returning multiple target platforms is not allowed"))
            }
            Some(multi) => Ok(multi),
            None => Ok(many),
        }
    }

    /// What the daemon can put into a graph.
    fn caps(&self) -> &Caps {
        &self.daemon.llb_caps
    }

    async fn build_all(&self) -> Result<BuildResult, BuildError> {
        let multi_platform = self.is_multi_platform()?;
        let outside = self.outside();
        let building = self.platforms().into_iter().enumerate().map(async |(index, platform)| {
            let mut lint = Sink::new(self.lint.clone());
            if index == 0 {
                lint::check(&self.dockerfile, &mut lint);
            }
            let built = self.build_one(&outside, platform, multi_platform, &mut lint).await?;
            if index == 0 {
                self.warn_of_lint(&lint).await?;
            }
            if self.lint.error && !lint.rule_names().is_empty() {
                let rules = lint.rule_names().join(", ");
                let text = format!("lint violation found for rules: {rules}");
                return Err(BuildError::from(Diagnostic::new(text)));
            }
            Ok(built)
        });
        let mut results = Vec::new();
        for built in join_all(building).await {
            let built = built?;
            results.push(PlatformResult {
                platform: built.lowered.platform,
                result: built.result,
                config: built.lowered.config,
                base_config: built.lowered.base_config,
            });
        }
        Ok(BuildResult::of_platforms(results, multi_platform, self.epoch.seconds()))
    }

    fn outside(&self) -> Outside<'_, G> {
        Outside::new(self.gateway, self.options, self.caps(), &self.loaded.inputs)
    }

    async fn build_one(
        &self,
        outside: &Outside<'_, G>,
        platform: Option<&Platform>,
        multi_platform: bool,
        lint: &mut Sink,
    ) -> Result<Built, BuildError> {
        let mut nodes = Graph::default();
        let lowered = self.lower(outside, &mut nodes, platform, multi_platform, lint).await?;
        let definition = self.marshal(&nodes, lowered.state);
        let request =
            SolveRequest { cache_imports: &self.options.cache_imports, ..SolveRequest::new(&definition) };
        let result = self.gateway.solve(request).await?;
        Ok(Built { lowered, result })
    }

    /// Everything up to the graph of one platform.
    async fn lower(
        &self,
        outside: &Outside<'_, G>,
        nodes: &mut Graph,
        platform: Option<&Platform>,
        multi_platform: bool,
        lint: &mut Sink,
    ) -> Result<Lowered, BuildError> {
        let request = stage::Request {
            options: self.options,
            target_platform: platform,
            multi_platform,
            all_stages: false,
            epoch: self.epoch,
        };
        let mut stages = StageGraph::new(&self.dockerfile, &request, lint)?;
        resolve(outside, &mut stages, nodes, lint).await?;
        let ignore = PatternSet::new(self.loaded.ignore.iter().map(String::as_str)).ok();
        let context = self.loaded.main.add_to(nodes, self.options, &self.loaded.ignore)?;
        let request = lower::Request {
            stages: &stages,
            options: self.options,
            caps: self.caps(),
            context,
            ignore: ignore.as_ref(),
        };
        Ok(lower::lower(&request, nodes, &mut lower::NoDistiller, lint)?)
    }

    fn marshal(&self, nodes: &Graph, state: crate::llb::State) -> Definition {
        nodes.marshal(state, &self.loaded.source, self.caps()).definition
    }

    /// The vertex that warnings belong to: the load of the Dockerfile.
    fn dockerfile_vertex(&self) -> String {
        self.loaded.source.definition.as_ref().and_then(Definition::result_vertex).unwrap_or_default()
    }

    async fn warn_of_lint(&self, lint: &Sink) -> Result<(), BuildError> {
        for warning in lint.warnings() {
            let line = match warning.span.first {
                0 => String::new(),
                line => format!(" (line {line})"),
            };
            self.gateway
                .warn(Warning {
                    vertex: &self.dockerfile_vertex(),
                    short: format!("{}: {}{line}", warning.rule.name, warning.message),
                    detail: vec![warning.rule.description.to_owned()],
                    url: warning.rule.url.to_owned(),
                    source: Some(&self.loaded.source),
                    spans: vec![warning.span],
                })
                .await?;
        }
        Ok(())
    }
}

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
                Err(error) => return Err(error),
            };
            stages.provide(wanted, answer, lint)?;
        }
    }
}
