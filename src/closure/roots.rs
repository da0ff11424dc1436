//! What is wanted for itself: the programs of the commands and the files that these name, `program=`, `include=`,
//! and what the stage copied.

use super::command::{self, ShellForm};
use super::finding::{self};
use super::glob;
use super::hygiene::is_secret_name;
use super::reason;
use super::script::Word;
use super::set::{Closure, Strength};
use super::shell::{FILLED, Running};
use super::start::{Started, Starter};
use super::view::{Place, View};
use crate::closure::shebang::Shebang;
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

/// The warning about a command that a shell has to read.
pub(super) fn shell_needed(
    keyword: &str,
    id: Option<&InstructionId>,
    why: &str,
) -> crate::distill::manifest::Finding {
    finding::warning(finding::SHELL_NEEDED, format!("{keyword} needs a shell, so one is in the image: {why}"))
        .hint(format!("write {keyword} in exec form"))
        .at(id)
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
        let words: Vec<Word> = command.args.iter().cloned().map(Word::Text).collect();
        let starter = Starter::command(command);
        let Some((script, why)) = &command.script else {
            if let Started::Missing(program) = self.start(starter, &words, &mut wishes)? {
                self.missing_program(command, &program)?;
            }
            return Ok(wishes);
        };
        let shell = &words[..words.len().min(1)];
        if let Started::Missing(program) = self.start(starter, shell, &mut wishes)? {
            self.missing_program(command, &program)?;
            return Ok(wishes);
        }
        let keyword = keyword(command.why);
        self.tell_shell_needed(keyword, command.id.as_ref(), why);
        let program = command.args.first().cloned().unwrap_or_default();
        let found = self.find_program(&program)?;
        let chain = found.map(|found| reason::root(command.why, reason::escaped(&found))).unwrap_or_default();
        let running = Running {
            text: script,
            name: None,
            label: keyword.to_owned(),
            shell: &program,
            chain: &chain,
            strength: command.strength,
            id: command.id.as_ref(),
        };
        self.run_script(&running, &mut wishes)?;
        Ok(wishes)
    }

    pub(super) fn tell_shell_needed(&mut self, keyword: &str, id: Option<&InstructionId>, why: &str) {
        self.findings.add(shell_needed(keyword, id, why));
    }

    /// Where in its arguments the command begins that a script starts (`exec "$@"`), when the program is such a script.
    pub(super) fn starts_arguments(
        &self,
        path: &RootfsPath,
        args: &[String],
    ) -> Result<Option<usize>, RootfsError> {
        if args.is_empty() {
            return Ok(None);
        }
        let eyes = &self.world.views[self.view_for(path)];
        let Some(real) = eyes.file(path)? else { return Ok(None) };
        let text = eyes.read(&real, 0..MAX_SCRIPT_BYTES)?;
        let Some(shebang) = Shebang::parse(&text) else { return Ok(None) };
        let line = [shebang.interpreter.as_slice(), shebang.argument.as_deref().unwrap_or_default()];
        let shell = line
            .iter()
            .flat_map(|part| part.split(|byte| *byte == b' '))
            .any(|word| std::str::from_utf8(word).is_ok_and(is_shell));
        let text = String::from_utf8_lossy(&text);
        let starts = match self.read_alone(&text).filter(|_| shell) {
            Some(script) => script.starts_arguments || !script.sourced.is_empty() && text.contains("\"$@\""),
            None => text.contains("\"$@\""),
        };
        if starts { self.first_program(args) } else { Ok(None) }
    }

    /// Where the command begins among the words of a script that starts some of them: at the first, behind `--`, else
    /// at the first that is a program (`wait-for-it.sh db:5432 -t 30 -- serve`).
    pub(super) fn first_program(&self, words: &[String]) -> Result<Option<usize>, RootfsError> {
        let behind = words.iter().position(|word| word == "--").map(|at| at + 1);
        let others = 1..words.len().min(MAX_OWN_WORDS);
        for at in std::iter::once(0).chain(behind).chain(others) {
            let Some(word) = words.get(at) else { continue };
            if !word.starts_with('-') && self.find_program(word)?.is_some() {
                return Ok(Some(at));
            }
        }
        Ok(None)
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
            if FILLED.iter().any(|filled| path == RootfsPath::from(*filled)) {
                continue;
            }
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

    /// At most `limit` paths that a pattern stands for, in the first view that has some; a directory that is too large
    /// to be listed counts as empty.
    ///
    /// # Errors
    /// What the roots answer.
    pub(super) fn locate_all(&self, pattern: &str, limit: usize) -> Result<Vec<RootfsPath>, RootfsError> {
        for view in self.views_in_order() {
            let mut found = match glob::expand(&self.world.views[view], pattern.as_bytes()) {
                Ok(found) => found,
                Err(RootfsError::TooManyEntries { .. }) => Vec::new(),
                Err(error) => return Err(error),
            };
            if !found.is_empty() {
                found.truncate(limit);
                return Ok(found);
            }
        }
        Ok(Vec::new())
    }

    pub(super) fn views_in_order(&self) -> Vec<usize> {
        if self.world.usable.is_empty() { vec![0] } else { self.world.usable.iter().copied().collect() }
    }

    /// The view whose source has what a path leads to.
    pub(super) fn view_for(&self, path: &RootfsPath) -> usize {
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
        self.find_program_from(name, &[], &[])
    }

    /// The same where a script adds directories to `PATH`, or changes to directories.
    ///
    /// # Errors
    /// What the roots answer.
    pub(super) fn find_program_from(
        &self,
        name: &str,
        path: &[String],
        directories: &[String],
    ) -> Result<Option<RootfsPath>, RootfsError> {
        let directory = RootfsPath::parse(self.world.spec.config.working_dir.as_bytes());
        let candidates: Vec<RootfsPath> = if name.contains('/') {
            let also = directories.iter().map(|other| directory.join(other.as_bytes()).join(name.as_bytes()));
            std::iter::once(directory.join(name.as_bytes())).chain(also).collect()
        } else {
            let value =
                self.env("PATH").filter(|path| !path.is_empty()).unwrap_or_else(|| DEFAULT_PATH.to_owned());
            let all = path.iter().map(String::as_str).chain(value.split(':'));
            all.map(|dir| directory.join(dir.as_bytes()).join(name.as_bytes())).collect()
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
            let words = [Word::Text(program.clone())];
            if self.start(Starter::control(), &words, &mut wishes)? != Started::Found {
                let message = format!("`program={program}` names what {}", self.nobody_holds());
                self.findings.add(
                    finding::error(finding::PROGRAM_MISSING, message)
                        .hint("install it in the build stage, or correct the name"),
                );
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
                let own = if self.is_whole() { "" } else { "the stage or in " };
                let message = format!("`include={pattern}` matches nothing in {own}{}", self.sources_text());
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

/// Words that a script may take for itself before the command that it starts.
const MAX_OWN_WORDS: usize = 16;

/// `PATH` when the image sets none (containerd and Docker).
pub(super) const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
