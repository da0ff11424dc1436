//! What a person names: a root file system as a directory, or a saved image.

use std::path::Path;

use super::VerbError;
use crate::image::config::ImageConfig;
use crate::image::platform::Platform;
use crate::rootfs::Rootfs;
use crate::rootfs::dir::DirRootfs;
use crate::rootfs::image::ImageRootfs;

/// A root file system that a person named.
pub(super) struct Place {
    pub(super) rootfs: Box<dyn Rootfs>,
    /// Of a saved image.
    pub(super) config: Option<ImageConfig>,
}

impl Place {
    /// Opens a directory, an OCI layout (a directory or a tar), or what `docker save` wrote.
    pub(super) fn open(place: &str) -> Result<Self, VerbError> {
        let path = Path::new(place);
        let failed =
            |error: &dyn std::fmt::Display| VerbError::Failed(format!("`{place}` cannot be opened: {error}"));
        if path.is_file() || path.join("oci-layout").is_file() {
            let (rootfs, config) = ImageRootfs::open(path, &platform()).map_err(|error| failed(&error))?;
            return Ok(Self { rootfs: Box::new(rootfs), config: Some(config) });
        }
        let rootfs = DirRootfs::open(path).map_err(|error| failed(&error))?;
        Ok(Self { rootfs: Box::new(rootfs), config: None })
    }
}

/// As in platform names; a directory's files are this machine's unless a program says otherwise.
pub(super) fn platform() -> Platform {
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    Platform { os: "linux".to_owned(), architecture: architecture.to_owned(), ..Platform::default() }
}
