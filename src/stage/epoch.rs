//! `SOURCE_DATE_EPOCH`: what its value asks for.

/// The time of a build, as far as it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Epoch {
    /// Nobody asked for one: arguments stay as they are.
    #[default]
    Unset,
    /// It was asked for; `None` when there is no time to be had. Seconds since 1970.
    Resolved(Option<i64>),
}
