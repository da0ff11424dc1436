//! Absolute, normalised paths inside a root file system.

use std::fmt;

/// An absolute, normalised path inside one stage's root file system.
///
/// Invariant: starts with `/`; no empty, `.` or `..` component; no trailing `/` but for the root.
/// Bytes, because Linux file names are; shown with escapes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RootfsPath(Box<[u8]>);

impl RootfsPath {
    /// `/`.
    pub fn root() -> Self {
        Self(Box::from(*b"/"))
    }

    /// Normalises `text` lexically; a relative text counts from the root, `..` at the root stays there
    /// (`path_resolution(7)`).
    pub fn parse(text: &[u8]) -> Self {
        if let Some(rest) = text.strip_prefix(b"/")
            && rest.split(|byte| *byte == b'/').all(is_name)
        {
            return Self(text.into());
        }
        let mut parts: Vec<&[u8]> = Vec::new();
        for part in text.split(|byte| *byte == b'/') {
            match part {
                b"" | b"." => {}
                b".." => {
                    parts.pop();
                }
                name => parts.push(name),
            }
        }
        let mut bytes = Vec::with_capacity(text.len() + 1);
        for part in parts {
            bytes.push(b'/');
            bytes.extend_from_slice(part);
        }
        if bytes.is_empty() {
            bytes.push(b'/');
        }
        Self(bytes.into())
    }

    /// `relative` counted from this path as a directory; an absolute text starts at the root.
    #[must_use]
    pub fn join(&self, relative: &[u8]) -> Self {
        if relative.first() == Some(&b'/') {
            return Self::parse(relative);
        }
        let directory = if self.is_root() { &[] } else { &*self.0 };
        let joined = [directory, b"/", relative].concat();
        // One name below a path is what is asked for most.
        let plain = !relative.contains(&b'/') && is_name(relative);
        if plain { Self(joined.into()) } else { Self::parse(&joined) }
    }

    /// The path a symlink at `self` with text `target` points to, not yet resolved itself.
    #[must_use]
    pub fn follow(&self, target: &[u8]) -> Self {
        self.parent().unwrap_or_else(Self::root).join(target)
    }

    /// The directory that holds it; `None` for the root.
    pub fn parent(&self) -> Option<Self> {
        let at = self.0.iter().rposition(|byte| *byte == b'/')?;
        match (at, self.0.len()) {
            (0, 1) => None,
            (0, _) => Some(Self::root()),
            _ => Some(Self(self.0[..at].into())),
        }
    }

    /// The last component; empty for the root.
    pub fn name(&self) -> &[u8] {
        let at = self.0.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
        &self.0[at..]
    }

    /// The components from the root down.
    pub fn components(&self) -> impl Iterator<Item = &[u8]> {
        self.0.split(|byte| *byte == b'/').filter(|part| !part.is_empty())
    }

    /// Whether it is `dir` or lies below it.
    pub fn is_within(&self, dir: &Self) -> bool {
        dir.is_root()
            || self.0.strip_prefix(&*dir.0).is_some_and(|rest| matches!(rest.first(), None | Some(b'/')))
    }

    pub fn is_root(&self) -> bool {
        &*self.0 == b"/"
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Whether a component names an entry.
fn is_name(component: &[u8]) -> bool {
    !matches!(component, b"" | b"." | b"..")
}

impl From<&str> for RootfsPath {
    fn from(text: &str) -> Self {
        Self::parse(text.as_bytes())
    }
}

impl fmt::Display for RootfsPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match std::str::from_utf8(&self.0) {
            Ok(text) if !text.contains(char::is_control) => f.write_str(text),
            _ => write!(f, "{}", self.0.escape_ascii()),
        }
    }
}
