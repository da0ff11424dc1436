//! Patterns of ignore files, `--exclude` and include filters (`moby/patternmatcher`).

mod expression;
mod glob;

use expression::Expression;

use super::ignore::clean;
use super::raw;

/// An ordered list of patterns; the last match wins and `!` takes back.
#[derive(Clone, Debug, Default)]
pub struct PatternSet {
    patterns: Vec<Pattern>,
}

#[derive(Clone, Debug)]
struct Pattern {
    /// Cleaned, without `!`.
    text: String,
    exclusion: bool,
    shape: Shape,
}

/// How a pattern is compared.
#[derive(Clone, Debug)]
enum Shape {
    /// No wildcards: the same bytes, escapes of other characters included.
    Exact,
    /// `text**`: begins with `text`.
    Prefix,
    /// `**text`: ends with `text`.
    Suffix,
    Expression(Expression),
    /// Accepted by the check, but no expression; the official matcher fails when it comes to it.
    Broken,
}

/// A malformed pattern; texts equal the official frontend's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
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
        let patterns = patterns.into_iter().map(str::trim).filter(|pattern| !pattern.is_empty());
        Ok(Self { patterns: patterns.map(Pattern::new).collect::<Result<_, _>>()? })
    }

    /// Whether there is no pattern at all.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// The first pattern that matches nothing because its brackets or braces make no sense, such as `[z-a]`.
    pub fn broken(&self) -> Option<&str> {
        let mut patterns = self.patterns.iter();
        patterns.find(|pattern| matches!(pattern.shape, Shape::Broken)).map(|pattern| pattern.text.as_str())
    }

    /// Whether any pattern starts with `!`.
    pub fn has_exclusions(&self) -> bool {
        self.patterns.iter().any(|pattern| pattern.exclusion)
    }

    /// Whether a pattern names everything at the top: `*`, `**` or `**/*` (lint `CopyIgnoredFile`).
    pub fn covers_root(&self) -> bool {
        let mut texts =
            self.patterns.iter().filter(|pattern| !pattern.exclusion).map(|pattern| &pattern.text);
        texts.any(|text| matches!(text.as_str(), "*" | "**" | "**/*"))
    }

    /// Whether `path` (relative, clean, `/`-separated) or one of its parent directories is matched.
    pub fn matches_or_parent(&self, path: impl AsRef<[u8]>) -> bool {
        let path = path.as_ref();
        let mut matched = false;
        for pattern in &self.patterns {
            // Only a pattern that would change the answer is tried.
            if pattern.exclusion == matched && pattern.matches(path) {
                matched = !pattern.exclusion;
            }
        }
        matched
    }
}

impl Pattern {
    fn new(pattern: &str) -> Result<Self, PatternError> {
        // Cleaning comes before the `!` is looked at, so `!a/../b` is `b`.
        let pattern = clean(pattern);
        let (exclusion, text) = match pattern.strip_prefix('!') {
            Some("") => return Err(PatternError::LoneExclusion),
            Some(text) => (true, text.to_owned()),
            None => (false, pattern),
        };
        if !glob::is_accepted(&text) {
            return Err(PatternError::Syntax);
        }
        let shape = shape(&text);
        Ok(Self { text, exclusion, shape })
    }

    /// Whether the pattern matches `path` or a directory above it.
    fn matches(&self, path: &[u8]) -> bool {
        let text = self.text.as_bytes();
        let parents =
            || path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(end, _)| &path[..end]);
        match &self.shape {
            Shape::Exact => path == text || parents().any(|parent| parent == text),
            Shape::Prefix => {
                let prefix = &text[..text.len() - 2];
                // A parent is shorter, so it begins with the prefix only if the path does.
                path.starts_with(prefix)
            }
            Shape::Suffix => {
                let suffix = &text[2..];
                let ends = |path: &[u8]| path.ends_with(suffix) || suffix.strip_prefix(b"/") == Some(path);
                ends(path) || parents().any(ends)
            }
            Shape::Expression(expression) => expression.matches_or_parent(&raw::decode(path)),
            Shape::Broken => false,
        }
    }
}

/// Chooses how to compare, translating wildcards to the expression that the official matcher builds.
fn shape(text: &str) -> Shape {
    let mut expression = String::new();
    // The first of the three that is still possible; an expression once set stays, but for a leading `**`.
    let mut shape = Shape::Exact;
    let mut wild = false;
    let mut characters = text.chars().peekable();
    let mut first = true;
    while let Some(c) = characters.next() {
        match c {
            '*' if characters.peek() == Some(&'*') => {
                characters.next();
                characters.next_if_eq(&'/');
                if characters.peek().is_some() {
                    expression.push_str(expression::DIRECTORIES);
                    wild = true;
                } else if wild || matches!(shape, Shape::Suffix) {
                    expression.push_str(".*");
                    wild = true;
                } else {
                    shape = Shape::Prefix;
                }
                if first {
                    shape = Shape::Suffix;
                    wild = false;
                }
            }
            '*' => {
                expression.push_str("[^/]*");
                wild = true;
            }
            '?' => {
                expression.push_str("[^/]");
                wild = true;
            }
            // `|`, `{` and `}` are not escaped, so they keep what they mean in expressions.
            '.' | '+' | '(' | ')' | '$' => expression.extend(['\\', c]),
            '\\' => {
                expression.push('\\');
                expression.extend(characters.next());
                wild = true;
            }
            '[' | ']' => {
                expression.push(c);
                wild = true;
            }
            c => expression.push(c),
        }
        first = false;
    }
    if wild {
        return Expression::parse(&expression).map_or(Shape::Broken, Shape::Expression);
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::{PatternError, PatternSet};

    #[test]
    fn matches_as_documented() {
        for (summary, patterns, path, expected) in [
            ("exact", &["a/b"][..], "a/b", true),
            ("parent", &["a"], "a/b/c", true),
            ("not deeper", &["b"], "a/b", false),
            ("anchored at the end", &["a"], "ab", false),
            ("star stays in a component", &["a/*"], "a/b", true),
            ("star needs its slash", &["*.go"], "a/b.go", false),
            ("question mark", &["?"], "a", true),
            ("question mark and slash", &["a?b"], "a/b", false),
            ("any depth", &["**/foo"], "foo", true),
            ("any depth, deep", &["**/foo"], "x/y/foo/z", true),
            ("any depth, by suffix", &["**foo"], "x/yfoo", true),
            ("in the middle", &["a/**/b"], "a/b", true),
            ("in the middle, deep", &["a/**/b"], "a/x/y/b", true),
            ("all below", &["a/**"], "a/b/c", true),
            ("all below, not itself", &["a/**"], "a", false),
            ("extension at any depth", &["**/*.go"], "x/y.go", true),
            ("class", &["[a-c]x"], "bx", true),
            ("negated class", &["[^a-c]x"], "bx", false),
            ("escape", &[r"\*"], "*", true),
            ("escape is literal", &[r"\*"], "a", false),
            ("specials are literal", &["a.b(c)"], "a.b(c)", true),
            ("dot is no wildcard", &["a.*"], "abc", false),
            ("last match wins", &["*", "!a"], "a", false),
            ("last match wins again", &["*", "!a", "a"], "a", true),
            ("below what was taken back", &["*", "!a"], "a/b", false),
            ("taken back below", &["a", "!a/b"], "a/b/c", false),
            ("a bad class behind a star is an expression", &["a*[]b]"], "a]", true),
            ("alternatives have one anchor each", &["a|*b"], "axx", true),
            ("repetition", &["[ab]{2}"], "ab", true),
            ("repetition counts", &["[ab]{2,}"], "a", false),
            ("braces without a number", &["{a}*"], "{a}", true),
            ("cleaned", &["./a//b/../c/"], "a/c", true),
            ("everything", &["**"], "x/y", true),
        ] {
            let set = PatternSet::new(patterns.iter().copied()).unwrap();
            assert_eq!(set.matches_or_parent(path), expected, "{summary}");
        }
    }

    #[test]
    fn refuses_bad_patterns() {
        for pattern in ["[", "[]", "[a", "a[", "[a-]", "[-a]", "\\", "a/[^]", "[]a]", "a/["] {
            assert_eq!(PatternSet::new([pattern]).unwrap_err(), PatternError::Syntax, "{pattern}");
        }
        assert_eq!(PatternSet::new(["!"]).unwrap_err().to_string(), "illegal exclusion pattern: \"!\"");
        for pattern in ["[z-a]", "*{2}", r"\m", "[a]{1001}"] {
            assert_eq!(PatternSet::new(["a", pattern]).unwrap().broken(), Some(pattern), "{pattern}");
        }
        assert!(PatternSet::new(["", "  "]).unwrap().is_empty());
    }

    #[test]
    fn knows_what_covers_the_root() {
        assert!(PatternSet::new(["a", "**/*"]).unwrap().covers_root());
        assert!(!PatternSet::new(["a*", "!*"]).unwrap().covers_root());
    }

    #[test]
    fn time_is_bounded() {
        let set = PatternSet::new(["**/a*a*a*a*a*a*a*a*b", "a/**/**/**/**/**/c"]).unwrap();
        let path = "a/aaaa".repeat(20_000);
        assert!(!set.matches_or_parent(&path));
    }
}
