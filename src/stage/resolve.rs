//! Base images and named contexts: what has to be found out, and what becomes of the answers.

use super::context::parse_source;
use super::from_lint as rules;
use super::{
    Answer, Base, ContextSource, ImageRequest, KnownImage, ResolvedImage, Stage, StageGraph, StageId, Wanted,
    WantedKind,
};
use crate::diagnostic::Diagnostic;
use crate::dockerfile::quote::quote;
use crate::dockerfile::suggest;
use crate::image::config::ImageConfig;
use crate::image::json;
use crate::image::platform::Platform;
use crate::image::reference::ImageRef;
use crate::lint::Sink;

/// Images that mistyped names are compared with (`BuildKit` `commonImageNames`).
const COMMON_IMAGES: [&str; 7] = ["alpine", "busybox", "centos", "debian", "golang", "ubuntu", "fedora"];

impl StageGraph {
    /// What is still to be found out. Empty: the graph is complete. Equal kinds may be asked once.
    ///
    /// # Errors
    /// Names that are no image references, in stages that are not needed too; bad `ONBUILD` triggers.
    pub fn wanted(&mut self) -> Result<Vec<Wanted>, Diagnostic> {
        loop {
            self.mark_reachable();
            self.check_references()?;
            let mut wanted = Vec::new();
            for id in self.ids() {
                if self.stage(id).reachable {
                    self.apply_context(id)?;
                    self.read_context(id)?;
                    wanted.extend(self.wanted_of(id)?.map(|kind| Wanted { stage: id, kind }));
                }
            }
            if !wanted.is_empty() {
                return Ok(wanted);
            }
            if !self.apply_triggers()? {
                return Ok(wanted);
            }
        }
    }

    /// Puts one answer in.
    ///
    /// # Errors
    /// An image config that is no JSON of that kind.
    pub fn provide(&mut self, wanted: &Wanted, answer: Answer, lint: &mut Sink) -> Result<(), Diagnostic> {
        match answer {
            Answer::Image(image) => self.provide_image(wanted.stage, &image, lint),
            Answer::Ignore(patterns) => {
                if let Base::Context(context) = &mut self.stages[wanted.stage.index()].base
                    && let ContextSource::Local { ignore, .. } = &mut context.source
                {
                    *ignore = Some(patterns);
                }
                Ok(())
            }
            Answer::Input(input) => {
                if let Base::Context(context) = &mut self.stages[wanted.stage.index()].base
                    && let ContextSource::Input { loaded, .. } = &mut context.source
                {
                    *loaded = Some(input);
                }
                Ok(())
            }
        }
    }

    /// The error for an image that cannot be resolved; `cause` is the daemon's text.
    pub fn unresolved(&self, wanted: &Wanted, cause: &str) -> Diagnostic {
        let stage = self.stage(wanted.stage);
        let failed = match &wanted.kind {
            WantedKind::Image(request) => {
                format!("failed to resolve source metadata for {}: {cause}", request.reference)
            }
            WantedKind::Ignore { .. } | WantedKind::Input { .. } => cause.to_owned(),
        };
        let message = match &stage.base {
            Base::Image(image) => {
                let written = &image.written;
                let labels = self.stages.iter().filter(|stage| stage.registered).map(|s| s.label.as_str());
                let tagged: Vec<String> = COMMON_IMAGES.iter().map(|name| format!("{name}:latest")).collect();
                let candidates = labels.chain(COMMON_IMAGES).chain(tagged.iter().map(String::as_str));
                format!("{written}: {failed}{}", suggest::suffix(written, candidates))
            }
            _ => failed,
        };
        Diagnostic { spans: stage.spans.clone(), ..Diagnostic::new(message) }
    }

    /// Names of images must parse even in stages that the target does not need.
    fn check_references(&self) -> Result<(), Diagnostic> {
        for stage in &self.stages {
            if let Base::Image(image) = &stage.base {
                ImageRef::parse(&image.written).map_err(|error| Diagnostic {
                    spans: stage.spans.clone(),
                    ..Diagnostic::new(format!(
                        "failed to parse stage name {}: {error}",
                        quote(&image.written)
                    ))
                })?;
            }
        }
        Ok(())
    }

    /// Replaces an image by the named context that stands for it.
    fn apply_context(&mut self, id: StageId) -> Result<(), Diagnostic> {
        let stage = self.stage(id);
        let Base::Image(image) = &stage.base else { return Ok(()) };
        if image.known.is_some() {
            return Ok(());
        }
        let reference = reference_of(&image.written)?.to_string();
        let platform = stage.platform.clone().unwrap_or_else(|| self.target_platform.clone());
        let context = self
            .named_context(&reference, Some(&platform), false)
            .map_err(|error| Diagnostic { spans: stage.spans.clone(), ..error })?;
        if let Some(context) = context {
            let stage = &mut self.stages[id.index()];
            stage.base = Base::Context(context);
            stage.platform = Some(platform);
        }
        Ok(())
    }

    /// Finds out what kind of source a context is.
    fn read_context(&mut self, id: StageId) -> Result<(), Diagnostic> {
        let Stage { base: Base::Context(context), spans, .. } = &mut self.stages[id.index()] else {
            return Ok(());
        };
        if let ContextSource::Given { name, value } = &context.source {
            context.source = parse_source(name, &context.key, value)
                .map_err(|error| Diagnostic { spans: spans.clone(), ..error })?;
        }
        Ok(())
    }

    fn wanted_of(&self, id: StageId) -> Result<Option<WantedKind>, Diagnostic> {
        let stage = self.stage(id);
        let platform = || stage.platform.clone().unwrap_or_else(|| self.target_platform.clone());
        let kind = match &stage.base {
            Base::Image(image) if image.known.is_none() => {
                let reference = reference_of(&image.written)?.to_string();
                let platform = platform();
                let prefix = if self.multi_platform {
                    format!("[{} internal]", platform.format_all())
                } else {
                    "[internal]".to_owned()
                };
                WantedKind::Image(ImageRequest {
                    log_name: format!("{prefix} load metadata for {reference}"),
                    reference,
                    platform,
                    resolve_mode: self.resolve_mode,
                    oci_store: None,
                })
            }
            Base::Context(context) => match &context.source {
                ContextSource::Image { written, known: None } => WantedKind::Image(ImageRequest {
                    reference: context_image(written, stage)?.to_string(),
                    platform: platform(),
                    log_name: format!(
                        "[context {}] load metadata for {}",
                        context.key,
                        context_image(written, stage)?
                    ),
                    resolve_mode: self.resolve_mode,
                    oci_store: None,
                }),
                ContextSource::OciLayout { reference, store, known: None } => {
                    WantedKind::Image(ImageRequest {
                        reference: reference.clone(),
                        platform: platform(),
                        log_name: format!("[context {}] load metadata for {reference}", context.key),
                        resolve_mode: self.resolve_mode,
                        oci_store: Some(store.clone()),
                    })
                }
                ContextSource::Local { name, ignore: None } => {
                    WantedKind::Ignore { key: context.key.clone(), local: name.clone() }
                }
                ContextSource::Input { name, loaded: None } => {
                    WantedKind::Input { key: context.key.clone(), name: name.clone() }
                }
                _ => return Ok(None),
            },
            _ => return Ok(None),
        };
        Ok(Some(kind))
    }

    fn provide_image(
        &mut self,
        id: StageId,
        image: &ResolvedImage,
        lint: &mut Sink,
    ) -> Result<(), Diagnostic> {
        let spans = self.stage(id).spans.clone();
        let failed = |message: String| Diagnostic { spans: spans.clone(), ..Diagnostic::new(message) };
        let original: ImageConfig = serde_json::from_slice(&image.config).map_err(|error| {
            failed(format!("failed to parse image config: {}", json::explain(&error, &image.config)))
        })?;
        let unpinned = image.reference.clone();
        let mut reference = ImageRef::parse(&image.reference)
            .map_err(|error| failed(format!("failed to parse ref {}: {error}", quote(&image.reference))))?;
        if !image.digest.is_empty() {
            reference = reference.with_digest(&image.digest);
        }
        let base_config = original.to_json();
        let config = ImageConfig { created: None, ..original };
        let image_platform = platform_of(&config);
        let resolved = KnownImage { reference: reference.to_string(), unpinned, config, base_config };
        let platform = self.platform_for(id, &image_platform);
        let stage = &mut self.stages[id.index()];
        match &mut stage.base {
            Base::Image(base) => {
                if !resolved.is_empty() {
                    rules::base_image_platform(&base.written, &platform, &image_platform, &stage.spans, lint);
                }
                base.known = Some(resolved);
                stage.platform = Some(platform);
            }
            Base::Context(context) => {
                if let ContextSource::Image { known, .. } | ContextSource::OciLayout { known, .. } =
                    &mut context.source
                {
                    *known = Some(resolved);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The platform of a stage on an image: without any wish, an image made for another platform of the
    /// worker is taken as it is.
    fn platform_for(&self, id: StageId, image: &Platform) -> Platform {
        let stage = self.stage(id);
        if let Some(platform) = &stage.platform {
            return platform.clone();
        }
        let same = |other: &&Platform| other.os == image.os && other.architecture == image.architecture;
        if self.implicit_platform && !same(&&self.target_platform) {
            return self.build_platforms.iter().find(same).unwrap_or(&self.target_platform).clone();
        }
        self.target_platform.clone()
    }
}

/// The platform that an image config states.
fn platform_of(config: &ImageConfig) -> Platform {
    Platform {
        architecture: config.architecture.clone(),
        os: config.os.clone(),
        variant: config.variant.clone(),
        os_version: config.os_version.clone(),
        os_features: config.os_features.clone(),
    }
}

/// The image of a named context.
fn context_image(written: &str, stage: &Stage) -> Result<ImageRef, Diagnostic> {
    ImageRef::parse(written)
        .map(ImageRef::or_latest)
        .map_err(|error| Diagnostic { spans: stage.spans.clone(), ..Diagnostic::new(error.to_string()) })
}

fn reference_of(written: &str) -> Result<ImageRef, Diagnostic> {
    ImageRef::parse(written)
        .map(ImageRef::or_latest)
        .map_err(|error| Diagnostic::new(format!("failed to parse stage name {}: {error}", quote(written))))
}
