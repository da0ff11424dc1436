//! What a client asks in place of a build: lint, outline, targets, the graph as JSON, the report on distilling.

use super::distilled::{Last, Told};
use super::load::Loaded;
use super::{Build, Lowering, policy};
use crate::closure::finding::OF_THE_CONFIG;
use crate::closure::foreseen::foreseen;
use crate::diagnostic::Diagnostic;
use crate::distill::apply::{Located, locate};
use crate::distill::step::Assembled;
use crate::dockerfile;
use crate::gateway::serve::BuildFailure;
use crate::gateway::{BuildError, Daemon, Gateway};
use crate::lint::{self, Sink};
use crate::lower::distroless::{Assembler, Done};
use crate::options::BuildOptions;
use crate::output::BuildResult;
use crate::requests::lint::Finding;
use crate::requests::{self, Answer};
use crate::stage;

/// The request that is decant's own.
const DISTROLESS: &str = "frontend.distroless";

/// Everything that an answer may need.
pub(super) struct Asked<'a, G> {
    pub(super) gateway: &'a G,
    pub(super) options: &'a BuildOptions,
    pub(super) daemon: &'a Daemon,
    pub(super) own_definition: Option<&'a [u8]>,
}

impl<'a, G: Gateway> Asked<'a, G> {
    /// Answers the request `name`.
    ///
    /// # Errors
    /// Why there is no answer; a lint has one for errors of the Dockerfile too.
    pub(super) async fn answer(self, name: &str, loaded: Loaded) -> Result<BuildResult, BuildFailure> {
        if name == DISTROLESS {
            let source = Some(loaded.source.clone());
            let reported = match self.prepare(loaded).await {
                Ok(build) => build.report().await,
                Err(error) => Err(error),
            };
            return reported.map_err(|error| BuildFailure { error, source });
        }
        // Errors of the official requests point at no lines.
        Ok(BuildResult::of_request(self.official(name, loaded).await?.into_metadata()))
    }

    async fn official(self, name: &str, loaded: Loaded) -> Result<Answer, BuildError> {
        Ok(match name {
            requests::describe::NAME => requests::describe::answer(),
            requests::targets::NAME => targets(&loaded.source.data)?,
            requests::lint::NAME => self.lint(loaded).await?,
            requests::outline::NAME => {
                let build = self.prepare(loaded).await?;
                let Lowering { stages, lowered, .. } = build.lower_linted().await?;
                let outline = crate::lower::outline::outline(&stages, &lowered.stages);
                requests::outline::answer(&build.loaded.source.data, &outline)
            }
            requests::convert::NAME => {
                let build = self.prepare(loaded).await?;
                let lowering = build.lower_linted().await?;
                if let Some(error) = lowering.lowered.marshal_error {
                    return Err(error.into());
                }
                let definition = build.marshal(&lowering.nodes, lowering.lowered.state);
                requests::convert::answer(&definition).map_err(Diagnostic::new)?
            }
            other => return Err(BuildError::UnsupportedRequest(other.to_owned())),
        })
    }

    async fn prepare(self, loaded: Loaded) -> Result<Build<'a, G>, BuildError> {
        super::prepare(self.gateway, self.options, self.daemon, loaded, self.own_definition).await
    }

    /// All findings, and the error that a build would end with.
    async fn lint(self, loaded: Loaded) -> Result<Answer, BuildError> {
        let data = &loaded.source.data;
        let source = loaded.source.clone();
        let checked = if data.is_empty() {
            Err(dockerfile::empty())
        } else {
            super::lint_options(self.options, data).and_then(|lint| Ok((lint, policy(self.options, data)?)))
        };
        let mut foreseen = Vec::new();
        let (sink, error) = match checked {
            Err(error) => (Sink::default(), Some(error)),
            Ok((options, _)) => {
                let mut sink = Sink::new(options);
                let error = self.lint_with(loaded, &mut sink, &mut foreseen).await?;
                (sink, error)
            }
        };
        let mut findings: Vec<_> = sink.warnings().iter().map(finding).collect();
        findings.extend(foreseen);
        Ok(requests::lint::answer(&source, &findings, error.as_ref()))
    }

    /// Reports to `sink` and returns what a build would fail with.
    async fn lint_with(
        self,
        loaded: Loaded,
        sink: &mut Sink,
        foreseen: &mut Vec<Finding>,
    ) -> Result<Option<Diagnostic>, BuildError> {
        let outcome = dockerfile::parse_all(&loaded.source.data);
        if let Some(error) = outcome.errors.first().cloned() {
            lint::check_outcome(&outcome, sink);
            return Ok(Some(error));
        }
        if outcome.dockerfile.stages.is_empty() {
            lint::check_instructions(&outcome.dockerfile, sink);
            return Ok(Some(dockerfile::no_stages()));
        }
        lint::check(&outcome.dockerfile, sink);
        // Without a target every stage is looked at.
        let all_stages = self.options.target.is_empty();
        let lowered = match self.prepare(loaded).await {
            Err(error) => Err(error),
            Ok(build) => match build.lower_once(all_stages, sink).await {
                Ok(mut lowering) => {
                    *foreseen = build.foreseen(&mut lowering)?;
                    build.refuse_violations(sink).map_err(BuildError::from)
                }
                Err(error) => Err(error),
            },
        };
        match lowered {
            Ok(()) => Ok(None),
            Err(BuildError::Diagnostic(error)) => Ok(Some(error)),
            Err(BuildError::Daemon { failure, at }) => {
                Ok(Some(at.map_or_else(|| Diagnostic::new(failure.message), |at| *at)))
            }
            Err(other) => Err(other),
        }
    }
}

impl<G: Gateway> Build<'_, G> {
    /// The graph of the target, with the warnings and the errors that a build would have.
    async fn lower_linted(&self) -> Result<Lowering, BuildError> {
        let mut sink = Sink::new(self.lint.clone());
        lint::check(&self.dockerfile, &mut sink);
        let lowered = self.lower_once(false, &mut sink).await;
        self.warn_of_lint(&sink).await?;
        let lowering = lowered?;
        self.refuse_violations(&sink)?;
        Ok(lowering)
    }

    /// What distilling will say as far as text and config decide it. Nothing if it is switched off.
    fn foreseen(&self, lowering: &mut Lowering) -> Result<Vec<Finding>, Diagnostic> {
        let last = self.decide(lowering)?;
        let mut told = Told::default();
        told.add(self.note_of(&lowering.stages, &last, &told));
        told.add(self.order_of_directives().into_iter().collect());
        for done in lowering.assembler.iter().flat_map(Assembler::assembled).filter(|done| done.last) {
            told.add(foreseen_of(done, lowering, &last));
        }
        let shown = told.findings.into_iter().filter(|located| !self.lint.skips(&located.rule));
        let finding = |located: Located| Finding {
            rule: located.rule,
            description: String::new(),
            url: String::new(),
            message: located.diagnostic.text(),
            spans: located.diagnostic.spans,
            counts: self.policy.strict,
        };
        Ok(shown.map(finding).collect())
    }

    /// Everything up to the graph, for no platform in particular: requests ignore which were asked for.
    async fn lower_once(&self, all_stages: bool, sink: &mut Sink) -> Result<Lowering, BuildError> {
        let request = stage::Request {
            options: self.options,
            target_platform: None,
            multi_platform: self.options.is_multi_platform(),
            all_stages,
            epoch: self.epoch,
        };
        self.lower_request(&self.outside(), &request, sink).await
    }
}

/// What text and config decide about one distroless stage. A look at a stage that stays as it is says nothing of its
/// commands and user, and no stage but the target runs.
fn foreseen_of(done: &Done, lowering: &Lowering, last: &Last) -> Vec<Located> {
    let is = |target: &Assembled| target.exec == done.assembled.exec;
    if matches!(last, Last::Checked(target) if is(target)) {
        return Vec::new();
    }
    let is_target = matches!(last, Last::Distilled(target) if is(&target.assembled));
    let mut findings = foreseen(&done.assembled.config, done.variant);
    findings.retain(|finding| is_target || !OF_THE_CONFIG.contains(&finding.rule.as_str()));
    let mut told = locate(&findings, &done.assembled.places);
    // What has no line of its own is about the stage.
    for located in told.iter_mut().filter(|located| located.diagnostic.spans.is_empty()) {
        located.diagnostic.spans.clone_from(&lowering.stages.stage(done.stage).spans);
    }
    told
}

/// The stages of a file that can be parsed.
fn targets(data: &[u8]) -> Result<Answer, Diagnostic> {
    let outcome = dockerfile::parse_all(data);
    match outcome.errors.into_iter().next() {
        Some(error) => Err(error),
        None => Ok(requests::targets::answer(data, &outcome.dockerfile.stages)),
    }
}

/// A warning as the answer to a lint lists it.
fn finding(warning: &lint::Warning) -> Finding {
    Finding {
        rule: warning.rule.name.to_owned(),
        description: warning.rule.description.to_owned(),
        url: warning.rule.url.to_owned(),
        message: warning.message.clone(),
        spans: vec![warning.span],
        counts: true,
    }
}
