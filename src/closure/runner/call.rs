//! What the words behind a package manager's name ask it to start, and where.

use crate::rules::Runner;

/// What a package manager is asked to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) kind: CallKind,
    pub(super) name: String,
    pub(super) arguments: Vec<String>,
    pub(super) target: Target,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CallKind {
    Script,
    Program,
    /// A script where there is one of the name, else a program.
    Either,
    /// A program of `PATH`, with the variables that a script gets.
    Itself,
}

/// Which package it works for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Target {
    /// Another directory than the one that the command works in.
    pub(super) directory: Option<String>,
    /// The name or the directory of a workspace of that package.
    pub(super) workspace: Option<String>,
}

impl Target {
    pub(super) fn is_here(&self) -> bool {
        self.directory.is_none() && self.workspace.is_none()
    }
}

impl Call {
    /// Reads the words behind a package manager's name; `None` when they ask for something else.
    pub(super) fn parse(runner: &Runner, words: &[String]) -> Option<Self> {
        let mut target = Target::default();
        let mut rest = runner.without_options(words, &mut target)?;
        if let Some((word, more)) = rest.split_first()
            && runner.workspace_word.contains(word)
        {
            let (name, more) = more.split_first()?;
            once(&mut target.workspace, name)?;
            rest = runner.without_options(more, &mut target)?;
        }
        let (first, more) = rest.split_first()?;
        let kind = if runner.programs {
            CallKind::Program
        } else if runner.run.contains(first) {
            rest = runner.without_options(more, &mut target)?;
            CallKind::Script
        } else if runner.exec.contains(first) {
            rest = runner.without_options(more, &mut target)?;
            rest = rest.strip_prefix(&["--".to_owned()]).unwrap_or(rest);
            CallKind::Program
        } else if runner.direct.contains(first) {
            CallKind::Script
        } else if runner.itself.contains(first) {
            CallKind::Itself
        } else if runner.other {
            CallKind::Either
        } else {
            return None;
        };
        let (name, more) = rest.split_first()?;
        if name.starts_with('-') || name.is_empty() {
            return None;
        }
        let arguments = if runner.separator { runner.separated(more, &mut target)? } else { more.to_vec() };
        Some(Self { kind, name: name.clone(), arguments, target })
    }
}

impl Runner {
    /// The words behind known options; `None` when one of these is given twice or has no value.
    fn without_options<'w>(&self, words: &'w [String], target: &mut Target) -> Option<&'w [String]> {
        let mut rest = words;
        while let Some((word, more)) = rest.split_first() {
            let (option, value) = match word.split_once('=') {
                Some((option, value)) => (option, Some(value)),
                None => (word.as_str(), None),
            };
            let is_in = |options: &[String]| options.iter().any(|known| known == option);
            let place = if is_in(&self.directory) {
                &mut target.directory
            } else if is_in(&self.workspace) {
                &mut target.workspace
            } else if self.flags.contains(word) {
                rest = more;
                continue;
            } else {
                break;
            };
            let (value, more) = match value {
                Some(value) => (value, more),
                None => more.split_first().map(|(value, more)| (value.as_str(), more))?,
            };
            once(place, value)?;
            rest = more;
        }
        Some(rest)
    }

    /// The arguments that a script gets; `None` when an option is not known.
    fn separated(&self, words: &[String], target: &mut Target) -> Option<Vec<String>> {
        let at = words.iter().position(|word| word == "--").unwrap_or(words.len());
        let mut arguments = Vec::new();
        let mut rest = self.without_options(&words[..at], target)?;
        while let Some((word, more)) = rest.split_first() {
            if word.starts_with('-') {
                return None;
            }
            arguments.push(word.clone());
            rest = self.without_options(more, target)?;
        }
        arguments.extend(words.get(at + 1..).unwrap_or_default().iter().cloned());
        Some(arguments)
    }
}

/// Notes a value where there is none yet.
fn once(place: &mut Option<String>, value: &str) -> Option<()> {
    place.replace(value.to_owned()).is_none().then_some(())
}
