//! `COPY` and `ADD`.

use super::{Add, Copy, Transfer};
use crate::dockerfile::argument::Arguments;
use crate::dockerfile::flag::{Flags, Kind};
use crate::dockerfile::heredoc::{Heredoc, parse_word};
use crate::dockerfile::statement::Statement;

pub(super) fn copy(statement: &Statement) -> Result<Copy, String> {
    let (sources, dest) = paths(statement, "COPY")?;
    let mut flags = Flags::read(
        &statement.flags,
        &[
            ("chown", Kind::Text),
            ("from", Kind::Text),
            ("chmod", Kind::Text),
            ("link", Kind::Switch),
            ("exclude", Kind::List),
            ("parents", Kind::Switch),
            ("closure", Kind::Switch),
        ],
    )?;
    Ok(Copy {
        transfer: transfer(statement, "COPY", sources, dest, &mut flags)?,
        from: given(&mut flags, "from"),
        parents: flags.switch("parents").unwrap_or(false),
        closure: flags.switch("closure"),
    })
}

pub(super) fn add(statement: &Statement) -> Result<Add, String> {
    let (sources, dest) = paths(statement, "ADD")?;
    let mut flags = Flags::read(
        &statement.flags,
        &[
            ("chown", Kind::Text),
            ("chmod", Kind::Text),
            ("link", Kind::Switch),
            ("keep-git-dir", Kind::Switch),
            ("checksum", Kind::Text),
            ("unpack", Kind::Switch),
            ("exclude", Kind::List),
        ],
    )?;
    Ok(Add {
        transfer: transfer(statement, "ADD", sources, dest, &mut flags)?,
        keep_git_dir: flags.switch("keep-git-dir"),
        checksum: given(&mut flags, "checksum"),
        unpack: flags.switch("unpack"),
    })
}

fn paths<'s>(statement: &'s Statement, name: &str) -> Result<(&'s [String], &'s str), String> {
    let (Arguments::Words(words) | Arguments::Json(words)) = &statement.arguments else {
        return Err(no_destination(name));
    };
    match words.split_last() {
        Some((dest, sources)) if !sources.is_empty() => Ok((sources, dest)),
        _ => Err(no_destination(name)),
    }
}

fn transfer(
    statement: &Statement,
    name: &str,
    words: &[String],
    dest: &str,
    flags: &mut Flags,
) -> Result<Transfer, String> {
    if parse_word(dest).is_some() {
        return Err(format!("{name} cannot accept a heredoc as a destination"));
    }
    let mut sources = Vec::new();
    let mut inline = Vec::new();
    for word in words {
        match parse_word(word) {
            Some(heredoc) => inline.push(with_body(heredoc, &statement.heredocs)),
            None => sources.push(word.clone()),
        }
    }
    Ok(Transfer {
        sources,
        inline,
        dest: dest.to_owned(),
        chown: given(flags, "chown"),
        chmod: given(flags, "chmod"),
        link: flags.switch("link").unwrap_or(false),
        exclude: flags.list("exclude"),
    })
}

/// The body that was read for the heredoc's name; of several with one name the last body counts for all.
fn with_body(heredoc: Heredoc, read: &[Heredoc]) -> Heredoc {
    let body = read.iter().rfind(|other| other.name == heredoc.name).map(|other| other.body.clone());
    Heredoc { body: body.unwrap_or_default(), ..heredoc }
}

/// An empty value counts as none.
fn given(flags: &mut Flags, name: &str) -> Option<String> {
    flags.text(name).filter(|value| !value.is_empty())
}

fn no_destination(name: &str) -> String {
    format!(
        "{name} requires at least two arguments, but only one was provided. Destination could not be determined"
    )
}
