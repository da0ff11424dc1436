//! Parser directives: `# key=value` comments at the top of a Dockerfile.

use super::source::Span;

/// A directive found without parsing the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detected {
    /// For `syntax`: the image; for `check`: the options. The value up to its first space.
    pub value: String,
    /// The whole value.
    pub whole: String,
    /// Where it stands; line 0 or 1 for the JSON form of `syntax`.
    pub span: Span,
}

/// The `# distroless=` directive of decant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distroless {
    /// The whole value.
    pub value: String,
    pub span: Span,
    /// The first known directive after it, which it spoils for every frontend (rule
    /// `DistrolessDirectiveOrder`): name and place.
    pub spoils: Option<(&'static str, Span)>,
}

/// The `syntax` directive in its `#`, `//` or JSON form.
pub fn syntax(data: &[u8]) -> Option<Detected> {
    let _ = data;
    None
}

/// The `check` directive.
pub fn check(data: &[u8]) -> Option<Detected> {
    let _ = data;
    None
}

/// The `distroless` directive.
pub fn distroless(data: &[u8]) -> Option<Distroless> {
    let _ = data;
    None
}
