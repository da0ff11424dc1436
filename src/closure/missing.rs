//! What a command asks for and nobody has: its program, or the script that its interpreter runs.

use super::finding;
use super::reason;
use super::roots::{Judged, keyword};
use super::set::{Closure, Strength};
use crate::distill::manifest::Reason;
use crate::distill::spec::{Command, Mode};
use crate::rootfs::{FileKind, RootfsError, RootfsPath};

impl Closure<'_> {
    /// A command's program is nowhere, or cannot be started.
    ///
    /// # Errors
    /// What the roots answer.
    pub(super) fn missing_program(&mut self, command: &Judged, program: &str) -> Result<(), RootfsError> {
        let keyword = keyword(command.why);
        let there = self.working_directory().join(program.as_bytes());
        let blocked =
            program.contains('/') && matches!(self.locate(&there)?, Some((_, FileKind::Regular, _)));
        let (message, hint) = if blocked {
            (
                format!("{keyword} names `{program}`, which is not executable"),
                format!("`COPY --chmod=755` it, or `chmod +x {program}` in a RUN"),
            )
        } else if self.world.usable.is_empty() {
            (
                format!("{keyword} names `{program}`, which {}", self.nobody_holds()),
                format!("add a build stage and COPY `{program}` from it"),
            )
        } else {
            let hint = if program.contains('/') {
                format!("COPY `{program}` into the stage, or correct the path")
            } else {
                format!("COPY `{program}` into a directory on PATH, or name it by its whole path")
            };
            (format!("{keyword} names `{program}`, which {}", self.nobody_holds()), hint)
        };
        // The ordinary image has no such check either, and runs.
        let checked = self.is_whole() && command.why == "healthcheck";
        let finding =
            if checked { finding::warning } else { finding::error }(finding::PROGRAM_MISSING, message);
        self.findings.add(finding.hint(hint).at(command.id.as_ref()));
        Ok(())
    }

    /// A script that a command's interpreter is to run is nowhere. It may be mounted when the container starts, so this
    /// is no error; at a VOLUME it is expected.
    pub(super) fn missing_script(&mut self, path: &RootfsPath, chain: &[Reason], strength: Strength) {
        let Some((why, command)) = self.command_of(chain).filter(|_| strength >= Strength::Strict) else {
            return;
        };
        // What a package's own script starts, and what starts in another directory, is not the command's word.
        let name = String::from_utf8_lossy(path.name());
        if !command.args.iter().any(|arg| arg.contains(&*name))
            || self.directory_before(&command.args) != self.working_directory()
        {
            return;
        }
        let unclear = path.as_bytes().iter().any(|byte| matches!(byte, b'*' | b'$' | b':'));
        let volumes = &self.world.spec.config.volumes;
        let mounted = volumes.iter().any(|volume| path.is_within(&RootfsPath::parse(volume.as_bytes())));
        if unclear || mounted {
            return;
        }
        let runs = chain.last().map_or("", |step| step.by.as_str());
        let shown = reason::escaped(path);
        let message = format!("{why} runs `{runs}` with `{shown}`, which {}", self.nobody_holds());
        let id = command.id.clone();
        self.findings.add(
            finding::warning(finding::PROGRAM_MISSING, message)
                .hint(format!("COPY `{shown}` into the stage, or correct the path"))
                .at(id.as_ref()),
        );
    }

    /// The command that a chain of reasons begins with, and its keyword.
    fn command_of(&self, chain: &[Reason]) -> Option<(&'static str, &Command)> {
        let config = &self.world.spec.config;
        let why = chain.first()?.why.as_str();
        let command = match why {
            "entrypoint" => &config.entrypoint,
            "cmd" => &config.cmd,
            "healthcheck" => &config.healthcheck,
            _ => return None,
        };
        command.as_ref().map(|command| (keyword(why), command))
    }

    pub(super) fn is_whole(&self) -> bool {
        self.world.spec.mode == Mode::Distil
    }

    /// Where nothing was found, as the end of a sentence.
    pub(super) fn nobody_holds(&self) -> String {
        match (self.is_whole(), self.world.usable.is_empty()) {
            (true, _) => format!("{} does not hold", self.sources_text()),
            (false, true) => "neither the stage nor a source holds".to_owned(),
            (false, false) => format!("neither the stage nor {} holds", self.sources_text()),
        }
    }
}
