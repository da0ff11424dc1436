//! After lowering: what happens to the last stage, and what the manifests of distroless stages say.

use super::{Build, Lowering};
use crate::closure::finding::{DIRECTIVE_ORDER, NOT_DISTILLED, OF_THE_CONFIG};
use crate::closure::report;
use crate::diagnostic::Diagnostic;
use crate::distill::apply::{Located, locate};
use crate::distill::manifest::{self, Manifest, Report, Severity};
use crate::distill::step::{Assembled, REPORT_FILE};
use crate::dockerfile::directive;
use crate::gateway::{BuildError, Failure, Gateway, Ref, SolveRequest};
use crate::image::config::ImageConfig;
use crate::image::json;
use crate::llb::Graph;
use crate::lower::Lowered;
use crate::lower::distroless::{Assembler, Done, stage_name};
use crate::options::{Policy, Targets};
use crate::stage::{Base, StageGraph};

/// Most bytes of a manifest or report: `BuildKit`'s message limit is paged around, memory is not.
const MAX_MANIFEST_BYTES: u64 = 256 << 20;

/// Commands that base images have so that one can look around in them.
const SHELLS: [&str; 27] = [
    "R", "ash", "bash", "bun", "busybox", "dash", "deno", "erl", "fish", "ghci", "groovysh", "iex", "irb",
    "jruby", "jshell", "julia", "ksh", "lua", "node", "nodejs", "perl", "php", "pypy", "python", "ruby",
    "sh", "zsh",
];

/// What happens to the stage that is built.
pub(super) enum Last {
    /// It is distroless: its tree is the result.
    Distilled(Box<Done>),
    /// It stays as it is, and is looked at.
    Checked(Box<Assembled>),
    /// It stays as it is, for the reason that text and config give.
    Left(Reason),
}

/// What distilling says.
#[derive(Default)]
pub(super) struct Told {
    /// The manifest of the target's own tree, or of the look at it.
    pub(super) manifest: Option<Manifest>,
    pub(super) findings: Vec<Located>,
}

impl Told {
    /// Why the assemble step left the target as it is.
    fn left(&self) -> Option<&str> {
        self.manifest.as_ref()?.left.as_deref()
    }

    /// A stage repeats what the stage that it builds on has to say; users hear it once.
    pub(super) fn add(&mut self, findings: Vec<Located>) {
        for located in findings {
            if !self.findings.contains(&located) {
                self.findings.push(located);
            }
        }
    }
}

/// Why a target stays as it is, as far as text and config say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// The user says so: nobody has to be told.
    SwitchedOff,
    SaysWhich,
    OtherTarget,
    NotLinux,
    Onbuild,
    NoCommand,
    InheritedShell,
}

impl Reason {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::SwitchedOff => "distilling is switched off",
            Self::SaysWhich => "the Dockerfile says which stages are distroless",
            Self::OtherTarget => "it is not the last stage",
            Self::NotLinux => "its platform is not Linux",
            Self::Onbuild => "it has ONBUILD triggers, so it is meant to be built on",
            Self::NoCommand => "it has no command",
            Self::InheritedShell => "its command is the base image's own shell or REPL",
        }
    }

    fn hint(self) -> Option<&'static str> {
        match self {
            Self::SwitchedOff | Self::SaysWhich => None,
            Self::OtherTarget => Some("name it in `targets=` to distil it"),
            Self::NotLinux => Some("only Linux images are distilled"),
            Self::Onbuild => Some("`# distroless=off` says that this is meant"),
            Self::NoCommand | Self::InheritedShell => Some("add the ENTRYPOINT or CMD of the program"),
        }
    }
}

/// The reasons that need no look at files.
fn reason_to_leave(lowering: &Lowering, policy: &Policy) -> Option<Reason> {
    let stages = &lowering.stages;
    let config = &lowering.lowered.config;
    let last = stages.ids().rfind(|id| stages.stage(*id).registered);
    let has = |command: &Option<Vec<String>>| command.as_ref().is_some_and(|words| !words.is_empty());
    if policy.distil == Some(false) {
        Some(Reason::SwitchedOff)
    } else if stages.ids().any(|id| stages.distroless_variant(id).is_some()) {
        Some(Reason::SaysWhich)
    } else if last != Some(stages.target) && !is_named(stages, &policy.targets) {
        Some(Reason::OtherTarget)
    } else if config.os != "linux" {
        Some(Reason::NotLinux)
    } else if !config.config.on_build.is_empty() {
        Some(Reason::Onbuild)
    } else if !has(&config.config.entrypoint) && !has(&config.config.cmd) {
        Some(Reason::NoCommand)
    } else if is_inherited_shell(&lowering.lowered) {
        Some(Reason::InheritedShell)
    } else {
        None
    }
}

/// Whether the entry `targets` names the target, by its name or its number.
fn is_named(stages: &StageGraph, targets: &Targets) -> bool {
    let target = stages.target;
    let number = target.index().to_string();
    stages
        .stage(target)
        .name
        .as_deref()
        .into_iter()
        .chain([number.as_str()])
        .any(|name| targets.contains(name))
}

/// The report for a person: the set, or what keeps it from being computed.
fn text_of(report: &Report) -> String {
    let mut text = String::new();
    if let Some(manifest) = &report.manifest {
        text.push_str(&report::text(manifest, report.before));
    }
    for finding in report.findings.iter().filter(|finding| finding.severity == Severity::Error) {
        text.push_str("error: ");
        text.push_str(&finding.message);
        text.push('\n');
        if let Some(hint) = &finding.hint {
            text.push_str("  hint: ");
            text.push_str(hint);
            text.push('\n');
        }
    }
    text
}

/// Whether the command comes from the base image and is a bare shell or REPL: nobody said what to run.
fn is_inherited_shell(lowered: &Lowered) -> bool {
    let Some(Ok(base)) = lowered.base_config.as_deref().map(ImageConfig::from_json) else {
        return false;
    };
    let (config, base) = (&lowered.config.config, &base.config);
    // An inherited entrypoint before a REPL prepares for it (`docker-entrypoint.sh node`).
    let command = config.cmd.as_ref().filter(|words| !words.is_empty()).or(config.entrypoint.as_ref());
    let inherited = config.entrypoint == base.entrypoint && config.cmd == base.cmd;
    inherited && command.is_some_and(|words| is_bare_shell(words))
}

/// Whether a command is a shell or REPL and nothing else than options of it.
fn is_bare_shell(words: &[String]) -> bool {
    let words: Vec<&str> = match words {
        // The shell form.
        [shell, option, script] if shell.ends_with("sh") && option == "-c" => {
            script.split_whitespace().collect()
        }
        words => words.iter().map(String::as_str).collect(),
    };
    let Some((program, options)) = words.split_first() else { return false };
    let name = program.rsplit('/').next().unwrap_or_default();
    // `python3.12`, `lua5.4`: the version belongs to no name.
    let name = name.trim_end_matches(|letter: char| letter.is_ascii_digit() || letter == '.');
    SHELLS.contains(&name) && options.iter().all(|word| word.starts_with('-'))
}

impl<G: Gateway> Build<'_, G> {
    /// Decides about the target (design: 2.3); adds the look at it where it stays as it is.
    pub(super) fn decide(&self, lowering: &mut Lowering) -> Result<Last, Diagnostic> {
        let target = lowering.stages.target;
        let distilled = |done: &&Done| done.last && done.stage == target;
        if let Some(done) = lowering.assembler.as_ref().and_then(|it| it.assembled().iter().find(distilled)) {
            return Ok(Last::Distilled(Box::new(done.clone())));
        }
        if let Some(reason) = reason_to_leave(lowering, &self.policy) {
            return Ok(Last::Left(reason));
        }
        let Lowering { nodes, stages, lowered, assembler, .. } = lowering;
        let Some(assembler) = assembler else { return Ok(Last::Left(Reason::SwitchedOff)) };
        if matches!(stages.stage(stages.root(target)).base, Base::Scratch) {
            let checked = assembler.check_target(nodes, stages, &lowered.stages)?;
            return Ok(Last::Checked(Box::new(checked)));
        }
        let variant = self.policy.variant.unwrap_or_default();
        let done = assembler.distil_target(nodes, stages, &lowered.stages, variant)?;
        Ok(Last::Distilled(Box::new(done)))
    }

    /// The notice about a target that stays as it is; `told` is what the look at it found.
    pub(super) fn note_of(&self, stages: &StageGraph, last: &Last, told: &Told) -> Vec<Located> {
        let (why, hint, meant) = match (last, told.left()) {
            (Last::Left(reason), _) => (reason.text(), reason.hint(), *reason == Reason::OtherTarget),
            // Nothing is wrong with these, so `strict` is content.
            (_, Some(why)) => (why, Some("`# distroless=off` says that this is meant"), true),
            (_, None) => return Vec::new(),
        };
        // Whoever builds another target under a site's `strict` means it.
        let Some(hint) = hint.filter(|_| !(meant && self.policy.strict)) else { return Vec::new() };
        let stage = stages.stage(stages.target);
        let message = format!("stage `{}` stays as it is: {why}", stage_name(stages, stages.target));
        vec![Located {
            severity: Severity::Notice,
            rule: NOT_DISTILLED.to_owned(),
            diagnostic: Diagnostic { message, spans: stage.spans.clone(), hint: Some(hint.to_owned()) },
        }]
    }

    /// The warning about a `# distroless=` directive that ends the scan for others before these are found.
    pub(super) fn order_of_directives(&self) -> Option<Located> {
        let found = directive::distroless(&self.loaded.source.data).ok()??;
        let (name, spoiled) = found.spoils?;
        let message = format!("`# distroless=` stands before `# {name}=`, which is a comment there");
        Some(Located {
            severity: Severity::Warning,
            rule: DIRECTIVE_ORDER.to_owned(),
            diagnostic: Diagnostic {
                message,
                spans: vec![found.span, spoiled],
                hint: Some("put it after `syntax`, `escape` and `check`".to_owned()),
            },
        })
    }

    /// Reads the manifests of a solved platform: the target's from the final tree, which evaluates it; those of
    /// other distroless stages, and of a check, from their own layer.
    pub(super) async fn read_manifests(
        &self,
        lowering: &Lowering,
        last: &Last,
        result: &Ref,
    ) -> Result<Told, BuildError> {
        let mut told = Told::default();
        let Some(assembler) = &lowering.assembler else { return Ok(told) };
        let nodes = &lowering.nodes;
        for Done { last: at_end, assembled, .. } in assembler.assembled() {
            let is = |target: &Assembled| target.exec == assembled.exec;
            let is_looked_at = matches!(last, Last::Checked(target) if is(target));
            if matches!(last, Last::Distilled(done) if is(&done.assembled)) {
                let manifest = self.manifest(lowering, result).await?;
                told.add(locate(&manifest.findings, &assembled.places));
                told.manifest = Some(manifest);
            } else if *at_end {
                let own = self.solve_state(nodes, assembled.manifest).await?;
                let mut manifest = self.manifest(lowering, &own).await?;
                manifest.findings.retain(|finding| !OF_THE_CONFIG.contains(&finding.rule.as_str()));
                told.add(locate(&manifest.findings, &assembled.places));
                if is_looked_at {
                    told.manifest = Some(manifest);
                }
            }
        }
        Ok(told)
    }

    /// The report form as text, as JSON, and whether it holds errors.
    pub(super) async fn reported(
        &self,
        nodes: &Graph,
        assembled: &Assembled,
    ) -> Result<(String, String, bool), BuildError> {
        let report = self.read_report(nodes, assembled).await?;
        let failed = report.findings.iter().any(|finding| finding.severity == Severity::Error);
        Ok((text_of(&report), json::to_pretty(&report), failed))
    }

    /// The report form of an assembly.
    async fn read_report(&self, nodes: &Graph, assembled: &Assembled) -> Result<Report, BuildError> {
        let result = self.solve_state(nodes, assembled.report).await?;
        let data = self.gateway.read_file(&result, REPORT_FILE, MAX_MANIFEST_BYTES).await?;
        let data = data.ok_or_else(|| Diagnostic::new("the assemble step left no report"))?;
        manifest::parse_report(&data).map_err(|error| Diagnostic::new(error.to_string()).into())
    }

    async fn manifest(&self, lowering: &Lowering, result: &Ref) -> Result<Manifest, BuildError> {
        match self.gateway.read_file(result, manifest::PATH, MAX_MANIFEST_BYTES).await {
            Ok(Some(data)) => {
                manifest::unpack(&data).map_err(|error| Diagnostic::new(error.to_string()).into())
            }
            Ok(None) => Err(Diagnostic::new("the distroless tree has no manifest").into()),
            Err(failure) => Err(self.explain(lowering, failure).await),
        }
    }

    /// The findings behind a failed assembly in place of the daemon's text; other failures as they are.
    ///
    /// Any assembly can be the one that failed: a RUN, a stage below, a stage that files are copied from.
    async fn explain(&self, lowering: &Lowering, failure: Failure) -> BuildError {
        let nodes = &lowering.nodes;
        let vertices = failure.vertices();
        let failed = |assembled: &&Assembled| {
            let digests = nodes.marshal(assembled.manifest, &self.loaded.source, self.caps()).digests;
            digests.get(&assembled.exec).is_some_and(|digest| vertices.contains(digest))
        };
        let mut assemblies =
            lowering.assembler.iter().flat_map(Assembler::assembled).map(|done| &done.assembled);
        let Some(assembled) = assemblies.find(failed) else {
            return failure.into();
        };
        let Ok(report) = self.read_report(nodes, assembled).await else {
            return failure.into();
        };
        let mut errors = locate(&report.findings, &assembled.places)
            .into_iter()
            .filter(|located| located.severity == Severity::Error)
            .map(|located| located.diagnostic);
        let Some(first) = errors.next() else {
            return failure.into();
        };
        errors.fold(first, Diagnostic::and).into()
    }

    async fn solve_state(&self, nodes: &Graph, state: crate::llb::State) -> Result<Ref, BuildError> {
        let definition = self.marshal(nodes, state);
        Ok(self.gateway.solve(SolveRequest::new(&definition)).await?)
    }
}
