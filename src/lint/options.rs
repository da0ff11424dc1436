//! The `check=` options: which rules run, and whether findings fail the build.

use super::Rule;
use crate::dockerfile::number::boolean;
use crate::dockerfile::quote::quote;

/// The `check=` options.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    pub skip: Selection,
    pub experimental: Selection,
    /// Findings fail the build.
    pub error: bool,
}

/// Which rules an option names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    All,
    /// Rule names as typed; unknown ones have no effect.
    Named(Vec<String>),
}

impl Default for Selection {
    fn default() -> Self {
        Self::Named(Vec::new())
    }
}

/// Options that cannot be read; texts equal the official frontend's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    #[error("invalid check option {}", quote(.0))]
    Unknown(String),
    #[error(
        "failed to parse check option {}: strconv.ParseBool: parsing {}: invalid syntax",
        quote(option),
        quote(value)
    )]
    Switch { option: String, value: String },
}

impl Options {
    /// Whether `skip=` silences the rule of that name.
    pub fn skips(&self, rule: &str) -> bool {
        match &self.skip {
            Selection::All => true,
            Selection::Named(names) => names.iter().any(|name| name == rule),
        }
    }

    /// Reads `skip=…;experimental=…;error=…`, the value of the directive or of
    /// `BUILDKIT_DOCKERFILE_CHECK`.
    ///
    /// # Errors
    /// Unknown options and bad switches. The caller says where the text came from.
    pub fn parse(text: &str) -> Result<Self, OptionsError> {
        let mut options = Self::default();
        let text = text.trim();
        if text.is_empty() {
            return Ok(options);
        }
        for option in text.splitn(3, ';') {
            let (key, value) =
                option.split_once('=').ok_or_else(|| OptionsError::Unknown(option.to_owned()))?;
            let value = value.trim();
            match key.trim() {
                "skip" => options.skip.replace(value),
                "experimental" => options.experimental.replace(value),
                "error" => {
                    options.error = boolean(value).ok_or_else(|| OptionsError::Switch {
                        option: option.to_owned(),
                        value: value.to_owned(),
                    })?;
                }
                key => return Err(OptionsError::Unknown(key.to_owned())),
            }
        }
        Ok(options)
    }

    /// Whether `rule` runs under these options and those of one instruction's own comment.
    pub(super) fn enable(&self, rule: &Rule, own: &Self) -> bool {
        if rule.experimental {
            // `skip` has no say about experimental rules.
            self.experimental.contains(rule) || own.experimental.contains(rule)
        } else {
            !self.skip.contains(rule) && !own.skip.contains(rule)
        }
    }
}

impl Selection {
    /// Takes an option's value; of a repeated option the last list counts, but `all` stays.
    fn replace(&mut self, value: &str) {
        if value == "all" {
            *self = Self::All;
        } else if *self != Self::All {
            *self = Self::Named(value.split(',').map(|name| name.trim().to_owned()).collect());
        }
    }

    fn contains(&self, rule: &Rule) -> bool {
        match self {
            Self::All => true,
            Self::Named(names) => names.iter().any(|name| name == rule.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Options, Selection};

    #[test]
    fn reads_options() {
        let named = |names: &[&str]| Selection::Named(names.iter().map(|&name| name.to_owned()).collect());
        for (text, expected) in [
            ("", Options::default()),
            ("skip=all;error=true", Options { skip: Selection::All, error: true, ..Options::default() }),
            (
                " skip = A , B ; experimental=all",
                Options { skip: named(&["A", "B"]), experimental: Selection::All, error: false },
            ),
            ("error=0", Options::default()),
            ("skip=all;skip=A", Options { skip: Selection::All, ..Options::default() }),
            ("skip=A;skip=B", Options { skip: named(&["B"]), ..Options::default() }),
        ] {
            assert_eq!(Options::parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn refuses_other_text() {
        for (text, expected) in [
            ("x", "invalid check option \"x\""),
            ("x=1", "invalid check option \"x\""),
            ("skip=A;", "invalid check option \"\""),
            (
                "error=maybe",
                "failed to parse check option \"error=maybe\": strconv.ParseBool: parsing \"maybe\": invalid syntax",
            ),
            (
                "skip=A;skip=B;error=1;error=0",
                "failed to parse check option \"error=1;error=0\": strconv.ParseBool: parsing \"1;error=0\": invalid syntax",
            ),
        ] {
            assert_eq!(Options::parse(text).unwrap_err().to_string(), expected, "{text}");
        }
    }
}
