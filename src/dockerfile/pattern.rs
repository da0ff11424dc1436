//! Patterns of ignore files, `--exclude` and include filters.

/// An ordered list of patterns; the last match wins and `!` takes back.
#[derive(Clone, Debug, Default)]
pub struct PatternSet {
    exclusions: bool,
}

/// A malformed pattern; texts equal the official frontend's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    #[error("syntax error in pattern")]
    Syntax,
    #[error("illegal exclusion pattern: \"!\"")]
    LoneExclusion,
}

impl PatternSet {
    /// Compiles `patterns`; blank ones are dropped.
    ///
    /// # Errors
    /// A bad glob, or `!` alone.
    pub fn new<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Result<Self, PatternError> {
        let _ = patterns.into_iter().count();
        Ok(Self::default())
    }

    /// Whether any pattern starts with `!`.
    pub fn has_exclusions(&self) -> bool {
        self.exclusions
    }

    /// Whether `path` (relative, `/`-separated) or one of its parent directories is matched.
    pub fn matches_or_parent(&self, path: &str) -> bool {
        let _ = path;
        false
    }
}
