//! PURE: which files a program needs at run time, each with its reason.
//!
//! ```text
//! plan ─▶ compose (the stage's own tree over the base set) ─▶ roots ─▶ follow (ELF, `#!`) ─▶ resources (rules)
//!      ─▶ conflicts (versions, several sources) ─▶ ownership ─▶ layers ─▶ finish
//! ```

pub mod elf;
pub mod packages;
pub mod plan;
pub mod report;
pub mod search;
pub mod shebang;
pub mod strings;

mod accounts;
mod admission;
mod application;
mod base;
mod check;
mod command;
mod complaint;
mod compose;
mod conflicts;
mod evidence;
pub mod finding;
mod finish;
mod follow;
pub mod foreseen;
mod glob;
mod grouping;
mod hygiene;
mod keys;
mod layers;
mod libraries;
mod literals;
mod missing;
mod moved;
mod named_accounts;
mod origin;
mod ownership;
mod process;
pub mod reason;
mod resources;
mod roots;
mod runner;
mod runtime;
pub mod script;
mod seen;
mod server;
mod set;
mod shell;
mod shell_callers;
mod start;
mod tree;
mod verify;
mod view;
mod volumes;
mod wrapper;
pub(crate) mod zip;

pub(crate) use base::identity_of;
pub(crate) use runtime::jar;

#[cfg(test)]
mod tests;
