//! What offline tests share.

pub(crate) mod daemon;
