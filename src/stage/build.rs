//! From `FROM` lines to the graph: platforms and images expanded, names bound, sources looked up.

use std::collections::{BTreeMap, BTreeSet};

use super::epoch::{self, Epoch};
use super::from_lint as rules;
use super::lookup::SCRATCH;
use super::{Base, GlobalArgs, ImageBase, Request, Stage, StageGraph, StageId};
use crate::diagnostic::Diagnostic;
use crate::dockerfile::instruction::{From, Instruction, Kind, Spanned};
use crate::dockerfile::quote::quote;
use crate::dockerfile::suggest;
use crate::dockerfile::word::{Expansion, Lexer, Variables};
use crate::dockerfile::{Dockerfile, StageSource};
use crate::image::platform::Platform;
use crate::lint::Sink;
use crate::options::{NoCache, Variant};

/// The base name that starts a distroless stage.
const DISTROLESS: &str = "distroless";

impl StageGraph {
    /// The stages of `dockerfile`, with nothing resolved yet.
    ///
    /// # Errors
    /// Bad expansions, unknown targets and stage indices, circles; texts equal the official frontend's.
    pub fn new(dockerfile: &Dockerfile, request: &Request<'_>, lint: &mut Sink) -> Result<Self, Diagnostic> {
        let mut graph = Self::without_stages(dockerfile, request);
        rules::default_args(dockerfile, &graph.global_args, lint);
        graph.global_args = std::mem::take(&mut graph.global_args).declare(dockerfile, &graph.build_args)?;
        graph.apply_epoch(request.epoch);

        for section in &dockerfile.stages {
            graph.add_from(section, request, lint)?;
        }
        graph.target = graph.find_target(&request.options.target)?;
        for (id, section) in graph.ids().zip(&dockerfile.stages) {
            graph.add_steps(id, &section.instructions)?;
        }
        graph.refuse_cycles()?;
        if let [only] = graph.stages.as_mut_slice() {
            only.label.clear();
        }
        Ok(graph)
    }

    fn without_stages(dockerfile: &Dockerfile, request: &Request<'_>) -> Self {
        let options = request.options;
        let build_platforms = match options.workers.first() {
            Some(worker) if !worker.platforms.is_empty() => worker.platforms.clone(),
            _ => vec![Platform {
                os: "linux".to_owned(),
                architecture: "amd64".to_owned(),
                ..Platform::default()
            }],
        };
        let target_platform = request.target_platform.unwrap_or(&build_platforms[0]).clone();
        let last_name = dockerfile.stages.last().and_then(|section| section.from.value.name.as_deref());
        let target_stage = match options.target.as_str() {
            "" => last_name.unwrap_or("default"),
            target => target,
        };
        let global_args =
            GlobalArgs::predefined(&build_platforms[0], &target_platform, target_stage, &options.build_args);
        Self {
            stages: Vec::new(),
            target: StageId(0),
            global_args,
            build_args: options.build_args.clone(),
            build_platforms,
            target_platform,
            implicit_platform: request.target_platform.is_none(),
            multi_platform: request.multi_platform,
            escape: dockerfile.escape,
            epoch: None,
            names: BTreeMap::new(),
            contexts: options.named_contexts.clone(),
            resolve_mode: options.image_resolve_mode,
            all_stages: request.all_stages,
        }
    }

    /// Puts the number that `SOURCE_DATE_EPOCH` was resolved to in place of what was written.
    fn apply_epoch(&mut self, epoch: Epoch) {
        let Epoch::Resolved(time) = epoch else { return };
        self.epoch = time;
        let seconds = time.map(|time| time.seconds);
        let given = self.build_args.contains_key(epoch::NAME);
        if let Some(seconds) = seconds {
            if given {
                self.build_args.insert(epoch::NAME.to_owned(), seconds.to_string());
            }
            if self.global_args.lookup(epoch::NAME).is_some() {
                self.global_args.set(epoch::NAME, seconds.to_string());
            }
        } else {
            self.build_args.remove(epoch::NAME);
            self.global_args.remove(epoch::NAME);
        }
    }

    fn add_from(
        &mut self,
        section: &StageSource,
        request: &Request<'_>,
        lint: &mut Sink,
    ) -> Result<(), Diagnostic> {
        let from = &section.from;
        let mut from_args = BTreeSet::new();
        let image = self.expand_image(from, &mut from_args, lint)?;
        let platform = match &from.value.platform {
            Some(raw) if !raw.is_empty() => Some(self.expand_platform(from, raw, &mut from_args, lint)?),
            _ => None,
        };
        let name = from.value.name.clone();
        let index = self.stages.len();
        let replacement = match &name {
            Some(name) => self.named_context(name, platform.as_ref(), true)?,
            None => None,
        };
        let base = match replacement {
            Some(context) => Base::Context(context),
            None => self.base_of(&image, from.span)?,
        };
        let is_replaced = matches!(base, Base::Context(_));
        let starts_with_image = matches!(base, Base::Image(_));
        let layers = match base {
            Base::Context(_) => 0,
            _ => section.instructions.iter().filter(|instruction| makes_layer(instruction)).count(),
        };
        self.stages.push(Stage {
            label: name.clone().unwrap_or_else(|| format!("stage-{index}")),
            registered: true,
            distil: distil_variant(from)?,
            platform,
            from_text: from.text.clone(),
            doc: from.doc.clone(),
            spans: vec![from.span],
            steps: Vec::new(),
            step_total: count(usize::from(starts_with_image) + layers),
            no_cache: is_no_cache(&request.options.no_cache, name.as_deref()),
            reachable: false,
            needed: false,
            from_args: if is_replaced { BTreeSet::new() } else { from_args },
            passed_over: 0,
            triggered: false,
            base,
            name: name.clone(),
        });
        if let Some(name) = name {
            self.names.insert(name, StageId(count(index)));
        }
        Ok(())
    }

    fn expand_image(
        &self,
        from: &Spanned<From>,
        used: &mut BTreeSet<String>,
        lint: &mut Sink,
    ) -> Result<String, Diagnostic> {
        let raw = &from.value.image;
        let expanded = Lexer::new(self.escape).expand(raw, &self.global_args);
        let unmatched = match &expanded {
            Ok(expansion) => &expansion.unmatched,
            Err(error) => &error.unmatched,
        };
        rules::undefined_args(unmatched, &self.global_args, from, lint);
        let expansion = expanded.map_err(|error| Diagnostic::new(error.to_string()).at(from.span))?;
        used.extend(expansion.matched);
        let image = expansion.value;
        if image.is_empty() {
            return Err(Diagnostic::new(format!("base name ({raw}) should not be blank")).at(from.span));
        }
        Ok(image)
    }

    fn expand_platform(
        &self,
        from: &Spanned<From>,
        raw: &str,
        used: &mut BTreeSet<String>,
        lint: &mut Sink,
    ) -> Result<Platform, Diagnostic> {
        let expanded = Lexer::new(self.escape).expand(raw, &self.global_args);
        let (expansion, error) = match expanded {
            Ok(expansion) => (expansion, None),
            Err(error) => {
                let unmatched = error.unmatched.clone();
                (Expansion { unmatched, ..Expansion::default() }, Some(error))
            }
        };
        rules::undefined_args(&expansion.unmatched, &self.global_args, from, lint);
        rules::platform(raw, &expansion, &self.global_args, from, lint);
        used.extend(expansion.matched.iter().cloned());
        let at = |message: String| Diagnostic::new(message).at(from.span);
        if let Some(error) = error {
            return Err(at(format!("failed to process arguments for platform : {error}")));
        }
        let suggestion = || {
            expansion
                .unmatched
                .iter()
                .map(|name| suggest::suffix(name, self.global_args.names()))
                .find(|suffix| !suffix.is_empty())
                .unwrap_or_default()
        };
        if expansion.value.is_empty() {
            return Err(at(format!("empty platform value from expression {raw}{}", suggestion())));
        }
        Platform::parse(&expansion.value).map_err(|error| {
            // The official frontend locates this error twice.
            at(format!("failed to parse platform {raw}: {error}{}", suggestion())).at(from.span)
        })
    }

    /// What an expanded base name stands for: an earlier stage (compared exactly against lower-case names),
    /// scratch, the distroless base, or an image.
    fn base_of(&self, image: &str, span: crate::dockerfile::source::Span) -> Result<Base, Diagnostic> {
        if let Some(&stage) = self.names.get(image) {
            return Ok(Base::Stage(stage));
        }
        if image == SCRATCH {
            return Ok(Base::Scratch);
        }
        if let Some(variant) = distroless_tag(image)
            && self.named_context(image, None, false)?.is_none()
            && self.named_context(DISTROLESS, None, false)?.is_none()
            && !self.names.contains_key(DISTROLESS)
        {
            return Ok(Base::Distroless(variant_named(variant).map_err(|error| error.at(span))?));
        }
        Ok(Base::Image(ImageBase { written: image.to_owned(), known: None }))
    }

    fn add_steps(&mut self, id: StageId, instructions: &[Instruction]) -> Result<(), Diagnostic> {
        let mut steps = Vec::with_capacity(instructions.len());
        for instruction in instructions {
            steps.push(self.step(instruction.clone(), false)?);
        }
        self.stages[id.index()].steps = steps;
        self.number_steps(id);
        Ok(())
    }

    /// Gives the instructions that the distil step knows their ordinals.
    pub(super) fn number_steps(&mut self, id: StageId) {
        let mut next = 0;
        for step in &mut self.stages[id.index()].steps {
            step.ordinal = is_numbered(&step.instruction.value).then(|| {
                next += 1;
                next - 1
            });
        }
    }
}

fn distil_variant(from: &Spanned<From>) -> Result<Option<Variant>, Diagnostic> {
    match &from.value.distroless {
        None => Ok(None),
        Some(None) => Ok(Some(Variant::Latest)),
        Some(Some(name)) => variant_named(name).map(Some).map_err(|error| error.at(from.span)),
    }
}

/// The variant of `distroless` or `distroless:TAG`; `None` if the image is another one.
fn distroless_tag(image: &str) -> Option<&str> {
    match image.strip_prefix(DISTROLESS)? {
        "" => Some("latest"),
        rest => rest.strip_prefix(':'),
    }
}

fn variant_named(name: &str) -> Result<Variant, Diagnostic> {
    const TAGS: [&str; 4] = ["latest", "nonroot", "debug", "debug-nonroot"];
    Variant::parse(name).ok_or_else(|| {
        let suggestion = suggest::suffix(name, TAGS);
        Diagnostic::new(format!("unknown distroless variant {}{suggestion}", quote(name)))
            .hint("use latest, nonroot, debug or debug-nonroot, or write docker.io/library/distroless for an image of that name")
    })
}

fn makes_layer(instruction: &Instruction) -> bool {
    matches!(instruction.value, Kind::Add(_) | Kind::Copy(_) | Kind::Run(_) | Kind::Workdir(_))
}

fn is_numbered(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Copy(_)
            | Kind::Add(_)
            | Kind::Workdir(_)
            | Kind::Run(_)
            | Kind::Entrypoint(_)
            | Kind::Cmd(_)
            | Kind::Healthcheck(_)
            | Kind::User(_)
    )
}

fn is_no_cache(no_cache: &NoCache, name: Option<&str>) -> bool {
    match (no_cache, name) {
        (NoCache::None, _) | (NoCache::Stages(_), None) => false,
        (NoCache::All, _) => true,
        (NoCache::Stages(names), Some(name)) => names.iter().any(|known| known.eq_ignore_ascii_case(name)),
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).expect("a Dockerfile has fewer than 2^32 lines")
}
