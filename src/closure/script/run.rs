//! What a script comes down to when it is started with given arguments: the command that it `exec`s.
//!
//! Only what the text, the image's environment and its files settle is followed. Anything else, and every program that
//! runs before the end, is a reason to keep the script.

use std::collections::{BTreeMap, BTreeSet};

use super::steps::{Joined, Line, Step, read};
use super::word::{Piece, Variable, pieces};
use super::{Dialect, is_builtin};
use crate::closure::glob;

/// What a script may ask of the image.
pub(in crate::closure) trait Surroundings {
    /// The path of a program on `PATH`.
    fn program(&self, name: &str) -> Option<String>;
    /// What is at a path, relative to the working directory.
    fn kind(&self, path: &str) -> Option<Kind>;
    /// A variable of the image's environment.
    fn environment(&self, name: &str) -> Option<String>;
    /// Whether variables that the image does not set are taken as not set.
    fn trusts_unset(&self) -> bool;
}

/// A kind of file, links followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::closure) enum Kind {
    File { executable: bool },
    Directory,
    Other,
}

/// What a script comes down to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::closure) struct Settled {
    pub(in crate::closure) words: Vec<String>,
    /// Variables that it sets for the program.
    pub(in crate::closure) settings: BTreeMap<String, String>,
    /// Variables that it asks for and the image does not set.
    pub(in crate::closure) unset: BTreeSet<String>,
}

/// Follows a script that is started as `name` with `arguments`.
///
/// # Errors
/// Why it stays, in a phrase.
pub(in crate::closure) fn settle(
    text: &str,
    name: &str,
    arguments: &[String],
    dialect: Dialect,
    surroundings: &dyn Surroundings,
) -> Result<Settled, String> {
    let mut run = Run {
        surroundings,
        dialect,
        name,
        arguments: arguments.to_vec(),
        variables: BTreeMap::new(),
        exported: BTreeSet::new(),
        unset: BTreeSet::new(),
        steps: 0,
    };
    match run.lines(&read(text)?)? {
        Flow::Replaced(words) if !words.is_empty() => {
            let mut settings = BTreeMap::new();
            for name in &run.exported {
                let value = run.variables.get(name).cloned();
                let before = surroundings.environment(name);
                match value {
                    Some(value) if before.as_ref() != Some(&value) => {
                        settings.insert(name.clone(), value);
                    }
                    _ => {}
                }
            }
            if settings.contains_key("PATH") {
                return Err("it sets `PATH`".to_owned());
            }
            Ok(Settled { words, settings, unset: run.unset })
        }
        _ => Err("it does not end with `exec`".to_owned()),
    }
}

enum Flow {
    /// The exit status is 0, or not.
    Status(bool),
    /// Another program took the script's place.
    Replaced(Vec<String>),
}

struct Run<'s> {
    surroundings: &'s dyn Surroundings,
    dialect: Dialect,
    name: &'s str,
    arguments: Vec<String>,
    variables: BTreeMap<String, String>,
    exported: BTreeSet<String>,
    unset: BTreeSet<String>,
    steps: usize,
}

impl Run<'_> {
    fn lines(&mut self, lines: &[Line]) -> Result<Flow, String> {
        let mut status = true;
        for Line(parts) in lines {
            for (joined, step, negated) in parts {
                let skipped = match joined {
                    None => false,
                    Some(Joined::And) => !status,
                    Some(Joined::Or) => status,
                };
                if skipped {
                    continue;
                }
                match self.step(step)? {
                    Flow::Status(done) => status = done != *negated,
                    replaced @ Flow::Replaced(_) => return Ok(replaced),
                }
            }
        }
        Ok(Flow::Status(status))
    }

    fn step(&mut self, step: &Step) -> Result<Flow, String> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return Err("it is too long".to_owned());
        }
        match step {
            Step::Define => Ok(Flow::Status(true)),
            Step::Other(why) => Err((*why).to_owned()),
            Step::Group(lines) => self.lines(lines),
            Step::If(arms) => {
                for (condition, body) in arms {
                    let holds = match condition {
                        None => true,
                        Some(condition) => match self.lines(condition)? {
                            Flow::Status(status) => status,
                            replaced @ Flow::Replaced(_) => return Ok(replaced),
                        },
                    };
                    if holds {
                        return self.lines(body);
                    }
                }
                Ok(Flow::Status(true))
            }
            Step::Case { word, arms } => {
                let value = self.text(word)?;
                for (patterns, body) in arms {
                    for pattern in patterns {
                        if matches(pattern, &value)? {
                            return self.lines(body);
                        }
                    }
                }
                Ok(Flow::Status(true))
            }
            Step::Compare { left, pattern, equal } => {
                let value = self.text(left)?;
                let same = match self.text(pattern) {
                    Ok(text) => text == value,
                    Err(_) => matches(pattern, &value)?,
                };
                Ok(Flow::Status(same == *equal))
            }
            Step::Simple { settings, words } => self.simple(settings, words),
        }
    }

    fn simple(&mut self, settings: &[(String, String)], words: &[String]) -> Result<Flow, String> {
        let mut fields = Vec::new();
        for word in words {
            fields.extend(self.fields(word)?);
        }
        let Some((name, arguments)) = fields.split_first() else {
            for (name, value) in settings {
                let value = self.text(value)?;
                self.assign(name, value);
            }
            return Ok(Flow::Status(true));
        };
        if !settings.is_empty() {
            return Err(format!("it sets variables for `{name}`"));
        }
        let status = match name.as_str() {
            ":" | "true" => true,
            "false" => false,
            "[" => match arguments.split_last() {
                Some((last, test)) if last == "]" => self.test(test)?,
                _ => return Err("it has a test that is no test".to_owned()),
            },
            "test" => self.test(arguments)?,
            "set" => self.set(arguments)?,
            "shift" if arguments.is_empty() && !self.arguments.is_empty() => {
                self.arguments.remove(0);
                true
            }
            "export" | "readonly" | "local" | "declare" | "typeset" => {
                self.declare(name == "export", arguments)?
            }
            "command" if matches!(arguments, [option, _] if option == "-v") => {
                !self.command_path(&arguments[1]).is_empty()
            }
            "exec" => match arguments.first() {
                Some(first) if !first.starts_with('-') => {
                    return Ok(Flow::Replaced(arguments.to_vec()));
                }
                _ => return Err("it has an `exec` that starts nothing".to_owned()),
            },
            other => return Err(format!("it runs `{other}`")),
        };
        Ok(Flow::Status(status))
    }

    fn assign(&mut self, name: &str, value: String) {
        if self.surroundings.environment(name).is_some() {
            self.exported.insert(name.to_owned());
        }
        self.variables.insert(name.to_owned(), value);
    }

    fn declare(&mut self, export: bool, arguments: &[String]) -> Result<bool, String> {
        for argument in arguments {
            if argument.starts_with('-') {
                return Err("it declares a variable with options".to_owned());
            }
            let (name, value) = match argument.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (argument.as_str(), None),
            };
            if let Some(value) = value {
                self.assign(name, value.to_owned());
            }
            if export {
                self.exported.insert(name.to_owned());
            }
        }
        Ok(true)
    }

    /// Options that decide only what happens on a failure are passed over.
    fn set(&mut self, arguments: &[String]) -> Result<bool, String> {
        let mut rest = arguments.iter();
        while let Some(word) = rest.next() {
            match word.as_str() {
                "--" => {
                    self.arguments = rest.cloned().collect();
                    return Ok(true);
                }
                "-o" | "+o" | "-eo" | "-euo" | "-eEuo" | "-ueo" => match rest.next().map(String::as_str) {
                    Some("pipefail" | "errexit" | "nounset") => {}
                    _ => return Err("it sets an option of the shell".to_owned()),
                },
                word if word.starts_with(['-', '+'])
                    && word.len() > 1
                    && word[1..].bytes().all(|letter| b"euE".contains(&letter)) => {}
                _ => return Err("it sets an option of the shell".to_owned()),
            }
        }
        Ok(true)
    }

    /// `test(1)` with up to three arguments.
    fn test(&mut self, words: &[String]) -> Result<bool, String> {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        Ok(match words.as_slice() {
            [] => false,
            [word] | ["-n", word] => !word.is_empty(),
            ["!", rest @ ..] => {
                let rest: Vec<String> = rest.iter().map(|word| (*word).to_owned()).collect();
                !self.test(&rest)?
            }
            ["-z", word] => word.is_empty(),
            [option @ ("-f" | "-d" | "-e" | "-x"), path] => {
                let kind = self.surroundings.kind(path);
                if kind.is_none() && path.starts_with('/') {
                    // Someone may mount it.
                    return Err(format!("it looks for `{path}`, which may be mounted"));
                }
                match *option {
                    "-f" => matches!(kind, Some(Kind::File { .. })),
                    "-d" => kind == Some(Kind::Directory),
                    "-x" => matches!(kind, Some(Kind::File { executable: true } | Kind::Directory)),
                    _ => kind.is_some(),
                }
            }
            [left, "=" | "==", right] => left == right,
            [left, "!=", right] => left != right,
            [left, option @ ("-eq" | "-ne" | "-gt" | "-ge" | "-lt" | "-le"), right] => {
                let (Ok(left), Ok(right)) = (left.parse::<i64>(), right.parse::<i64>()) else {
                    return Err("it compares what is no number".to_owned());
                };
                match *option {
                    "-eq" => left == right,
                    "-ne" => left != right,
                    "-gt" => left > right,
                    "-ge" => left >= right,
                    "-lt" => left < right,
                    _ => left <= right,
                }
            }
            _ => return Err("it has a test that depends on more than its text".to_owned()),
        })
    }

    fn command_path(&self, name: &str) -> String {
        if is_builtin(name, self.dialect) {
            return name.to_owned();
        }
        self.surroundings.program(name).unwrap_or_default()
    }

    /// A word that becomes one text: a value, or what a case looks at.
    fn text(&mut self, word: &str) -> Result<String, String> {
        let mut text = String::new();
        for piece in pieces(word) {
            match piece {
                Piece::Variable(variable) if variable.name == "@" || variable.name == "*" => {
                    if !variable.operation.is_empty() || variable.all || variable.indirect {
                        return Err(UNKNOWN_WORD.to_owned());
                    }
                    text.push_str(&self.arguments.join(" "));
                }
                piece => text.push_str(&self.piece(piece)?),
            }
            if text.len() > MAX_TEXT {
                return Err("its words grow too long".to_owned());
            }
        }
        Ok(text)
    }

    /// A word of a command: none, one or more fields.
    fn fields(&mut self, word: &str) -> Result<Vec<String>, String> {
        let pieces = pieces(word);
        let all = |piece: &Piece| {
            matches!(piece, Piece::Variable(Variable { name, quoted: true, operation, .. })
                if name == "@" && operation.is_empty())
        };
        let empty = |piece: &Piece| matches!(piece, Piece::Text(text) if text.is_empty());
        if pieces.iter().any(all) {
            if pieces.iter().all(|piece| all(piece) || empty(piece)) {
                return Ok(self.arguments.clone());
            }
            return Err(UNKNOWN_WORD.to_owned());
        }
        let mut text = String::new();
        let mut field = false;
        for piece in pieces {
            let split = match &piece {
                Piece::Variable(variable) => !variable.quoted,
                Piece::Substitution { quoted, .. } => !quoted,
                _ => false,
            };
            let part = self.piece(piece)?;
            if split && part.contains([' ', '\t', '\n', '*', '?', '[', '\\']) {
                return Err("it splits a variable into words".to_owned());
            }
            field |= !split || !part.is_empty();
            text.push_str(&part);
            if text.len() > MAX_TEXT {
                return Err("its words grow too long".to_owned());
            }
        }
        Ok(if field { vec![text] } else { Vec::new() })
    }

    fn piece(&mut self, piece: Piece) -> Result<String, String> {
        match piece {
            Piece::Text(text) => Ok(text),
            Piece::Variable(variable) => self.variable(&variable),
            Piece::Substitution { script, .. } => self.substitution(&script),
            Piece::Pattern | Piece::Number => Err(UNKNOWN_WORD.to_owned()),
        }
    }

    /// `$(command -v NAME)`.
    fn substitution(&mut self, script: &str) -> Result<String, String> {
        let lines = read(script)?;
        if let [Line(parts)] = lines.as_slice()
            && let [(None, Step::Simple { settings, words }, false)] = parts.as_slice()
            && settings.is_empty()
        {
            let mut fields = Vec::new();
            for word in words {
                fields.extend(self.fields(word)?);
            }
            if let [command, option, name] = fields.as_slice()
                && command == "command"
                && option == "-v"
            {
                return Ok(self.command_path(name));
            }
        }
        Err(format!("it asks for the output of `{}`", script.trim()))
    }

    fn variable(&mut self, variable: &Variable) -> Result<String, String> {
        if variable.all || variable.indirect {
            return Err(UNKNOWN_WORD.to_owned());
        }
        let value = self.value(&variable.name)?;
        let operation = variable.operation.as_str();
        if operation.is_empty() {
            return Ok(value.unwrap_or_default());
        }
        let word = |run: &mut Self, word: &str| run.text(word);
        if let Some(default) = operation.strip_prefix(":-") {
            return match value.filter(|value| !value.is_empty()) {
                Some(value) => Ok(value),
                None => word(self, default),
            };
        }
        if let Some(default) = operation.strip_prefix('-') {
            return value.map_or_else(|| word(self, default), Ok);
        }
        if let Some(other) = operation.strip_prefix(":+") {
            return if value.is_some_and(|value| !value.is_empty()) {
                word(self, other)
            } else {
                Ok(String::new())
            };
        }
        if let Some(other) = operation.strip_prefix('+') {
            return if value.is_some() { word(self, other) } else { Ok(String::new()) };
        }
        let value = value.unwrap_or_default();
        let plain = |pattern: &str| {
            (!pattern.contains(['*', '?', '[', '\\', '$', '`', '"', '\'', '#', '%']))
                .then(|| pattern.to_owned())
                .ok_or_else(|| UNKNOWN_WORD.to_owned())
        };
        if let Some(pattern) = operation.strip_prefix('#') {
            let pattern = plain(pattern.strip_prefix('#').unwrap_or(pattern))?;
            return Ok(value.strip_prefix(&pattern).unwrap_or(&value).to_owned());
        }
        if let Some(pattern) = operation.strip_prefix('%') {
            let pattern = plain(pattern.strip_prefix('%').unwrap_or(pattern))?;
            return Ok(value.strip_suffix(&pattern).unwrap_or(&value).to_owned());
        }
        if operation == ":0:1" {
            return Ok(value.chars().take(1).collect());
        }
        Err(UNKNOWN_WORD.to_owned())
    }

    fn value(&mut self, name: &str) -> Result<Option<String>, String> {
        if let Ok(number) = name.parse::<usize>() {
            return Ok(match number {
                0 => Some(self.name.to_owned()),
                number => self.arguments.get(number - 1).cloned(),
            });
        }
        if name == "#" {
            return Ok(Some(self.arguments.len().to_string()));
        }
        if !name.starts_with(|sign: char| sign.is_ascii_alphabetic() || sign == '_') {
            return Err(UNKNOWN_WORD.to_owned());
        }
        if let Some(value) = self.variables.get(name) {
            return Ok(Some(value.clone()));
        }
        if let Some(value) = self.surroundings.environment(name) {
            return Ok(Some(value));
        }
        if SET_BY_OTHERS.contains(&name) {
            return Err(format!("it asks for `{name}`"));
        }
        self.unset.insert(name.to_owned());
        if self.surroundings.trusts_unset() { Ok(None) } else { Err(format!("it asks for `{name}`")) }
    }
}

/// Whether a pattern of a `case` matches; quotes and variables in it are not followed.
fn matches(pattern: &str, value: &str) -> Result<bool, String> {
    let quoted = ['"', '\''].into_iter().find_map(|quote| {
        let inside = pattern.strip_prefix(quote)?.strip_suffix(quote)?;
        (!inside.contains(['"', '\'', '$', '`', '\\', '*', '?', '['])).then_some(inside)
    });
    if let Some(inside) = quoted {
        return Ok(inside == value);
    }
    if pattern.contains(['"', '\'', '$', '`', '\\', '[', '(', '{']) {
        return Err(UNKNOWN_WORD.to_owned());
    }
    Ok(glob::matches_name(pattern.as_bytes(), value.as_bytes()))
}

const UNKNOWN_WORD: &str = "it has a word that is not settled before it runs";

/// Variables that the container runtime or the shell sets.
const SET_BY_OTHERS: [&str; 14] = [
    "BASH_SOURCE",
    "BASH_VERSION",
    "EUID",
    "HOME",
    "HOSTNAME",
    "IFS",
    "OLDPWD",
    "OPTIND",
    "PATH",
    "PPID",
    "PWD",
    "RANDOM",
    "SHLVL",
    "UID",
];

/// Steps of one script: there are no loops.
const MAX_STEPS: usize = 10_000;

/// Bytes of one word.
const MAX_TEXT: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    struct Image {
        trusts: bool,
    }

    impl Surroundings for Image {
        fn program(&self, name: &str) -> Option<String> {
            ["node", "java", "npm"].contains(&name).then(|| format!("/usr/bin/{name}"))
        }

        fn kind(&self, path: &str) -> Option<Kind> {
            match path {
                "server.js" => Some(Kind::File { executable: false }),
                "run.sh" => Some(Kind::File { executable: true }),
                "/etc" => Some(Kind::Directory),
                _ => None,
            }
        }

        fn environment(&self, name: &str) -> Option<String> {
            ["JAVA_HOME", "PATH"].contains(&name).then(|| "/opt/java".to_owned())
        }

        fn trusts_unset(&self) -> bool {
            self.trusts
        }
    }

    fn settled(script: &str, arguments: &str) -> String {
        let arguments: Vec<String> = arguments.split_whitespace().map(str::to_owned).collect();
        match settle(script, "/entry.sh", &arguments, Dialect::Posix, &Image { trusts: true }) {
            Ok(Settled { words, settings, unset }) => {
                let settings: Vec<String> =
                    settings.iter().map(|(name, value)| format!("{name}={value} ")).collect();
                let unset = if unset.is_empty() { String::new() } else { format!(" unless {unset:?}") };
                format!("{}{}{unset}", settings.concat(), words.join("|"))
            }
            Err(why) => why,
        }
    }

    /// The shape of the official image's script.
    const NODE: &str = "#!/bin/sh\nset -e\nif [ \"${1#-}\" != \"${1}\" ] || [ -z \"$(command -v \"${1}\")\" ] || \
                        { [ -f \"${1}\" ] && ! [ -x \"${1}\" ]; }; then\n  set -- node \"$@\"\nfi\n\nexec \"$@\"\n";

    #[test]
    fn scripts_come_down_to_a_command() {
        let java = "set -e\nJRE=$JAVA_HOME/lib\nif [ -n \"$USE\" ]; then cp a b; fi\nexport JRE\nexec \"$@\"";
        let case = "case \"$1\" in -*) set -- java \"$@\";; sh|bash) exec \"$@\";; esac; exec \"$@\"";
        let rows = [
            ("a program", NODE, "node server.js", "node|server.js"),
            ("an option", NODE, "--inspect server.js", "node|--inspect|server.js"),
            ("a file", NODE, "server.js", "node|server.js"),
            ("what is on PATH", NODE, "npm start", "npm|start"),
            (
                "a variable that may be set later, one that is exported",
                java,
                "java -jar a.jar",
                "JRE=/opt/java/lib java|-jar|a.jar unless {\"USE\"}",
            ),
            ("a case", case, "-jar a.jar", "java|-jar|a.jar"),
            ("another case", case, "bash -c x", "bash|-c|x"),
            ("only arguments", "exec \"$@\"", "a b", "a|b"),
            (
                "words before them",
                "exec node --enable-source-maps \"$@\"",
                "a",
                "node|--enable-source-maps|a",
            ),
            ("a default", "exec java ${OPTS:--Xmx1g} \"$@\"", "a", "java|-Xmx1g|a unless {\"OPTS\"}"),
            ("nothing for an empty variable", "exec java $OPTS \"$@\"", "a", "java|a unless {\"OPTS\"}"),
            (
                "bash's tests",
                "if [[ $1 == -* && -n \"$JAVA_HOME\" ]]; then set -- java \"$@\"; fi; exec \"$@\"",
                "-x",
                "java|-x",
            ),
            (
                "a quiet command",
                "if command -v java >/dev/null 2>&1; then exec java \"$@\"; fi",
                "-x",
                "java|-x",
            ),
            ("shift", "if [ $# -gt 1 ] && [ \"$1\" = run ]; then shift; fi; exec \"$@\"", "run a b", "a|b"),
        ];
        for (summary, script, arguments, expected) in rows {
            assert_eq!(settled(script, arguments), expected, "{summary}");
        }
    }

    #[test]
    fn scripts_that_do_something_stay() {
        let rows = [
            ("a program", "mkdir -p /data; exec \"$@\"", "it runs `mkdir`"),
            ("output", "echo starting; exec \"$@\"", "it runs `echo`"),
            ("no exec", "node \"$@\"", "it runs `node`"),
            (
                "the user",
                "if [ \"$(id -u)\" = 0 ]; then exec gosu x \"$@\"; fi; exec \"$@\"",
                "it asks for the output of `id -u`",
            ),
            (
                "a directory that may be mounted",
                "if [ -d /init.d ]; then :; fi; exec \"$@\"",
                "it looks for `/init.d`, which may be mounted",
            ),
            ("a loop", "for f in *; do :; done; exec \"$@\"", "it has a loop, a subshell or arithmetic"),
            ("a pipeline", "true | cat; exec \"$@\"", "it has a pipeline"),
            ("background", "true & exec \"$@\"", "it starts something in the background"),
            ("a file", "echo x > /tmp/x; exec \"$@\"", "it redirects"),
            ("a directory", "cd /srv; exec \"$@\"", "it runs `cd`"),
            ("the home directory", "exec \"$@\" \"$HOME\"", "it asks for `HOME`"),
            ("PATH", "export PATH=/x; exec \"$@\"", "it sets `PATH`"),
            ("split", "A='b c'; exec $A", "it splits a variable into words"),
        ];
        for (summary, script, expected) in rows {
            assert_eq!(settled(script, "node x"), expected, "{summary}");
        }
        let why = settle("exec java $OPTS", "x", &[], Dialect::Posix, &Image { trusts: false });
        assert_eq!(why, Err("it asks for `OPTS`".to_owned()));
    }
}
