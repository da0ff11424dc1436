//! `SOURCE_DATE_EPOCH`: the time of a build, from a build argument or a global `ARG`.

use super::context::{find, parse_source};
use super::{ContextSource, GlobalArgs};
use crate::diagnostic::Diagnostic;
use crate::dockerfile::git_ref::parse_git_ref;
use crate::dockerfile::instruction::{Add, Kind};
use crate::dockerfile::quote::quote;
use crate::dockerfile::word::{Lexer, Variables};
use crate::dockerfile::{Dockerfile, StageSource};
use crate::llb::op::SourceOp;
use crate::llb::remote::{check_digest, git_source, http_source, is_http};
use crate::options::BuildOptions;

/// The build argument and global `ARG`.
pub const NAME: &str = "SOURCE_DATE_EPOCH";

/// A point in time as history entries show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time {
    /// Since 1970.
    pub seconds: i64,
    /// How far the clock of whoever wrote it is ahead of UTC, in minutes.
    pub zone: i32,
}

impl Time {
    /// A time that nobody wrote with a zone.
    pub fn utc(seconds: i64) -> Self {
        Self { seconds, zone: 0 }
    }
}

/// The time of a build, as far as it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Epoch {
    /// Nobody asked for one: arguments stay as they are.
    #[default]
    Unset,
    /// It was asked for; `None` when there is no time to be had.
    Resolved(Option<Time>),
}

impl Epoch {
    /// The time, if there is one.
    pub fn time(self) -> Option<Time> {
        match self {
            Self::Unset => None,
            Self::Resolved(time) => time,
        }
    }
}

/// Where a build's time comes from.
#[derive(Clone, Debug)]
pub enum TimeOf {
    Known(Epoch),
    /// Whatever the main context is fetched from.
    MainContext,
    /// A named context or a stage that is one remote source.
    Source {
        source: SourceOp,
        log_name: String,
    },
    /// A named context that is a frontend input.
    Input {
        name: String,
        key: String,
        log_name: String,
    },
}

/// Reads what the build argument or the Dockerfile says.
///
/// # Errors
/// A value that is neither a number nor names a source of times.
pub fn read(dockerfile: &Dockerfile, options: &BuildOptions) -> Result<TimeOf, Diagnostic> {
    let args = global_args(dockerfile, options)?;
    let given = options.build_args.get(NAME);
    let value = given.cloned().or_else(|| args.lookup(NAME).map(str::to_owned)).unwrap_or_default();
    if value.is_empty() {
        // An empty build argument takes the time away that the Dockerfile may set.
        let epoch = if given.is_some() { Epoch::Resolved(None) } else { Epoch::Unset };
        return Ok(TimeOf::Known(epoch));
    }
    if let Ok(seconds) = value.parse::<i64>() {
        return Ok(TimeOf::Known(Epoch::Resolved(Some(Time::utc(seconds)))));
    }
    if value == "context" {
        return Ok(TimeOf::MainContext);
    }
    let platform = options.platforms.first().cloned().unwrap_or_else(|| options.build_platform());
    if let Some(named) = find(&options.named_contexts, &value, &platform)? {
        let log_name = format!("[internal] resolve SOURCE_DATE_EPOCH named context {value}");
        return Ok(match parse_source(&named.name, &named.key, named.value)? {
            ContextSource::Git { git, .. } => {
                TimeOf::Source { source: git_source(&git, options.git_advice), log_name }
            }
            ContextSource::Http(url) => {
                let attrs = [("http.filename".to_owned(), "context".to_owned())];
                TimeOf::Source { source: SourceOp { identifier: url, attrs: attrs.into() }, log_name }
            }
            ContextSource::Input { name, .. } => TimeOf::Input { name, key: named.key, log_name },
            // Images and directories of the client have no time of their own.
            _ => TimeOf::Known(Epoch::Resolved(None)),
        });
    }
    let lower = value.to_lowercase();
    let stage = dockerfile
        .stages
        .iter()
        .find(|stage| stage.from.value.name.as_ref() == Some(&lower))
        .ok_or_else(|| Diagnostic::new(format!("invalid SOURCE_DATE_EPOCH: {value}")))?;
    let source = source_of_stage(stage, dockerfile.escape, args, options)
        .map_err(|text| Diagnostic::new(text).at(stage.from.span))?;
    let log_name = format!("[internal] resolve SOURCE_DATE_EPOCH source stage {lower}");
    Ok(TimeOf::Source { source, log_name })
}

/// A stage that gives a build its time is nothing but one remote source.
fn source_of_stage(
    stage: &StageSource,
    escape: char,
    mut args: GlobalArgs,
    options: &BuildOptions,
) -> Result<SourceOp, String> {
    args.remove(NAME);
    let lexer = Lexer::new(escape);
    let expand = |word: &str, args: &GlobalArgs| {
        lexer.expand(word, args).map(|expansion| expansion.value).map_err(|error| error.to_string())
    };
    let image = &stage.from.value.image;
    let base = expand(image, &args)
        .map_err(|error| format!("failed to process source stage base name {}: {error}", quote(image)))?;
    if base != "scratch" {
        return Err("SOURCE_DATE_EPOCH stage must use FROM scratch".to_owned());
    }
    let mut source = None;
    for instruction in &stage.instructions {
        match &instruction.value {
            Kind::Arg(list) => {
                for arg in list {
                    let value = match (options.build_args.get(&arg.name), &arg.value) {
                        (Some(given), _) => given.clone(),
                        (None, Some(default)) => expand(default, &args)?,
                        (None, None) => continue,
                    };
                    args.set(&arg.name, value);
                }
            }
            Kind::Add(_) if source.is_some() => {
                return Err("SOURCE_DATE_EPOCH stage must contain exactly one remote ADD".to_owned());
            }
            Kind::Add(add) => source = Some(source_of_add(add, |word| expand(word, &args), options)?),
            _ => {
                return Err(format!(
                    "SOURCE_DATE_EPOCH stage does not meet source-only requirements: unsupported {} instruction",
                    instruction.keyword
                ));
            }
        }
    }
    source.ok_or_else(|| "SOURCE_DATE_EPOCH stage must contain exactly one remote ADD".to_owned())
}

fn source_of_add(
    add: &Add,
    expand: impl Fn(&str) -> Result<String, String>,
    options: &BuildOptions,
) -> Result<SourceOp, String> {
    let [word] = add.transfer.sources.as_slice() else {
        return Err("SOURCE_DATE_EPOCH stage must contain exactly one remote ADD source".to_owned());
    };
    if !add.transfer.inline.is_empty() {
        return Err("SOURCE_DATE_EPOCH stage must contain exactly one remote ADD source".to_owned());
    }
    let word = expand(word)?;
    let checksum =
        add.checksum.as_deref().filter(|checksum| !checksum.is_empty()).map(&expand).transpose()?;
    match parse_git_ref(&word) {
        Ok(None) | Err(_) if is_http(&word) => {
            if let Some(checksum) = &checksum {
                check_digest(checksum)?;
            }
            Ok(http_source(&word, checksum.as_deref()).0)
        }
        Err(error) => Err(error.to_string()),
        Ok(Some(mut git)) if !git.indistinguishable_from_local => {
            if add.keep_git_dir == Some(true) {
                git.keep_git_dir = Some(true);
            }
            git.checksum = checksum.unwrap_or(git.checksum);
            // Only what tells the commit counts.
            git.mtime = None;
            git.fetch_by_commit = None;
            Ok(git_source(&git, options.git_advice))
        }
        Ok(_) => Err("SOURCE_DATE_EPOCH stage source must be a single HTTP(S) or Git ADD".to_owned()),
    }
}

/// When a commit was made, from the raw object: `committer NAME <MAIL> SECONDS ZONE`.
pub fn commit_time(object: &[u8]) -> Option<Time> {
    let text = String::from_utf8_lossy(object);
    let mut headers = text.lines().take_while(|line| !line.is_empty());
    let committer = headers.find_map(|line| line.strip_prefix("committer "))?;
    let (_, time) = committer.rsplit_once('>')?;
    let mut words = time.split_whitespace();
    let seconds = words.next()?.parse().ok()?;
    let zone = words.next().and_then(zone_minutes).unwrap_or(0);
    Some(Time { seconds, zone })
}

/// `+0130` is 90.
fn zone_minutes(text: &str) -> Option<i32> {
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = digits.split_at_checked(2)?;
    Some(sign * (hours.parse::<i32>().ok()? * 60 + minutes.parse::<i32>().ok()?))
}

/// Predefined and global arguments, for the first platform.
fn global_args(dockerfile: &Dockerfile, options: &BuildOptions) -> Result<GlobalArgs, Diagnostic> {
    let build = options.build_platform();
    let target = options.platforms.first().unwrap_or(&build);
    GlobalArgs::predefined(&build, target, &options.target, &options.build_args)
        .declare(dockerfile, &options.build_args)
}

#[cfg(test)]
mod tests {
    use super::{Time, commit_time};

    #[test]
    fn commits_tell_their_time() {
        for (summary, object, expected) in [
            (
                "commit",
                "tree a\nauthor A <a> 5 +0000\ncommitter B <b@c> 1700000000 +0130\n\nx\n",
                Some(Time { seconds: 1_700_000_000, zone: 90 }),
            ),
            ("in the message", "tree a\n\ncommitter B <b> 1 +0000", None),
            ("no number", "committer B <b> x", None),
        ] {
            assert_eq!(commit_time(object.as_bytes()), expected, "{summary}");
        }
    }
}
