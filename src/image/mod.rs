//! Images: platforms, digests and the image config as bytes.

pub mod config;
pub mod json;
mod json_syntax;
pub mod platform;
pub mod reference;
