//! Fast tests without a daemon.
