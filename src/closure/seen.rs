//! Commands that are written as what they come down to: entry scripts that only start their arguments, shell forms
//! behind them, and scripts of package managers.

use super::command::{self, ShellForm};
use super::finding;
use super::roots::{Judged, Wish, is_shell, json, keyword};
use super::script::run::{Kind, Settled, Surroundings, settle};
use super::script::{Dialect, Word};
use super::set::Closure;
use super::start::MAX_SCRIPT_BYTES;
use super::wrapper::{self, Behind};
use crate::closure::shebang::{EnvCall, SHEBANG_BYTES, Shebang};
use crate::distill::manifest::{FinalConfig, Finding};
use crate::rootfs::{FileKind, Rootfs, RootfsError};

/// What was replaced in a command.
#[derive(Default)]
struct Seen {
    /// The first word that was.
    first: Option<usize>,
    /// An entry script was left out, so that what it starts is the command.
    script: bool,
    notes: Vec<Finding>,
}

impl Closure<'_> {
    /// Writes each command as what it comes down to, in the commands and in the config. Where that is not certain,
    /// the command stays, and a package manager's shell comes.
    ///
    /// # Errors
    /// What the roots answer.
    pub(super) fn see_through(
        &mut self,
        commands: &mut [Judged],
        config: &mut FinalConfig,
    ) -> Result<Vec<Wish>, RootfsError> {
        let mut wishes = Vec::new();
        for judged in commands.iter_mut().filter(|judged| judged.script.is_none()) {
            let mut seen = Seen::default();
            for _ in 0..MAX_SCRIPTS {
                if !self.see_one(judged, &mut seen, &mut wishes)? {
                    break;
                }
            }
            if let Some(first) = seen.first {
                self.rewrite(judged, first, seen.script, config);
                self.findings.extend(seen.notes);
            }
        }
        Ok(wishes)
    }

    /// Replaces one part of a command; whether there was one.
    fn see_one(
        &mut self,
        judged: &mut Judged,
        seen: &mut Seen,
        wishes: &mut Vec<Wish>,
    ) -> Result<bool, RootfsError> {
        let mut at = 0;
        while at < judged.args.len() {
            let replaced = if let Some(words) = self.without_script(judged, at, seen)? {
                Some(words)
            } else if let Some(words) = self.without_shell(judged, at, seen) {
                Some(words)
            } else if self.runner(&judged.args[at]).is_some() {
                let words = self.what_runner_starts(&judged.args, at)?;
                match &words {
                    Some(words) => seen.notes.push(package_script(judged, at, words)),
                    None => self.shell_of_runner(judged, at, wishes)?,
                }
                if words.is_none() {
                    return Ok(false);
                }
                words
            } else {
                None
            };
            if let Some(words) = replaced {
                seen.first = Some(seen.first.map_or(at, |first| first.min(at)));
                judged.args.splice(at.., words);
                if seen.script
                    && at == 0
                    && let Some(cmd) = &self.world.spec.config.cmd
                {
                    // What is left is CMD's.
                    judged.why = "cmd";
                    judged.id.clone_from(&cmd.id);
                }
                return Ok(judged.script.is_none());
            }
            let Some(next) = self.behind(&judged.args, at)? else { return Ok(false) };
            at = next;
        }
        Ok(false)
    }

    /// Where the program begins that the one at `at` starts with the words behind it.
    fn behind(&self, args: &[String], at: usize) -> Result<Option<usize>, RootfsError> {
        let own = &args[at + 1..];
        let words: Vec<Word> = own.iter().cloned().map(Word::Text).collect();
        let behind = match wrapper::behind(&self.world.rules.wrapper, &args[at], &words) {
            Some(behind) => match behind.as_slice() {
                [Behind::Command(command)] if words.ends_with(command) => command.len(),
                _ => 0,
            },
            None => match self.find_program(&args[at])? {
                Some(found) => self.starts_arguments(&found, own)?.map_or(0, |at| own.len() - at),
                None => 0,
            },
        };
        Ok((behind > 0).then(|| args.len() - behind).filter(|next| *next > at))
    }

    /// The command that an entry script comes down to.
    fn without_script(
        &self,
        judged: &Judged,
        at: usize,
        seen: &mut Seen,
    ) -> Result<Option<Vec<String>>, RootfsError> {
        let (program, arguments) = (&judged.args[at], &judged.args[at + 1..]);
        let Some(path) = self.find_program(program)? else { return Ok(None) };
        let eyes = &self.world.views[self.first_view()];
        let Some(real) = eyes.file(&path)? else { return Ok(None) };
        let text = eyes.read(&real, 0..MAX_SCRIPT_BYTES)?;
        let Some(shell) = shell_of(&text) else { return Ok(None) };
        let entrypoint = self.world.spec.config.entrypoint.as_ref();
        let inherited =
            judged.why == "entrypoint" && entrypoint.is_some_and(|entrypoint| entrypoint.id.is_none());
        let image = Image { closure: self, trusts: inherited };
        let text = String::from_utf8_lossy(&text);
        let Ok(settled) = settle(&text, &path.to_string(), arguments, Dialect::of(&shell), &image) else {
            return Ok(None);
        };
        let Settled { words, settings, unset } = settled;
        if self.find_program(&words[0])?.is_none() {
            return Ok(None);
        }
        let mut command = Vec::new();
        if !settings.is_empty() {
            if self.find_program("env")?.is_none() {
                return Ok(None);
            }
            command.push("env".to_owned());
            command.extend(settings.into_iter().map(|(name, value)| format!("{name}={value}")));
        }
        command.extend(words);
        let mut message = format!(
            "`{path}` only starts its arguments, so it is left out: the command is {}",
            json(&command)
        );
        if !unset.is_empty() {
            let names: Vec<String> = unset.iter().map(|name| format!("`{name}`")).collect();
            message.push_str("; it would do more with ");
            message.push_str(&names.join(" or "));
            message.push_str(" set");
        }
        let found = finding::notice(finding::ENTRYPOINT_SCRIPT, message)
            .hint(format!(
                "write ENTRYPOINT [] or another one; `program={path}` keeps the script in the image"
            ))
            .at(judged.id.as_ref());
        seen.notes.push(found);
        seen.script = true;
        Ok(Some(command))
    }

    /// The command of a shell form behind an ENTRYPOINT, where it needs no shell.
    fn without_shell(&self, judged: &mut Judged, at: usize, seen: &mut Seen) -> Option<Vec<String>> {
        let cmd = self.world.spec.config.cmd.as_ref().filter(|cmd| cmd.shell_form)?;
        if judged.why == "healthcheck" || judged.args[at..] != cmd.args || !seen.script && at == 0 {
            return None;
        }
        let (script, shell) = cmd.args.split_last()?;
        if !shell.first().is_some_and(|shell| is_shell(shell)) {
            return None;
        }
        match command::judge(script) {
            ShellForm::Exec(words) => {
                seen.notes.push(
                    finding::notice(
                        finding::EXEC_FORM,
                        format!("CMD needs no shell: it is written as {}", json(&words)),
                    )
                    .hint("write it in exec form")
                    .at(cmd.id.as_ref()),
                );
                Some(words)
            }
            ShellForm::Shell(why) if at == 0 => {
                // What is left is the shell form alone.
                judged.script = Some((script.clone(), why));
                None
            }
            ShellForm::Shell(_) => None,
        }
    }

    /// Writes a changed command into the config.
    fn rewrite(&self, judged: &Judged, first: usize, script: bool, config: &mut FinalConfig) {
        let words = &judged.args;
        let own = &self.world.spec.config;
        let entrypoint =
            config.entrypoint.clone().or_else(|| own.entrypoint.as_ref().map(|e| e.args.clone()));
        match (judged.why, entrypoint) {
            ("healthcheck", _) => config.healthcheck = Some(words.clone()),
            (_, Some(entrypoint)) if first >= entrypoint.len() => {
                config.cmd = Some(words[entrypoint.len()..].to_vec());
            }
            // What the script started is the command; others can take its place, as they could before.
            (_, Some(_)) if script && own.cmd.is_some() => {
                config.entrypoint = Some(words[..first].to_vec());
                config.cmd = Some(words[first..].to_vec());
            }
            (_, Some(_)) => {
                config.entrypoint = Some(words.clone());
                config.cmd = own.cmd.as_ref().map(|_| Vec::new());
            }
            (_, None) => config.cmd = Some(words.clone()),
        }
    }
}

fn package_script(judged: &Judged, at: usize, words: &[String]) -> Finding {
    let keyword = keyword(judged.why);
    finding::notice(
        finding::PACKAGE_SCRIPT,
        format!(
            "{keyword} starts `{}`: it is written as {}, what the script starts",
            judged.args[at..].join(" "),
            json(words)
        ),
    )
    .hint("write the command itself")
    .at(judged.id.as_ref())
}

/// The shell that a script is for, by its `#!` line.
fn shell_of(text: &[u8]) -> Option<String> {
    let shebang = Shebang::parse(&text[..text.len().min(SHEBANG_BYTES)])?;
    let interpreter = String::from_utf8_lossy(&shebang.interpreter).into_owned();
    let name = if interpreter.ends_with("/env") {
        let words: Vec<Vec<u8>> = shebang.argument.into_iter().collect();
        String::from_utf8(EnvCall::parse(&words).ok()?.command.first()?.clone()).ok()?
    } else {
        interpreter
    };
    is_shell(&name).then_some(name)
}

/// What a script may ask.
struct Image<'c, 'a> {
    closure: &'c Closure<'a>,
    trusts: bool,
}

impl Surroundings for Image<'_, '_> {
    fn program(&self, name: &str) -> Option<String> {
        self.closure.find_program(name).ok().flatten().map(|path| path.to_string())
    }

    fn kind(&self, path: &str) -> Option<Kind> {
        let path = self.closure.working_directory().join(path.as_bytes());
        let (real, kind, view) = self.closure.locate(&path).ok()??;
        Some(match kind {
            FileKind::Regular => {
                let stat = self.closure.world.views[view].stat(&real).ok()??;
                Kind::File { executable: stat.mode & 0o111 != 0 }
            }
            FileKind::Directory => Kind::Directory,
            _ => Kind::Other,
        })
    }

    fn environment(&self, name: &str) -> Option<String> {
        self.closure.env(name)
    }

    fn trusts_unset(&self) -> bool {
        self.trusts
    }
}

/// Scripts that start scripts.
const MAX_SCRIPTS: usize = 16;
