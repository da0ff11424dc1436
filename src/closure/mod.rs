//! PURE: which files a program needs at run time, each with its reason.

pub mod plan;
