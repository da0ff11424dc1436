//! Shell scripts in the set: what they start, source and name comes along.

use std::collections::{BTreeMap, BTreeSet};

use super::command;
use super::finding;
use super::reason;
use super::roots::Wish;
use super::script::{self, Call, Context, Dialect, Script, Word};
use super::set::{Closure, Strength};
use super::start::{MAX_SCRIPT_BYTES, Started, Starter};
use crate::distill::manifest::Reason;
use crate::distill::spec::{InstructionId, Mode};
use crate::rootfs::{FileKind, Rootfs, RootfsError, RootfsPath};

/// A script that a shell of the image reads.
pub(super) struct Running<'r> {
    pub(super) text: &'r str,
    /// `$0`, where it is known.
    pub(super) name: Option<String>,
    /// As it is called in messages.
    pub(super) label: String,
    /// The shell, by name or path.
    pub(super) shell: &'r str,
    pub(super) chain: &'r [Reason],
    pub(super) strength: Strength,
    pub(super) id: Option<&'r InstructionId>,
}

/// What a script asks of its caller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) starts_arguments: bool,
}

/// The scripts that were read.
#[derive(Default)]
pub(super) struct Scripts {
    seen: BTreeSet<RootfsPath>,
    read: usize,
}

impl Scripts {
    /// Those that were looked at.
    pub(super) fn iter(&self) -> impl Iterator<Item = &RootfsPath> {
        self.seen.iter()
    }

    /// Whether a script is looked at for the first time.
    pub(super) fn begin(&mut self, path: &RootfsPath) -> bool {
        self.seen.insert(path.clone())
    }
}

/// A script with those that it sources.
struct Whole {
    script: Script,
    /// Sourced files: real path, and what they do.
    sourced: Vec<(RootfsPath, Script)>,
}

impl Closure<'_> {
    /// Brings what a script starts, sources and names.
    ///
    /// # Errors
    /// What the roots answer.
    pub(super) fn run_script(
        &mut self,
        running: &Running<'_>,
        wishes: &mut Vec<Wish>,
    ) -> Result<Asked, RootfsError> {
        self.scripts.read += 1;
        let dialect = self.dialect(running.shell)?;
        let whole = if self.scripts.read > MAX_SCRIPTS {
            Err("there are too many scripts".to_owned())
        } else {
            self.read_whole(running, dialect, wishes)?
        };
        let whole = match whole {
            Ok(whole) => whole,
            Err(why) => {
                self.findings.add(
                    finding::notice(
                        finding::SCRIPT_UNCLEAR,
                        format!(
                            "{} cannot be parsed, so what looks like a command in it comes: {why}",
                            running.label
                        ),
                    )
                    .hint("name what else it starts with `program=`")
                    .at(running.id),
                );
                self.called_programs(running.text, running.chain, wishes)?;
                return Ok(Asked { starts_arguments: running.text.contains("\"$@\"") });
            }
        };
        let mut asked = Asked { starts_arguments: whole.script.starts_arguments };
        self.script_needs(&whole.script, running, dialect, wishes)?;
        for (path, script) in &whole.sourced {
            let chain = reason::then(running.chain, "sourced", reason::escaped(path));
            asked.starts_arguments |= script.starts_arguments;
            let label = format!("`{path}`");
            let sourced = Running { name: running.name.clone(), label, chain: &chain, ..*running };
            self.script_needs(script, &sourced, dialect, wishes)?;
        }
        Ok(asked)
    }

    /// Reads a script and what it sources; these know each other's functions and variables.
    fn read_whole(
        &mut self,
        running: &Running<'_>,
        dialect: Dialect,
        wishes: &mut Vec<Wish>,
    ) -> Result<Result<Whole, String>, RootfsError> {
        let mut known: BTreeMap<String, Vec<Word>> = BTreeMap::new();
        let mut functions: BTreeSet<String> = BTreeSet::new();
        let first = self.read_script(running.text, running, dialect, &known, &functions);
        let mut script = match first {
            Ok(script) => script,
            Err(why) => return Ok(Err(why)),
        };
        let mut sourced: Vec<(RootfsPath, String, Script)> = Vec::new();
        let mut pending: Vec<Word> = script.sourced.clone();
        while let Some(word) = pending.pop() {
            for (path, text) in self.sourced_files(&word, running, wishes)? {
                if sourced.len() >= MAX_SOURCED || sourced.iter().any(|(known, ..)| *known == path) {
                    continue;
                }
                merge(&mut known, &script.variables);
                functions.extend(script.functions.iter().cloned());
                if let Ok(inner) = self.read_script(&text, running, dialect, &known, &functions) {
                    pending.extend(inner.sourced.iter().cloned());
                    sourced.push((path, text, inner));
                }
            }
        }
        if !sourced.is_empty() {
            for (_, _, inner) in &sourced {
                merge(&mut known, &inner.variables);
                functions.extend(inner.functions.iter().cloned());
            }
            if let Ok(again) = self.read_script(running.text, running, dialect, &known, &functions) {
                // What is sourced by a name that only a sourced file gives.
                for word in again.sourced.iter().filter(|word| !script.sourced.contains(word)) {
                    for (path, text) in self.sourced_files(word, running, wishes)? {
                        if sourced.len() < MAX_SOURCED && sourced.iter().all(|(known, ..)| *known != path) {
                            sourced.push((path, text, Script::default()));
                        }
                    }
                }
                script = again;
            }
            for (_, text, inner) in &mut sourced {
                if let Ok(again) = self.read_script(text, running, dialect, &known, &functions) {
                    *inner = again;
                }
            }
        }
        Ok(Ok(Whole {
            script,
            sourced: sourced.into_iter().map(|(path, _, script)| (path, script)).collect(),
        }))
    }

    fn read_script(
        &self,
        text: &str,
        running: &Running<'_>,
        dialect: Dialect,
        known: &BTreeMap<String, Vec<Word>>,
        functions: &BTreeSet<String>,
    ) -> Result<Script, String> {
        let environment = self.environment();
        let directory = self.working_directory().to_string();
        script::read(
            text,
            &Context {
                environment: &environment,
                name: &running.name,
                directory: &directory,
                dialect,
                wrappers: &self.world.rules.wrapper,
                known,
                functions,
            },
        )
    }

    /// What a script does by itself; `None` when it cannot be read.
    pub(super) fn read_alone(&self, text: &str) -> Option<Script> {
        let running = Running {
            text,
            name: None,
            label: String::new(),
            shell: "sh",
            chain: &[],
            strength: Strength::Soft,
            id: None,
        };
        self.read_script(text, &running, Dialect::Posix, &BTreeMap::new(), &BTreeSet::new()).ok()
    }

    fn environment(&self) -> BTreeMap<String, String> {
        let settings = self.world.spec.config.env.iter().filter_map(|setting| setting.split_once('='));
        settings.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// Which commands a shell runs itself: `sh` is what its file is called.
    fn dialect(&self, shell: &str) -> Result<Dialect, RootfsError> {
        let Some(found) = self.find_program(shell)? else { return Ok(Dialect::of(shell)) };
        let eyes = &self.world.views[self.view_for(&found)];
        let real = eyes.file(&found)?.unwrap_or(found);
        let by_name = Dialect::of(shell);
        let by_file = Dialect::of(&String::from_utf8_lossy(real.name()));
        Ok(if by_name == Dialect::Bash { by_name } else { by_file })
    }

    /// The files that a word of `.` names, which come along, with their texts.
    fn sourced_files(
        &mut self,
        word: &Word,
        running: &Running<'_>,
        wishes: &mut Vec<Wish>,
    ) -> Result<Vec<(RootfsPath, String)>, RootfsError> {
        let mut files = Vec::new();
        let candidates: Vec<RootfsPath> = match word {
            Word::Text(text) if text.contains('/') => vec![self.working_directory().join(text.as_bytes())],
            Word::Text(text) => {
                let here = self.working_directory().join(text.as_bytes());
                std::iter::once(here).chain(self.find_program(text)?).collect()
            }
            Word::Pattern(pattern) => self.matching(pattern)?,
            Word::Arguments => Vec::new(),
        };
        for path in candidates.into_iter().take(MAX_SOURCED) {
            let Some((real, FileKind::Regular, view)) = self.locate(&path)? else { continue };
            if files.iter().any(|(known, _)| *known == real) {
                continue;
            }
            let bytes = self.world.views[view].read(&real, 0..MAX_SCRIPT_BYTES)?;
            if bytes.starts_with(b"\x7fELF") || self.refuses(view, &real)? {
                continue;
            }
            let chain = reason::then(running.chain, "sourced", reason::escaped(&path));
            if self.bring(view, &path, &chain, Strength::Soft)?.is_some() {
                wishes.push(Wish { path: real.clone(), strength: Strength::Soft, started: false });
                files.push((real, String::from_utf8_lossy(&bytes).into_owned()));
            }
        }
        Ok(files)
    }

    /// Existing paths that a pattern stands for; none when it could be anything.
    fn matching(&self, pattern: &str) -> Result<Vec<RootfsPath>, RootfsError> {
        if !is_narrow(pattern) {
            return Ok(Vec::new());
        }
        self.locate_all(pattern, MAX_MATCHES)
    }

    /// The roots of one script.
    fn script_needs(
        &mut self,
        script: &Script,
        running: &Running<'_>,
        dialect: Dialect,
        wishes: &mut Vec<Wish>,
    ) -> Result<(), RootfsError> {
        let path: Vec<String> = script
            .variables
            .get("PATH")
            .into_iter()
            .flatten()
            .flat_map(|value| value.shown().split(':'))
            .filter(|directory| directory.starts_with('/') && !directory.contains('*'))
            .map(str::to_owned)
            .collect();
        let directories: Vec<String> = script.directories.iter().take(MAX_DIRECTORIES).cloned().collect();
        let mut managers: BTreeSet<String> = BTreeSet::new();
        for call in &script.calls {
            let strength =
                if call.replaces { running.strength.min(Strength::Strict) } else { Strength::Soft };
            let starter = Starter {
                why: "called",
                chain: running.chain,
                strength,
                id: running.id,
                path: &path,
                directories: &directories,
                alone: true,
                depth: 0,
            };
            if let Some(Word::Text(name)) = call.words.first()
                && is_package_manager(name)
            {
                if self.find_program(name)?.is_some() {
                    managers.insert(name.clone());
                }
                continue;
            }
            if let Started::Missing(name) = self.start(starter, &call.words, wishes)? {
                self.tell_missing(&name, call, running);
            }
        }
        for name in &script.probed {
            if !is_package_manager(name)
                && !script::is_builtin(name, dialect)
                && !script.functions.contains(name)
            {
                self.bring_program(name, running, wishes)?;
            }
        }
        if !script.dynamic.is_empty() {
            self.tell_dynamic(script, running);
            for name in &script.words {
                let known = is_package_manager(name) || script::is_builtin(name, dialect);
                if !known && !script.functions.contains(name) && !super::roots::is_shell(name) {
                    self.bring_program(name, running, wishes)?;
                }
            }
        }
        for name in managers {
            self.findings.add(
                finding::notice(
                    finding::SCRIPT_UNCLEAR,
                    format!("{} calls `{name}`, a package manager, which stays out", running.label),
                )
                .hint(format!("add `program={name}` to keep it"))
                .at(running.id),
            );
        }
        self.name_accounts(script.words.iter().map(String::as_str));
        self.mentioned(script, running, wishes)
    }

    fn bring_program(
        &mut self,
        name: &str,
        running: &Running<'_>,
        wishes: &mut Vec<Wish>,
    ) -> Result<(), RootfsError> {
        let Some(found) = self.find_program(name)? else { return Ok(()) };
        let view = self.view_for(&found);
        let chain = reason::then(running.chain, "named", reason::escaped(&found));
        if let Some(real) = self.bring(view, &found, &chain, Strength::Soft)? {
            self.started_as(&found, &real);
            wishes.push(Wish { path: real, strength: Strength::Soft, started: true });
        }
        Ok(())
    }

    /// Programs that a script starts by a pattern: all files of a directory.
    pub(super) fn start_matching(
        &mut self,
        pattern: &str,
        starter: &Starter<'_>,
        wishes: &mut Vec<Wish>,
    ) -> Result<(), RootfsError> {
        for path in self.matching(pattern)? {
            let Some((_, FileKind::Regular, view)) = self.locate(&path)? else { continue };
            if self.refuses(view, &path)? {
                continue;
            }
            let chain = reason::then(starter.chain, "called", reason::escaped(&path));
            if let Some(real) = self.bring(view, &path, &chain, Strength::Soft)? {
                self.started_as(&path, &real);
                wishes.push(Wish { path: real, strength: Strength::Soft, started: true });
            }
        }
        Ok(())
    }

    /// Files and directories that a script names by their whole paths.
    fn mentioned(
        &mut self,
        script: &Script,
        running: &Running<'_>,
        wishes: &mut Vec<Wish>,
    ) -> Result<(), RootfsError> {
        for text in &script.paths {
            let path = RootfsPath::parse(text.as_bytes());
            let name = String::from_utf8_lossy(path.name()).into_owned();
            let filled = FILLED.contains(&text.as_str());
            if filled || super::roots::is_shell(&name) || is_package_manager(&name) || path.is_root() {
                continue;
            }
            let Some((_, kind, view)) = self.locate(&path)? else { continue };
            if kind == FileKind::Regular && self.refuses(view, &path)? {
                continue;
            }
            let chain = reason::then(running.chain, "named", reason::escaped(&path));
            if matches!(kind, FileKind::Regular | FileKind::Directory)
                && let Some(real) = self.bring(view, &path, &chain, Strength::Soft)?
                && kind == FileKind::Regular
            {
                let started = self.is_program_file(&real);
                wishes.push(Wish { path: real, strength: Strength::Soft, started });
            }
        }
        Ok(())
    }

    fn is_program_file(&self, real: &RootfsPath) -> bool {
        self.items.get(real).is_some_and(|item| item.stat.mode & 0o111 != 0)
    }

    fn tell_missing(&mut self, name: &str, call: &Call, running: &Running<'_>) {
        // What an ordinary stage does not have, its script does without there as well.
        let asks = call.certain && running.strength > Strength::Soft && self.world.spec.mode == Mode::Compose;
        if asks && !self.world.usable.is_empty() {
            let message =
                format!("{} calls `{name}`, which {} does not hold", running.label, self.sources_text());
            self.findings.add(
                finding::warning(finding::PROGRAM_MISSING, message)
                    .hint(format!("install `{name}` in the build stage"))
                    .at(running.id),
            );
        }
    }

    fn tell_dynamic(&mut self, script: &Script, running: &Running<'_>) {
        let shown: Vec<String> =
            script.dynamic.iter().take(MAX_SHOWN).map(|text| format!("`{text}`")).collect();
        self.findings.add(
            finding::notice(
                finding::SCRIPT_UNCLEAR,
                format!(
                    "{} starts programs by names that are not in its text: {}; every program that it names comes",
                    running.label,
                    shown.join(", ")
                ),
            )
            .hint("name what else it starts with `program=`")
            .at(running.id),
        );
    }
}

fn merge(known: &mut BTreeMap<String, Vec<Word>>, more: &BTreeMap<String, Vec<Word>>) {
    for (name, values) in more {
        let all = known.entry(name.clone()).or_default();
        for value in values {
            if !all.contains(value) {
                all.push(value.clone());
            }
        }
    }
}

/// Whether a pattern names files of a directory that is for them: not half of the system.
fn is_narrow(pattern: &str) -> bool {
    let fixed = &pattern[..pattern.find(['*', '?', '[']).unwrap_or(pattern.len())];
    let Some((directory, _)) = fixed.rsplit_once('/') else { return false };
    let parts: Vec<&str> = directory.split('/').filter(|part| !part.is_empty()).collect();
    let system = [
        "bin", "boot", "dev", "etc", "home", "lib", "lib64", "media", "mnt", "opt", "proc", "root", "run",
        "sbin", "srv", "sys", "tmp", "usr", "var",
    ];
    match parts.as_slice() {
        [one] => !system.contains(one),
        []
        | ["proc" | "sys" | "dev" | "tmp" | "run", ..]
        | ["usr", "bin" | "sbin" | "lib" | "lib64" | "share" | "local" | "libexec" | "include"]
        | ["usr", "local", "bin" | "sbin" | "lib" | "share" | "etc"]
        | ["var", "log" | "cache" | "tmp" | "lib" | "spool" | "run"]
        | ["var", "log" | "cache" | "tmp", ..]
        | ["var", "lib", "apt" | "dpkg", ..] => false,
        _ => true,
    }
}

/// Package managers of distributions: never in an image because a script may call them.
fn is_package_manager(program: &str) -> bool {
    let name = program.rsplit('/').next().unwrap_or(program);
    PACKAGE_MANAGERS.contains(&name) || name.starts_with("apt-") || name.starts_with("dpkg-")
}

const PACKAGE_MANAGERS: [&str; 10] =
    ["apt", "dpkg", "apk", "dnf", "microdnf", "yum", "rpm", "zypper", "pacman", "tdnf"];

/// Files that the container runtime writes.
pub(super) const FILLED: [&str; 4] = ["/etc/resolv.conf", "/etc/hosts", "/etc/hostname", "/etc/mtab"];

/// Scripts that are parsed in one set.
const MAX_SCRIPTS: usize = 500;

/// Files that one script sources.
const MAX_SOURCED: usize = 100;

/// Files that a pattern of a script stands for.
const MAX_MATCHES: usize = 1000;

/// Directories that a script changes to.
const MAX_DIRECTORIES: usize = 20;

/// Commands that are shown in a message.
const MAX_SHOWN: usize = 3;

/// The scan of a text that no parser reads.
impl Closure<'_> {
    /// The programs that a script calls, where they are on `PATH`.
    fn called_programs(
        &mut self,
        text: &str,
        chain: &[Reason],
        wishes: &mut Vec<Wish>,
    ) -> Result<(), RootfsError> {
        for name in command::called(text) {
            if is_package_manager(&name) {
                continue;
            }
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
}
