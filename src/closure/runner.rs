//! Package managers that start a script of `package.json` (`npm start`): seen through to what the script starts, so
//! that neither they nor, where the script is one plain command, a shell are in the image.

mod call;
mod package;
mod shim;

use std::collections::BTreeSet;

use serde_json::Value;

use self::call::{Call, CallKind};
use self::package::{MAX_TEXT_BYTES, Package};
use self::shim::Shim;
use super::command;
use super::finding;
use super::reason;
use super::roots::{DEFAULT_PATH, Judged, Wish, is_executable, keyword};
use super::set::{Closure, Strength};
use super::wrapper;
use crate::closure::shebang::{EnvCall, Shebang};
use crate::rootfs::{FileKind, Rootfs, RootfsError, RootfsPath};
use crate::rules::Runner;

impl<'a> Closure<'a> {
    /// What the package manager at a place of a command starts; `None` when there is none, or when it stays.
    ///
    /// # Errors
    /// What the roots answer.
    pub(super) fn what_runner_starts(
        &self,
        args: &[String],
        at: usize,
    ) -> Result<Option<Vec<String>>, RootfsError> {
        let Some(runner) = self.runner(&args[at]) else { return Ok(None) };
        let Some(call) = Call::parse(runner, &args[at + 1..]) else { return Ok(None) };
        let words = self.what_it_starts(runner, &call, &self.directory_before(&args[..at]))?;
        Ok(words.filter(|words| *words != args[at..]))
    }

    /// The rule of a package manager that starts scripts.
    pub(super) fn runner(&self, program: &str) -> Option<&'a Runner> {
        let name = program.rsplit('/').next().unwrap_or(program);
        let rules = self.world.rules;
        rules.runner.iter().find(|runner| runner.names.iter().any(|known| known == name))
    }

    /// The directory that the program behind these words of a command works in (`env --chdir=…`).
    pub(super) fn directory_before(&self, words: &[String]) -> RootfsPath {
        let mut directory = self.working_directory();
        for (at, word) in words.iter().enumerate() {
            if word.rsplit('/').next() == Some("env") {
                let rest: Vec<Vec<u8>> =
                    words[at + 1..].iter().map(|word| word.clone().into_bytes()).collect();
                let call = EnvCall::parse(&rest).unwrap_or_default();
                directory = call.directory.map_or(directory.clone(), |other| directory.join(&other));
            }
        }
        directory
    }

    /// The words that a call comes down to; `None` when that is not certain.
    fn what_it_starts(
        &self,
        runner: &Runner,
        call: &Call,
        here: &RootfsPath,
    ) -> Result<Option<Vec<String>>, RootfsError> {
        let package = self.target_package(here, &call.target)?;
        if matches!(call.kind, CallKind::Script | CallKind::Either)
            && let Some(package) = &package
        {
            if let Some(main) = package.script(&call.name) {
                return self.script_words(runner, package, call, main, here);
            }
            let server = package.directory.join(b"server.js");
            if call.name == "start" && call.kind == CallKind::Script && self.is_file(&server)? {
                // npm-start(1).
                return self.script_words(runner, package, call, "node server.js", here);
            }
        }
        if call.kind == CallKind::Script || !call.target.is_here() {
            return Ok(None);
        }
        let program = match call.kind {
            CallKind::Itself => Some(Program { words: vec![call.name.clone()], ..Program::default() }),
            _ => self.package_program(here, &call.name)?,
        };
        let Some(mut program) = program else { return Ok(None) };
        program.settings.extend(self.search_setting(here, &call.name)?);
        program.settings.extend(self.loader_setting(runner, here)?);
        program.words.extend(call.arguments.iter().cloned());
        self.with_settings(program, None)
    }

    /// A command with variables, in a directory; `None` when nothing sets them.
    fn with_settings(
        &self,
        program: Program,
        directory: Option<&RootfsPath>,
    ) -> Result<Option<Vec<String>>, RootfsError> {
        let Program { settings, words } = program;
        if settings.is_empty() && directory.is_none() {
            return Ok(Some(words));
        }
        let Some(env) = self.find_program("env")? else { return Ok(None) };
        let mut command = vec!["env".to_owned()];
        if let Some(directory) = directory {
            // busybox's has no such option.
            let eyes = &self.world.views[self.first_view()];
            if eyes.file(&env)?.is_none_or(|real| real.name() == b"busybox") {
                return Ok(None);
            }
            command.push(format!("--chdir={directory}"));
        }
        command.extend(settings);
        command.extend(words);
        Ok(Some(command))
    }

    /// Yarn's Plug'n'Play: what makes Node.js find packages in archives.
    fn loader_setting(&self, runner: &Runner, directory: &RootfsPath) -> Result<Option<String>, RootfsError> {
        if !runner.names.iter().any(|name| name == "yarn") {
            return Ok(None);
        }
        for above in ancestors(directory) {
            let file = above.join(b".pnp.cjs");
            if self.is_file(&file)? {
                let loader = above.join(b".pnp.loader.mjs");
                let loader = if self.is_file(&loader)? {
                    format!(" --experimental-loader {loader}")
                } else {
                    String::new()
                };
                let options = self.env("NODE_OPTIONS").map(|text| format!(" {text}")).unwrap_or_default();
                return Ok(Some(format!("NODE_OPTIONS=--require {file}{loader}{options}")));
            }
        }
        Ok(None)
    }

    fn script_words(
        &self,
        runner: &Runner,
        package: &Package,
        call: &Call,
        main: &str,
        here: &RootfsPath,
    ) -> Result<Option<Vec<String>>, RootfsError> {
        let hooks = !self.is_modern_yarn(runner, package)?;
        let hook = |prefix: &str| package.script(&format!("{prefix}{}", call.name)).filter(|_| hooks);
        let (before, after) = (hook("pre"), hook("post"));
        if [before, Some(main), after].into_iter().flatten().any(|text| text.contains("$npm_")) {
            return Ok(None);
        }
        let mut settings = self.settings(package, &call.name)?;
        settings.extend(self.loader_setting(runner, &package.directory)?);
        let elsewhere = Some(&package.directory).filter(|directory| *directory != here);
        if let (None, None, Ok(simple)) = (before, after, command::simple(main)) {
            let mut program = match self.package_program(&package.directory, &simple.words[0])? {
                Some(program) => program,
                None => Program { words: vec![simple.words[0].clone()], ..Program::default() },
            };
            program.words.extend(simple.words[1..].iter().cloned());
            program.words.extend(call.arguments.iter().cloned());
            let search = self.search_setting(&package.directory, &simple.words[0])?;
            let search = search.into_iter().collect();
            program.settings = [settings.clone(), search, simple.settings, program.settings].concat();
            if let Some(words) = self.with_settings(program, elsewhere)? {
                return Ok(Some(words));
            }
        }
        let Some(shell) = self.find_program("sh")? else { return Ok(None) };
        let mut text = elsewhere
            .map(|directory| format!("cd {} || exit; ", quoted(&directory.to_string())))
            .unwrap_or_default();
        for setting in self
            .path_setting(&package.directory)?
            .into_iter()
            .chain(settings.iter().map(|setting| quoted_setting(setting)))
        {
            text.extend(["export ", &setting, "; "]);
        }
        if let Some(before) = before {
            text.extend(["(\n", before, "\n) || exit; "]);
        }
        let mut main = main.to_owned();
        for argument in &call.arguments {
            main.push(' ');
            main.push_str(&quoted(argument));
        }
        match after {
            Some(after) => text.extend(["(\n", &main, "\n) || exit; ", after]),
            // The shell makes way for the program, so that signals reach it.
            None if command::simple(&main).is_ok_and(|simple| simple.settings.is_empty()) => {
                let main = main.trim_start();
                text.extend(["exec ", main.strip_prefix("exec ").unwrap_or(main)]);
            }
            None => text.push_str(&main),
        }
        Ok(Some(vec![shell.to_string(), "-c".to_owned(), text]))
    }

    /// The program `name` of the `node_modules/.bin` of a directory or one above it.
    fn package_program(&self, directory: &RootfsPath, name: &str) -> Result<Option<Program>, RootfsError> {
        if name.contains('/') {
            return Ok(None);
        }
        for above in ancestors(directory) {
            let path = above.join(PROGRAMS.as_bytes()).join(name.as_bytes());
            let eyes = &self.world.views[self.first_view()];
            if !is_executable(eyes, &path)? {
                continue;
            }
            let Some(real) = eyes.file(&path)? else { continue };
            let head = eyes.read(&real, 0..MAX_SHIM_BYTES)?;
            let node = self.find_program("node")?.is_some();
            if let Some(shim) = Shim::parse(&head).filter(|_| node) {
                let directory = path.parent().unwrap_or_else(RootfsPath::root);
                let script = directory.join(shim.script.as_bytes());
                if self.is_file(&script)? {
                    let settings = shim.search.map(|search| format!("NODE_PATH={search}"));
                    let settings = settings.filter(|_| self.env("NODE_PATH").is_none());
                    let words = vec!["node".to_owned(), script.to_string()];
                    return Ok(Some(Program { settings: settings.into_iter().collect(), words }));
                }
            }
            let by_node = Shebang::parse(&head).is_some_and(|shebang| {
                shebang.interpreter == b"/usr/bin/env" && shebang.argument.as_deref() == Some(b"node")
            });
            // What `env` would start, without `env`.
            let mut words: Vec<String> = (by_node && node).then(|| "node".to_owned()).into_iter().collect();
            words.push(path.to_string());
            return Ok(Some(Program { words, ..Program::default() }));
        }
        Ok(None)
    }

    /// `PATH` with the directories of programs that a package manager puts before it, in a shell's text.
    fn path_setting(&self, directory: &RootfsPath) -> Result<Option<String>, RootfsError> {
        let directories = self.program_directories(directory)?;
        let directories: Vec<String> = directories.iter().map(|path| quoted(path)).collect();
        Ok((!directories.is_empty()).then(|| format!("PATH={}:\"$PATH\"", directories.join(":"))))
    }

    /// The same for a program that starts others by `PATH`.
    fn search_setting(&self, directory: &RootfsPath, program: &str) -> Result<Option<String>, RootfsError> {
        let rule = wrapper::find(&self.world.rules.wrapper, program);
        if !rule.is_some_and(|rule| rule.texts.is_some() || rule.search.iter().any(|place| place == PROGRAMS))
        {
            return Ok(None);
        }
        let mut directories = self.program_directories(directory)?;
        directories.push(self.env("PATH").unwrap_or_else(|| DEFAULT_PATH.to_owned()));
        Ok(Some(format!("PATH={}", directories.join(":"))))
    }

    /// The directories with programs of packages, from a directory on up.
    fn program_directories(&self, directory: &RootfsPath) -> Result<Vec<String>, RootfsError> {
        let mut directories = Vec::new();
        let eyes = &self.world.views[self.first_view()];
        for above in ancestors(directory) {
            let path = above.join(PROGRAMS.as_bytes());
            if eyes.stat(&path)?.is_some_and(|stat| stat.kind == FileKind::Directory) {
                directories.push(path.to_string());
            }
        }
        Ok(directories)
    }

    /// The variables of npm's that the package's own sources read, as `NAME=value`.
    fn settings(&self, package: &Package, script: &str) -> Result<Vec<String>, RootfsError> {
        let names = self.variables_read(&package.directory)?;
        let value = |name: &String| package.variable(name, script).map(|value| format!("{name}={value}"));
        Ok(names.iter().filter_map(value).collect())
    }

    fn variables_read(&self, directory: &RootfsPath) -> Result<BTreeSet<String>, RootfsError> {
        let eyes = &self.world.views[self.first_view()];
        let mut names = BTreeSet::new();
        let mut pending = vec![directory.clone()];
        let mut files = 0;
        while let Some(directory) = pending.pop() {
            for entry in eyes.list(&directory)? {
                let path = directory.join(&entry.name);
                let text = SOURCES.iter().any(|suffix| entry.name.ends_with(suffix.as_bytes()));
                match entry.stat.kind {
                    FileKind::Directory if !SKIPPED.contains(&entry.name.as_slice()) => pending.push(path),
                    FileKind::Regular if text && files < MAX_SOURCES => {
                        files += 1;
                        variables_in(&eyes.read(&path, 0..MAX_TEXT_BYTES)?, &mut names);
                    }
                    _ => {}
                }
            }
        }
        Ok(names)
    }

    /// Yarn since 2 runs no `pre` and `post` scripts.
    fn is_modern_yarn(&self, runner: &Runner, package: &Package) -> Result<bool, RootfsError> {
        if !runner.names.iter().any(|name| name == "yarn") {
            return Ok(false);
        }
        let manager = package.manifest.get("packageManager").and_then(Value::as_str).unwrap_or_default();
        let stated = manager.strip_prefix("yarn@").is_some_and(|version| !version.starts_with("1."));
        Ok(stated || self.is_file(&package.directory.join(b".yarnrc.yml"))?)
    }

    fn is_file(&self, path: &RootfsPath) -> Result<bool, RootfsError> {
        Ok(self.world.views[self.first_view()].file(path)?.is_some())
    }

    /// A package manager that stays starts scripts with a shell.
    pub(super) fn shell_of_runner(
        &mut self,
        judged: &Judged,
        at: usize,
        wishes: &mut Vec<Wish>,
    ) -> Result<(), RootfsError> {
        let Some(shell) = self.find_program("sh")? else { return Ok(()) };
        let call = judged.args[at..].join(" ");
        self.findings.add(
            finding::warning(
                finding::SHELL_NEEDED,
                format!(
                    "{} starts `{call}`, which starts its scripts with a shell, so one is in the image",
                    keyword(judged.why)
                ),
            )
            .hint(format!("write in {} what the script starts", keyword(judged.why)))
            .at(judged.id.as_ref()),
        );
        let chain = reason::root(judged.why, judged.args[at].clone());
        let chain = reason::then(&chain, "starts", reason::escaped(&shell));
        if let Some(path) = self.bring(self.first_view(), &shell, &chain, Strength::Soft)? {
            wishes.push(Wish { path, strength: Strength::Soft, started: true });
        }
        Ok(())
    }
}

/// A program of a package, and the variables that it is started with.
#[derive(Default)]
struct Program {
    settings: Vec<String>,
    words: Vec<String>,
}

/// A directory and all above it.
fn ancestors(directory: &RootfsPath) -> Vec<RootfsPath> {
    std::iter::successors(Some(directory.clone()), RootfsPath::parent).collect()
}

/// Names of npm's variables in a text.
fn variables_in(text: &[u8], names: &mut BTreeSet<String>) {
    for word in text.split(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_') {
        let known = word.starts_with(b"npm_package_") || word.starts_with(b"npm_lifecycle_");
        if known && word.len() < 128 && names.len() < 128 {
            names.insert(String::from_utf8_lossy(word).into_owned());
        }
    }
}

/// A word as a shell reads it back.
fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_./:=@%+,-".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

fn quoted_setting(setting: &str) -> String {
    match setting.split_once('=') {
        Some((name, value)) => format!("{name}={}", quoted(value)),
        None => setting.to_owned(),
    }
}

/// Where the programs of packages are.
const PROGRAMS: &str = "node_modules/.bin";

/// Bytes of a program of `node_modules/.bin` that are looked at.
const MAX_SHIM_BYTES: u64 = 1 << 16;

/// Source files that are looked through for npm's variables.
const MAX_SOURCES: usize = 2000;

const SOURCES: [&str; 6] = [".js", ".cjs", ".mjs", ".ts", ".mts", ".cts"];

/// Directories without the package's own sources.
const SKIPPED: [&[u8]; 2] = [b"node_modules", b".git"];
