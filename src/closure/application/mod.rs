//! The application's files in a stage that is cut down: what its instructions put there and made, by evidence.
//!
//! ```text
//! changes (what each instruction touched) ─▶ places (WORKDIR, what COPY made) ─▶ files ─▶ the set
//!                                                                                  │ less material (building)
//! the set's texts and programs, the environment ─▶ mentions ─▶ installed programs, made files
//! what is left: packages, made files, named files ─▶ findings with the entry that keeps them
//! ```

pub(super) mod changes;
mod files;
mod hints;
mod material;
pub(super) mod mentions;
pub(super) mod own_data;
mod packages;
mod patterns;
pub(super) mod places;
mod prefix;
mod words;

pub(super) use patterns::{Patterns, is_in_tests};
