//! The verbs of the `decant` binary.

fn main() {}
