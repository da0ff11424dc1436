//! The result of a build: metadata, final config, history, attestations.

use std::collections::BTreeMap;

use crate::gateway::Ref;

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

/// A bundle of in-toto statements (one JSON file each) in a directory of a result.
#[derive(Clone, Debug)]
pub struct Attestation {
    pub result: Ref,
    /// Directory; empty is the root.
    pub path: String,
    pub predicate_type: String,
    pub metadata: BTreeMap<String, Vec<u8>>,
}
