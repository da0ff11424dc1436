//! Between the messages on the wire and our own types.

use std::collections::BTreeMap;

use crate::dockerfile::raw;
use crate::gateway::{Failure, Ref, Warning};
use crate::image::platform::Platform;
use crate::llb::{Caps, sources};
use crate::options::{CacheImport, Worker};
use crate::output::{Attestation, AttestationForm, BuildResult, ResultRefs};
use crate::proto::moby::buildkit::v1::apicaps::ApiCap;
use crate::proto::moby::buildkit::v1::frontend as api;
use crate::proto::moby::buildkit::v1::types::WorkerRecord;
use crate::proto::pb;

/// What is present and enabled; `base` when the daemon sends no list at all.
pub(super) fn caps(announced: &[ApiCap], base: &[&str]) -> Caps {
    if announced.is_empty() {
        return base.iter().copied().collect();
    }
    announced.iter().filter(|cap| cap.enabled).map(|cap| cap.id.as_str()).collect()
}

pub(super) fn worker(record: WorkerRecord) -> Worker {
    Worker {
        id: record.id,
        labels: record.labels,
        platforms: record.platforms.into_iter().map(Into::into).collect(),
    }
}

impl From<pb::Platform> for Platform {
    fn from(platform: pb::Platform) -> Self {
        Self {
            architecture: platform.architecture,
            os: platform.os,
            variant: platform.variant,
            os_version: platform.os_version,
            os_features: platform.os_features,
        }
    }
}

impl From<&Platform> for pb::Platform {
    fn from(platform: &Platform) -> Self {
        Self {
            architecture: platform.architecture.clone(),
            os: platform.os.clone(),
            variant: platform.variant.clone(),
            os_version: platform.os_version.clone(),
            os_features: platform.os_features.clone(),
        }
    }
}

impl From<&CacheImport> for api::CacheOptionsEntry {
    fn from(import: &CacheImport) -> Self {
        Self { r#type: import.kind.clone(), attrs: import.attrs.clone() }
    }
}

/// The one ref of an answer to a solve of a definition.
///
/// # Errors
/// When the daemon sent a map.
pub(super) fn single_ref(answer: api::SolveResponse) -> Result<Ref, Failure> {
    match answer.result.and_then(|result| result.result) {
        Some(api::result::Result::Ref(single)) => Ok(Ref { id: single.id }),
        Some(api::result::Result::RefDeprecated(id)) => Ok(Ref { id }),
        Some(api::result::Result::Refs(_) | api::result::Result::RefsDeprecated(_)) => {
            Err(Failure::new("the daemon answered a definition with many results"))
        }
        None => Ok(Ref { id: answer.r#ref }),
    }
}

pub(super) fn warning(warning: Warning<'_>) -> api::WarnRequest {
    api::WarnRequest {
        digest: warning.vertex.to_owned(),
        level: 1,
        short: raw::encode(&warning.short).into_owned(),
        detail: warning.detail.into_iter().map(String::into_bytes).collect(),
        url: warning.url,
        info: warning.source.map(sources::info),
        ranges: sources::ranges(&warning.spans),
    }
}

/// The message of a finished build; without `array_refs` in the form of old daemons.
pub(super) fn result(result: BuildResult, array_refs: bool) -> api::Result {
    use api::result::Result as Form;
    let form = match (result.refs, array_refs) {
        (ResultRefs::Single(single), true) => Form::Ref(reference(single)),
        (ResultRefs::Single(single), false) => Form::RefDeprecated(single.id),
        (ResultRefs::Many(many), true) => Form::Refs(api::RefMap {
            refs: many.into_iter().map(|(platform, single)| (platform, reference(single))).collect(),
        }),
        (ResultRefs::Many(many), false) => Form::RefsDeprecated(api::RefMapDeprecated {
            refs: many.into_iter().map(|(platform, single)| (platform, single.id)).collect(),
        }),
    };
    api::Result {
        result: Some(form),
        metadata: result.metadata,
        attestations: attestations(result.attestations),
    }
}

/// What names a result; an empty id is an image without layers.
fn reference(single: Ref) -> api::Ref {
    // prost leaves out a map value that is an empty message, and buildkitd crashes on a map entry
    // without value. The daemon reads nothing but the id.
    let def = single.id.is_empty().then(pb::Definition::default);
    api::Ref { id: single.id, def }
}

fn attestations(all: BTreeMap<String, Vec<Attestation>>) -> BTreeMap<String, api::Attestations> {
    all.into_iter()
        .map(|(platform, list)| {
            let attestation = list.into_iter().map(statement).collect();
            (platform, api::Attestations { attestation })
        })
        .collect()
}

fn statement(attestation: Attestation) -> api::Attestation {
    let kind = match attestation.form {
        AttestationForm::Predicate => api::AttestationKind::InToto,
        AttestationForm::Bundle => api::AttestationKind::Bundle,
    };
    api::Attestation {
        kind: kind.into(),
        metadata: attestation.metadata,
        r#ref: Some(reference(attestation.result)),
        path: attestation.path,
        in_toto_predicate_type: attestation.predicate_type,
        in_toto_subjects: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;

    #[test]
    fn platforms_without_layers_are_sent_with_a_value() {
        let refs = ResultRefs::Many(BTreeMap::from([("p".to_owned(), Ref::default())]));
        let build = BuildResult { refs, metadata: BTreeMap::new(), attestations: BTreeMap::new() };
        let bytes = result(build, true).encode_to_vec();
        // refs { refs { key: "p" value { def {} } } }
        assert_eq!(bytes, b"\x22\x09\x0a\x07\x0a\x01p\x12\x02\x12\x00");
    }
}
