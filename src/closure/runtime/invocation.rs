//! What a command or a variable of a language names: scripts, modules, program text and paths.

use super::arguments::{CommandLine, Word, split};
use super::project::is_no_project;
use crate::closure::glob;
use crate::closure::reason;
use crate::closure::roots::Wish;
use crate::closure::set::{Closure, Strength};
use crate::closure::shebang::{EnvCall, SHEBANG_BYTES, Shebang};
use crate::distill::manifest::Reason;
use crate::rootfs::{FileKind, Rootfs, RootfsError, RootfsPath};
use crate::rules::{Runtime, Value};

/// Why and how much something is wanted that an interpreter's words name.
#[derive(Clone, Copy)]
pub(in crate::closure) struct Call<'c> {
    pub(in crate::closure) chain: &'c [Reason],
    pub(in crate::closure) strength: Strength,
}

impl<'a> Closure<'a> {
    /// The roots that a program's words name when it is the interpreter of a language; whether it is.
    ///
    /// # Errors
    /// What the roots answer.
    pub(in crate::closure) fn runs_language(
        &mut self,
        program: &RootfsPath,
        words: &[String],
        chain: &[Reason],
        strength: Strength,
        wishes: &mut Vec<Wish>,
    ) -> Result<bool, RootfsError> {
        let call = Call { chain, strength };
        if let Some(rule) = self.runtime_of(program)? {
            self.invocation(rule, words, call, wishes)?;
            return Ok(true);
        }
        if let Some(rule) = self.language_of_script(program)? {
            if let Some((real, FileKind::Regular, view)) = self.locate(program)? {
                self.project(rule, &real, view, chain, wishes)?;
            }
            self.own_words(rule, words, call, wishes)?;
            return Ok(true);
        }
        Ok(false)
    }

    /// The name of the script that an interpreter's words name, and the words behind it.
    ///
    /// # Errors
    /// What the roots answer.
    pub(in crate::closure) fn script_of(
        &self,
        program: &RootfsPath,
        words: &[String],
    ) -> Result<Option<(String, Vec<String>)>, RootfsError> {
        let Some(rule) = self.runtime_of(program)? else { return Ok(None) };
        let line = CommandLine::parse(&rule.arguments, words, &mut |_| Vec::new());
        let script = line.named.last().filter(|word| word.value == Value::Script);
        let name = script.and_then(|word| word.text.rsplit('/').next()).map(str::to_owned);
        Ok(name.map(|name| (name, line.own)))
    }

    /// The language of a script that is started by itself, by its `#!` line.
    fn language_of_script(&self, program: &RootfsPath) -> Result<Option<&'a Runtime>, RootfsError> {
        let Some((real, FileKind::Regular, view)) = self.locate(program)? else { return Ok(None) };
        let head = self.world.views[view].read(&real, 0..SHEBANG_BYTES as u64)?;
        let Some(shebang) = Shebang::parse(&head) else { return Ok(None) };
        let interpreter = RootfsPath::parse(&shebang.interpreter);
        if interpreter.name() != b"env" {
            return self.runtime_of(&interpreter);
        }
        let words: Vec<Vec<u8>> = shebang.argument.into_iter().collect();
        let Ok(call) = EnvCall::parse(&words) else { return Ok(None) };
        let name = call.command.first().and_then(|name| std::str::from_utf8(name).ok());
        match name.map(|name| self.find_program(name)).transpose()?.flatten() {
            Some(interpreter) => self.runtime_of(&interpreter),
            None => Ok(None),
        }
    }

    /// The words of a program that a language runs: files, and modules where the language has them.
    fn own_words(
        &mut self,
        rule: &'a Runtime,
        words: &[String],
        call: Call<'_>,
        wishes: &mut Vec<Wish>,
    ) -> Result<(), RootfsError> {
        let modules = rule.arguments.option.iter().any(|option| option.value == Value::Module);
        for word in words {
            self.argument(word, call.chain, call.strength, wishes)?;
            if modules {
                let value = word.split_once('=').map_or(word.as_str(), |(_, value)| value);
                self.named_module(rule, value, call, wishes)?;
            }
        }
        Ok(())
    }

    /// The roots that the words behind an interpreter name.
    ///
    /// # Errors
    /// What the roots answer.
    pub(in crate::closure) fn invocation(
        &mut self,
        rule: &'a Runtime,
        words: &[String],
        call: Call<'_>,
        wishes: &mut Vec<Wish>,
    ) -> Result<(), RootfsError> {
        let directory = self.working_directory();
        let line = CommandLine::parse(&rule.arguments, words, &mut |name| {
            let text = self.text_of(&directory.join(name.as_bytes())).unwrap_or_default();
            let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
            split(&lines.collect::<Vec<_>>().join("\n"))
        });
        for word in &line.named {
            self.named(rule, word, call, wishes)?;
        }
        if let Some(prefix) = rule.arguments.file_prefix.as_deref() {
            for file in words.iter().filter_map(|word| word.strip_prefix(prefix)) {
                self.named_path(rule, file, call, wishes)?;
            }
        }
        self.own_words(rule, &line.own, call, wishes)
    }

    /// The paths and arguments in the image's environment that a language reads.
    ///
    /// # Errors
    /// What the roots answer.
    pub(super) fn environment_paths(
        &mut self,
        rule: &'a Runtime,
        chain: &[Reason],
        wishes: &mut Vec<Wish>,
    ) -> Result<(), RootfsError> {
        for variable in &rule.environment {
            for name in &variable.names {
                let Some(text) = self.env(name).filter(|text| !text.is_empty()) else { continue };
                let chain = reason::then(chain, "environment", name.clone());
                let call = Call { chain: &chain, strength: Strength::Soft };
                self.named(rule, &Word { value: variable.value, text, runs: false }, call, wishes)?;
            }
        }
        Ok(())
    }

    fn named(
        &mut self,
        rule: &'a Runtime,
        word: &Word,
        call: Call<'_>,
        wishes: &mut Vec<Wish>,
    ) -> Result<(), RootfsError> {
        let directory = self.working_directory();
        match word.value {
            Value::Text | Value::Home => Ok(()),
            Value::Code => {
                self.runtimes.code.push((&rule.id, word.text.clone(), call.chain.to_vec()));
                Ok(())
            }
            Value::Script => {
                let path = directory.join(word.text.as_bytes());
                let found = self.script_file(rule, &path, call, wishes)?;
                // Anything else may be the name of a class, or what another option took.
                let file = rule.text.iter().any(|name| glob::matches_name(name.as_bytes(), path.name()));
                if word.runs && file && !found && self.locate(&path)?.is_none() {
                    self.missing_script(&path, call.chain, call.strength);
                }
                Ok(())
            }
            Value::Module => self.named_module(rule, &word.text, call, wishes),
            Value::Path => {
                let path = directory.join(word.text.as_bytes());
                if word.runs && self.locate(&path)?.is_none() {
                    self.missing_script(&path, call.chain, call.strength);
                }
                self.named_path(rule, &word.text, call, wishes)
            }
            Value::Paths => {
                for path in word.text.split(':') {
                    let place = directory.join(path.as_bytes());
                    if self.is_shared_place(&place) {
                        continue;
                    }
                    self.named_path(rule, path, call, wishes)?;
                }
                Ok(())
            }
            Value::Arguments => {
                let words = split(&word.text);
                let line = CommandLine::parse(&rule.arguments, &words, &mut |_| Vec::new());
                for word in line.named.iter().filter(|word| word.value != Value::Arguments) {
                    self.named(rule, word, call, wishes)?;
                }
                Ok(())
            }
        }
    }

    /// The program that an interpreter runs, with its project; whether it is there.
    fn script_file(
        &mut self,
        rule: &'a Runtime,
        path: &RootfsPath,
        call: Call<'_>,
        wishes: &mut Vec<Wish>,
    ) -> Result<bool, RootfsError> {
        let mut candidates = vec![path.clone()];
        let suffixed = |suffix: &String| RootfsPath::parse(&[path.as_bytes(), suffix.as_bytes()].concat());
        candidates.extend(rule.arguments.suffixes.iter().map(suffixed));
        candidates.extend(self.package_main(rule, path)?);
        candidates.extend(rule.arguments.index.iter().map(|name| path.join(name.as_bytes())));
        for candidate in candidates {
            let Some((real, FileKind::Regular, view)) = self.locate(&candidate)? else { continue };
            let chain = reason::then(call.chain, "argument", reason::escaped(&candidate));
            let strength = call.strength.min(Strength::Strict);
            if self.bring(view, &candidate, &chain, strength)?.is_some() {
                wishes.push(Wish { path: real.clone(), strength, started: false });
                self.project(rule, &real, view, &chain, wishes)?;
            }
            return Ok(true);
        }
        Ok(false)
    }

    /// A file, a directory with everything in it, or `dir/*`.
    fn named_path(
        &mut self,
        rule: &'a Runtime,
        text: &str,
        call: Call<'_>,
        wishes: &mut Vec<Wish>,
    ) -> Result<(), RootfsError> {
        let (text, files) = match text.strip_suffix("/*") {
            Some(directory) => (directory, true),
            None => (text, false),
        };
        // A URL of a file.
        let text = text.strip_prefix("file:").map_or(text, |path| path.strip_prefix("//").unwrap_or(path));
        let path = self.working_directory().join(text.as_bytes());
        let Some((real, kind, view)) = self.locate(&path)? else { return Ok(()) };
        let chain = reason::then(call.chain, "argument", reason::escaped(&path));
        match kind {
            FileKind::Directory if files => {
                for entry in self.world.views[view].list(&real)? {
                    let file = path.join(&entry.name);
                    if entry.stat.kind != FileKind::Directory
                        && let Some(real) = self.bring(view, &file, &chain, Strength::Soft)?
                    {
                        self.class_path(rule, &file, &chain, wishes)?;
                        wishes.push(Wish { path: real, strength: Strength::Soft, started: false });
                    }
                }
                Ok(())
            }
            FileKind::Directory if !is_no_project(&real) => {
                self.bring(view, &path, &chain, Strength::Soft)?;
                self.bring_project_tree(rule, &real, view, &chain, wishes)
            }
            FileKind::Regular => {
                let strength = call.strength.min(Strength::Strict);
                if let Some(real) = self.bring(view, &path, &chain, strength)? {
                    wishes.push(Wish { path: real, strength, started: false });
                    self.class_path(rule, &path, &chain, wishes)?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The text of a file that a command names.
    fn text_of(&self, path: &RootfsPath) -> Option<String> {
        let (real, kind, view) = self.locate(path).ok()??;
        if kind != FileKind::Regular {
            return None;
        }
        let bytes = self.world.views[view].read(&real, 0..MAX_ARGUMENT_BYTES).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// Bytes of a file with arguments.
const MAX_ARGUMENT_BYTES: u64 = 1 << 20;
