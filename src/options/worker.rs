//! Workers: where the daemon runs build steps.

use std::collections::BTreeMap;

use crate::image::platform::Platform;

/// One worker, as in `BUILDKIT_WORKERS` and the answer to a ping.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Worker {
    pub id: String,
    pub labels: BTreeMap<String, String>,
    /// The first is its own.
    pub platforms: Vec<Platform>,
}
