//! The application's files in a stage that is cut down: what its instructions put there and made, by evidence.
//!
//! ```text
//! changes (what each instruction touched) ─▶ places (WORKDIR, what COPY made) ─▶ files ─▶ the set
//!                                                                                  │ less material (building)
//! the set's texts and programs, the environment ─▶ mentions ─▶ installed programs, made files
//! ```

pub(super) mod changes;
mod files;
mod material;
pub(super) mod mentions;
mod patterns;
pub(super) mod places;
mod words;

pub(super) use patterns::Patterns;
