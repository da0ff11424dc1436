//! `CMD`, `ENTRYPOINT` and `SHELL`: what a container starts.

use super::{Lowering, Site, StageState, history, lint};
use crate::dockerfile::instruction::CommandLine;
use crate::dockerfile::quote::quote;
use crate::image::config::{DEFAULT_SHELL, ImageConfig};

/// SHELL of a Windows image that names none.
const DEFAULT_SHELL_ON_WINDOWS: [&str; 3] = ["cmd", "/S", "/C"];

impl Lowering<'_> {
    pub(super) fn cmd(&mut self, command: &CommandLine, site: &Site<'_>, state: &mut StageState) {
        lint::used_once(self.lint, site, &mut state.cmd_at);
        lint::json_args(self.lint, site, command, &state.config);
        let args = arguments(command, &state.config);
        let shown = format!("CMD {}", quoted_list(&args));
        state.config.config.cmd = Some(args).filter(|args| !args.is_empty());
        state.config.config.args_escaped = true;
        history::note(&mut state.config, self.request.stages.epoch, shown);
    }

    /// A CMD of a base goes with its entrypoint; one of this stage stays.
    pub(super) fn entrypoint(&mut self, command: &CommandLine, site: &Site<'_>, state: &mut StageState) {
        lint::used_once(self.lint, site, &mut state.entrypoint_at);
        lint::json_args(self.lint, site, command, &state.config);
        let args = arguments(command, &state.config);
        let shown = format!("ENTRYPOINT {}", quoted_list(&args));
        state.config.config.entrypoint = Some(args).filter(|args| !args.is_empty());
        if state.cmd_at.is_none() {
            state.config.config.cmd = None;
        }
        history::note(&mut state.config, self.request.stages.epoch, shown);
    }

    pub(super) fn shell(&mut self, words: &[String], state: &mut StageState) {
        words.clone_into(&mut state.config.config.shell);
        let shown = format!("SHELL [{}]", words.join(" "));
        history::note(&mut state.config, self.request.stages.epoch, shown);
    }
}

/// A command's arguments, with the shell before a shell form.
pub(super) fn arguments(command: &CommandLine, config: &ImageConfig) -> Vec<String> {
    match command {
        CommandLine::Exec(args) => args.clone(),
        CommandLine::Shell(text) => with_shell(text, config),
    }
}

/// The configured shell with `text` as its last argument.
pub(super) fn with_shell(text: &str, config: &ImageConfig) -> Vec<String> {
    let mut args = match (config.config.shell.as_slice(), config.os.as_str()) {
        ([], "windows") => DEFAULT_SHELL_ON_WINDOWS.map(str::to_owned).to_vec(),
        ([], _) => DEFAULT_SHELL.map(str::to_owned).to_vec(),
        (shell, _) => shell.to_vec(),
    };
    args.push(text.to_owned());
    args
}

/// `["a" "b"]`, as Go prints a list of quoted strings.
fn quoted_list(args: &[String]) -> String {
    let quoted: Vec<String> = args.iter().map(|arg| quote(arg)).collect();
    format!("[{}]", quoted.join(" "))
}
