//! PURE: which files a program needs at run time, each with its reason.

pub mod elf;
pub mod packages;
pub mod plan;
pub mod report;
pub mod search;
pub mod shebang;
pub mod strings;
