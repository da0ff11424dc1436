//! `HEALTHCHECK`.

use super::{CommandLine, Healthcheck, HealthcheckCmd, run, setting};
use crate::dockerfile::argument::Arguments;
use crate::dockerfile::duration::parse_duration;
use crate::dockerfile::flag::{Flags, Kind};
use crate::dockerfile::quote::quote;
use crate::dockerfile::raw;
use crate::dockerfile::statement::Statement;

pub(super) fn read(statement: &Statement) -> Result<Healthcheck, String> {
    let Arguments::Typed(kind, arguments) = &statement.arguments else {
        return Err(setting::at_least_one("HEALTHCHECK"));
    };
    let kind = kind.to_uppercase();
    let empty = matches!(&**arguments, Arguments::Words(words) | Arguments::Json(words) if words.is_empty());
    if kind == "NONE" {
        // Flags are not looked at.
        return if empty {
            Ok(Healthcheck::None)
        } else {
            Err("HEALTHCHECK NONE takes no arguments".to_owned())
        };
    }
    let names = ["interval", "timeout", "start-period", "start-interval", "retries"];
    let mut flags = Flags::read(&statement.flags, &names.map(|name| (name, Kind::Text)))?;
    if kind != "CMD" {
        return Err(format!("Unknown type {} in HEALTHCHECK (try CMD)", quote(&raw::lossy(&kind))));
    }
    if empty {
        return Err("Missing command after HEALTHCHECK CMD".to_owned());
    }
    let command: CommandLine = run::command_line(arguments);
    Ok(Healthcheck::Cmd(HealthcheckCmd {
        command,
        interval: interval(&mut flags, "interval")?,
        timeout: interval(&mut flags, "timeout")?,
        start_period: interval(&mut flags, "start-period")?,
        start_interval: interval(&mut flags, "start-interval")?,
        retries: retries(&mut flags)?,
    }))
}

fn interval(flags: &mut Flags, name: &str) -> Result<i64, String> {
    const MILLISECOND: i64 = 1_000_000;
    let text = flags.text(name).unwrap_or_default();
    if text.is_empty() {
        return Ok(0);
    }
    match parse_duration(&text)? {
        nanoseconds if nanoseconds != 0 && nanoseconds < MILLISECOND => {
            Err(format!("Interval {} cannot be less than 1ms", quote(name)))
        }
        nanoseconds => Ok(nanoseconds),
    }
}

fn retries(flags: &mut Flags) -> Result<i32, String> {
    let text = flags.text("retries").unwrap_or_default();
    if text.is_empty() {
        return Ok(0);
    }
    let digits = text.strip_prefix(['+', '-']).unwrap_or(&text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("strconv.ParseInt: parsing {}: invalid syntax", quote(&text)));
    }
    match text.parse::<i32>() {
        Ok(retries) if retries < 0 => Err(format!("--retries cannot be negative ({retries})")),
        Ok(retries) => Ok(retries),
        Err(_) => Err(format!("strconv.ParseInt: parsing {}: value out of range", quote(&text))),
    }
}
