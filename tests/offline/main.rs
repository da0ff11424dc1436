//! Fast tests without a daemon.

mod examples;
mod search;
#[expect(clippy::unwrap_used, reason = "what fails here fails the test")]
mod support;
mod tidy;
mod wire;
