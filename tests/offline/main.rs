//! Fast tests without a daemon.

mod examples;
mod search;
mod tidy;
