//! The calls of one build, as the frontend `record` writes them and the frontend `replay` makes them again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Where the recording lies in the image of `replay`, and in the result of `record`.
pub(crate) const FILE: &str = "/recording.json";

/// One build: its calls, then what it returned.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Recording {
    /// Calls of one group were in flight together; a group begins when the one before has its answers.
    pub(crate) groups: Vec<Vec<Call>>,
    /// Which solve gave the result, counted from 0.
    pub(crate) result: usize,
    /// Metadata of the result; values in base64.
    pub(crate) metadata: BTreeMap<String, String>,
}

/// One call, with everything that its request needs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Call {
    Inputs,
    /// A definition in base64.
    Solve(String),
    /// A whole file of the result of the solve with this number.
    Read(usize, String),
    Image {
        reference: String,
        platform: String,
        log_name: String,
    },
}
