//! Servers: what their configuration names, by the rules of `src/rules/server/`.

mod config;

use std::collections::{BTreeMap, BTreeSet};

use super::glob;
use super::reason;
use super::roots::Wish;
use super::script::Word;
use super::set::{Closure, Strength};
use super::start::Starter;
use super::strings;
use crate::closure::elf::{ElfError, FileBytes};
use crate::distill::manifest::Reason;
use crate::rootfs::{FileKind, Rootfs, RootfsError, RootfsPath};
use crate::rules::{ConfigSyntax, DirectiveValue, Server, ServerValue};
use config::Directive;

/// What was read for servers.
#[derive(Default)]
pub(super) struct Servers {
    /// (rule, configuration file or program).
    done: BTreeSet<(usize, RootfsPath)>,
    /// Names of accounts that something of the set uses.
    pub(super) accounts: BTreeSet<String>,
}

impl Servers {
    /// Whether a rule says what a program reads.
    pub(super) fn serves(&self, program: &RootfsPath) -> bool {
        self.done.iter().any(|(_, known)| known == program)
    }
}

/// One server that is started.
struct Service<'r> {
    rule: &'r Server,
    index: usize,
    chain: Vec<Reason>,
    starter: Starter<'r>,
    values: BTreeMap<String, Vec<String>>,
}

impl Closure<'_> {
    /// Whether something of the set reads passwords.
    pub(super) fn locks_accounts(&self) -> bool {
        let rules = &self.world.rules.server;
        self.servers.done.iter().any(|(index, _)| rules.get(*index).is_some_and(|rule| rule.locks_accounts))
    }

    /// What a program needs as a server that is called with `words`.
    ///
    /// # Errors
    /// What the roots answer.
    pub(super) fn serve(
        &mut self,
        program: &RootfsPath,
        words: &[Word],
        starter: Starter<'_>,
        wishes: &mut Vec<Wish>,
    ) -> Result<(), RootfsError> {
        let rules = &self.world.rules.server;
        let eyes = &self.world.views[self.view_for(program)];
        let real = eyes.file(program)?.unwrap_or_else(|| program.clone());
        let called = |rule: &Server, path: &RootfsPath| {
            rule.program.iter().any(|name| glob::matches_name(name.as_bytes(), path.name()))
        };
        let Some(index) = rules.iter().position(|rule| called(rule, program) || called(rule, &real)) else {
            return Ok(());
        };
        let rule = &rules[index];
        let chain = reason::then(starter.chain, "rule", rule.id.clone());
        let mut values = BTreeMap::new();
        for (name, value) in &rule.value {
            let found = self.server_value(value, program, &real, words, &values)?;
            values.insert(name.clone(), found);
        }
        let service = Service { rule, index, chain, starter, values };
        if self.servers.done.insert((index, real)) {
            self.server_files(&service, wishes)?;
        }
        self.server_configs(&service, words, wishes)
    }

    /// What `{name}` stands for: an option's value, what the program was built with, else the first default that exists.
    fn server_value(
        &self,
        value: &ServerValue,
        program: &RootfsPath,
        real: &RootfsPath,
        words: &[Word],
        known: &BTreeMap<String, Vec<String>>,
    ) -> Result<Vec<String>, RootfsError> {
        let given = option_values(&value.option, words);
        if !given.is_empty() {
            return Ok(given);
        }
        if let Some(pattern) = &value.path {
            let parts = [program, real].into_iter().find_map(|path| starred(pattern, &path.to_string()));
            return Ok(parts.into_iter().chain(value.default.clone()).take(1).collect());
        }
        if let Some(capture) = &value.capture {
            let found = self.captured_words(real, &capture.after)?;
            if !found.is_empty() {
                return Ok(found);
            }
        }
        let candidates: Vec<String> = value.default.iter().flat_map(|pattern| fill(pattern, known)).collect();
        for candidate in &candidates {
            if candidate.starts_with('/') {
                for view in self.views_in_order() {
                    let found = glob::expand(&self.world.views[view], candidate.as_bytes())?;
                    if let Some(path) = found.first() {
                        return Ok(vec![path.to_string()]);
                    }
                }
            } else {
                return Ok(vec![candidate.clone()]);
            }
        }
        Ok(candidates.into_iter().take(1).collect())
    }

    /// The words that stand behind a text in a program's data.
    fn captured_words(&self, real: &RootfsPath, after: &str) -> Result<Vec<String>, RootfsError> {
        let eyes = &self.world.views[self.view_for(real)];
        let mut found: Vec<String> = Vec::new();
        let mut take = |run: &[u8]| {
            let text = String::from_utf8_lossy(run);
            for part in text.split(after).skip(1) {
                let end = part.find(|sign: char| sign.is_whitespace() || sign == '\'' || sign == '"');
                let word = &part[..end.unwrap_or(part.len())];
                if !word.is_empty() && word.len() < MAX_WORD && found.len() < MAX_CAPTURED {
                    found.push(word.to_owned());
                }
            }
        };
        match strings::scan(&FileBytes { rootfs: eyes, path: real }, after.len().max(MIN_RUN), &mut take) {
            Ok(()) => {}
            Err(ElfError::Read(error)) => return Err(error),
            Err(_) => return Ok(Vec::new()),
        }
        found.dedup();
        Ok(found)
    }

    /// What comes with a server whatever its configuration says.
    fn server_files(&mut self, service: &Service<'_>, wishes: &mut Vec<Wish>) -> Result<(), RootfsError> {
        let view = self.first_view();
        for include in &service.rule.include {
            let except = |path: &RootfsPath| {
                include
                    .except
                    .iter()
                    .flat_map(|pattern| fill(pattern, &service.values))
                    .any(|pattern| glob::covers(pattern.as_bytes(), path))
            };
            let mut found = false;
            let patterns = include.all.iter().map(|text| (text, false));
            for (pattern, first) in patterns.chain(include.first.iter().map(|text| (text, true))) {
                if first && found {
                    break;
                }
                for pattern in fill(pattern, &service.values) {
                    let (base, whole) = match pattern.strip_suffix("/**") {
                        Some(base) => (base.to_owned(), true),
                        None => (pattern, false),
                    };
                    for path in glob::expand(&self.world.views[view], base.as_bytes())? {
                        if except(&path) {
                            continue;
                        }
                        found = true;
                        self.server_path(service, &path, whole, &except, wishes)?;
                    }
                }
            }
        }
        for pattern in &service.rule.directory {
            for path in fill(pattern, &service.values) {
                self.server_place(service, &RootfsPath::parse(path.as_bytes()), wishes)?;
            }
        }
        self.servers.accounts.extend(service.rule.user.iter().flat_map(|name| fill(name, &service.values)));
        if service.rule.login_shells {
            self.shells_of_sessions(Starter { chain: &service.chain, ..service.starter }, wishes)?;
        }
        for program in &service.rule.starts {
            let starter = Starter {
                chain: &service.chain,
                why: "starts",
                strength: Strength::Soft,
                depth: service.starter.depth + 1,
                ..service.starter
            };
            for name in fill(program, &service.values) {
                self.start(starter, &[Word::Text(name)], wishes)?;
            }
        }
        Ok(())
    }

    /// Reads the configuration files that the command names, else the default ones, and those that they include.
    fn server_configs(
        &mut self,
        service: &Service<'_>,
        words: &[Word],
        wishes: &mut Vec<Wish>,
    ) -> Result<(), RootfsError> {
        let rule = service.rule;
        let mut files: Vec<RootfsPath> = Vec::new();
        if rule.operand {
            let operand = words.iter().find_map(Word::text).filter(|word| !word.starts_with('-'));
            files.extend(operand.map(|word| self.working_directory().join(word.as_bytes())));
        }
        if files.is_empty() {
            let names = rule.config.iter().flat_map(|text| fill(text, &service.values));
            files.extend(names.map(|name| self.working_directory().join(name.as_bytes())));
        }
        let mut variables = self.server_variables(rule)?;
        let top = files.first().and_then(RootfsPath::parent).unwrap_or_else(RootfsPath::root);
        let mut pending: Vec<RootfsPath> = files.into_iter().rev().collect();
        let mut read = 0;
        while let Some(file) = pending.pop() {
            if read >= MAX_FILES {
                break;
            }
            let Some((real, kind, view)) = self.locate(&file)? else { continue };
            let chain = reason::then(&service.chain, "configuration", reason::escaped(&file));
            match kind {
                FileKind::Directory => {
                    // haproxy reads all files of a directory.
                    let entries = self.world.views[view].list(&real)?;
                    let names = entries.into_iter().filter(|entry| entry.stat.kind != FileKind::Directory);
                    let files = names.map(|entry| (real.join(&entry.name), file.join(&entry.name)));
                    // The jobs of packages look after a whole system.
                    let jobs = rule.syntax == ConfigSyntax::Crontab;
                    let own = |real: &RootfsPath| {
                        !jobs || self.world.changes.is_put(real) || !self.is_packaged(real)
                    };
                    let files = files.filter(|(real, _)| own(real)).map(|(_, file)| file);
                    pending.extend(files.take(MAX_FILES));
                    continue;
                }
                FileKind::Regular => {}
                _ => continue,
            }
            let service_strength = service.starter.strength.min(Strength::Strict);
            if self.refuses(view, &real)? || self.bring(view, &file, &chain, service_strength)?.is_none() {
                continue;
            }
            if !self.servers.done.insert((service.index, real.clone())) {
                continue;
            }
            read += 1;
            let bytes = self.world.views[view].read(&real, 0..MAX_CONFIG_BYTES)?;
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let inner = Service {
                chain,
                values: service.values.clone(),
                rule,
                index: service.index,
                starter: service.starter,
            };
            let accounts = rule.accounts_in.iter().any(|pattern| glob::covers(pattern.as_bytes(), &file));
            for mut directive in config::directives(&text, rule.syntax) {
                if accounts && !directive.words.is_empty() {
                    self.servers.accounts.insert(directive.words.remove(0));
                }
                if rule.define.contains(&directive.name)
                    && let [name, value, ..] = directive.words.as_slice()
                {
                    variables.insert(name.clone(), value.clone());
                }
                let directive = expand(directive, &variables);
                self.directive(&inner, &directive, &top, &mut pending, wishes)?;
            }
        }
        Ok(())
    }

    /// Variables that the configuration may use: the environment, and what shell files set.
    fn server_variables(&self, rule: &Server) -> Result<BTreeMap<String, String>, RootfsError> {
        let mut variables = BTreeMap::new();
        for file in &rule.variables {
            let Some((real, FileKind::Regular, view)) = self.locate(&RootfsPath::from(file.as_str()))? else {
                continue;
            };
            let bytes = self.world.views[view].read(&real, 0..MAX_CONFIG_BYTES)?;
            let Some(script) = self.read_alone(&String::from_utf8_lossy(&bytes)) else { continue };
            for (name, values) in script.variables {
                // One of several values: the path that is there.
                let texts: Vec<&str> = values.iter().filter_map(Word::text).collect();
                let mut chosen = texts.first().copied();
                for text in texts.iter().filter(|text| text.starts_with('/')) {
                    if self.locate(&RootfsPath::parse(text.as_bytes()))?.is_some() {
                        chosen = Some(text);
                        break;
                    }
                }
                if let Some(text) = chosen {
                    variables.insert(name, text.to_owned());
                }
            }
        }
        for setting in &self.world.spec.config.env {
            if let Some((name, value)) = setting.split_once('=') {
                variables.insert(name.to_owned(), value.to_owned());
            }
        }
        Ok(variables)
    }

    fn directive(
        &mut self,
        service: &Service<'_>,
        directive: &Directive,
        top: &RootfsPath,
        pending: &mut Vec<RootfsPath>,
        wishes: &mut Vec<Wish>,
    ) -> Result<(), RootfsError> {
        let rule = service.rule.directive.iter().find(|rule| {
            rule.names.iter().any(|name| glob::matches_name(name.as_bytes(), directive.name.as_bytes()))
        });
        let Some(rule) = rule else {
            // A path is a path, whatever it is for.
            for word in directive.words.iter().filter(|word| word.starts_with('/')) {
                self.server_word(service, word, wishes)?;
            }
            return Ok(());
        };
        let bases: Vec<String> = match &rule.base {
            Some(base) => fill(base, &service.values),
            None => vec![top.to_string()],
        };
        let words = directive.words.iter().skip(rule.skip);
        for word in words {
            match rule.value {
                DirectiveValue::User => {
                    self.servers.accounts.extend(word.split([':', '.']).map(str::to_owned));
                    continue;
                }
                DirectiveValue::Command | DirectiveValue::Script => continue,
                _ => {}
            }
            for base in &bases {
                let path = RootfsPath::parse(base.as_bytes()).join(word.as_bytes());
                let text = path.to_string();
                match rule.value {
                    DirectiveValue::Include => {
                        let mut found = self.locate_all(&text, MAX_FILES)?;
                        found.reverse();
                        if let Some(directory) =
                            text.split(['*', '?', '[']).next().and_then(|fixed| fixed.rsplit_once('/'))
                        {
                            // An include that matches nothing is legal, but its directory may be listed.
                            self.server_directory(service, directory.0)?;
                        }
                        pending.extend(found);
                    }
                    DirectiveValue::Tree => {
                        let (fixed, _) = text.split_once('$').unwrap_or((&text, ""));
                        let fixed = if fixed.len() < text.len() {
                            fixed.rsplit_once('/').map_or("", |part| part.0)
                        } else {
                            fixed
                        };
                        if is_for_files(fixed) {
                            self.server_path(
                                service,
                                &RootfsPath::parse(fixed.as_bytes()),
                                true,
                                &|_| false,
                                wishes,
                            )?;
                        }
                    }
                    DirectiveValue::File => self.server_word(service, &text, wishes)?,
                    DirectiveValue::User | DirectiveValue::Command | DirectiveValue::Script => {}
                }
            }
        }
        if rule.value == DirectiveValue::Command {
            let words: Vec<Word> = directive.words.iter().skip(rule.skip).cloned().map(Word::Text).collect();
            let starter = Starter {
                chain: &service.chain,
                why: "starts",
                strength: service.starter.strength.min(Strength::Strict),
                depth: service.starter.depth + 1,
                alone: false,
                ..service.starter
            };
            self.start(starter, &words, wishes)?;
        }
        let passed_over = directive.words.iter().any(|word| service.rule.passed_over.contains(word));
        if rule.value == DirectiveValue::Script && !passed_over {
            let starter =
                Starter { chain: &service.chain, depth: service.starter.depth + 1, ..service.starter };
            self.start(Starter { why: "starts", ..starter }, &[Word::Text("sh".to_owned())], wishes)?;
            self.run_inline(starter, "sh", &directive.words.join(" "), Some("sh"), &[], wishes)?;
        }
        Ok(())
    }

    /// A path in a configuration: what is there, else the directory where it is going to be.
    fn server_word(
        &mut self,
        service: &Service<'_>,
        word: &str,
        wishes: &mut Vec<Wish>,
    ) -> Result<(), RootfsError> {
        let text = word.split('$').next().unwrap_or_default();
        if text.len() < word.len() {
            return Ok(());
        }
        self.server_place(service, &RootfsPath::parse(text.as_bytes()), wishes)
    }

    fn server_place(
        &mut self,
        service: &Service<'_>,
        path: &RootfsPath,
        wishes: &mut Vec<Wish>,
    ) -> Result<(), RootfsError> {
        match self.locate(path)? {
            Some((_, FileKind::Regular | FileKind::Directory, _)) => {
                self.server_path(service, path, false, &|_| false, wishes)
            }
            Some(_) => Ok(()),
            None => {
                // Also a link into /dev: logs that are the container's output.
                let view = self.first_view();
                self.bring(view, path, &service.chain, Strength::Soft)?;
                match path.parent() {
                    Some(parent) => self.server_directory(service, &parent.to_string()),
                    None => Ok(()),
                }
            }
        }
    }

    fn server_directory(&mut self, service: &Service<'_>, directory: &str) -> Result<(), RootfsError> {
        let path = RootfsPath::parse(directory.as_bytes());
        if path.components().count() > 0
            && let Some((_, FileKind::Directory, view)) = self.locate(&path)?
        {
            let chain = reason::then(&service.chain, "directory", reason::escaped(&path));
            self.bring(view, &path, &chain, Strength::Soft)?;
        }
        Ok(())
    }

    /// Brings a file, a directory, or a directory with everything in it.
    fn server_path(
        &mut self,
        service: &Service<'_>,
        path: &RootfsPath,
        whole: bool,
        except: &dyn Fn(&RootfsPath) -> bool,
        wishes: &mut Vec<Wish>,
    ) -> Result<(), RootfsError> {
        let Some((real, kind, view)) = self.locate(path)? else { return Ok(()) };
        if kind == FileKind::Regular && self.refuses(view, &real)? {
            return Ok(());
        }
        let chain = reason::then(&service.chain, "named", reason::escaped(path));
        if kind == FileKind::Directory && whole {
            let paths = self.bring_tree(view, path, &chain, Strength::Soft, except)?;
            let wish = |path| Wish { path, strength: Strength::Soft, started: false };
            wishes.extend(paths.into_iter().map(wish));
            return Ok(());
        }
        if let Some(real) = self.bring(view, path, &chain, Strength::Soft)?
            && kind == FileKind::Regular
        {
            // What a directive names and can be started may be started.
            let started = self.items.get(&real).is_some_and(|item| item.stat.mode & 0o111 != 0);
            wishes.push(Wish { path: real, strength: Strength::Soft, started });
        }
        Ok(())
    }
}

/// Whether a directory can be one of documents, not half of the system.
fn is_for_files(directory: &str) -> bool {
    let parts: Vec<&str> = directory.split('/').filter(|part| !part.is_empty()).collect();
    let top = [
        "bin", "boot", "dev", "etc", "lib", "lib64", "proc", "run", "sbin", "sys", "usr", "var", "home",
        "root", "tmp", "opt",
    ];
    match parts.as_slice() {
        []
        | ["proc" | "sys" | "dev", ..]
        | ["usr", _]
        | ["usr", "local", "lib" | "bin"]
        | ["var", "lib" | "cache" | "log"] => false,
        [one] => !top.contains(one),
        _ => true,
    }
}

/// `${NAME}` replaced; what is not known stays.
fn expand(directive: Directive, variables: &BTreeMap<String, String>) -> Directive {
    let words = directive.words.into_iter().map(|word| expand_word(word, variables)).collect();
    Directive { words, ..directive }
}

fn expand_word(word: String, variables: &BTreeMap<String, String>) -> String {
    if !word.contains("${") {
        return word;
    }
    let mut out = String::new();
    let mut rest = word.as_str();
    while let Some((head, tail)) = rest.split_once("${") {
        out.push_str(head);
        match tail.split_once('}') {
            Some((name, more)) if variables.contains_key(name) => {
                out.push_str(&variables[name]);
                rest = more;
            }
            _ => {
                out.push_str("${");
                rest = tail;
            }
        }
        if out.len() > MAX_WORD {
            break;
        }
    }
    out.push_str(rest);
    out
}

/// The values of options: the next word, or behind `=`, or the rest of the word for `-cFILE`.
fn option_values(options: &[String], words: &[Word]) -> Vec<String> {
    let mut values = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let Some(text) = word.text() else { continue };
        for option in options {
            if text == option {
                values.extend(words.next().and_then(Word::text).map(str::to_owned));
                break;
            }
            if let Some(value) = text.strip_prefix(option.as_str()) {
                let long = option.starts_with("--");
                match value.strip_prefix('=') {
                    Some(value) if long => values.push(value.to_owned()),
                    None if !long => values.push(value.to_owned()),
                    _ => {}
                }
                break;
            }
        }
    }
    values
}

/// What the one `*` of a pattern stands for in a text.
fn starred(pattern: &str, text: &str) -> Option<String> {
    let (before, after) = pattern.split_once('*')?;
    let rest = text.strip_prefix(before)?;
    let value = match after.split_once('*') {
        Some((middle, _)) => rest.split(middle).next()?,
        None => rest.strip_suffix(after)?,
    };
    (!value.is_empty() && !value.contains('/')).then(|| value.to_owned())
}

/// A text with its `{name}`s replaced, in every way that there is; none when a name has no value.
fn fill(text: &str, values: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let mut texts = vec![text.to_owned()];
    for (name, all) in values {
        let part = format!("{{{name}}}");
        if texts.iter().any(|text| text.contains(&part)) {
            texts =
                texts.iter().flat_map(|text| all.iter().map(|value| text.replace(&part, value))).collect();
        }
    }
    texts.retain(|text| !text.contains('{'));
    texts
}

impl Closure<'_> {
    /// Words of commands that are names of accounts: these stay in passwd and group.
    pub(super) fn name_accounts<'w>(&mut self, words: impl Iterator<Item = &'w str>) {
        for word in words {
            let parts = word.split([':', '=']).filter(|part| !part.is_empty() && part.len() <= MAX_ACCOUNT);
            self.servers.accounts.extend(parts.map(str::to_owned));
        }
    }
}

/// Configuration files of one server.
const MAX_FILES: usize = 1000;

/// Bytes of a configuration file.
const MAX_CONFIG_BYTES: u64 = 1 << 20;

/// Words that one text stands before in a program.
const MAX_CAPTURED: usize = 64;

/// Shorter texts of a program say nothing.
const MIN_RUN: usize = 6;

const MAX_WORD: usize = 4096;

/// Signs of an account's name (`useradd(8)`).
const MAX_ACCOUNT: usize = 32;
