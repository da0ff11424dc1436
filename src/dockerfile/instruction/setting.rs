//! Instructions that set one thing: ARG, ENV, LABEL, USER, WORKDIR, EXPOSE, VOLUME, SHELL, ….

use super::{Arg, KeyValues, Kind};
use crate::dockerfile::argument::Arguments;
use crate::dockerfile::flag::Flags;
use crate::dockerfile::statement::Statement;

/// `ARG name[=default] …`; flags are never looked at.
pub(super) fn arg(statement: &Statement) -> Result<Kind, String> {
    let words = words(statement);
    if words.is_empty() {
        return Err(at_least_one("ARG"));
    }
    let arg = |word: &String| match word.split_once('=') {
        Some(("", _)) => Err(blank_name("ARG")),
        Some((name, value)) => Ok(Arg { name: name.to_owned(), value: Some(value.to_owned()) }),
        None => Ok(Arg { name: word.clone(), value: None }),
    };
    words.iter().map(arg).collect::<Result<_, _>>().map(Kind::Arg)
}

/// ENV and LABEL.
pub(super) fn pairs(statement: &Statement, name: &str) -> Result<KeyValues, String> {
    Flags::read(&statement.flags, &[])?;
    match &statement.arguments {
        Arguments::Pairs(values) if values.pairs.iter().any(|(key, _)| key.is_empty()) => {
            Err(blank_name(name))
        }
        Arguments::Pairs(values) => Ok(values.clone()),
        _ => Err(at_least_one(name)),
    }
}

/// MAINTAINER, WORKDIR, USER: the rest of the line.
pub(super) fn single(statement: &Statement, name: &str) -> Result<String, String> {
    let value = only_word(statement, name)?;
    Flags::read(&statement.flags, &[])?;
    Ok(value)
}

/// STOPSIGNAL; flags are never looked at. The signal is checked after expansion.
pub(super) fn stopsignal(statement: &Statement) -> Result<String, String> {
    only_word(statement, "STOPSIGNAL")
}

/// EXPOSE: its words in byte order. Ports are checked after expansion.
pub(super) fn expose(statement: &Statement) -> Result<Vec<String>, String> {
    let mut ports = words(statement).to_vec();
    if ports.is_empty() {
        return Err(at_least_one("EXPOSE"));
    }
    Flags::read(&statement.flags, &[])?;
    ports.sort();
    Ok(ports)
}

pub(super) fn volume(statement: &Statement) -> Result<Vec<String>, String> {
    let paths = words(statement);
    if paths.is_empty() {
        return Err(at_least_one("VOLUME"));
    }
    Flags::read(&statement.flags, &[])?;
    let paths: Vec<String> = paths.iter().map(|path| path.trim().to_owned()).collect();
    if paths.iter().any(String::is_empty) {
        return Err("VOLUME specified can not be an empty string".to_owned());
    }
    Ok(paths)
}

pub(super) fn shell(statement: &Statement) -> Result<Vec<String>, String> {
    Flags::read(&statement.flags, &[])?;
    match &statement.arguments {
        Arguments::Json(shell) if !shell.is_empty() => Ok(shell.clone()),
        Arguments::Words(words) if !words.is_empty() => {
            Err("SHELL requires the arguments to be in JSON form".to_owned())
        }
        _ => Err(at_least_one("SHELL")),
    }
}

fn words(statement: &Statement) -> &[String] {
    match &statement.arguments {
        Arguments::Words(words) | Arguments::Json(words) => words,
        _ => &[],
    }
}

fn only_word(statement: &Statement, name: &str) -> Result<String, String> {
    match words(statement) {
        [word] => Ok(word.clone()),
        _ => Err(format!("{name} requires exactly one argument")),
    }
}

pub(super) fn at_least_one(name: &str) -> String {
    format!("{name} requires at least one argument")
}

fn blank_name(name: &str) -> String {
    format!("{name} names can not be blank")
}
