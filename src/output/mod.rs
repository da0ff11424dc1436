//! The result of a build: metadata, final config, history, attestations.
