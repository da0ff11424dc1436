//! What is wanted for itself: the programs of the commands and the files that these name, `program=`, `include=`,
//! and what the stage copied.

use super::command::{self, ShellForm};
use super::finding::{self};
use super::glob;
use super::hygiene::{contains, is_secret_name};
use super::reason;
use super::set::{Closure, Strength};
use super::view::{Place, View};
use crate::closure::shebang::EnvCall;
use crate::distill::manifest::{FinalConfig, Reason};
use crate::distill::spec::{Command, Config, InstructionId};
use crate::rootfs::links::{self, Resolved};
use crate::rootfs::{FileKind, Rootfs, RootfsError, RootfsPath};

/// One file to begin with.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    /// Real path in the final tree.
    pub(super) path: RootfsPath,
    pub(super) strength: Strength,
    /// It is started, so a `#!` line in it counts.
    pub(super) started: bool,
}

/// A command of the image after its shell form was judged.
pub(super) struct Judged {
    pub(super) why: &'static str,
    pub(super) args: Vec<String>,
    pub(super) id: Option<InstructionId>,
    pub(super) strength: Strength,
    /// The script that a shell has to read, and why it needs one.
    pub(super) script: Option<(String, String)>,
}

/// The commands that the image starts, and what of the config is rewritten.
pub(super) fn commands(
    config: &Config,
) -> (Vec<Judged>, FinalConfig, Vec<crate::distill::manifest::Finding>) {
    let mut rewritten = FinalConfig::default();
    let mut notes = Vec::new();
    let mut all = Vec::new();
    let main = match (&config.entrypoint, &config.cmd) {
        (Some(entrypoint), cmd) => {
            let mut judged = judge("entrypoint", entrypoint, Strength::Hard, &command::judge, &mut notes);
            if !entrypoint.shell_form {
                judged.args.extend(cmd.iter().flat_map(|cmd| cmd.args.iter().cloned()));
            } else if judged.script.is_none() {
                rewritten.entrypoint = Some(judged.args.clone());
                // A shell ignores what follows its script; the program itself would not.
                rewritten.cmd = cmd.as_ref().map(|_| Vec::new());
            }
            Some(judged)
        }
        (None, Some(cmd)) => {
            let judged = judge("cmd", cmd, Strength::Hard, &command::judge, &mut notes);
            if cmd.shell_form && judged.script.is_none() {
                rewritten.cmd = Some(judged.args.clone());
            }
            Some(judged)
        }
        (None, None) => None,
    };
    all.extend(main);
    if let Some(check) = &config.healthcheck {
        let judged = judge("healthcheck", check, Strength::Strict, &command::judge_healthcheck, &mut notes);
        if check.shell_form && judged.script.is_none() {
            rewritten.healthcheck = Some(judged.args.clone());
        }
        all.push(judged);
    }
    all.retain(|judged| !judged.args.is_empty());
    (all, rewritten, notes)
}

fn judge(
    why: &'static str,
    command: &Command,
    strength: Strength,
    judge: &dyn Fn(&str) -> ShellForm,
    notes: &mut Vec<crate::distill::manifest::Finding>,
) -> Judged {
    let id = command.id.clone();
    let plain = |args: Vec<String>, script| Judged { why, args, id: id.clone(), strength, script };
    let Some((script, shell)) = command.args.split_last().filter(|_| command.shell_form) else {
        return plain(command.args.clone(), None);
    };
    let known = shell.first().is_none_or(|shell| is_shell(shell));
    match judge(script) {
        ShellForm::Exec(words) if known => {
            notes.push(
                finding::notice(
                    finding::EXEC_FORM,
                    format!("{} needs no shell: it is written as {}", keyword(why), json(&words)),
                )
                .hint("write it in exec form")
                .at(id.as_ref()),
            );
            plain(words, None)
        }
        ShellForm::Exec(_) => {
            plain(command.args.clone(), Some((script.clone(), "SHELL names another program".to_owned())))
        }
        ShellForm::Shell(why) => plain(command.args.clone(), Some((script.clone(), why))),
    }
}

pub(super) fn json(words: &[String]) -> String {
    let quoted: Vec<String> =
        words.iter().map(|word| serde_json::Value::from(word.as_str()).to_string()).collect();
    format!("[{}]", quoted.join(", "))
}

pub(super) fn keyword(why: &str) -> &'static str {
    match why {
        "entrypoint" => "ENTRYPOINT",
        "cmd" => "CMD",
        "healthcheck" => "HEALTHCHECK",
        _ => "the command",
    }
}

/// Whether a program is a shell, by its name.
pub(super) fn is_shell(program: &str) -> bool {
    let name = program.rsplit('/').next().unwrap_or(program);
    SHELLS.contains(&name)
}

const SHELLS: [&str; 7] = ["sh", "dash", "bash", "ash", "ksh", "zsh", "busybox"];

impl Closure<'_> {
    /// The roots that one command names.
    ///
    /// # Errors
    /// What the roots answer.
    pub(super) fn command_roots(&mut self, command: &Judged) -> Result<Vec<Wish>, RootfsError> {
        let mut wishes = Vec::new();
        let mut args: Vec<String> = command.args.clone();
        let mut chain: Vec<Reason> = Vec::new();
        // Each wrapper takes words away, so this ends.
        while let Some(program) = args.first().cloned() {
            let step = |chain: &[Reason], path: &RootfsPath| match chain {
                [] => reason::root(command.why, reason::escaped(path)),
                chain => reason::then(chain, "starts", reason::escaped(path)),
            };
            let Some(found) = self.find_program(&program)? else {
                self.missing_program(command, &program);
                return Ok(wishes);
            };
            chain = step(&chain, &found);
            let view = self.view_for(&found);
            if let Some(real) = self.bring(view, &found, &chain, command.strength)? {
                self.started_as(&found, &real);
                wishes.push(Wish { path: real, strength: command.strength, started: true });
            }
            if let Some((script, why)) = &command.script {
                self.shell_command(command, script, why, &chain, &mut wishes)?;
                return Ok(wishes);
            }
            let rest = match self.behind_wrapper(&program, &args[1..]) {
                Some(rest) => Some(rest),
                None if self.starts_arguments(&found, &args[1..])? => Some(args[1..].to_vec()),
                None => None,
            };
            match rest {
                Some(rest) if !rest.is_empty() => args = rest,
                _ if self.runs_language(&found, &args[1..], &chain, command.strength, &mut wishes)? => {
                    return Ok(wishes);
                }
                _ => {
                    self.inline_script(command, &program, &args[1..], &chain, &mut wishes)?;
                    for word in &args[1..] {
                        self.argument(word, &chain, command.strength, &mut wishes)?;
                    }
                    return Ok(wishes);
                }
            }
        }
        Ok(wishes)
    }

    /// Whether a program is a script that starts its own arguments (`exec "$@"`), and the first of them is a program.
    pub(super) fn starts_arguments(&self, path: &RootfsPath, args: &[String]) -> Result<bool, RootfsError> {
        let Some(first) = args.first() else { return Ok(false) };
        let eyes = &self.world.views[self.view_for(path)];
        let Some(real) = eyes.file(path)? else { return Ok(false) };
        let text = eyes.read(&real, 0..MAX_SCRIPT_BYTES)?;
        let script = text.starts_with(b"#!") && contains(&text, b"\"$@\"");
        Ok(script && self.find_program(first)?.is_some())
    }

    /// A command that stays in shell form: the shell is in the set already, its script's programs follow.
    fn shell_command(
        &mut self,
        command: &Judged,
        script: &str,
        why: &str,
        chain: &[Reason],
        wishes: &mut Vec<Wish>,
    ) -> Result<(), RootfsError> {
        let keyword = keyword(command.why);
        self.findings.add(
            finding::warning(
                finding::SHELL_NEEDED,
                format!("{keyword} needs a shell, so one is in the image: {why}"),
            )
            .hint(format!("write {keyword} in exec form"))
            .at(command.id.as_ref()),
        );
        self.called_programs(script, chain, wishes)
    }

    /// `sh -c SCRIPT` written in exec form.
    fn inline_script(
        &mut self,
        command: &Judged,
        program: &str,
        args: &[String],
        chain: &[Reason],
        wishes: &mut Vec<Wish>,
    ) -> Result<(), RootfsError> {
        if !is_shell(program) {
            return Ok(());
        }
        let at = args.iter().position(|word| word.starts_with('-') && word.ends_with('c'));
        match at.and_then(|at| args.get(at + 1)) {
            Some(script) => {
                let script = script.clone();
                self.shell_command(command, &script, &format!("it starts `{program}`"), chain, wishes)
            }
            None => Ok(()),
        }
    }

    /// The programs that a script calls, where they are on `PATH`.
    pub(super) fn called_programs(
        &mut self,
        script: &str,
        chain: &[Reason],
        wishes: &mut Vec<Wish>,
    ) -> Result<(), RootfsError> {
        for name in command::called(script) {
            let Some(found) = self.find_program(&name)? else { continue };
            let view = self.view_for(&found);
            let chain = reason::then(chain, "called", reason::escaped(&found));
            if let Some(real) = self.bring(view, &found, &chain, Strength::Soft)? {
                self.started_as(&found, &real);
                wishes.push(Wish { path: real, strength: Strength::Soft, started: true });
            }
        }
        Ok(())
    }

    fn missing_program(&mut self, command: &Judged, program: &str) {
        let keyword = keyword(command.why);
        let message = format!(
            "{keyword} names `{program}`, which neither the stage nor {} holds",
            if self.world.usable.is_empty() { "a source".to_owned() } else { self.sources_text() }
        );
        let hint = if self.world.usable.is_empty() {
            format!("add a build stage and COPY `{program}` from it")
        } else if program.contains('/') {
            format!("COPY `{program}` into the stage, or correct the path")
        } else {
            format!("COPY `{program}` into a directory on PATH, or name it by its whole path")
        };
        self.findings
            .add(finding::error(finding::PROGRAM_MISSING, message).hint(hint).at(command.id.as_ref()));
    }

    /// What a wrapper starts: the words after its own; `None` when the program is no wrapper.
    pub(super) fn behind_wrapper(&self, program: &str, args: &[String]) -> Option<Vec<String>> {
        let name = program.rsplit('/').next().unwrap_or(program);
        if name == "env" {
            let words: Vec<Vec<u8>> = args.iter().map(|word| word.clone().into_bytes()).collect();
            let call = EnvCall::parse(&words).ok()?;
            return call.command.into_iter().map(|word| String::from_utf8(word).ok()).collect();
        }
        let wrapper = self.world.rules.wrapper.iter().find(|wrapper| {
            wrapper.names.iter().any(|known| glob::matches_name(known.as_bytes(), name.as_bytes()))
        })?;
        let mut rest = args;
        while let Some((word, more)) = rest.split_first() {
            if word == "--" {
                rest = more;
                break;
            }
            if !word.starts_with('-') || word == "-" {
                break;
            }
            let takes = wrapper.options_with_value.contains(word);
            rest = if takes { more.get(1..).unwrap_or_default() } else { more };
        }
        Some(rest.get(wrapper.operands..).unwrap_or_default().to_vec())
    }

    /// A word of a command that names a file: a root as well.
    pub(super) fn argument(
        &mut self,
        word: &str,
        chain: &[Reason],
        strength: Strength,
        wishes: &mut Vec<Wish>,
    ) -> Result<(), RootfsError> {
        let values = [Some(word), word.split_once('=').map(|(_, value)| value)];
        for value in values.into_iter().flatten().filter(|value| !value.is_empty() && !value.starts_with('-'))
        {
            let directory = RootfsPath::parse(self.world.spec.config.working_dir.as_bytes());
            let path = directory.join(value.as_bytes());
            let Some((real, kind, view)) = self.locate(&path)? else { continue };
            let chain = reason::then(chain, "argument", reason::escaped(&path));
            match kind {
                FileKind::Regular => {
                    // What the user put there is in the set anyway: its own reason says more.
                    let strength = strength.min(Strength::Strict);
                    self.bring(view, &path, &chain, strength)?;
                    wishes.push(Wish { path: real, strength, started: false });
                }
                FileKind::Directory
                    if !directory.is_root() && path.is_within(&directory) && path != directory =>
                {
                    for path in self.bring_tree(view, &path, &chain, Strength::Soft, &|_| false)? {
                        wishes.push(Wish { path, strength: Strength::Soft, started: false });
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Where a path leads: in the stage's own tree, else in the sources in order.
    pub(super) fn locate(
        &self,
        path: &RootfsPath,
    ) -> Result<Option<(RootfsPath, FileKind, usize)>, RootfsError> {
        for view in self.views_in_order() {
            match links::resolve(&self.world.views[view], path) {
                Ok(Resolved::Found { path, stat, .. }) => return Ok(Some((path, stat.kind, view))),
                Ok(Resolved::Missing { .. }) | Err(RootfsError::LinkLoop(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    fn views_in_order(&self) -> Vec<usize> {
        if self.world.usable.is_empty() { vec![0] } else { self.world.usable.iter().copied().collect() }
    }

    /// The view whose source has what a path leads to.
    fn view_for(&self, path: &RootfsPath) -> usize {
        let eyes = &self.world.views[self.first_view()];
        match links::resolve(eyes, path) {
            Ok(Resolved::Found { path, .. }) => match eyes.place(&path) {
                Ok(Some((Place::Source(index, _), _))) => index,
                Ok(Some((Place::Tree, _))) => {
                    let source = self.node(&path).and_then(|node| node.came.source);
                    source
                        .filter(|index| self.world.usable.contains(index))
                        .unwrap_or_else(|| self.first_view())
                }
                _ => self.first_view(),
            },
            _ => self.first_view(),
        }
    }

    /// The path under which the runtime finds a program (`execvp(3)` by the image's `PATH`): in the stage's own tree,
    /// else in the sources in order.
    ///
    /// # Errors
    /// What the roots answer.
    pub(super) fn find_program(&self, name: &str) -> Result<Option<RootfsPath>, RootfsError> {
        let directory = RootfsPath::parse(self.world.spec.config.working_dir.as_bytes());
        let candidates: Vec<RootfsPath> = if name.contains('/') {
            vec![directory.join(name.as_bytes())]
        } else {
            let path =
                self.env("PATH").filter(|path| !path.is_empty()).unwrap_or_else(|| DEFAULT_PATH.to_owned());
            path.split(':').map(|dir| directory.join(dir.as_bytes()).join(name.as_bytes())).collect()
        };
        for candidate in &candidates {
            if is_executable(&self.world.composition.tree, candidate)? {
                return Ok(Some(candidate.clone()));
            }
        }
        for view in self.views_in_order() {
            let eyes = &self.world.views[view];
            for candidate in &candidates {
                if is_executable(eyes, candidate)? && is_of(eyes, candidate, view)? {
                    return Ok(Some(candidate.clone()));
                }
            }
        }
        Ok(None)
    }

    /// `program=`: further programs that someone will start.
    ///
    /// # Errors
    /// What the roots answer.
    pub(super) fn control_programs(&mut self) -> Result<Vec<Wish>, RootfsError> {
        let mut wishes = Vec::new();
        for program in &self.world.spec.control.program {
            let Some(found) = self.find_program(program)? else {
                let message =
                    format!("`program={program}` is in neither the stage nor {}", self.sources_text());
                self.findings.add(
                    finding::error(finding::PROGRAM_MISSING, message)
                        .hint("install it in the build stage, or correct the name"),
                );
                continue;
            };
            let view = self.view_for(&found);
            let chain = reason::root("program", reason::escaped(&found));
            if let Some(real) = self.bring(view, &found, &chain, Strength::Strict)? {
                self.started_as(&found, &real);
                wishes.push(Wish { path: real, strength: Strength::Strict, started: true });
            }
        }
        Ok(wishes)
    }

    /// `include=`: paths that come with their closure.
    ///
    /// # Errors
    /// What the roots answer.
    pub(super) fn control_includes(&mut self) -> Result<Vec<Wish>, RootfsError> {
        let mut wishes = Vec::new();
        for pattern in &self.world.spec.control.include {
            let chain = reason::root("include", pattern.clone());
            let mut matched = false;
            for view in self.views_in_order() {
                let paths = glob::expand(&self.world.views[view], pattern.as_bytes())?;
                matched = !paths.is_empty();
                for path in paths {
                    self.tell_secret(pattern, &path);
                    for path in self.bring_tree(view, &path, &chain, Strength::Soft, &|_| false)? {
                        wishes.push(Wish { path, strength: Strength::Soft, started: false });
                    }
                }
                if matched {
                    break;
                }
            }
            if !matched {
                let message =
                    format!("`include={pattern}` matches nothing in the stage or in {}", self.sources_text());
                self.findings.add(finding::warning(finding::INCLUDE_UNMATCHED, message));
            }
        }
        Ok(wishes)
    }

    /// A secret that `include=` names itself comes, and is told.
    fn tell_secret(&mut self, pattern: &str, path: &RootfsPath) {
        let parent = path.parent().map(|parent| parent.name().to_vec()).unwrap_or_default();
        if !glob::has_wildcard(pattern.as_bytes()) && is_secret_name(&parent, path.name()) {
            let message = format!("`{path}` holds secrets and is in the image: `include=` names it");
            self.findings.add(
                finding::warning(finding::SECRET_COPIED, message)
                    .hint("use a secret mount, or give it to the container when it starts"),
            );
        }
    }

    /// What the stage's own instructions put there and is closed over.
    ///
    /// # Errors
    /// What the roots answer.
    pub(super) fn copied(&mut self) -> Result<Vec<Wish>, RootfsError> {
        let mut wishes = Vec::new();
        for (path, node) in self.world.composition.tree.iter() {
            if node.came.step.is_none() || path.is_root() {
                continue;
            }
            let named = node.came.named && node.came.closure;
            let strength = if named { Strength::Strict } else { Strength::Soft };
            if strength < Strength::Hard && self.is_excluded(path) {
                continue;
            }
            if !self.items.contains_key(path) {
                self.put(path, Place::Tree, node.stat(), &node.came.reason, strength)?;
            }
            if let Some(carried) = &node.came.carried
                && let Some(item) = self.items.get_mut(path)
            {
                item.hard |= carried.hard;
            }
            if node.came.closure && !node.is_directory() {
                let started = named && node.mode & 0o111 != 0;
                wishes.push(Wish { path: path.clone(), strength, started });
            }
        }
        Ok(wishes)
    }
}

/// Whether a path leads to a file of the stage or of this source.
fn is_of(eyes: &View<'_>, path: &RootfsPath, source: usize) -> Result<bool, RootfsError> {
    let Resolved::Found { path, .. } = links::resolve(eyes, path)? else { return Ok(false) };
    Ok(match eyes.place(&path)? {
        Some((Place::Source(index, _), _)) => index == source,
        Some((Place::Tree, _)) => true,
        None => false,
    })
}

/// Whether a path leads to a regular file with an x bit.
pub(super) fn is_executable(rootfs: &dyn Rootfs, path: &RootfsPath) -> Result<bool, RootfsError> {
    match links::resolve(rootfs, path) {
        Ok(Resolved::Found { stat, .. }) => Ok(stat.kind == FileKind::Regular && stat.mode & 0o111 != 0),
        Ok(Resolved::Missing { .. }) | Err(RootfsError::LinkLoop(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Bytes of a script that are looked at.
const MAX_SCRIPT_BYTES: u64 = 1 << 20;

/// `PATH` when the image sets none (containerd and Docker).
pub(super) const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
