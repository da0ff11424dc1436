//! The application's files in a stage that is cut down: what its instructions put there and made, by evidence.
//!
//! ```text
//! changes (what each instruction touched) ─▶ places (WORKDIR, what COPY made) ─▶ files ─▶ the set
//! ```

pub(super) mod changes;
mod files;
mod material;
mod patterns;
pub(super) mod places;

pub(super) use patterns::Patterns;
