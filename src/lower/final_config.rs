//! What is done to the target's image config after its last instruction.

use std::collections::BTreeMap;

use crate::image::config::ImageConfig;
use crate::image::platform::Platform;
use crate::stage::StageGraph;

/// Merges the labels of the build's options, and lets a platform that was asked for win.
pub(super) fn finish(
    mut config: ImageConfig,
    stages: &StageGraph,
    labels: &BTreeMap<String, String>,
) -> ImageConfig {
    if !labels.is_empty() {
        let merged = config.config.labels.get_or_insert_default();
        merged.extend(labels.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
    if !stages.implicit_platform {
        let wanted = &stages.target_platform;
        let same = (&config.os, &config.architecture) == (&wanted.os, &wanted.architecture);
        config.os.clone_from(&wanted.os);
        config.architecture.clone_from(&wanted.architecture);
        if !wanted.variant.is_empty() || !same {
            config.variant.clone_from(&wanted.variant);
        }
        if !wanted.os_version.is_empty() || !same {
            config.os_version.clone_from(&wanted.os_version);
        }
        if !wanted.os_features.is_empty() {
            config.os_features.clone_from(&wanted.os_features);
        }
    }
    let platform = Platform {
        architecture: std::mem::take(&mut config.architecture),
        os: std::mem::take(&mut config.os),
        variant: std::mem::take(&mut config.variant),
        os_version: std::mem::take(&mut config.os_version),
        os_features: std::mem::take(&mut config.os_features),
    }
    .normalize();
    ImageConfig {
        architecture: platform.architecture,
        os: platform.os,
        variant: platform.variant,
        os_version: platform.os_version,
        os_features: platform.os_features,
        ..config
    }
}
