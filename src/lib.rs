//! decant: a `BuildKit` frontend that builds any Dockerfile and makes the final image distroless.
//!
//! Two short pipelines share this crate; the modules are listed in reading order.
//!
//! ```text
//! frontend (serves one build on stdio)
//!   options ─▶ read Dockerfile ─▶ parse ─▶ stages ─▶ base images ─▶ lower ─▶ solve ─▶ read manifest ─▶ result
//! assemble (the same binary, run by BuildKit as one exec step inside the graph that `lower` made)
//!   spec ─▶ open root file systems ─▶ roots ─▶ closure ─▶ layers ─▶ write trees and manifest ─▶ verify
//! sbom (likewise, over the final tree alone)
//!   files ─▶ packages of the distribution, of languages ─▶ SPDX
//! ```

pub mod diagnostic;
pub mod frontend;
pub mod gateway;
mod hex;
pub mod options;
pub mod proto;

pub mod dockerfile;
pub mod image;
pub mod lint;
pub mod llb;
pub mod lower;
pub mod stage;

pub mod assemble;
pub mod closure;
pub mod distill;
pub mod output;
pub mod requests;
pub mod rootfs;
pub mod rules;
pub mod sbom;
pub mod verbs;
pub mod watched;
