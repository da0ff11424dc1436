//! Image references: `docker.io/library/busybox:latest` and what people write for it, with the rules and
//! texts of `distribution/reference`.

/// A normalised image reference: domain and repository always, tag and digest if given.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ImageRef {
    /// `docker.io`, `localhost:5000`, …; empty when the first component can only be part of a path.
    pub domain: String,
    /// `library/busybox`.
    pub path: String,
    pub tag: Option<String>,
    /// `sha256:…`
    pub digest: Option<String>,
}

/// Texts of `distribution/reference` and `go-digest`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImageRefError {
    #[error("invalid reference format")]
    Format,
    #[error("invalid reference format: repository name ({0}) must be lowercase")]
    Uppercase(String),
    #[error("repository name must be lowercase")]
    UppercaseFirst,
    #[error("repository name must not be more than 255 characters")]
    TooLong,
    #[error("invalid repository name ({0}), cannot specify 64-byte hexadecimal strings")]
    LooksLikeId(String),
    #[error("unsupported digest algorithm")]
    DigestAlgorithm,
    #[error("invalid checksum digest length")]
    DigestLength,
    #[error("invalid checksum digest format")]
    DigestFormat,
}

/// Where names without a domain live.
const DEFAULT_DOMAIN: &str = "docker.io";
/// An old name of it.
const LEGACY_DOMAIN: &str = "index.docker.io";
/// What a name of one component is prefixed with there.
const OFFICIAL_PREFIX: &str = "library/";
/// Most bytes of a repository path.
const MAX_PATH_BYTES: usize = 255;
/// Most characters of a tag.
const MAX_TAG_LENGTH: usize = 128;

impl ImageRef {
    /// Normalises what a user wrote; adds no tag.
    ///
    /// # Errors
    /// [`ImageRefError`] with the official text.
    pub fn parse(text: &str) -> Result<Self, ImageRefError> {
        if text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(ImageRefError::LooksLikeId(text.to_owned()));
        }
        let (domain, remainder) = split_domain(text);
        let remote = remainder.split(':').next().unwrap_or_default();
        if remote.to_lowercase() != remote {
            return Err(ImageRefError::Uppercase(remote.to_owned()));
        }
        let (name, digest) = split_suffix(&remainder, '@');
        let (path, tag) = split_suffix(name, ':');
        let well_formed = path.split('/').all(is_path_component)
            && tag.is_none_or(is_tag)
            && digest.is_none_or(is_digest_shaped);
        if !well_formed {
            return Err(ImageRefError::Format);
        }
        let (domain, path) = if is_domain(&domain) {
            (domain, path.to_owned())
        } else if is_path_component(&domain) {
            (String::new(), format!("{domain}/{path}"))
        } else if is_path_component(&domain.to_lowercase()) {
            return Err(ImageRefError::UppercaseFirst);
        } else {
            return Err(ImageRefError::Format);
        };
        if path.len() > MAX_PATH_BYTES {
            return Err(ImageRefError::TooLong);
        }
        if let Some(digest) = digest {
            check_digest(digest)?;
        }
        Ok(Self { domain, path, tag: tag.map(str::to_owned), digest: digest.map(str::to_owned) })
    }

    /// The same with tag `latest` when it has neither tag nor digest.
    #[must_use]
    pub fn or_latest(mut self) -> Self {
        if self.tag.is_none() && self.digest.is_none() {
            self.tag = Some("latest".to_owned());
        }
        self
    }

    /// The same with `digest`.
    #[must_use]
    pub fn with_digest(mut self, digest: impl Into<String>) -> Self {
        self.digest = Some(digest.into());
        self
    }

    /// The short form: `busybox:latest` for `docker.io/library/busybox:latest`.
    pub fn familiar(&self) -> String {
        if self.domain != DEFAULT_DOMAIN {
            return self.to_string();
        }
        let official = self.path.strip_prefix(OFFICIAL_PREFIX).filter(|rest| !rest.contains('/'));
        let short =
            Self { domain: String::new(), path: official.unwrap_or(&self.path).to_owned(), ..self.clone() };
        short.to_string()
    }
}

impl std::fmt::Display for ImageRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if !self.domain.is_empty() {
            write!(f, "{}/", self.domain)?;
        }
        f.write_str(&self.path)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

/// Domain and the rest, both completed as for Docker Hub where nothing else is named.
fn split_domain(text: &str) -> (String, String) {
    let Some((first, rest)) = text.split_once('/') else {
        return (DEFAULT_DOMAIN.to_owned(), format!("{OFFICIAL_PREFIX}{text}"));
    };
    let (domain, rest) = if first == LEGACY_DOMAIN {
        (DEFAULT_DOMAIN, rest)
    } else if first == "localhost" || first.contains(['.', ':']) || first.to_lowercase() != first {
        (first, rest)
    } else {
        (DEFAULT_DOMAIN, text)
    };
    if domain == DEFAULT_DOMAIN && !rest.contains('/') {
        return (domain.to_owned(), format!("{OFFICIAL_PREFIX}{rest}"));
    }
    (domain.to_owned(), rest.to_owned())
}

fn split_suffix(text: &str, separator: char) -> (&str, Option<&str>) {
    match text.split_once(separator) {
        Some((head, tail)) => (head, Some(tail)),
        None => (text, None),
    }
}

/// `[a-z0-9]+` runs joined by `.`, `_`, `__` or any number of `-`.
fn is_path_component(text: &str) -> bool {
    let is_alnum = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    let ends = [bytes.first(), bytes.last()];
    if !ends.iter().all(|end| end.is_some_and(|byte| is_alnum(*byte))) {
        return false;
    }
    bytes.split(|byte| is_alnum(*byte)).all(|separator| {
        matches!(separator, b"" | b"." | b"_" | b"__") || separator.iter().all(|b| *b == b'-')
    })
}

fn is_tag(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let mut bytes = text.bytes();
    bytes.next().is_some_and(word)
        && bytes.all(|byte| word(byte) || matches!(byte, b'.' | b'-'))
        && text.len() <= MAX_TAG_LENGTH
}

/// `host[:port]`, where the host is a DNS name or an IPv6 address in brackets.
fn is_domain(text: &str) -> bool {
    let (valid_host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, "")) => (is_ipv6(address), None),
        Some((address, rest)) => (is_ipv6(address) && rest.starts_with(':'), rest.get(1..)),
        None => {
            let (host, port) = split_suffix(text, ':');
            (host.split('.').all(is_label), port)
        }
    };
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    valid_host && port.is_none_or(is_port)
}

fn is_ipv6(address: &str) -> bool {
    !address.is_empty() && address.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':')
}

/// One label of a DNS name.
fn is_label(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// `algorithm:hex`, at least 32 digits; the algorithm is checked afterwards.
fn is_digest_shaped(text: &str) -> bool {
    let Some((algorithm, hex)) = text.split_once(':') else { return false };
    let starts_with_letter = |part: &str| {
        part.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    algorithm.split(['-', '_', '+', '.']).all(starts_with_letter)
        && hex.len() >= 32
        && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn check_digest(digest: &str) -> Result<(), ImageRefError> {
    let (algorithm, hex) = digest.split_once(':').ok_or(ImageRefError::DigestFormat)?;
    let length = match algorithm {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ if algorithm.to_lowercase() != algorithm => return Err(ImageRefError::DigestFormat),
        _ => return Err(ImageRefError::DigestAlgorithm),
    };
    if hex.len() != length {
        return Err(ImageRefError::DigestLength);
    }
    if hex.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err(ImageRefError::DigestFormat);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `<full form> <familiar form>` or the error.
    fn read(text: &str) -> String {
        match ImageRef::parse(text) {
            Ok(reference) => format!("{reference} {}", reference.familiar()),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn reads_what_docker_users_write() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let hex = "b".repeat(64);
        for (summary, text, expected) in [
            ("one word", "busybox", "docker.io/library/busybox busybox".to_owned()),
            ("tag", "busybox:1.36", "docker.io/library/busybox:1.36 busybox:1.36".to_owned()),
            ("user", "u/app", "docker.io/u/app u/app".to_owned()),
            ("hub by name", "docker.io/app", "docker.io/library/app app".to_owned()),
            ("old hub name", "index.docker.io/app", "docker.io/library/app app".to_owned()),
            ("nested official", "docker.io/library/a/b", "docker.io/library/a/b library/a/b".to_owned()),
            ("port", "localhost:5000/a:t", "localhost:5000/a:t localhost:5000/a:t".to_owned()),
            ("localhost", "localhost/a", "localhost/a localhost/a".to_owned()),
            ("ipv6", "[::1]:5000/a", "[::1]:5000/a [::1]:5000/a".to_owned()),
            ("uppercase domain", "Foo/bar", "Foo/bar Foo/bar".to_owned()),
            (
                "tag and digest",
                &format!("a:b@{digest}"),
                format!("docker.io/library/a:b@{digest} a:b@{digest}"),
            ),
            ("domain that is a path", "a_b.c/d", "a_b.c/d a_b.c/d".to_owned()),
            (
                "uppercase",
                "Foo",
                "invalid reference format: repository name (library/Foo) must be lowercase".to_owned(),
            ),
            ("uppercase path", "A_b/c", "repository name must be lowercase".to_owned()),
            ("empty", "", "invalid reference format".to_owned()),
            ("empty tag", "a:", "invalid reference format".to_owned()),
            ("separators", "a__b.c---d", "docker.io/library/a__b.c---d a__b.c---d".to_owned()),
            ("three underscores", "a___b", "invalid reference format".to_owned()),
            ("trailing dot", "a.", "invalid reference format".to_owned()),
            ("short digest", "a@sha256:ab", "invalid reference format".to_owned()),
            (
                "digest length",
                &format!("a@sha256:{}", "a".repeat(40)),
                "invalid checksum digest length".to_owned(),
            ),
            (
                "digest algorithm",
                &format!("a@md5:{}", "a".repeat(32)),
                "unsupported digest algorithm".to_owned(),
            ),
            (
                "id",
                &hex,
                format!("invalid repository name ({hex}), cannot specify 64-byte hexadecimal strings"),
            ),
            ("long", &"a".repeat(300), "repository name must not be more than 255 characters".to_owned()),
        ] {
            assert_eq!(read(text), expected, "{summary}");
        }
    }
}
