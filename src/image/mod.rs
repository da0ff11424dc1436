//! Images: platforms, digests and the image config as bytes.

pub mod config;
pub mod platform;
