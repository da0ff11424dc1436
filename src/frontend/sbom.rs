//! Attestations of what is in a result: decant describes what it made distroless, a scanner image all else.

use std::collections::BTreeMap;

use super::{Build, Lowering};
use crate::diagnostic::Diagnostic;
use crate::distill::sbom::DOCUMENT_FILE;
use crate::distill::step::Assembled;
use crate::gateway::{BuildError, Gateway, ImageLookup, ImageStore, Ref, SolveRequest};
use crate::image::config::ImageConfig;
use crate::image::json;
use crate::llb::{Graph, Output, State};
use crate::lower::rfc3339;
use crate::lower::scan::{self, CORE, Scanner, Subject};
use crate::options::{DEFAULT_SBOM_GENERATOR, SbomRequest};
use crate::output::{Attestation, AttestationForm};
use crate::stage::epoch::Time;

/// What the statements are made of.
const SPDX: &str = "https://spdx.dev/Document";

impl<G: Gateway> Build<'_, G> {
    /// Looks the scanner up that the user named, before anything is built.
    ///
    /// # Errors
    /// As [`Build::scanner`].
    pub(super) async fn require_named_scanner(&self) -> Result<(), BuildError> {
        match self.options.sbom.as_ref().filter(|request| request.generator.is_some()) {
            Some(request) => self.scanner(request).await.map(|_| ()),
            None => Ok(()),
        }
    }

    /// What option `attest:sbom` asks for of one platform's result: `distilled`, or else `ordinary`.
    ///
    /// # Errors
    /// Failures of the calls; scans and descriptions run later.
    pub(super) async fn attestations(
        &self,
        lowering: &mut Lowering,
        distilled: Option<&Assembled>,
        ordinary: State,
    ) -> Result<Vec<Attestation>, BuildError> {
        let can = self.daemon.gateway_caps.supports("reference.attestations");
        let Some(request) = self.options.sbom.as_ref().filter(|_| can) else { return Ok(Vec::new()) };
        let Lowering { nodes, stages, lowered, context, assembler } = lowering;
        let id = lowered.platform.clone().normalize().format_all();
        let subject = |state| Subject::new(state, stages, &lowered.stages, *context);
        let own = distilled.zip(assembler.as_ref()).filter(|_| request.generator.is_none());
        let Some((assembled, assembler)) = own else {
            let subject = subject(distilled.map_or(ordinary, |assembled| assembled.tree));
            let scanner = self.scanner(request).await?;
            let statements = scan::scan(nodes, scanner, &id, &subject);
            let result = self.scanned(nodes, statements, statements).await?;
            return Ok(vec![attestation(result, AttestationForm::Bundle, "", true)]);
        };
        let created = rfc3339(Time::utc(self.epoch.time().map_or(0, |time| time.seconds)));
        let document = assembler.describe(nodes, assembled, &created);
        let result = self.solve_image(nodes, Some(document)).await?;
        let mut attestations = vec![attestation(result, AttestationForm::Predicate, DOCUMENT_FILE, true)];
        let subject = subject(None);
        if !subject.extras.is_empty() {
            let scanner = self.scanner(request).await?;
            let extras = scan::scan_extras(nodes, scanner, &id, &subject);
            let result = self.scanned(nodes, extras.scan, extras.statements).await?;
            attestations.push(attestation(result, AttestationForm::Bundle, "", false));
        }
        Ok(attestations)
    }

    /// The scanner that option `attest:sbom` asks for, looked up once.
    ///
    /// # Errors
    /// An image that cannot be had, or has no command.
    async fn scanner(&self, request: &SbomRequest) -> Result<&Scanner, BuildError> {
        self.scanner.get_or_try_init(|| self.find_scanner(request)).await
    }

    async fn find_scanner(&self, request: &SbomRequest) -> Result<Scanner, BuildError> {
        let wanted = match &request.generator {
            Some(reference) => reference.to_string(),
            None => DEFAULT_SBOM_GENERATOR.to_owned(),
        };
        let platform = self.options.build_platform();
        let lookup = ImageLookup {
            reference: &wanted,
            platform: Some(&platform),
            mode: self.options.image_resolve_mode,
            log_name: "",
            store: ImageStore::Registry,
        };
        let image = self.gateway.resolve_image(lookup).await.map_err(|failure| {
            let text = format!("failed to resolve source metadata for {wanted}: {}", failure.message);
            BuildError::daemon_at(failure, Diagnostic::new(text))
        })?;
        let config = ImageConfig::from_json(&image.config)
            .map_err(|error| Diagnostic::new(json::explain(&error, &image.config)))?
            .config;
        let reference = if image.reference.is_empty() { wanted } else { image.reference };
        let args: Vec<String> =
            config.entrypoint.into_iter().flatten().chain(config.cmd.into_iter().flatten()).collect();
        if args.is_empty() {
            return Err(Diagnostic::new(format!("scanner {reference} does not have cmd")).into());
        }
        Ok(Scanner {
            reference,
            args,
            env: config.env,
            parameters: request.parameters.clone(),
            working_dir: config.working_dir,
            platform,
        })
    }

    /// Asks for `statements`, which the scanner's step `scan` makes.
    ///
    /// # Errors
    /// Failures of the call; the scan itself runs later.
    async fn scanned(&self, nodes: &Graph, scan: Output, statements: Output) -> Result<Ref, BuildError> {
        let marshalled = nodes.marshal(Some(statements), &self.loaded.source, self.caps());
        let mut definition = marshalled.definition;
        if let Some(vertex) = marshalled.digests.get(&scan.node) {
            // Nothing is left for the daemon to set: the step names its own search path.
            definition.forget_cap(vertex, "exec.meta.setsdefaultpath");
        }
        Ok(self.gateway.solve(SolveRequest::new(&definition)).await?)
    }
}

/// `is_core` says that the result itself is described: `BuildKit` adds the layers that files are in.
fn attestation(result: Ref, form: AttestationForm, path: &str, is_core: bool) -> Attestation {
    let metadata = [("reason", true), ("sbom-core", is_core)].into_iter().filter(|(_, wanted)| *wanted);
    let metadata: BTreeMap<String, Vec<u8>> =
        metadata.map(|(key, _)| (key.to_owned(), CORE.as_bytes().to_vec())).collect();
    Attestation { form, result, path: path.to_owned(), predicate_type: SPDX.to_owned(), metadata }
}
