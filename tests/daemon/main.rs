//! Tests on a real buildkitd; they fail when no daemon address is given.
