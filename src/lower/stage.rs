//! One stage from its base to its last instruction.

use std::collections::BTreeMap;

use super::outline::Taken;
use super::text::prefix;
use super::{Distiller, Environment, Lowering, Site, StageState, path};
use crate::diagnostic::Diagnostic;
use crate::distill::apply::BUSYBOX_DIR;
use crate::dockerfile::instruction::Kind;
use crate::dockerfile::source::Span;
use crate::image::config::ImageConfig;
use crate::image::json;
use crate::image::platform::Platform;
use crate::llb::op::{Op, SourceOp};
use crate::llb::{NodeMeta, State};
use crate::options::{ImageResolveMode, Variant};
use crate::stage::{Base, ContextBase, ContextSource, KnownImage, StageId};

/// The search path of images that do not say.
pub(super) const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

impl Lowering<'_> {
    /// Lowers what has no instructions of its own: images and contexts that commands name, and stages that a
    /// context replaces. They count as defined before everything else.
    pub(super) fn lower_sources(&mut self) -> Result<(), Diagnostic> {
        let stages = self.request.stages;
        for id in stages.ids() {
            let stage = stages.stage(id);
            if stage.reachable && (!stage.registered || stage.is_replaced()) {
                let state = self.start(id)?;
                self.lowered[id.index()] = Some(state);
            }
        }
        Ok(())
    }

    /// Lowers a stage of the Dockerfile; the stages above it are done.
    pub(super) fn lower_stage(
        &mut self,
        id: StageId,
        distiller: &mut dyn Distiller,
    ) -> Result<StageState, Diagnostic> {
        let stages = self.request.stages;
        let stage = stages.stage(id);
        let mut state = self.start(id)?;
        enter(&mut state);
        if let Some(variant) = stages.distroless_variant(id) {
            return self.lower_distroless(id, variant, state, distiller);
        }
        for (index, step) in stage.steps.iter().enumerate() {
            self.lower_step(&Site { id, stage, step, index }, &mut state)?;
        }
        Ok(state)
    }

    /// One instruction.
    pub(super) fn lower_step(&mut self, site: &Site<'_>, state: &mut StageState) -> Result<(), Diagnostic> {
        match &site.step.instruction.value {
            Kind::Arg(args) => self.arg(args, site, state),
            Kind::Env(pairs) => self.env(pairs, site, state),
            Kind::Label(pairs) => self.label(pairs, site, state),
            Kind::Maintainer(author) => {
                self.maintainer(author, state);
                Ok(())
            }
            Kind::Run(run) => self.run(run, site, state),
            Kind::Copy(copy) => self.copy(copy, site, state),
            Kind::Add(add) => self.add(add, site, state),
            Kind::Workdir(path) => self.workdir(path, site, state),
            Kind::User(user) => self.user(user, site, state),
            Kind::Expose(words) => self.expose(words, site, state),
            Kind::Volume(paths) => self.volume(paths, site, state),
            Kind::Cmd(command) => {
                self.cmd(command, site, state);
                Ok(())
            }
            Kind::Entrypoint(command) => {
                self.entrypoint(command, site, state);
                Ok(())
            }
            Kind::Healthcheck(check) => {
                self.healthcheck(check, site, state);
                Ok(())
            }
            Kind::Shell(words) => {
                self.shell(words, state);
                Ok(())
            }
            Kind::Stopsignal(signal) => self.stopsignal(signal, site, state),
            Kind::Onbuild(text) => {
                onbuild_into(&mut state.config, text);
                Ok(())
            }
        }
    }

    /// The state that the base of a stage gives it.
    fn start(&mut self, id: StageId) -> Result<StageState, Diagnostic> {
        let stages = self.request.stages;
        let stage = stages.stage(id);
        let target = &stages.target_platform;
        let platform = stage.platform.as_ref().unwrap_or(target);
        match &stage.base {
            Base::Scratch => Ok(fresh(None, target.clone(), empty_image(target), None)),
            Base::Distroless(variant) => {
                Ok(fresh(None, target.clone(), distroless_image(target, *variant), None))
            }
            Base::Stage(below) => {
                let below = self.lowered[below.index()]
                    .as_ref()
                    .expect("a base is an earlier stage, and reachable with its user");
                Ok(on_stage(below))
            }
            Base::Image(image) => {
                let known = known_of(image.known.as_ref())?;
                let node = self.image_state(id, known, platform);
                let has_platform = node.is_some();
                let mut state =
                    fresh(node, platform.clone(), known.config.clone(), Some(known.base_config.clone()));
                state.vertices = stage.passed_over + u32::from(has_platform);
                state.has_platform = has_platform;
                Ok(state)
            }
            Base::Context(context) => {
                let node = self.context_state(id, context, platform);
                let config = context_config(context, platform)
                    .map_err(|error| Diagnostic { spans: stage.spans.clone(), ..error })?;
                let base_config = (!context.replaces_stage).then(|| config.to_json());
                // A context for a whole stage brings its own platform, whatever was asked for.
                let made_for = if context.replaces_stage { platform_of(&config) } else { None };
                let has_platform = !context.replaces_stage || made_for.is_some();
                let platform = made_for.unwrap_or_else(|| platform.clone());
                let mut state = fresh(node, platform, config, base_config);
                state.has_platform = has_platform;
                Ok(state)
            }
        }
    }

    fn image_state(&mut self, id: StageId, known: &KnownImage, platform: &Platform) -> State {
        if known.is_empty() {
            return None;
        }
        let stages = self.request.stages;
        let stage = stages.stage(id);
        let shown = Some(platform).filter(|_| stages.multi_platform);
        let prefix =
            prefix(&stage.label, (stage.passed_over + 1, stage.step_total), shown, &Environment::default());
        let meta = NodeMeta {
            name: Some(format!("{prefix}FROM {}", known.reference)),
            command: Some(stage.from_text.clone()),
            spans: if stage.spans.is_empty() { vec![Span::lines(0, 0)] } else { stage.spans.clone() },
            ..NodeMeta::default()
        };
        let mode = self.request.options.image_resolve_mode;
        let attrs = match mode {
            ImageResolveMode::Default => BTreeMap::new(),
            _ => BTreeMap::from([("image.resolvemode".to_owned(), mode.as_str().to_owned())]),
        };
        let identifier = format!("docker-image://{}", known.reference);
        let op = Op::Source(SourceOp { identifier, attrs });
        Some(self.nodes.add(op, Some(platform.clone()), meta).output())
    }
}

fn known_of(known: Option<&KnownImage>) -> Result<&KnownImage, Diagnostic> {
    known.ok_or_else(|| Diagnostic::new("a base image was lowered before it was resolved"))
}

/// The image config that a context brings; without one, that of an empty image, or nothing at all when the
/// context stands for a whole stage.
fn context_config(context: &ContextBase, platform: &Platform) -> Result<ImageConfig, Diagnostic> {
    let raw = match &context.source {
        ContextSource::Image { known, .. } | ContextSource::OciLayout { known, .. } => {
            return Ok(known_of(known.as_ref())?.config.clone());
        }
        ContextSource::Input { loaded, .. } => loaded.as_ref().and_then(|input| input.config.as_ref()),
        _ => None,
    };
    match raw {
        Some(raw) => ImageConfig::from_json(raw).map_err(|error| Diagnostic::new(json::explain(&error, raw))),
        None if context.replaces_stage => Ok(ImageConfig::default()),
        None => Ok(empty_image(platform)),
    }
}

/// The platform that an image config states, if it does.
fn platform_of(config: &ImageConfig) -> Option<Platform> {
    let platform = Platform {
        architecture: config.architecture.clone(),
        os: config.os.clone(),
        variant: config.variant.clone(),
        os_version: config.os_version.clone(),
        os_features: config.os_features.clone(),
    };
    Some(platform).filter(|platform| !platform.os.is_empty() && !platform.architecture.is_empty())
}

fn fresh(state: State, platform: Platform, config: ImageConfig, base_config: Option<Vec<u8>>) -> StageState {
    StageState {
        state,
        platform,
        env: Environment::default(),
        cwd: "/".to_owned(),
        user: String::new(),
        build_args: Vec::new(),
        config: without_triggers(config),
        base_config,
        workdir_set: false,
        cmd_at: None,
        entrypoint_at: None,
        healthcheck_at: None,
        snapshots: Vec::new(),
        taken: Taken::default(),
        vertices: 0,
        has_platform: false,
    }
}

/// A stage on a stage: all but the triggers, the marks of commands and the vertex count goes on.
fn on_stage(below: &StageState) -> StageState {
    StageState {
        config: without_triggers(below.config.clone()),
        cmd_at: None,
        entrypoint_at: None,
        healthcheck_at: None,
        snapshots: Vec::new(),
        taken: Taken::default(),
        vertices: 0,
        ..below.clone()
    }
}

/// Triggers run in the stage that uses the image and do not pass on.
fn without_triggers(mut config: ImageConfig) -> ImageConfig {
    config.config.on_build.clear();
    config
}

/// The config of scratch.
fn empty_image(platform: &Platform) -> ImageConfig {
    let mut config = ImageConfig {
        architecture: platform.architecture.clone(),
        os: platform.os.clone(),
        variant: platform.variant.clone(),
        os_version: platform.os_version.clone(),
        os_features: platform.os_features.clone(),
        ..ImageConfig::default()
    };
    "layers".clone_into(&mut config.rootfs.kind);
    "/".clone_into(&mut config.config.working_dir);
    if platform.os != "windows" {
        config.config.env = vec![format!("PATH={DEFAULT_PATH}")];
    }
    config
}

/// The config that a distroless stage starts with: as the images of Google's that have the variant's tag. The user is
/// a name of the base set, so that RUN finds its group and home.
fn distroless_image(platform: &Platform, variant: Variant) -> ImageConfig {
    let mut config = empty_image(platform);
    if variant.is_nonroot() {
        "/home/nonroot".clone_into(&mut config.config.working_dir);
        "nonroot".clone_into(&mut config.config.user);
    }
    if variant.is_debug() {
        config.config.env = vec![format!("PATH={DEFAULT_PATH}:{BUSYBOX_DIR}")];
    }
    config
}

/// Takes environment, working directory and user from the image config.
fn enter(state: &mut StageState) {
    let has_path = state.config.config.env.iter().any(|entry| split(entry).0 == "PATH");
    if !has_path && state.platform.os != "windows" {
        state.config.config.env.push(format!("PATH={DEFAULT_PATH}"));
    }
    for entry in &state.config.config.env {
        let (name, value) = split(entry);
        state.env.set(name, value);
    }
    if !state.config.config.working_dir.is_empty() {
        let normalised = path::workdir(&state.config.config.working_dir, "");
        state.config.config.working_dir.clone_from(&normalised);
        state.cwd = normalised;
    }
    if !state.config.config.user.is_empty() {
        state.user.clone_from(&state.config.config.user);
    }
}

fn split(entry: &str) -> (&str, &str) {
    entry.split_once('=').unwrap_or((entry, ""))
}

/// `ONBUILD` only writes its text down.
fn onbuild_into(config: &mut ImageConfig, text: &str) {
    config.config.on_build.push(text.to_owned());
}
