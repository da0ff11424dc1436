//! The distroless control grammar: site default, parser directive, build argument.

use std::collections::BTreeSet;
use std::fmt;

use crate::diagnostic::Diagnostic;
use crate::dockerfile::source::Span;
use crate::dockerfile::suggest::nearest;

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
    /// All tags, for suggestions.
    pub const TAGS: [&str; 4] = ["latest", "nonroot", "debug", "debug-nonroot"];

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

impl Targets {
    /// Whether the stage called `name` is one of them.
    pub fn contains(&self, name: &str) -> bool {
        self.all || self.names.contains(&name.to_lowercase())
    }
}

/// Where an entry was written; later ones win.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Environment of the frontend image.
    Site,
    /// Parser directive of the Dockerfile.
    Directive,
    BuildArg,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Site => "environment variable `DISTROLESS` of the frontend image",
            Self::Directive => "directive `# distroless=`",
            Self::BuildArg => "build argument `BUILDKIT_DISTROLESS`",
        })
    }
}

/// A bad entry and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem} in {origin}")]
pub struct PolicyError {
    pub origin: Origin,
    pub problem: EntryError,
}

/// What is wrong with an entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    #[error("unknown entry `{0}`")]
    Unknown(String),
    #[error("entry `{0}` needs a value")]
    NeedsValue(&'static str),
    #[error("entry `{entry}` takes no value, got `{value}`")]
    TakesNoValue { entry: String, value: String },
    #[error("entry `{entry}` cannot be `{value}`")]
    BadValue { entry: &'static str, value: String, expected: &'static str },
}

impl PolicyError {
    /// What the user is told; `directive` is the place of the `# distroless=` line.
    pub fn diagnostic(&self, directive: Option<Span>) -> Diagnostic {
        let mut diagnostic = Diagnostic::new(self.to_string());
        if let (Origin::Directive, Some(span)) = (self.origin, directive) {
            diagnostic = diagnostic.at(span);
        }
        match &self.problem {
            EntryError::Unknown(entry) => {
                let known = ENTRIES.iter().copied();
                diagnostic.hint(match nearest(entry, known) {
                    Some(name) => format!("did you mean `{name}`?"),
                    None => format!("entries are {}", ENTRIES.join(", ")),
                })
            }
            EntryError::NeedsValue(entry) => diagnostic.hint(format!("write `{entry}=…`")),
            EntryError::TakesNoValue { entry, .. } => diagnostic.hint(format!("write `{entry}` alone")),
            EntryError::BadValue { expected, .. } => diagnostic.hint(format!("write {expected}")),
        }
    }
}

impl Policy {
    /// The policy of a build: `site` (environment `DISTROLESS`), then `directive` (`# distroless=…`), then
    /// `arg` (`BUILDKIT_DISTROLESS`). Later wins per entry; lists add up until an empty value clears them.
    ///
    /// # Errors
    /// [`PolicyError`] of the first bad entry.
    pub fn resolve(
        site: Option<&str>,
        directive: Option<&str>,
        arg: Option<&str>,
    ) -> Result<Self, PolicyError> {
        let mut policy = Self::default();
        let places = [(Origin::Site, site), (Origin::Directive, directive), (Origin::BuildArg, arg)];
        for (origin, text) in places {
            for entry in split(text.unwrap_or_default(), ';') {
                policy.apply(entry.trim()).map_err(|problem| PolicyError { origin, problem })?;
            }
        }
        Ok(policy)
    }

    fn apply(&mut self, entry: &str) -> Result<(), EntryError> {
        if entry.is_empty() {
            return Ok(());
        }
        let (name, value) = match entry.split_once('=') {
            Some((name, value)) => (name.trim(), Some(value.trim())),
            None => (entry, None),
        };
        let name = name.to_ascii_lowercase();
        match name.as_str() {
            "on" | "off" => {
                no_value(&name, value)?;
                self.distil = Some(name == "on");
            }
            "strict" => self.strict = switch("strict", value.unwrap_or("on"))?,
            "healthcheck" => {
                let value = value.ok_or(EntryError::NeedsValue("healthcheck"))?;
                self.drop_healthcheck = !switch("healthcheck", value)?;
            }
            "max-size" => self.budget.max_size = limit("max-size", value, size, "a size such as `50MB`")?,
            "max-packages" => {
                let number = |text: &str| text.parse().ok();
                self.budget.max_packages = limit("max-packages", value, number, "a number")?;
            }
            "targets" => match list("targets", value)? {
                List::Clear => self.targets = Targets::default(),
                List::Add(names) => {
                    self.targets.all |= names.iter().any(|name| name == "all");
                    let names = names.into_iter().filter(|name| name != "all");
                    self.targets.names.extend(names.map(|name| name.to_lowercase()));
                }
            },
            "program" => extend(&mut self.programs, list("program", value)?),
            "include" => extend(&mut self.include, list("include", value)?),
            "exclude" => extend(&mut self.exclude, list("exclude", value)?),
            other => match Variant::parse(other) {
                Some(variant) => {
                    no_value(other, value)?;
                    self.variant = Some(variant);
                }
                None => return Err(EntryError::Unknown(other.to_owned())),
            },
        }
        Ok(())
    }
}

/// Every entry, for suggestions.
const ENTRIES: [&str; 14] = [
    "on",
    "off",
    "nonroot",
    "debug",
    "debug-nonroot",
    "latest",
    "strict",
    "targets",
    "program",
    "include",
    "exclude",
    "healthcheck",
    "max-size",
    "max-packages",
];

/// What a list entry does.
enum List {
    Clear,
    Add(Vec<String>),
}

fn list(entry: &'static str, value: Option<&str>) -> Result<List, EntryError> {
    match value {
        None => Err(EntryError::NeedsValue(entry)),
        Some("") => Ok(List::Clear),
        Some(value) => {
            let items = split(value, ',').into_iter().map(|item| unescape(item.trim()));
            Ok(List::Add(items.filter(|item| !item.is_empty()).collect()))
        }
    }
}

fn extend(items: &mut Vec<String>, list: List) {
    match list {
        List::Clear => items.clear(),
        List::Add(new) => {
            for item in new {
                if !items.contains(&item) {
                    items.push(item);
                }
            }
        }
    }
}

fn no_value(entry: &str, value: Option<&str>) -> Result<(), EntryError> {
    match value {
        None => Ok(()),
        Some(value) => Err(EntryError::TakesNoValue { entry: entry.to_owned(), value: value.to_owned() }),
    }
}

fn switch(entry: &'static str, value: &str) -> Result<bool, EntryError> {
    match value {
        "on" => Ok(true),
        "off" => Ok(false),
        other => Err(EntryError::BadValue { entry, value: other.to_owned(), expected: "`on` or `off`" }),
    }
}

/// A budget; an empty value lifts it.
fn limit<T>(
    entry: &'static str,
    value: Option<&str>,
    read: impl Fn(&str) -> Option<T>,
    expected: &'static str,
) -> Result<Option<T>, EntryError> {
    match value {
        None => Err(EntryError::NeedsValue(entry)),
        Some("") => Ok(None),
        Some(text) => match read(text) {
            Some(value) => Ok(Some(value)),
            None => Err(EntryError::BadValue { entry, value: text.to_owned(), expected }),
        },
    }
}

/// Bytes, from a whole number with a decimal or binary unit.
fn size(text: &str) -> Option<u64> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

/// Splits at `separator` where no backslash stands before it; escapes stay as they are.
fn split(text: &str, separator: char) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut escaped = false;
    for (position, letter) in text.char_indices() {
        if !escaped && letter == separator {
            pieces.push(&text[start..position]);
            start = position + letter.len_utf8();
        }
        escaped = !escaped && letter == '\\';
    }
    pieces.push(&text[start..]);
    pieces
}

/// Takes the backslash from `\,` and `\;`; any other one belongs to the glob.
fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            plain.push(letter);
            continue;
        }
        match letters.next() {
            Some(separator @ (',' | ';')) => plain.push(separator),
            Some(other) => plain.extend(['\\', other]),
            None => plain.push('\\'),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(site: &str, directive: &str, arg: &str) -> Policy {
        Policy::resolve(Some(site), Some(directive), Some(arg)).expect("a good policy")
    }

    #[test]
    fn later_wins_per_entry_and_lists_add_up() {
        let policy = resolve(
            "off; nonroot; strict; max-size=1GB; program=sh",
            "on;debug;max-size=50MB;include=/a\\,b,/c\\;d;targets=Test",
            "strict=off;program=/bin/ls,sh;exclude=/x/*.\\*;max-packages=3;healthcheck=off",
        );
        assert_eq!(
            policy,
            Policy {
                distil: Some(true),
                variant: Some(Variant::Debug),
                strict: false,
                drop_healthcheck: true,
                budget: Budget { max_size: Some(50_000_000), max_packages: Some(3) },
                targets: Targets { all: false, names: BTreeSet::from(["test".to_owned()]) },
                programs: vec!["sh".to_owned(), "/bin/ls".to_owned()],
                include: vec!["/a,b".to_owned(), "/c;d".to_owned()],
                exclude: vec!["/x/*.\\*".to_owned()],
            }
        );
    }

    #[test]
    fn empty_values_clear() {
        let policy = resolve(
            "include=/a;program=x;targets=all;max-size=5MB",
            "include=;include=/b;program=;targets=",
            "max-size=;healthcheck=on;latest;",
        );
        assert_eq!(policy.include, ["/b"]);
        assert_eq!(policy.programs, [""; 0]);
        assert_eq!(policy.targets, Targets::default());
        assert_eq!(policy.budget, Budget::default());
        assert_eq!(policy.variant, Some(Variant::Latest));
        assert_eq!(Policy::resolve(None, None, None).unwrap(), Policy::default());
    }

    #[test]
    fn bad_entries_say_what_to_write() {
        for (text, expected) in [
            ("nonrot", "unknown entry `nonrot` in directive `# distroless=` (hint: did you mean `nonroot`?)"),
            ("STRCT", "unknown entry `strct` in directive `# distroless=` (hint: did you mean `strict`?)"),
            (
                "whatever=1",
                "unknown entry `whatever` in directive `# distroless=` (hint: entries are on, off, nonroot, \
                 debug, debug-nonroot, latest, strict, targets, program, include, exclude, healthcheck, \
                 max-size, max-packages)",
            ),
            (
                "include",
                "entry `include` needs a value in directive `# distroless=` (hint: write `include=…`)",
            ),
            (
                "on=1",
                "entry `on` takes no value, got `1` in directive `# distroless=` (hint: write `on` alone)",
            ),
            (
                "max-size=5",
                "entry `max-size` cannot be `5` in directive `# distroless=` (hint: write a size such as \
                 `50MB`)",
            ),
            (
                "healthcheck=no",
                "entry `healthcheck` cannot be `no` in directive `# distroless=` (hint: write `on` or `off`)",
            ),
        ] {
            let error = Policy::resolve(None, Some(text), None).unwrap_err();
            let diagnostic = error.diagnostic(Some(Span::lines(2, 2)));
            assert_eq!(diagnostic.text(), expected, "{text}");
            assert_eq!(diagnostic.spans, [Span::lines(2, 2)], "{text}");
        }
        let error = Policy::resolve(Some("x"), None, None).unwrap_err();
        assert_eq!(
            error.diagnostic(None).message,
            "unknown entry `x` in environment variable `DISTROLESS` of the frontend image"
        );
    }

    #[test]
    fn sizes_have_units() {
        for (text, bytes) in [
            ("7B", Some(7)),
            ("2kB", Some(2000)),
            ("2 MiB", Some(2 << 20)),
            ("1GB", Some(1_000_000_000)),
            ("MB", None),
            ("1.5GB", None),
            ("99999999999999999999GB", None),
        ] {
            assert_eq!(size(text), bytes, "{text}");
        }
    }
}
