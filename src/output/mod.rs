//! The result of a build: metadata, final config, history, attestations.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::image::config::ImageConfig;
use crate::image::json;
use crate::image::platform::Platform;

/// A result inside the daemon, valid while this program runs. The default is an empty file system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ref {
    pub id: String,
}

/// What a build returns to the daemon.
#[derive(Clone, Debug)]
pub struct BuildResult {
    pub refs: ResultRefs,
    /// `containerimage.config`, `refs.platforms`, …; with suffix `/<platform id>` when there are many.
    pub metadata: BTreeMap<String, Vec<u8>>,
    /// By platform id.
    pub attestations: BTreeMap<String, Vec<Attestation>>,
}

/// The file systems of a result.
#[derive(Clone, Debug)]
pub enum ResultRefs {
    Single(Ref),
    /// By platform id, as `linux/arm/v7`.
    Many(BTreeMap<String, Ref>),
}

/// What is said of a result, in files of another one.
#[derive(Clone, Debug)]
pub struct Attestation {
    pub form: AttestationForm,
    pub result: Ref,
    /// The file, or the directory of the bundle; empty is the root.
    pub path: String,
    pub predicate_type: String,
    pub metadata: BTreeMap<String, Vec<u8>>,
}

/// How an attestation is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttestationForm {
    /// A file with the predicate of one in-toto statement.
    Predicate,
    /// A directory of in-toto statements, one JSON file each.
    Bundle,
}

/// One platform's part of a build.
#[derive(Clone, Debug)]
pub struct PlatformResult {
    /// What it was built for; its normalised form is the id.
    pub platform: Platform,
    pub result: Ref,
    pub config: ImageConfig,
    /// Bytes of the untouched config of the base image; absent for scratch and for distroless results.
    pub base_config: Option<Vec<u8>>,
    pub attestations: Vec<Attestation>,
}

impl BuildResult {
    /// The result of a build; `epoch` is in seconds since 1970 (dockerfile-semantics 7.1).
    pub fn of_platforms(platforms: Vec<PlatformResult>, multi_platform: bool, epoch: Option<i64>) -> Self {
        let mut metadata = BTreeMap::new();
        let mut refs = BTreeMap::new();
        let mut attestations = BTreeMap::new();
        let mut ids = Vec::new();
        for part in platforms {
            let platform = part.platform.normalize();
            let id = platform.format_all();
            let suffix = if multi_platform { format!("/{id}") } else { String::new() };
            metadata.insert(format!("containerimage.config{suffix}"), part.config.to_json());
            if let Some(base) = part.base_config {
                metadata.insert(format!("containerimage.base.config{suffix}"), base);
            }
            if let Some(epoch) = epoch {
                metadata.insert(format!("source.date.epoch{suffix}"), epoch.to_string().into_bytes());
            }
            if !part.attestations.is_empty() {
                attestations.insert(id.clone(), part.attestations);
            }
            refs.insert(id.clone(), part.result);
            ids.push(ExportPlatform { id, platform });
        }
        metadata.insert("refs.platforms".to_owned(), json::to_vec(&ExportPlatforms { platforms: ids }));
        let refs = if multi_platform {
            ResultRefs::Many(refs)
        } else {
            ResultRefs::Single(refs.into_values().next().unwrap_or_default())
        };
        Self { refs, metadata, attestations }
    }

    /// The answer to a request: metadata without an image.
    pub fn of_request(metadata: BTreeMap<String, Vec<u8>>) -> Self {
        Self { refs: ResultRefs::Single(Ref::default()), metadata, attestations: BTreeMap::new() }
    }
}

/// `refs.platforms`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ExportPlatforms {
    platforms: Vec<ExportPlatform>,
}

#[derive(Serialize)]
struct ExportPlatform {
    #[serde(rename = "ID")]
    id: String,
    #[serde(rename = "Platform")]
    platform: Platform,
}
