//! Platforms as `os/arch/variant`.

/// An operating system and processor, as `containerd/platforms` writes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Platform {
    pub architecture: String,
    pub os: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub variant: String,
    #[serde(rename = "os.version", default, skip_serializing_if = "String::is_empty")]
    pub os_version: String,
    #[serde(rename = "os.features", default, skip_serializing_if = "Vec::is_empty")]
    pub os_features: Vec<String>,
}

/// Texts of `containerd/platforms`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlatformError {
    #[error("{0:?}: unknown operating system or architecture: invalid argument")]
    Unknown(String),
    #[error("{0:?}: cannot parse platform specifier: invalid argument")]
    Specifier(String),
}

impl Platform {
    /// Reads `os[(version[+feature…])]/arch[/variant]`, or a lone known os or arch.
    ///
    /// # Errors
    /// [`PlatformError`] with the official text.
    pub fn parse(text: &str) -> Result<Self, PlatformError> {
        Err(PlatformError::Specifier(text.to_owned()))
    }

    /// The same with aliases and default variants folded: `linux/arm64/v8` → `linux/arm64`.
    #[must_use]
    pub fn normalize(self) -> Self {
        self
    }

    /// `os/arch[/variant]`, without OS version and features.
    pub fn format(&self) -> String {
        String::new()
    }

    /// `os[(version+feature…)]/arch[/variant]`: the id of a result.
    pub fn format_all(&self) -> String {
        String::new()
    }
}
