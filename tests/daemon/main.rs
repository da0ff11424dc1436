//! Tests on a real buildkitd; they fail when no daemon address is given.

mod conformance;
#[allow(dead_code, reason = "a helper may have no user yet")]
mod support;
