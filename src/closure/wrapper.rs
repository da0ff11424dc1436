//! Programs that start what their arguments say (`tini`, `gosu`, `xargs`, `find -exec`): seen through by the rules.

use super::glob;
use super::script::Word;
use crate::closure::shebang::EnvCall;
use crate::rules::Wrapper;

/// What a wrapper starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Behind {
    /// A program and its arguments.
    Command(Vec<Word>),
    /// A text that a shell reads.
    Script { text: Word },
}

/// The rule for a program.
pub(super) fn find<'w>(wrappers: &'w [Wrapper], program: &str) -> Option<&'w Wrapper> {
    let name = program.rsplit('/').next().unwrap_or(program);
    wrappers.iter().find(|wrapper| {
        wrapper.names.iter().any(|known| glob::matches_name(known.as_bytes(), name.as_bytes()))
    })
}

/// What `program` starts when it is called with `words`; `None` when it is no wrapper.
pub(super) fn behind(wrappers: &[Wrapper], program: &str, words: &[Word]) -> Option<Vec<Behind>> {
    let name = program.rsplit('/').next().unwrap_or(program);
    if name == "env" {
        let call = EnvCall::parse(&words.iter().map(encode).collect::<Vec<_>>()).ok()?;
        let command: Vec<Word> = call.command.iter().map(|word| decode(word)).collect();
        return Some(if command.is_empty() { Vec::new() } else { vec![Behind::Command(command)] });
    }
    find(wrappers, program).map(|wrapper| wrapper.behind_words(words))
}

impl Wrapper {
    fn behind_words(&self, words: &[Word]) -> Vec<Behind> {
        let starts = self.starts.iter().map(|name| Behind::Command(vec![Word::Text(name.clone())]));
        let mut started: Vec<Behind> = starts.collect();
        if let Some(before) = &self.texts {
            let own = self.without_options(words);
            started.extend(
                own.map(|word| Behind::Script { text: Word::Text(self.text_for_shell(before, word)) }),
            );
            return started;
        }
        if self.directories {
            let directories = self.without_options(words);
            started.extend(directories.map(|directory| Behind::Command(vec![files_of(directory)])));
            return started;
        }
        if !self.behind.is_empty() {
            let mut rest = words;
            while let Some(at) = rest.iter().position(|word| Self::is_in(&self.behind, word)) {
                rest = &rest[at + 1..];
                let ends = |word: &Word| matches!(word.text(), Some(";" | "+"));
                let end = rest.iter().position(ends).unwrap_or(rest.len());
                started.push(Behind::Command(rest[..end].to_vec()));
                rest = &rest[end..];
            }
            return started;
        }
        let mut rest = words;
        let mut asked = self.words.is_empty();
        let mut operands = self.operands;
        while let Some((word, more)) = rest.split_first() {
            match word {
                Word::Text(text) if text == "--" && asked => {
                    rest = more;
                    break;
                }
                Word::Text(text) if text.starts_with('-') && text.len() > 1 => {
                    let (option, attached) = match text.split_once('=') {
                        Some((option, value)) => (option, Some(Word::Text(value.to_owned()))),
                        None => (text.as_str(), None),
                    };
                    let listed = |list: &[String]| list.iter().any(|known| known == option);
                    let separate = attached.is_none();
                    let value = attached.or_else(|| more.first().cloned());
                    let known = listed(&self.script) || listed(&self.program);
                    if let Some(value) = value.filter(|_| known) {
                        started.push(if listed(&self.script) {
                            Behind::Script { text: value }
                        } else {
                            Behind::Command(vec![value])
                        });
                    }
                    let takes = separate && (known || listed(&self.options_with_value));
                    rest = if takes { more.get(1..).unwrap_or_default() } else { more };
                }
                Word::Text(text) if !asked => {
                    asked = self.words.contains(text);
                    rest = more;
                }
                // `su - postgres`.
                Word::Text(text) if text == "-" && self.dash => rest = more,
                Word::Text(text) if self.assignments && is_setting(text) => rest = more,
                _ if operands > 0 => {
                    operands -= 1;
                    rest = more;
                }
                // What has only options for commands may have operands between them.
                _ if self.options_only => rest = more,
                _ => break,
            }
        }
        if operands > 0 && matches!(rest.first(), Some(Word::Text(_) | Word::Pattern(_))) {
            // `--` stood before the words of its own.
            rest = rest.get(operands..).unwrap_or_default();
        }
        if !rest.is_empty() && asked && !self.options_only {
            started.push(Behind::Command(rest.to_vec()));
        }
        if rest.is_empty()
            && let Some(alone) = &self.alone
        {
            started.push(Behind::Command(vec![Word::Text(alone.clone())]));
        }
        started
    }

    /// The words that are no options and no values of options.
    fn without_options<'w>(&self, words: &'w [Word]) -> impl Iterator<Item = &'w str> {
        let mut words = words.iter();
        std::iter::from_fn(move || {
            loop {
                match words.next()? {
                    Word::Text(text) if text.starts_with('-') => {
                        if self.options_with_value.contains(text) {
                            words.next();
                        }
                    }
                    word => return Some(word.shown()),
                }
            }
        })
    }

    fn text_for_shell(&self, before: &str, word: &str) -> String {
        let short = self
            .short
            .iter()
            .find_map(|(short, long)| Some(long.clone() + word.strip_prefix(short.as_str())?));
        short.unwrap_or_else(|| format!("{before}{word}"))
    }

    fn is_in(list: &[String], word: &Word) -> bool {
        word.text().is_some_and(|text| list.iter().any(|known| known == text))
    }
}

/// All files of a directory.
fn files_of(directory: &str) -> Word {
    Word::Pattern(format!("{}/*", directory.trim_end_matches('/')))
}

fn is_setting(text: &str) -> bool {
    text.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

/// Words as bytes, for `env`: what is not known keeps its kind behind a byte that no argument holds.
fn encode(word: &Word) -> Vec<u8> {
    match word {
        Word::Text(text) => text.clone().into_bytes(),
        Word::Pattern(text) => [b"\0", text.as_bytes()].concat(),
        Word::Arguments => b"\0\0".to_vec(),
    }
}

fn decode(bytes: &[u8]) -> Word {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match bytes {
        b"\0\0" => Word::Arguments,
        [0, rest @ ..] => Word::Pattern(text(rest)),
        plain => Word::Text(text(plain)),
    }
}
