//! The distroless control grammar: site default, parser directive, build argument.

use std::collections::BTreeSet;

/// What a build wants distilled, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// `on`, `off`; `None` when nobody said so (which means on).
    pub distil: Option<bool>,
    /// Variant of the implicit stage.
    pub variant: Option<Variant>,
    /// Notices and warnings of distilling are errors.
    pub strict: bool,
    /// Drop HEALTHCHECK.
    pub drop_healthcheck: bool,
    pub budget: Budget,
    pub targets: Targets,
    /// Names or absolute paths, in the order given.
    pub programs: Vec<String>,
    pub include: Vec<String>,
    pub exclude: Vec<String>,
}

/// The variants of a distroless image; also those of `FROM distroless:…`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Variant {
    #[default]
    Latest,
    Nonroot,
    Debug,
    DebugNonroot,
}

impl Variant {
    /// The variant of that tag.
    pub fn parse(tag: &str) -> Option<Self> {
        match tag {
            "latest" => Some(Self::Latest),
            "nonroot" => Some(Self::Nonroot),
            "debug" => Some(Self::Debug),
            "debug-nonroot" => Some(Self::DebugNonroot),
            _ => None,
        }
    }

    /// Its tag.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Latest => "latest",
            Self::Nonroot => "nonroot",
            Self::Debug => "debug",
            Self::DebugNonroot => "debug-nonroot",
        }
    }

    /// Whether the image's user is 65532.
    pub fn is_nonroot(self) -> bool {
        matches!(self, Self::Nonroot | Self::DebugNonroot)
    }

    /// Whether it has a shell to look around with.
    pub fn is_debug(self) -> bool {
        matches!(self, Self::Debug | Self::DebugNonroot)
    }
}

/// Limits whose violation fails the build.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Bytes.
    pub max_size: Option<u64>,
    pub max_packages: Option<u32>,
}

/// Which targets are distilled besides the last stage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Targets {
    pub all: bool,
    /// Stage names, lower case.
    pub names: BTreeSet<String>,
}

/// What is wrong with an entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    #[error("unknown distroless entry `{entry}`")]
    UnknownEntry { entry: String, suggestion: Option<String> },
    #[error("distroless entry `{entry}` needs a value")]
    NeedsValue { entry: String },
    #[error("distroless entry `{entry}` takes no value, got `{value}`")]
    TakesNoValue { entry: String, value: String },
    #[error("distroless entry `{entry}` cannot be `{value}`")]
    BadValue { entry: String, value: String, expected: &'static str },
}

impl Policy {
    /// The policy of a build: `site` (environment `DISTROLESS`), then `directive` (`# distroless=…`), then
    /// `arg` (`BUILDKIT_DISTROLESS`); later wins per entry, lists add up.
    ///
    /// # Errors
    /// [`PolicyError`] of the first bad entry.
    pub fn resolve(
        site: Option<&str>,
        directive: Option<&str>,
        arg: Option<&str>,
    ) -> Result<Self, PolicyError> {
        let _ = (site, directive, arg);
        Ok(Self::default())
    }
}

/// The line (1-based) of a `# distroless=` that stands before `syntax`, `escape` or `check`, which spoils
/// those for every frontend.
pub fn misplaced_distroless_directive(dockerfile: &str) -> Option<u32> {
    let _ = dockerfile;
    None
}
