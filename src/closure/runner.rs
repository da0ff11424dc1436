//! Package managers that start a script of `package.json` (`npm start`): seen through to what the script starts, so
//! that neither they nor, where the script is one plain command, a shell are in the image.

use std::collections::BTreeSet;

use serde_json::Value;

use super::command;
use super::finding;
use super::reason;
use super::roots::{Judged, Wish, is_executable, keyword};
use super::set::{Closure, Strength};
use crate::closure::shebang::{SHEBANG_BYTES, Shebang};
use crate::rootfs::{FileKind, Rootfs, RootfsError, RootfsPath};
use crate::rules::Runner;

/// What a package manager is asked to start.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Call {
    kind: CallKind,
    name: String,
    arguments: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CallKind {
    Script,
    Program,
    /// A script where there is one of the name, else a program.
    Either,
}

impl Call {
    /// Reads the words behind a package manager's name; `None` when they ask for something else.
    fn parse(runner: &Runner, words: &[String]) -> Option<Self> {
        let mut rest = runner.without_flags(words);
        let (first, more) = rest.split_first()?;
        let kind = if runner.programs {
            CallKind::Program
        } else if runner.run.contains(first) {
            rest = runner.without_flags(more);
            CallKind::Script
        } else if runner.exec.contains(first) {
            rest = runner.without_flags(more);
            rest = rest.strip_prefix(&["--".to_owned()]).unwrap_or(rest);
            CallKind::Program
        } else if runner.direct.contains(first) {
            CallKind::Script
        } else if runner.other {
            CallKind::Either
        } else {
            return None;
        };
        let (name, more) = rest.split_first()?;
        if name.starts_with('-') || name.is_empty() {
            return None;
        }
        let arguments = if runner.separator { runner.separated(more)? } else { more.to_vec() };
        Some(Self { kind, name: name.clone(), arguments })
    }
}

impl Runner {
    fn without_flags<'w>(&self, words: &'w [String]) -> &'w [String] {
        let flags = words.iter().take_while(|word| self.flags.contains(word)).count();
        &words[flags..]
    }

    /// The arguments that a script gets; `None` when an option is not known.
    fn separated(&self, words: &[String]) -> Option<Vec<String>> {
        let at = words.iter().position(|word| word == "--").unwrap_or(words.len());
        let own: Vec<String> =
            words[..at].iter().filter(|word| !self.flags.contains(word)).cloned().collect();
        if own.iter().any(|word| word.starts_with('-')) {
            return None;
        }
        Some(own.into_iter().chain(words.get(at + 1..).unwrap_or_default().iter().cloned()).collect())
    }
}

/// A package: the directory that the command works in, with its `package.json`.
struct Package {
    directory: RootfsPath,
    manifest: Value,
}

impl Package {
    fn script(&self, name: &str) -> Option<&str> {
        self.manifest.get("scripts")?.get(name)?.as_str()
    }

    /// The value of a variable that npm sets for a script (`npm-run-script(1)`, Environment).
    fn variable(&self, name: &str, script: &str) -> Option<String> {
        let text = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(flag) => Some(flag.to_string()),
            _ => None,
        };
        match name {
            "npm_lifecycle_event" => Some(script.to_owned()),
            "npm_lifecycle_script" => self.script(script).map(str::to_owned),
            "npm_package_json" => Some(self.directory.join(b"package.json").to_string()),
            "npm_package_name" | "npm_package_version" => {
                text(self.manifest.get(name.strip_prefix("npm_package_")?)?)
            }
            _ => text(self.manifest.get("config")?.get(name.strip_prefix("npm_package_config_")?)?),
        }
    }
}

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
        let words = self.what_it_starts(runner, &call)?;
        Ok(words.filter(|words| *words != args[at..]))
    }

    /// The rule of a package manager that starts scripts.
    pub(super) fn runner(&self, program: &str) -> Option<&'a Runner> {
        let name = program.rsplit('/').next().unwrap_or(program);
        let rules = self.world.rules;
        rules.runner.iter().find(|runner| runner.names.iter().any(|known| known == name))
    }

    /// The words that a call comes down to; `None` when that is not certain.
    fn what_it_starts(&self, runner: &Runner, call: &Call) -> Result<Option<Vec<String>>, RootfsError> {
        let directory = RootfsPath::parse(self.world.spec.config.working_dir.as_bytes());
        let package = self.package(&directory)?;
        if call.kind != CallKind::Program
            && let Some(package) = &package
        {
            if package.script(&call.name).is_some() {
                return self.script_words(runner, package, call);
            }
            let server = directory.join(b"server.js");
            if call.name == "start" && call.kind == CallKind::Script && self.is_file(&server)? {
                // npm-start(1).
                let words = ["node".to_owned(), "server.js".to_owned()];
                return Ok(Some(words.into_iter().chain(call.arguments.clone()).collect()));
            }
        }
        if call.kind == CallKind::Script {
            return Ok(None);
        }
        let Some(mut words) = self.package_program(&directory, &call.name)? else { return Ok(None) };
        words.extend(call.arguments.iter().cloned());
        Ok(Some(words))
    }

    fn script_words(
        &self,
        runner: &Runner,
        package: &Package,
        call: &Call,
    ) -> Result<Option<Vec<String>>, RootfsError> {
        let Some(main) = package.script(&call.name) else { return Ok(None) };
        let hooks = !self.is_modern_yarn(runner, package)?;
        let hook = |prefix: &str| package.script(&format!("{prefix}{}", call.name)).filter(|_| hooks);
        let (before, after) = (hook("pre"), hook("post"));
        if [before, Some(main), after].into_iter().flatten().any(|text| text.contains("$npm_")) {
            return Ok(None);
        }
        let settings = self.settings(package, &call.name)?;
        if let (None, None, Ok(simple)) = (before, after, command::simple(main)) {
            let mut words = match self.package_program(&package.directory, &simple.words[0])? {
                Some(program) => program,
                None => vec![simple.words[0].clone()],
            };
            words.extend(simple.words[1..].iter().cloned());
            words.extend(call.arguments.iter().cloned());
            let settings: Vec<String> = settings.iter().cloned().chain(simple.settings).collect();
            if settings.is_empty() {
                return Ok(Some(words));
            }
            if self.find_program("env")?.is_some() {
                let env = std::iter::once("env".to_owned());
                return Ok(Some(env.chain(settings).chain(words).collect()));
            }
        }
        let Some(shell) = self.find_program("sh")? else { return Ok(None) };
        let mut text = String::new();
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

    /// The program `name` of the `node_modules/.bin` of a directory or one above it, as words of a command.
    fn package_program(
        &self,
        directory: &RootfsPath,
        name: &str,
    ) -> Result<Option<Vec<String>>, RootfsError> {
        if name.contains('/') {
            return Ok(None);
        }
        for above in ancestors(directory) {
            let path = above.join(b"node_modules/.bin").join(name.as_bytes());
            let eyes = &self.world.views[self.first_view()];
            if !is_executable(eyes, &path)? {
                continue;
            }
            let Some(real) = eyes.file(&path)? else { continue };
            let head = eyes.read(&real, 0..SHEBANG_BYTES as u64)?;
            let by_node = Shebang::parse(&head).is_some_and(|shebang| {
                shebang.interpreter == b"/usr/bin/env" && shebang.argument.as_deref() == Some(b"node")
            });
            let mut words = Vec::new();
            if by_node && self.find_program("node")?.is_some() {
                // What `env` would start, without `env`.
                words.push("node".to_owned());
            }
            words.push(path.to_string());
            return Ok(Some(words));
        }
        Ok(None)
    }

    /// `PATH` with the directories of programs that a package manager puts before it.
    fn path_setting(&self, directory: &RootfsPath) -> Result<Option<String>, RootfsError> {
        let mut directories = Vec::new();
        let eyes = &self.world.views[self.first_view()];
        for above in ancestors(directory) {
            let path = above.join(b"node_modules/.bin");
            if eyes.stat(&path)?.is_some_and(|stat| stat.kind == FileKind::Directory) {
                directories.push(quoted(&path.to_string()));
            }
        }
        Ok((!directories.is_empty()).then(|| format!("PATH={}:\"$PATH\"", directories.join(":"))))
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

    fn package(&self, directory: &RootfsPath) -> Result<Option<Package>, RootfsError> {
        let eyes = &self.world.views[self.first_view()];
        let Some(file) = eyes.file(&directory.join(b"package.json"))? else { return Ok(None) };
        let text = eyes.read(&file, 0..MAX_TEXT_BYTES)?;
        let manifest = serde_json::from_slice(text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text)).ok();
        Ok(manifest.map(|manifest| Package { directory: directory.clone(), manifest }))
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

/// Bytes of a `package.json` or a source file that are read.
const MAX_TEXT_BYTES: u64 = 1 << 20;

/// Source files that are looked through for npm's variables.
const MAX_SOURCES: usize = 2000;

const SOURCES: [&str; 6] = [".js", ".cjs", ".mjs", ".ts", ".mts", ".cts"];

/// Directories without the package's own sources.
const SKIPPED: [&[u8]; 2] = [b"node_modules", b".git"];
