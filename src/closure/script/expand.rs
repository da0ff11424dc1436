//! What the words of a script can stand for: variables by everything that the script assigns to them, wherever it
//! does, and by the image's environment.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use super::parse::{self, Item};
use super::word::{Piece, Variable, pieces};
use super::{Context, Word};
use crate::closure::glob;

/// What is known of variables.
pub(super) struct Scope<'c> {
    context: &'c Context<'c>,
    assigned: BTreeMap<String, Vec<Assigned>>,
    /// Names that are being looked up, the first asked first.
    active: RefCell<Vec<String>>,
    /// The place of the first of them that was asked for again.
    again: Cell<usize>,
    /// What names were found to be.
    found: RefCell<BTreeMap<String, Vec<Word>>>,
    /// Expansions that are left: a bound for hostile texts.
    budget: Cell<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Assigned {
    Scalar(String),
    Array(Vec<String>),
    Known(Word),
}

/// One way in which a piece can be expanded.
#[derive(Clone, Debug)]
enum Part {
    /// Joins what stands beside it.
    Text(Word),
    /// Fields of their own.
    Fields(Vec<Word>),
}

impl<'c> Scope<'c> {
    pub(super) fn new(context: &'c Context<'c>) -> Self {
        let mut scope = Self {
            context,
            assigned: BTreeMap::new(),
            active: RefCell::default(),
            again: Cell::new(usize::MAX),
            found: RefCell::default(),
            budget: Cell::new(MAX_EXPANSIONS),
        };
        for (name, values) in context.known {
            for value in values {
                scope.assign(name, Assigned::Known(value.clone()));
            }
        }
        scope
    }

    pub(super) fn assign(&mut self, name: &str, value: Assigned) {
        self.found.get_mut().clear();
        let values = self.assigned.entry(name.to_owned()).or_default();
        if values.len() < MAX_VALUES && !values.contains(&value) {
            values.push(value);
        }
    }

    /// The variables that the script sets, with what they can be.
    pub(super) fn variables(&self) -> BTreeMap<String, Vec<Word>> {
        let names = self.assigned.keys().take(MAX_VARIABLES);
        names.map(|name| (name.clone(), self.assigned_values(name))).collect()
    }

    /// The ways in which a word can be expanded, each as fields; there is at least one.
    pub(super) fn fields(&self, raw: &str) -> Vec<Vec<Word>> {
        self.expand(&pieces(raw), true)
    }

    /// The values of a word that is not split.
    pub(super) fn values(&self, raw: &str) -> Vec<Word> {
        self.expand(&pieces(raw), false).into_iter().map(join_fields).collect()
    }

    pub(super) fn document(&self, text: &str) -> Word {
        let mut ways = self.expand(&super::word::document_pieces(text), false);
        ways.pop().map_or_else(Word::unknown, join_fields)
    }

    fn expand(&self, pieces: &[Piece], split: bool) -> Vec<Vec<Word>> {
        // A word without a variable costs nothing.
        if pieces.iter().any(|piece| !matches!(piece, Piece::Text(_))) {
            if self.budget.get() == 0 {
                return vec![vec![Word::unknown()]];
            }
            self.charge(1);
        }
        let mut ways: Vec<Builder> = vec![Builder::default()];
        for piece in pieces {
            let parts = self.parts(piece, split);
            let mut next = Vec::with_capacity(ways.len());
            for way in &ways {
                for part in parts.iter().take(MAX_WAYS) {
                    if next.len() < MAX_WAYS {
                        let mut way = way.clone();
                        way.add(part);
                        next.push(way);
                    }
                }
            }
            ways = next;
        }
        let mut ways: Vec<Vec<Word>> = ways.into_iter().map(Builder::finish).collect();
        ways.dedup();
        ways
    }

    fn charge(&self, steps: usize) {
        self.budget.set(self.budget.get().saturating_sub(steps));
    }

    fn parts(&self, piece: &Piece, split: bool) -> Vec<Part> {
        match piece {
            Piece::Text(text) => vec![Part::Text(Word::Text(text.clone()))],
            Piece::Pattern | Piece::Number => vec![Part::Text(Word::unknown())],
            Piece::Variable(variable) => self.variable(variable, split),
            Piece::Substitution { script, quoted } => {
                let values = self.substitution(script);
                let values = if values.is_empty() { vec![Word::unknown()] } else { values };
                values.into_iter().map(|value| part(value, split && !quoted)).collect()
            }
        }
    }

    fn variable(&self, variable: &Variable, split: bool) -> Vec<Part> {
        let splits = split && !variable.quoted;
        let default = variable.operation.strip_prefix(':').unwrap_or(&variable.operation);
        let default = default.strip_prefix(['-', '=']);
        if variable.is_arguments() {
            let mut parts = match variable.operation.as_str() {
                "" => vec![Part::Fields(vec![Word::Arguments])],
                // `${@:2}`: some of them.
                operation
                    if operation.starts_with(':') && !operation.starts_with(":+") && default.is_none() =>
                {
                    let all = matches!(variable.name.as_str(), "@" | "*");
                    vec![if all { Part::Fields(vec![Word::Arguments]) } else { Part::Text(Word::unknown()) }]
                }
                _ if default.is_some() => vec![Part::Fields(vec![Word::Arguments])],
                _ => vec![Part::Text(Word::unknown())],
            };
            if let Some(default) = default {
                parts.extend(self.values(default).into_iter().map(|value| part(value, splits)));
            }
            return parts;
        }
        if variable.all && variable.operation.is_empty() && !variable.indirect {
            let ways = self.elements(&variable.name);
            if !ways.is_empty() {
                return ways.into_iter().map(Part::Fields).collect();
            }
        }
        if variable.indirect {
            return vec![Part::Text(Word::unknown())];
        }
        let base = self.lookup(&variable.name);
        let mut values: Vec<Word> = match variable.operation.as_str() {
            "" => base,
            operation if default.is_some() => {
                let mut values: Vec<Word> =
                    base.into_iter().filter(|value| *value != Word::Text(String::new())).collect();
                values.extend(self.values(default.unwrap_or(operation)));
                values
            }
            operation if operation.starts_with(":?") || operation.starts_with('?') => base,
            operation if operation.starts_with(":+") || operation.starts_with('+') => {
                let text = operation.trim_start_matches(':').trim_start_matches('+');
                let mut values = self.values(text);
                values.push(Word::Text(String::new()));
                values
            }
            operation => {
                self.charge(base.iter().map(|value| value.shown().len()).sum());
                base.iter().map(|value| cut(value, operation)).collect()
            }
        };
        values.dedup();
        values.truncate(MAX_WAYS);
        values.into_iter().map(|value| part(value, splits)).collect()
    }

    /// The values of a variable; one that nobody sets is empty.
    fn lookup(&self, name: &str) -> Vec<Word> {
        match name {
            "0" | "BASH_SOURCE" => {
                return vec![self.context.name.clone().map_or_else(Word::unknown, Word::Text)];
            }
            "PWD" => return vec![Word::Text(self.context.directory.to_owned())],
            "HOME" if !self.context.environment.contains_key("HOME") => return vec![Word::unknown()],
            name if name.len() == 1
                && !name.starts_with(|sign: char| sign.is_ascii_alphabetic() || sign == '_') =>
            {
                return vec![Word::unknown()];
            }
            _ => {}
        }
        let mut values: Vec<Word> =
            self.context.environment.get(name).cloned().map(Word::Text).into_iter().collect();
        values.extend(self.assigned_values(name));
        if values.is_empty() {
            values.push(Word::Text(String::new()));
        }
        values
    }

    fn assigned_values(&self, name: &str) -> Vec<Word> {
        if let Some(values) = self.found.borrow().get(name) {
            return values.clone();
        }
        let Ok(place) = self.enter(name) else { return vec![Word::unknown()] };
        let outer = self.again.replace(usize::MAX);
        let assigned = self.assigned.get(name).map(Vec::as_slice).unwrap_or_default();
        // Constants first: what a script sets when nothing else is said is one.
        let is_constant =
            |assigned: &&Assigned| matches!(assigned, Assigned::Scalar(raw) if !raw.contains(['$', '`']));
        let (constant, other): (Vec<_>, Vec<_>) = assigned.iter().partition(is_constant);
        let of_each: Vec<Vec<Word>> = constant
            .into_iter()
            .chain(other)
            .map(|assigned| match assigned {
                Assigned::Scalar(raw) => self.values(raw),
                Assigned::Array(raws) => raws.first().map(|raw| self.values(raw)).unwrap_or_default(),
                Assigned::Known(word) => vec![word.clone()],
            })
            .collect();
        let values = in_turn(of_each);
        self.active.borrow_mut().pop();
        let again = self.again.get();
        // What a name above stands for was not known: this is a part of the answer.
        if again >= place && self.budget.get() > 0 {
            self.found.borrow_mut().insert(name.to_owned(), values.clone());
        }
        self.again.set(outer.min(if again < place { again } else { usize::MAX }));
        values
    }

    /// Begins to look up a name; its place, or an error when it is being looked up.
    fn enter(&self, name: &str) -> Result<usize, ()> {
        let mut active = self.active.borrow_mut();
        if let Some(place) = active.iter().position(|known| known == name) {
            self.again.set(self.again.get().min(place));
            return Err(());
        }
        active.push(name.to_owned());
        Ok(active.len() - 1)
    }

    /// The elements of an array, for each assignment to it.
    fn elements(&self, name: &str) -> Vec<Vec<Word>> {
        if self.enter(name).is_err() {
            return Vec::new();
        }
        let mut ways = Vec::new();
        for assigned in self.assigned.get(name).into_iter().flatten() {
            if let Assigned::Array(raws) = assigned {
                let mut fields = Vec::new();
                for raw in raws.iter().take(MAX_FIELDS) {
                    fields.extend(self.fields(raw).into_iter().next().unwrap_or_default());
                }
                ways.push(fields);
            }
        }
        self.active.borrow_mut().pop();
        ways
    }

    /// What a command substitution gives, for the few commands that say it by their words.
    fn substitution(&self, script: &str) -> Vec<Word> {
        if script.len() > MAX_SUBSTITUTION || self.budget.get() == 0 {
            return Vec::new();
        }
        self.charge(PARSE_STEPS);
        let Ok(items) = parse::parse(script) else { return Vec::new() };
        let commands: Vec<Vec<Word>> = items
            .iter()
            .filter_map(|item| match item {
                Item::Simple(simple) => Some(simple),
                _ => None,
            })
            .map(|simple| {
                simple
                    .words
                    .iter()
                    .flat_map(|raw| self.fields(raw).into_iter().next().unwrap_or_default())
                    .collect()
            })
            .collect();
        let text = |word: &Word| match word {
            Word::Text(text) => Some(text.clone()),
            _ => None,
        };
        let name = |words: &[Word]| words.first().and_then(text).unwrap_or_default();
        match commands.as_slice() {
            [change, print] if name(change) == "cd" && name(print) == "pwd" => {
                let directory = change.iter().skip(1).rfind(|word| !word.is_option());
                directory.map(|word| self.absolute(word)).into_iter().collect()
            }
            [words] => {
                let operand = words.iter().skip(1).find(|word| !word.is_option());
                let last = words.iter().skip(1).rfind(|word| !word.is_option());
                match (name(words).rsplit('/').next().unwrap_or_default(), operand, last) {
                    ("pwd", ..) => vec![Word::Text(self.context.directory.to_owned())],
                    ("dirname", Some(path), _) => vec![path.directory()],
                    ("basename", Some(Word::Text(path)), _) => {
                        vec![Word::Text(path.rsplit('/').next().unwrap_or_default().to_owned())]
                    }
                    ("readlink" | "realpath" | "cygpath", _, Some(path)) => vec![self.absolute(path)],
                    ("echo", Some(word), _) if words.len() == 2 => vec![word.clone()],
                    ("which", Some(word), _) => vec![word.clone()],
                    (name, ..) if SILENT.contains(&name) => vec![Word::Text(String::new())],
                    ("command" | "type", Some(word), _) if words.get(1).is_some_and(Word::is_option) => {
                        vec![word.clone()]
                    }
                    ("ls", Some(word), _) => match word {
                        Word::Text(path) => vec![Word::Pattern(format!("{}/*", path.trim_end_matches('/')))],
                        pattern => vec![pattern.clone()],
                    },
                    ("find", Some(Word::Text(path)), _) => {
                        vec![Word::Pattern(format!("{}/**", path.trim_end_matches('/')))]
                    }
                    ("run-parts", _, Some(Word::Text(path))) => {
                        vec![Word::Pattern(format!("{}/*", path.trim_end_matches('/')))]
                    }
                    _ => Vec::new(),
                }
            }
            _ => Vec::new(),
        }
    }

    /// A path as seen from the working directory.
    fn absolute(&self, word: &Word) -> Word {
        match word {
            Word::Text(path) if !path.starts_with('/') => {
                let path = path.strip_prefix("./").unwrap_or(path);
                let directory = self.context.directory.trim_end_matches('/');
                Word::Text(if path == "." { directory.to_owned() } else { format!("{directory}/{path}") })
            }
            other => other.clone(),
        }
    }
}

/// The first of each list, then the second of each, without repetitions.
fn in_turn(lists: Vec<Vec<Word>>) -> Vec<Word> {
    let mut values: Vec<Word> = Vec::new();
    let mut lists: Vec<_> = lists.into_iter().map(Vec::into_iter).collect();
    while values.len() < MAX_VALUES && !lists.is_empty() {
        lists.retain_mut(|list| {
            let value = list.next();
            let goes_on = value.is_some();
            values.extend(value.filter(|value| values.len() < MAX_VALUES && !values.contains(value)));
            goes_on
        });
    }
    values
}

/// A value as a part of a word: split at blanks where it stands outside quotes.
fn part(value: Word, split: bool) -> Part {
    match value {
        Word::Text(text) if split => {
            let fields: Vec<Word> = text
                .split_ascii_whitespace()
                .take(MAX_FIELDS)
                .map(|field| Word::Text(field.to_owned()))
                .collect();
            match fields.as_slice() {
                [one] if text == one.shown() => Part::Text(one.clone()),
                _ => Part::Fields(fields),
            }
        }
        value => Part::Text(value),
    }
}

/// `${value%pattern}` and its kind, for patterns of plain text with one `*`.
fn cut(value: &Word, operation: &str) -> Word {
    let Word::Text(text) = value else { return Word::unknown() };
    let (sign, longest, pattern) = match operation {
        operation if operation.starts_with("%%") => ('%', true, &operation[2..]),
        operation if operation.starts_with('%') => ('%', false, &operation[1..]),
        operation if operation.starts_with("##") => ('#', true, &operation[2..]),
        operation if operation.starts_with('#') => ('#', false, &operation[1..]),
        _ => return Word::unknown(),
    };
    if pattern.contains(['$', '`', '\'', '"', '\\', '[', '?']) || text.len() > MAX_CUT {
        return Word::unknown();
    }
    let matches = |part: &str| glob::matches_name(pattern.as_bytes(), part.as_bytes());
    let places = || text.char_indices().map(|(at, _)| at).chain([text.len()]);
    let found = match (sign, longest) {
        ('%', true) => places().find(|at| matches(&text[*at..])).map(|at| &text[..at]),
        ('%', false) => places().rfind(|at| matches(&text[*at..])).map(|at| &text[..at]),
        (_, true) => places().rfind(|at| matches(&text[..*at])).map(|at| &text[at..]),
        (_, false) => places().find(|at| matches(&text[..*at])).map(|at| &text[at..]),
    };
    Word::Text(found.unwrap_or(text).to_owned())
}

fn join_fields(fields: Vec<Word>) -> Word {
    let mut fields = fields.into_iter();
    let first = fields.next().unwrap_or_else(|| Word::Text(String::new()));
    fields.fold(first, |joined, field| joined.append(&Word::Text(" ".to_owned())).append(&field))
}

#[derive(Clone, Debug, Default)]
struct Builder {
    fields: Vec<Word>,
    current: Option<Word>,
}

impl Builder {
    fn add(&mut self, part: &Part) {
        match part {
            Part::Text(word) => {
                let current = self.current.take();
                self.current = Some(current.map_or_else(|| word.clone(), |current| current.append(word)));
            }
            Part::Fields(words) => {
                // `"$@"` beside text is text that nobody knows; empty quotes beside it are nothing.
                if self.current.as_ref().is_some_and(|word| *word == Word::Text(String::new())) {
                    self.current = None;
                }
                for (index, word) in words.iter().enumerate() {
                    if index > 0 || matches!(self.current, Some(Word::Arguments)) {
                        self.fields.extend(self.current.take());
                    }
                    let current = self.current.take();
                    self.current = Some(current.map_or_else(|| word.clone(), |current| current.append(word)));
                }
            }
        }
    }

    fn finish(mut self) -> Vec<Word> {
        self.fields.extend(self.current);
        self.fields.truncate(MAX_FIELDS);
        self.fields
    }
}

/// Commands that print nothing: `if ! $(mkdir -p "$dir")` starts nothing else.
const SILENT: [&str; 13] =
    ["chgrp", "chmod", "chown", "cp", "kill", "ln", "mkdir", "mv", "rm", "rmdir", "sleep", "touch", "true"];

/// Ways to expand one word.
const MAX_WAYS: usize = 6;

/// Values of one variable.
const MAX_VALUES: usize = 12;

const MAX_VARIABLES: usize = 1000;

const MAX_FIELDS: usize = 200;

/// Expansions in one script.
const MAX_EXPANSIONS: usize = 50_000;

/// What parsing a command substitution counts for.
const PARSE_STEPS: usize = 50;

/// Bytes of a command substitution that is looked into.
const MAX_SUBSTITUTION: usize = 2000;

/// Bytes of a value of which a part is cut.
const MAX_CUT: usize = 512;
