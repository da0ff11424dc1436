//! `FROM`: base image, platform, stage name.

use super::From;
use crate::dockerfile::argument::Arguments;
use crate::dockerfile::flag::{Flags, Kind};
use crate::dockerfile::quote::quote;
use crate::dockerfile::statement::Statement;

pub(super) fn read(statement: &Statement) -> Result<From, String> {
    let words: &[String] = match &statement.arguments {
        Arguments::Words(words) => words,
        _ => &[],
    };
    let (image, alias) = match words {
        [image] => (image, None),
        [image, keyword, name] if keyword.to_uppercase() == "AS" => (image, Some((keyword, name))),
        _ => return Err("FROM requires either one or three arguments".to_owned()),
    };
    let name = alias.map(|(_, name)| name.to_lowercase());
    if let (Some(name), Some((_, typed))) = (&name, alias)
        && !is_stage_name(name)
    {
        return Err(format!(
            "invalid name for build stage: {}, name can't start with a number or contain symbols",
            quote(typed)
        ));
    }
    let mut flags =
        Flags::read(&statement.flags, &[("platform", Kind::Text), ("distroless", Kind::OptionalText)])?;
    Ok(From {
        platform: flags.text("platform").filter(|platform| !platform.is_empty()),
        distroless: flags.optional_text("distroless"),
        image: image.clone(),
        name,
        name_as_typed: alias.map(|(_, name)| name.clone()),
        as_keyword: alias.map(|(keyword, _)| keyword.clone()),
    })
}

/// The words of a line that may be wrong.
pub(super) fn seen(statement: &Statement) -> From {
    let words: &[String] = match &statement.arguments {
        Arguments::Words(words) => words,
        _ => &[],
    };
    From {
        platform: None,
        distroless: None,
        image: words.first().cloned().unwrap_or_default(),
        name: None,
        name_as_typed: words.get(2).filter(|_| words.len() == 3).cloned(),
        as_keyword: words.get(1).filter(|_| words.len() >= 3).cloned(),
    }
}

fn is_stage_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.'))
}
