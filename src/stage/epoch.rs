//! `SOURCE_DATE_EPOCH`: the time of a build, from a build argument or a global `ARG`.

use super::GlobalArgs;
use crate::diagnostic::Diagnostic;
use crate::dockerfile::instruction::Kind;
use crate::dockerfile::word::Variables;
use crate::dockerfile::{Dockerfile, StageSource};
use crate::image::platform::Platform;
use crate::options::BuildOptions;

/// The build argument and global `ARG`.
pub(super) const NAME: &str = "SOURCE_DATE_EPOCH";

/// The time of a build, as far as it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Epoch {
    /// Nobody asked for one: arguments stay as they are.
    #[default]
    Unset,
    /// It was asked for; `None` when there is no time to be had. Seconds since 1970.
    Resolved(Option<i64>),
}

impl Epoch {
    /// Seconds since 1970, if there is a time.
    pub fn seconds(self) -> Option<i64> {
        match self {
            Self::Unset => None,
            Self::Resolved(seconds) => seconds,
        }
    }
}

/// What a build's time is.
///
/// # Errors
/// A value that is neither a number nor names a source of times, or names one whose time is not looked up.
pub fn resolve(dockerfile: &Dockerfile, options: &BuildOptions) -> Result<Epoch, Diagnostic> {
    let value = match options.build_args.get(NAME) {
        Some(value) => value.clone(),
        None => global(dockerfile, options)?.unwrap_or_default(),
    };
    if value.is_empty() {
        // An empty build argument takes the time away that the Dockerfile may set.
        let given = options.build_args.contains_key(NAME);
        return Ok(if given { Epoch::Resolved(None) } else { Epoch::Unset });
    }
    if let Ok(seconds) = value.parse::<i64>() {
        return Ok(Epoch::Resolved(Some(seconds)));
    }
    // A directory of the client has no time of its own.
    if value == "context" && options.context.is_none() {
        return Ok(Epoch::Resolved(None));
    }
    let is_context = |key: &String| key.split("::").next() == Some(value.as_str());
    let is_context = value == "context" || options.named_contexts.keys().any(is_context);
    if !is_context {
        let lower = value.to_lowercase();
        let stage = dockerfile
            .stages
            .iter()
            .rfind(|stage| stage.from.value.name.as_ref() == Some(&lower))
            .ok_or_else(|| Diagnostic::new(format!("invalid SOURCE_DATE_EPOCH: {value}")))?;
        check_source_stage(stage).map_err(|text| Diagnostic::new(text).at(stage.from.span))?;
    }
    Err(Diagnostic::new(format!("SOURCE_DATE_EPOCH from `{value}` is not supported"))
        .hint("give the seconds since 1970"))
}

/// A stage that gives a build its time is nothing but one remote source.
fn check_source_stage(stage: &StageSource) -> Result<(), String> {
    if stage.from.value.image != "scratch" {
        return Err("SOURCE_DATE_EPOCH stage must use FROM scratch".to_owned());
    }
    let mut sources = None;
    for instruction in &stage.instructions {
        match &instruction.value {
            Kind::Arg(_) => {}
            Kind::Add(_) if sources.is_some() => {
                return Err("SOURCE_DATE_EPOCH stage must contain exactly one remote ADD".to_owned());
            }
            Kind::Add(add) => sources = Some(&add.transfer),
            _ => {
                return Err(format!(
                    "SOURCE_DATE_EPOCH stage does not meet source-only requirements: unsupported {} instruction",
                    instruction.keyword.to_uppercase()
                ));
            }
        }
    }
    match sources {
        None => Err("SOURCE_DATE_EPOCH stage must contain exactly one remote ADD".to_owned()),
        Some(add) if add.sources.len() != 1 || !add.inline.is_empty() => {
            Err("SOURCE_DATE_EPOCH stage must contain exactly one remote ADD source".to_owned())
        }
        Some(_) => Ok(()),
    }
}

/// The value of the global `ARG`.
fn global(dockerfile: &Dockerfile, options: &BuildOptions) -> Result<Option<String>, Diagnostic> {
    let build = options.workers.first().and_then(|worker| worker.platforms.first());
    let build = build.cloned().unwrap_or_else(Platform::default);
    let target = options.platforms.first().unwrap_or(&build);
    let args = GlobalArgs::predefined(&build, target, &options.target, &options.build_args)
        .declare(dockerfile, &options.build_args)?;
    Ok(args.lookup(NAME).map(str::to_owned))
}
