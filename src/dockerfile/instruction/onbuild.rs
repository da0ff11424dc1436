//! `ONBUILD`.

use super::setting::at_least_one;
use crate::dockerfile::argument::Arguments;
use crate::dockerfile::flag::Flags;
use crate::dockerfile::statement::Statement;

/// The trigger's text as the image config keeps it, heredoc bodies behind it.
pub(super) fn read(statement: &Statement) -> Result<String, String> {
    let Arguments::Trigger { keyword, .. } = &statement.arguments else {
        return Err(at_least_one("ONBUILD"));
    };
    Flags::read(&statement.flags, &[])?;
    match keyword.to_uppercase().as_str() {
        "ONBUILD" => return Err("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed".to_owned()),
        keyword @ ("MAINTAINER" | "FROM") => {
            return Err(format!("{keyword} isn't allowed as an ONBUILD trigger"));
        }
        _ => {}
    }
    let blank = ['\t', '\n', '\u{c}', '\r', ' '];
    let line = statement.line.trim_start_matches(blank);
    // The keyword is ASCII, whatever its case.
    let text = line.get("ONBUILD".len()..).unwrap_or_default().trim_start_matches(blank);
    let mut text = text.to_owned();
    for heredoc in &statement.heredocs {
        text.push('\n');
        text.push_str(&heredoc.body);
        text.push_str(&heredoc.name);
    }
    Ok(text)
}
