//! What tests on real daemons share: where the daemons are, build contexts, running clients and containers.

pub(crate) mod container;
pub(crate) mod context;
pub(crate) mod environment;
pub(crate) mod fresh;
pub(crate) mod image;
pub(crate) mod old_engine;
pub(crate) mod process;

#[allow(unused_imports, reason = "a helper may have no user yet")]
pub(crate) use {
    container::Container,
    context::Context,
    environment::{Environment, checkout},
    fresh::FreshDaemon,
    image::Image,
    old_engine::OldEngine,
    process::{Outcome, run, run_within},
};
