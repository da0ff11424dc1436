//! Images: platforms, digests and the image config as bytes.

pub mod config;
pub mod json;
pub mod platform;
pub mod reference;
