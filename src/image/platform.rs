//! Platforms as `os/arch/variant`, with the parsing rules and texts of `containerd/platforms`.

use crate::dockerfile::quote::quote;

/// An operating system and processor, as `containerd/platforms` writes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Platform {
    pub architecture: String,
    pub os: String,
    #[serde(rename = "os.version", default, skip_serializing_if = "String::is_empty")]
    pub os_version: String,
    #[serde(rename = "os.features", default, skip_serializing_if = "Vec::is_empty")]
    pub os_features: Vec<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub variant: String,
}

/// Texts of `containerd/platforms`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlatformError {
    #[error("{}: unknown operating system or architecture: invalid argument", quote(.0))]
    Unknown(String),
    #[error("{}: cannot parse platform specifier: invalid argument", quote(.0))]
    Specifier(String),
    #[error("{}: wildcards not yet supported: invalid argument", quote(.0))]
    Wildcard(String),
    #[error(
        "{} is an invalid OS component of {}: OSAndVersion specifier component must match {OS_PATTERN}: \
         invalid argument",
        quote(component),
        quote(specifier)
    )]
    Os { component: String, specifier: String },
    #[error(
        "{} is an invalid component of {}: platform specifier component must match {COMPONENT_PATTERN}: \
         invalid argument",
        quote(component),
        quote(specifier)
    )]
    Component { component: String, specifier: String },
}

/// How the texts quote their patterns.
const OS_PATTERN: &str = r#""^([A-Za-z0-9_-]+)(?:\\(([A-Za-z0-9_.%-]*)((?:\\+[A-Za-z0-9_.%-]+)*)\\))?$""#;
const COMPONENT_PATTERN: &str = r#""^[A-Za-z0-9_.-]+$""#;

/// Characters of an OS version or feature that the format itself uses; `%` first.
const ENCODED: [(&str, &str); 5] = [("%", "%25"), ("+", "%2B"), ("(", "%28"), (")", "%29"), ("/", "%2F")];

impl Platform {
    /// Reads `os[(version[+feature…])]/arch[/variant]`, or a lone known os or arch.
    ///
    /// # Errors
    /// [`PlatformError`] with the official text.
    pub fn parse(text: &str) -> Result<Self, PlatformError> {
        if text.contains('*') {
            return Err(PlatformError::Wildcard(text.to_owned()));
        }
        let parts: Vec<&str> = text.split('/').collect();
        let mut platform = parse_os(parts[0]).ok_or_else(|| PlatformError::Os {
            component: parts[0].to_owned(),
            specifier: text.to_owned(),
        })?;
        if let Some(bad) = parts[1..].iter().find(|part| !is_component(part)) {
            let (component, specifier) = ((*bad).to_owned(), text.to_owned());
            return Err(PlatformError::Component { component, specifier });
        }
        let (architecture, variant) = match parts[1..] {
            [] if KNOWN_OS.contains(&platform.os.as_str()) => (HOST_ARCHITECTURE.to_owned(), String::new()),
            [] => {
                let (architecture, variant) = parse_arch(parts[0]);
                if !KNOWN_ARCHITECTURES.contains(&architecture.as_str()) {
                    return Err(PlatformError::Unknown(text.to_owned()));
                }
                "linux".clone_into(&mut platform.os);
                (architecture, variant)
            }
            [architecture] => parse_arch(architecture),
            [architecture, variant] => {
                let (architecture, variant) = normalize_arch(architecture, variant);
                let variant = match (architecture.as_str(), variant.as_str()) {
                    ("arm64", "") => "v8".to_owned(),
                    _ => variant,
                };
                (architecture, variant)
            }
            _ => return Err(PlatformError::Specifier(text.to_owned())),
        };
        Ok(Self { architecture, variant, ..platform })
    }

    /// The platform that decant itself was built for.
    pub fn host() -> Self {
        Self { architecture: HOST_ARCHITECTURE.to_owned(), os: "linux".to_owned(), ..Self::default() }
    }

    /// The same with aliases and default variants folded: `linux/arm64/v8` → `linux/arm64`.
    #[must_use]
    pub fn normalize(mut self) -> Self {
        self.os = normalize_os(&self.os);
        (self.architecture, self.variant) = normalize_arch(&self.architecture, &self.variant);
        self.os_features.sort();
        self.os_features.dedup();
        self
    }

    /// `os/arch[/variant]`, without OS version and features.
    pub fn format(&self) -> String {
        self.join(&self.os)
    }

    /// `os[(version+feature…)]/arch[/variant]`: the id of a result.
    pub fn format_all(&self) -> String {
        let mut features: Vec<&str> =
            self.os_features.iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
        features.sort_unstable();
        features.dedup();
        if self.os_version.is_empty() && features.is_empty() {
            return self.join(&self.os);
        }
        let options: Vec<String> =
            [self.os_version.as_str()].into_iter().chain(features).map(encode_option).collect();
        self.join(&format!("{}({})", self.os, options.join("+")))
    }

    fn join(&self, os: &str) -> String {
        if self.os.is_empty() {
            return "unknown".to_owned();
        }
        let parts = [os, &self.architecture, &self.variant];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join("/")
    }
}

/// `os[(version[+feature…])]`, only these parts set.
fn parse_os(text: &str) -> Option<Platform> {
    let (name, options) = match text.split_once('(') {
        Some((name, rest)) => (name, Some(rest.strip_suffix(')')?)),
        None => (text, None),
    };
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if name.is_empty() || !name.bytes().all(is_name) {
        return None;
    }
    let mut platform = Platform { os: normalize_os(name), ..Platform::default() };
    let Some(options) = options else { return Some(platform) };
    let is_option = |byte: u8| is_name(byte) || matches!(byte, b'.' | b'%');
    let mut parts = options.split('+');
    let version = parts.next().unwrap_or_default();
    let features: Vec<&str> = parts.collect();
    let valid = version.bytes().all(is_option)
        && features.iter().all(|name| !name.is_empty() && name.bytes().all(is_option));
    if !valid {
        return None;
    }
    platform.os_version = decode_option(version)?;
    platform.os_features = features.into_iter().map(decode_option).collect::<Option<Vec<String>>>()?;
    Some(platform)
}

/// A lone architecture: `arm` means any.
fn parse_arch(text: &str) -> (String, String) {
    let (architecture, variant) = normalize_arch(text, "");
    if architecture == "arm" && variant == "v7" {
        return (architecture, String::new());
    }
    (architecture, variant)
}

fn is_component(text: &str) -> bool {
    let valid = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    !text.is_empty() && text.bytes().all(valid)
}

fn normalize_os(os: &str) -> String {
    match os.to_lowercase().as_str() {
        "" => "linux".to_owned(),
        "macos" => "darwin".to_owned(),
        other => other.to_owned(),
    }
}

fn normalize_arch(architecture: &str, variant: &str) -> (String, String) {
    let (architecture, variant) = (architecture.to_lowercase(), variant.to_lowercase());
    let (architecture, variant) = match (architecture.as_str(), variant.as_str()) {
        ("i386", _) => ("386", ""),
        ("x86_64" | "x86-64" | "amd64", "v1") => ("amd64", ""),
        ("x86_64" | "x86-64", variant) => ("amd64", variant),
        ("aarch64" | "arm64", "8" | "v8" | "v8.0") => ("arm64", ""),
        ("aarch64" | "arm64", "9" | "9.0" | "v9.0") => ("arm64", "v9"),
        ("aarch64", variant) => ("arm64", variant),
        ("armhf", _) | ("arm", "" | "7") => ("arm", "v7"),
        ("armel", _) | ("arm", "6") => ("arm", "v6"),
        ("arm", "5") => ("arm", "v5"),
        ("arm", "8") => ("arm", "v8"),
        other => other,
    };
    (architecture.to_owned(), variant.to_owned())
}

fn encode_option(text: &str) -> String {
    ENCODED.iter().fold(text.to_owned(), |text, (plain, code)| text.replace(plain, code))
}

/// Undoes percent encoding; `None` when it is broken.
fn decode_option(text: &str) -> Option<String> {
    let mut pieces = text.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let code = piece.get(..2).filter(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        bytes.push(u8::from_str_radix(code, 16).ok()?);
        bytes.extend_from_slice(&piece.as_bytes()[2..]);
    }
    String::from_utf8(bytes).ok()
}

/// The processor that decant itself was built for: what a lone os means, as in Go.
const HOST_ARCHITECTURE: &str = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };

const KNOWN_OS: &[&str] = &[
    "aix",
    "android",
    "darwin",
    "dragonfly",
    "freebsd",
    "hurd",
    "illumos",
    "ios",
    "js",
    "linux",
    "nacl",
    "netbsd",
    "openbsd",
    "plan9",
    "solaris",
    "windows",
    "zos",
];

const KNOWN_ARCHITECTURES: &[&str] = &[
    "386",
    "amd64",
    "amd64p32",
    "arm",
    "arm64",
    "arm64be",
    "armbe",
    "loong64",
    "mips",
    "mips64",
    "mips64le",
    "mips64p32",
    "mips64p32le",
    "mipsle",
    "ppc",
    "ppc64",
    "ppc64le",
    "riscv",
    "riscv64",
    "s390",
    "s390x",
    "sparc",
    "sparc64",
    "wasm",
];

#[cfg(test)]
mod tests {
    use super::*;

    /// `<parsed> <normalised id>` or the error.
    fn read(text: &str) -> String {
        match Platform::parse(text) {
            Ok(platform) => format!("{} {}", platform.format(), platform.normalize().format_all()),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn reads_platforms_as_containerd_does() {
        for (summary, text, expected) in [
            ("plain", "linux/amd64", "linux/amd64 linux/amd64"),
            ("uppercase alias", "Linux/X86_64", "linux/amd64 linux/amd64"),
            ("amd64 default variant", "linux/amd64/v1", "linux/amd64 linux/amd64"),
            ("amd64 variant", "linux/amd64/v3", "linux/amd64/v3 linux/amd64/v3"),
            ("arm64 default variant", "linux/arm64/v8", "linux/arm64/v8 linux/arm64"),
            ("arm64 variant", "linux/aarch64/v9.0", "linux/arm64/v9 linux/arm64/v9"),
            ("arm", "linux/arm", "linux/arm linux/arm/v7"),
            ("armhf", "linux/armhf", "linux/arm linux/arm/v7"),
            ("armel", "linux/armel", "linux/arm/v6 linux/arm/v6"),
            ("arm short variant", "linux/arm/6", "linux/arm/v6 linux/arm/v6"),
            ("lone arch", "arm64", "linux/arm64 linux/arm64"),
            ("mac", "macos/arm64", "darwin/arm64 darwin/arm64"),
            ("unknown os is taken", "plan10/x", "plan10/x plan10/x"),
            (
                "version and features",
                "windows(10.0.1+win32k)/amd64",
                "windows/amd64 windows(10.0.1+win32k)/amd64",
            ),
            ("encoded version", "windows(1%2B2)/amd64", "windows/amd64 windows(1%2B2)/amd64"),
            ("lone word", "foo", "\"foo\": unknown operating system or architecture: invalid argument"),
            ("four parts", "a/b/c/d", "\"a/b/c/d\": cannot parse platform specifier: invalid argument"),
            ("wildcard", "linux/a*", "\"linux/a*\": wildcards not yet supported: invalid argument"),
            (
                "space",
                "linux/am d64",
                "\"am d64\" is an invalid component of \"linux/am d64\": platform specifier component \
                 must match \"^[A-Za-z0-9_.-]+$\": invalid argument",
            ),
            (
                "empty",
                "",
                "\"\" is an invalid OS component of \"\": OSAndVersion specifier component must match \
                 \"^([A-Za-z0-9_-]+)(?:\\\\(([A-Za-z0-9_.%-]*)((?:\\\\+[A-Za-z0-9_.%-]+)*)\\\\))?$\": \
                 invalid argument",
            ),
        ] {
            assert_eq!(read(text), expected, "{summary}");
        }
    }
}
