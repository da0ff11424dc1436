//! From a statement to a typed instruction, by its keyword.

use super::{From, Instruction, Kind, Spanned, from, healthcheck, onbuild, run, setting, transfer};
use crate::dockerfile::statement::Statement;
use crate::dockerfile::{raw, suggest};

/// What a statement turns out to be.
#[derive(Clone, Debug)]
pub enum Parsed {
    Stage(Spanned<From>),
    Instruction(Instruction),
}

/// Checks a statement by the rules of its instruction.
///
/// # Errors
/// Unknown keywords, bad flags, missing arguments, and what each instruction refuses.
pub(in crate::dockerfile) fn read(statement: Statement) -> Result<Parsed, String> {
    let kind = match statement.keyword.to_lowercase().as_str() {
        "from" => {
            let stage = from::read(&statement)?;
            return Ok(Parsed::Stage(spanned(statement, stage)));
        }
        "arg" => setting::arg(&statement)?,
        "env" => Kind::Env(setting::pairs(&statement, "ENV")?),
        "label" => Kind::Label(setting::pairs(&statement, "LABEL")?),
        "maintainer" => Kind::Maintainer(setting::single(&statement, "MAINTAINER")?),
        "workdir" => Kind::Workdir(setting::single(&statement, "WORKDIR")?),
        "user" => Kind::User(setting::single(&statement, "USER")?),
        "stopsignal" => Kind::Stopsignal(setting::stopsignal(&statement)?),
        "expose" => Kind::Expose(setting::expose(&statement)?),
        "volume" => Kind::Volume(setting::volume(&statement)?),
        "shell" => Kind::Shell(setting::shell(&statement)?),
        "cmd" => Kind::Cmd(run::command(&statement)?),
        "entrypoint" => Kind::Entrypoint(run::command(&statement)?),
        "run" => Kind::Run(run::read(&statement)?),
        "copy" => Kind::Copy(transfer::copy(&statement)?),
        "add" => Kind::Add(transfer::add(&statement)?),
        "healthcheck" => Kind::Healthcheck(healthcheck::read(&statement)?),
        "onbuild" => Kind::Onbuild(onbuild::read(&statement)?),
        _ => return Err(unknown(&statement.keyword)),
    };
    Ok(Parsed::Instruction(spanned(statement, kind)))
}

/// What is known of a statement before it is checked, as far as lint rules look at it: they speak up even about an
/// instruction that is refused.
pub(in crate::dockerfile) fn seen(statement: &Statement) -> Option<Parsed> {
    if statement.keyword.eq_ignore_ascii_case("maintainer") {
        let kind = Kind::Maintainer(String::new());
        return Some(Parsed::Instruction(spanned(statement.clone(), kind)));
    }
    if !statement.keyword.eq_ignore_ascii_case("from") {
        return None;
    }
    Some(Parsed::Stage(spanned(statement.clone(), from::seen(statement))))
}

fn spanned<T>(statement: Statement, value: T) -> Spanned<T> {
    let text = statement.line.trim().to_owned();
    Spanned { value, span: statement.span, text, keyword: statement.keyword, doc: statement.doc }
}

fn unknown(keyword: &str) -> String {
    let lower = keyword.to_lowercase();
    let suggestion = match suggest::nearest(&lower, KEYWORDS) {
        Some(found) if keyword != lower && keyword == keyword.to_uppercase() && !raw::has(keyword) => {
            format!(" (did you mean {}?)", found.to_uppercase())
        }
        Some(found) => format!(" (did you mean {found}?)"),
        None => String::new(),
    };
    format!("unknown instruction: {keyword}{suggestion}")
}

const KEYWORDS: [&str; 18] = [
    "add",
    "arg",
    "cmd",
    "copy",
    "entrypoint",
    "env",
    "expose",
    "from",
    "healthcheck",
    "label",
    "maintainer",
    "onbuild",
    "run",
    "shell",
    "stopsignal",
    "user",
    "volume",
    "workdir",
];
