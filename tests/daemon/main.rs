//! Tests on a real buildkitd; they fail when no daemon address is given.

mod clients;
mod concurrent;
mod conformance;
mod examples;
mod layers;
mod lifetime;
mod messages;
mod old_engine;
mod reproducible;
mod sbom;
#[allow(dead_code, reason = "a helper may have no user yet")]
mod support;
mod syntax_line;
mod traps;
