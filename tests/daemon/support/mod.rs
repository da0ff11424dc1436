//! What tests on real daemons share: where the daemons are, build contexts, running clients.

pub(crate) mod context;
pub(crate) mod environment;
pub(crate) mod process;

#[allow(unused_imports, reason = "a helper may have no user yet")]
pub(crate) use {
    context::Context,
    environment::Environment,
    process::{Outcome, run, run_within},
};
