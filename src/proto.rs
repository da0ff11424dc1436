//! The code generated from `proto/`; only `gateway` and `llb` may name it.
#![allow(
    clippy::all,
    clippy::pedantic,
    clippy::allow_attributes_without_reason,
    unreachable_pub,
    unused_qualifications,
    reason = "generated code, not written for these lints"
)]

include!(concat!(env!("OUT_DIR"), "/protocol.rs"));
