//! What the words behind an interpreter are, by the `[arguments]` of its rule.

use crate::rules::{ArgumentOption, Arguments, Value};

/// A word, or a part of one, that means something to an interpreter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::closure) struct Word {
    pub(in crate::closure) value: Value,
    pub(in crate::closure) text: String,
    /// It is what the interpreter runs: nothing starts without it.
    pub(in crate::closure) runs: bool,
}

/// The command line of an interpreter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::closure) struct CommandLine {
    /// What options and the operand name, in order.
    pub(in crate::closure) named: Vec<Word>,
    /// The words for the program that it runs.
    pub(in crate::closure) own: Vec<String>,
    /// The first name of the option of each of `named`; the operand has none.
    options: Vec<String>,
}

impl CommandLine {
    /// Reads the words behind the interpreter's name. `file` gives the words of a file that stands for arguments.
    pub(in crate::closure) fn parse(
        rule: &Arguments,
        words: &[String],
        file: &mut dyn FnMut(&str) -> Vec<String>,
    ) -> Self {
        let mut line = Self::default();
        let mut words = Words { rest: words.iter().rev().cloned().collect(), files: 0 };
        let mut options = true;
        while let Some(word) = words.rest.pop() {
            if let Some(name) = rule.file_prefix.as_deref().and_then(|prefix| word.strip_prefix(prefix)) {
                words.insert(file(name));
            } else if options && word == "--" {
                options = false;
            } else if !options || word == "-" || !word.starts_with('-') {
                line.named.push(Word {
                    value: rule.operand.unwrap_or(Value::Script),
                    text: word,
                    runs: true,
                });
                line.options.push(String::new());
                break;
            } else if line.option(rule, &word, &mut words) {
                break;
            }
        }
        words.rest.reverse();
        line.own = words.rest;
        line
    }

    /// Takes an option with its value; whether the words behind are the program's own.
    fn option(&mut self, rule: &Arguments, word: &str, words: &mut Words) -> bool {
        for option in &rule.option {
            for name in &option.names {
                if let Some((start, "=")) = name.split_once('*') {
                    // Whatever the rest of the name is.
                    let value = word.strip_prefix(start).and_then(|rest| rest.split_once('='));
                    let Some((_, value)) = value else { continue };
                    self.take(option, Some(value.to_owned()));
                    return option.last;
                }
                let value = match word.strip_prefix(name.as_str()) {
                    Some("") if name.ends_with([':', '=']) => continue,
                    Some("") => words.rest.pop(),
                    Some(value) if name.ends_with([':', '=']) => Some(value.to_owned()),
                    Some(rest) if name.starts_with("--") => match rest.strip_prefix('=') {
                        Some(value) => Some(value.to_owned()),
                        None => continue,
                    },
                    _ => continue,
                };
                self.take(option, value);
                return option.last;
            }
        }
        if rule.combined && !word.starts_with("--") {
            return self.letters(rule, word, words);
        }
        false
    }

    /// `-Bc CODE`, `-mMODULE`: letters behind one `-`; the first that takes a value ends them.
    fn letters(&mut self, rule: &Arguments, word: &str, words: &mut Words) -> bool {
        let letters = &word[1..];
        for (at, letter) in letters.char_indices() {
            let single =
                |name: &&String| name.strip_prefix('-').is_some_and(|name| name.chars().eq([letter]));
            let Some(option) =
                rule.option.iter().find(|option| option.names.iter().any(|name| single(&name)))
            else {
                continue;
            };
            let rest = &letters[at + letter.len_utf8()..];
            let value = if rest.is_empty() { words.rest.pop() } else { Some(rest.to_owned()) };
            self.take(option, value);
            return option.last;
        }
        false
    }

    fn take(&mut self, option: &ArgumentOption, value: Option<String>) {
        let Some(mut text) = value else { return };
        if let Some(until) = &option.until
            && let Some(end) = text.find(until.as_str())
        {
            text.truncate(end);
        }
        if !option.instead_of.is_empty() {
            let mut names = std::mem::take(&mut self.options).into_iter();
            let counts = |name: &String| !option.instead_of.contains(name);
            self.options = names.clone().filter(counts).collect();
            self.named.retain(|_| names.next().is_none_or(|name| counts(&name)));
        }
        self.named.push(Word { value: option.value, text, runs: option.last });
        self.options.push(option.names.first().cloned().unwrap_or_default());
    }
}

/// Words that are left, the next one last.
struct Words {
    rest: Vec<String>,
    files: usize,
}

impl Words {
    /// Puts the words of a file in place of the one that named it.
    fn insert(&mut self, words: Vec<String>) {
        self.files += 1;
        if self.files <= MAX_FILES {
            self.rest.extend(words.into_iter().rev().take(MAX_WORDS));
        }
    }
}

/// Splits a text into words at blanks; quotes keep blanks, `\` the next character (`java @file`, `JAVA_TOOL_OPTIONS`).
pub(in crate::closure) fn split(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (Some(open), _) if character == open => quote = None,
            (Some('"') | None, '\\') => word.get_or_insert_default().extend(characters.next()),
            (None, '"' | '\'') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None, _) if character.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    words
}

/// Files with arguments that one command line names: they may name each other.
const MAX_FILES: usize = 16;

/// Words taken from one such file.
const MAX_WORDS: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn option(names: &[&str], value: Value, last: bool) -> ArgumentOption {
        ArgumentOption {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            value,
            until: None,
            last,
            instead_of: Vec::new(),
        }
    }

    fn read(rule: &Arguments, line: &str) -> String {
        let line = CommandLine::parse(rule, &split(line), &mut |name| split(&format!("-cp /{name}.jar")));
        let named: Vec<String> =
            line.named.iter().map(|word| format!("{:?} {}", word.value, word.text)).collect();
        format!("{} | {}", named.join(", "), line.own.join(" "))
    }

    #[test]
    fn letters_are_combined() {
        let rule = Arguments {
            option: vec![
                option(&["-c"], Value::Code, true),
                option(&["-m"], Value::Module, true),
                option(&["-W", "-X", "--check"], Value::Text, false),
            ],
            combined: true,
            ..Arguments::default()
        };
        let rows = [
            ("-u app.py --port 1", "Script app.py | --port 1"),
            ("-m uvicorn main:app", "Module uvicorn | main:app"),
            ("-Im flask run", "Module flask | run"),
            ("-muvicorn x", "Module uvicorn | x"),
            ("-W error -c 'import a; print(1)' z", "Text error, Code import a; print(1) | z"),
            ("-Werror -X dev --check never a.py", "Text error, Text dev, Text never, Script a.py | "),
            ("--check=x a", "Text x, Script a | "),
            ("-m", " | "),
            ("-- -x.py y", "Script -x.py | y"),
        ];
        for (line, expected) in rows {
            assert_eq!(read(&rule, line), expected, "{line}");
        }
    }

    #[test]
    fn values_in_the_same_word_and_in_files() {
        let mut agent = option(&["-javaagent:"], Value::Path, false);
        agent.until = Some("=".to_owned());
        let mut jar = option(&["-jar"], Value::Path, true);
        jar.instead_of = vec!["-cp".to_owned()];
        let rule = Arguments {
            option: vec![
                option(&["-cp", "--class-path"], Value::Paths, false),
                jar,
                agent,
                option(&["-D*="], Value::Path, false),
            ],
            file_prefix: Some("@".to_owned()),
            operand: Some(Value::Text),
            ..Arguments::default()
        };
        let rows = [
            ("-Xmx1g -javaagent:a.jar=x -jar app.jar -cp z", "Path a.jar, Path app.jar | -cp z"),
            ("@args Main a", "Paths /args.jar, Text Main | a"),
            ("--class-path=a:b Main", "Paths a:b, Text Main | "),
            ("-javaagent: -jar x", "Path x | "),
            ("-Da.b=/c=d -De Main", "Path /c=d, Text Main | "),
            ("-cp a -javaagent:b -jar x", "Path b, Path x | "),
        ];
        for (line, expected) in rows {
            assert_eq!(read(&rule, line), expected, "{line}");
        }
    }

    #[test]
    fn words_of_a_text() {
        assert_eq!(split(" a 'b c' \"d \\\" e\"f\\ g '' "), ["a", "b c", "d \" ef g", ""]);
    }
}
