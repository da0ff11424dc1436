//! Attestations of what is in a result, made by a scanner image.

use std::collections::BTreeMap;

use super::Build;
use crate::diagnostic::Diagnostic;
use crate::gateway::{BuildError, Gateway, ImageLookup, ImageStore, SolveRequest};
use crate::image::config::ImageConfig;
use crate::image::json;
use crate::llb::Graph;
use crate::lower::scan::{self, CORE, Scanner, Subject};
use crate::options::DEFAULT_SBOM_GENERATOR;
use crate::output::Attestation;

/// What the statements are made of.
const SPDX: &str = "https://spdx.dev/Document";

impl<G: Gateway> Build<'_, G> {
    /// Looks the scanner up that option `attest:sbom` asks for.
    ///
    /// # Errors
    /// An image that cannot be had, or has no command.
    pub(super) async fn scanner(&self) -> Result<Option<Scanner>, BuildError> {
        let Some(request) = &self.options.sbom else { return Ok(None) };
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
        Ok(Some(Scanner {
            reference,
            args,
            env: config.env,
            parameters: request.parameters.clone(),
            working_dir: config.working_dir,
            platform,
        }))
    }

    /// Asks for the statements about one platform's result.
    ///
    /// # Errors
    /// Failures of the call; the scan itself runs later.
    pub(super) async fn attest(
        &self,
        nodes: &mut Graph,
        scanner: &Scanner,
        id: &str,
        subject: &Subject,
    ) -> Result<Attestation, BuildError> {
        let statements = scan::scan(nodes, scanner, id, subject);
        let marshalled = nodes.marshal(Some(statements), &self.loaded.source, self.caps());
        let mut definition = marshalled.definition;
        if let Some(vertex) = marshalled.digests.get(&statements.node) {
            // Nothing is left for the daemon to set: the step names its own search path.
            definition.forget_cap(vertex, "exec.meta.setsdefaultpath");
        }
        let result = self.gateway.solve(SolveRequest::new(&definition)).await?;
        let metadata = [("reason", CORE), ("sbom-core", CORE)];
        let metadata: BTreeMap<String, Vec<u8>> =
            metadata.into_iter().map(|(key, value)| (key.to_owned(), value.as_bytes().to_vec())).collect();
        Ok(Attestation { result, path: String::new(), predicate_type: SPDX.to_owned(), metadata })
    }
}
