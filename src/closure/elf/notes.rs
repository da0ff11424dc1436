//! ELF notes that carry packaging metadata: which libraries a file may dlopen, which package it is from.

/// One entry of `.note.dlopen` (UAPI group, ELF dlopen metadata).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DlopenNote {
    /// Alternatives, the first that is found wins.
    pub sonames: Vec<String>,
    pub feature: Option<String>,
    pub description: Option<String>,
    pub priority: DlopenPriority,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DlopenPriority {
    Required,
    /// Also when none is stated.
    Recommended,
    Suggested,
}
