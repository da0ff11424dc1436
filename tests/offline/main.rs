//! Fast tests without a daemon.

mod examples;
mod tidy;
