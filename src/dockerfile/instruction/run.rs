//! `RUN`, and the command forms that CMD and ENTRYPOINT share with it.

use super::{CommandLine, Run};
use crate::dockerfile::argument::Arguments;
use crate::dockerfile::flag::{Flags, Kind};
use crate::dockerfile::quote::quote;
use crate::dockerfile::statement::Statement;
use crate::dockerfile::{device, mount};

/// CMD and ENTRYPOINT.
pub(super) fn command(statement: &Statement) -> Result<CommandLine, String> {
    Flags::read(&statement.flags, &[])?;
    Ok(command_line(&statement.arguments))
}

pub(super) fn read(statement: &Statement) -> Result<Run, String> {
    let mut flags = Flags::read(
        &statement.flags,
        &[("device", Kind::List), ("mount", Kind::List), ("network", Kind::Text), ("security", Kind::Text)],
    )?;
    let devices = flags.list("device");
    for device in &devices {
        device::parse_device(device).map_err(|error| error.to_string())?;
    }
    let mounts = flags.list("mount");
    let mount_sources = mounts
        .iter()
        .map(|csv| mount::source(csv))
        .collect::<Result<_, _>>()
        .map_err(|error| error.to_string())?;
    let network = flags.text("network");
    if let Some(mode) = &network
        && !matches!(mode.as_str(), "default" | "none" | "host")
    {
        return Err(format!("invalid network mode {}", quote(mode)));
    }
    let security = flags.text("security");
    if let Some(mode) = &security
        && !matches!(mode.as_str(), "sandbox" | "insecure")
    {
        return Err(format!("security {} is not valid", quote(mode)));
    }
    let command = command_line(&statement.arguments);
    Ok(Run {
        command,
        heredocs: statement.heredocs.clone(),
        mounts,
        mount_sources,
        network,
        security,
        devices,
    })
}

/// Nothing at all is the shell form of the empty string.
pub(super) fn command_line(arguments: &Arguments) -> CommandLine {
    match arguments {
        Arguments::Json(words) => CommandLine::Exec(words.clone()),
        Arguments::Words(words) => CommandLine::Shell(words.join(" ")),
        _ => CommandLine::Shell(String::new()),
    }
}
