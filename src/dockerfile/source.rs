//! Places in a Dockerfile: whole physical lines, as the ranges on the wire are.

/// A run of physical lines, 1-based and inclusive.
///
/// The official frontend locates errors by whole lines (`character` is always 0), one range a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// First line, 1-based; 0 where the official frontend says so (directive errors on line 1).
    pub first: u32,
    /// Last line, inclusive.
    pub last: u32,
}

impl Span {
    /// The lines `first..=last`.
    pub fn lines(first: u32, last: u32) -> Self {
        Self { first, last }
    }
}
