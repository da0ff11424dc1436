//! The walk over one word: quotes, escapes and substitutions.

use std::collections::BTreeSet;

use super::pattern::{Greed, Pattern, expand_template, is_name_character, reverse};
use super::{Lexer, Variables};
use crate::dockerfile::raw;

/// How deep `${a:-${b:-…}}` may nest. Each level is a stack frame here; no real file comes near.
const MAX_NESTING: usize = 256;

/// What changes inside the operands of a substitution.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mode {
    /// Escape characters stay in the result.
    pub(super) raw_escapes: bool,
    /// The result is read again as a pattern, so a literal escape character inside quotes is doubled.
    pub(super) pattern: bool,
}

/// A scanned stretch, as one string and as words.
#[derive(Debug, Default)]
pub(super) struct Text {
    pub(super) value: String,
    pub(super) words: Vec<String>,
}

/// The state of one expansion.
pub(super) struct Scan<'a> {
    lexer: Lexer,
    variables: &'a dyn Variables,
    characters: Vec<char>,
    position: usize,
    depth: usize,
    /// The word being built. The operands of a substitution share it with the word around them: what the
    /// official lexer does to `a${b:-c}` when it splits words is lose the `a`.
    word: String,
    raw_escapes: bool,
    pub(super) matched: BTreeSet<String>,
    pub(super) unmatched: BTreeSet<String>,
}

impl<'a> Scan<'a> {
    pub(super) fn new(lexer: Lexer, word: &str, variables: &'a dyn Variables) -> Self {
        Self {
            lexer,
            variables,
            // Go's text/scanner drops a byte order mark at the start of its input.
            characters: word.strip_prefix('\u{feff}').unwrap_or(word).chars().map(raw::lossy_char).collect(),
            position: 0,
            depth: 0,
            word: String::new(),
            raw_escapes: lexer.raw_escapes,
            matched: BTreeSet::new(),
            unmatched: BTreeSet::new(),
        }
    }

    /// Reads up to `stop` (which is consumed) or, without one, to the end.
    pub(super) fn run(&mut self, stop: Option<char>, mode: Mode) -> Result<Text, String> {
        if self.depth >= MAX_NESTING {
            return Err(format!("substitutions nested more than {MAX_NESTING} deep"));
        }
        self.depth += 1;
        let outer = std::mem::replace(&mut self.raw_escapes, mode.raw_escapes);
        self.word.clear();
        let text = self.stretch(stop, mode.pattern);
        self.raw_escapes = outer;
        self.depth -= 1;
        text
    }

    fn stretch(&mut self, stop: Option<char>, pattern: bool) -> Result<Text, String> {
        let mut text = Text::default();
        let mut words = Words::default();
        while let Some(c) = self.peek() {
            if stop == Some(c) {
                self.next();
                text.words = words.finish(&mut self.word);
                return Ok(text);
            }
            match c {
                '$' => {
                    let value = self.dollar()?;
                    for c in value.chars() {
                        words.push(&mut self.word, c);
                    }
                    text.value.push_str(&value);
                }
                '<' => {
                    let value = self.angle();
                    words.push_raw(&mut self.word, &value);
                    text.value.push_str(&value);
                }
                '\'' | '"' if !self.lexer.literal_quotes => {
                    let value =
                        if c == '"' { self.double_quoted(pattern) } else { self.single_quoted(pattern) }?;
                    words.push_raw(&mut self.word, &value);
                    text.value.push_str(&value);
                }
                _ => {
                    self.next();
                    if c != self.lexer.escape {
                        words.push(&mut self.word, c);
                        text.value.push(c);
                        continue;
                    }
                    if self.raw_escapes {
                        words.push_raw(&mut self.word, c.encode_utf8(&mut [0; 4]));
                        text.value.push(c);
                    }
                    let Some(c) = self.next() else { break };
                    words.push_raw(&mut self.word, c.encode_utf8(&mut [0; 4]));
                    text.value.push(c);
                }
            }
        }
        if let Some(stop) = stop {
            return Err(format!("unexpected end of statement while looking for matching {stop}"));
        }
        text.words = words.finish(&mut self.word);
        Ok(text)
    }

    fn single_quoted(&mut self, pattern: bool) -> Result<String, String> {
        let mut text = String::new();
        self.raw_quote(&mut text);
        loop {
            match self.peek() {
                None => {
                    return Err(
                        "unexpected end of statement while looking for matching single-quote".to_owned()
                    );
                }
                Some('\'') => {
                    self.raw_quote(&mut text);
                    return Ok(text);
                }
                Some(c) => {
                    self.next();
                    if pattern && c == self.lexer.escape {
                        text.push(c);
                    }
                    text.push(c);
                }
            }
        }
    }

    fn double_quoted(&mut self, pattern: bool) -> Result<String, String> {
        let escape = self.lexer.escape;
        let mut text = String::new();
        self.raw_quote(&mut text);
        loop {
            match self.peek() {
                None => {
                    return Err(
                        "unexpected end of statement while looking for matching double-quote".to_owned()
                    );
                }
                Some('"') => {
                    self.raw_quote(&mut text);
                    return Ok(text);
                }
                Some('$') => text.push_str(&self.dollar()?),
                Some(c) if c == escape => {
                    self.next();
                    match self.peek() {
                        // A trailing escape character vanishes; the next turn reports the missing quote.
                        None => {}
                        Some(next) if next == '"' || next == '$' || next == escape => {
                            if self.raw_escapes {
                                text.push(c);
                            }
                            self.next();
                            text.push(next);
                        }
                        Some(_) => {
                            // Read again as a pattern, a single escape character would escape what follows.
                            if self.raw_escapes && (!self.lexer.raw_quotes || pattern) {
                                text.push(c);
                            }
                            text.push(c);
                        }
                    }
                }
                Some(c) => {
                    self.next();
                    text.push(c);
                }
            }
        }
    }

    /// Consumes the quote, keeping it if quotes are raw.
    fn raw_quote(&mut self, text: &mut String) {
        if let Some(quote) = self.next()
            && self.lexer.raw_quotes
        {
            text.push(quote);
        }
    }

    /// `<` alone, or `<<` with the blanks after it: a heredoc keeps them in its word.
    fn angle(&mut self) -> String {
        let mut text = String::new();
        text.extend(self.next());
        if self.peek() == Some('<') {
            text.extend(self.next());
            while let Some(blank @ ('\t' | '\r' | ' ')) = self.peek() {
                self.next();
                text.push(blank);
            }
        }
        text
    }

    /// `$name` or `${…}`.
    fn dollar(&mut self) -> Result<String, String> {
        self.next();
        if self.peek() != Some('{') {
            let name = self.name();
            if name.is_empty() {
                return Ok("$".to_owned());
            }
            return Ok(match self.lookup(&name) {
                None if self.lexer.keep_unset => format!("${name}"),
                value => value.unwrap_or_default(),
            });
        }
        self.next();
        match self.peek() {
            None => return Err(MISSING_BRACE.to_owned()),
            Some('{' | '}' | ':') => return Err("syntax error: bad substitution".to_owned()),
            Some(_) => {}
        }
        let name = self.name();
        match self.next() {
            Some('}') => Ok(match self.lookup(&name) {
                None if self.lexer.keep_unset => format!("${{{name}}}"),
                value => value.unwrap_or_default(),
            }),
            Some('/') => self.replacement(&name),
            Some(':') => {
                let operator = self.next();
                self.operator(&name, operator, true)
            }
            operator => self.operator(&name, operator, false),
        }
    }

    /// `${name-word}` and its relatives; `colon` means that an empty value counts as unset.
    fn operator(&mut self, name: &str, operator: Option<char>, colon: bool) -> Result<String, String> {
        // The end of the text prints as U+FFFD in Go.
        let c = operator.unwrap_or(char::REPLACEMENT_CHARACTER);
        let sign = if colon { format!(":{c}") } else { c.to_string() };
        let unsupported = || format!("unsupported modifier ({sign}) in substitution");
        let trims = matches!(operator, Some('#' | '%'));
        let known = trims || matches!(operator, Some('+' | '-' | '?'));
        // After a colon the operand is read first, so a missing brace is reported before a bad operator.
        if (colon && trims) || (!colon && !known) {
            return Err(unsupported());
        }
        let operand = self.operand('}', Mode { raw_escapes: trims, pattern: trims }, MISSING_BRACE)?;
        let value = self.lookup(name);
        if self.lexer.keep_unset && value.is_none() {
            return Ok(format!("${{{name}{sign}{operand}}}"));
        }
        let set = value.as_ref().is_some_and(|value| !(colon && value.is_empty()));
        match (operator, value) {
            (Some('-'), Some(value)) if set => Ok(value),
            (Some('-'), _) => Ok(operand),
            (Some('+'), _) => Ok(if set { operand } else { String::new() }),
            (Some('?'), Some(value)) if set => Ok(value),
            (Some('?'), value) => {
                let state = if value.is_some() { "empty" } else { "unset" };
                let reason = format!("is not allowed to be {state}");
                Err(format!("{name}: {}", if operand.is_empty() { reason } else { operand }))
            }
            (Some('#' | '%'), value) => {
                let longest = operand.strip_prefix(c);
                let (pattern, greed) = match longest {
                    Some(pattern) => (pattern, Greed::Longest),
                    None => (operand.as_str(), Greed::Shortest),
                };
                let value = value.unwrap_or_default();
                if c == '#' {
                    Ok(Pattern::new(pattern)?.without_prefix(&value, greed).to_owned())
                } else {
                    let reversed: String = value.chars().rev().collect();
                    let pattern = Pattern::new(&reverse(pattern))?;
                    Ok(pattern.without_prefix(&reversed, greed).chars().rev().collect())
                }
            }
            _ => Err(unsupported()),
        }
    }

    /// `${name/pattern/text}` and `${name//pattern/text}`.
    fn replacement(&mut self, name: &str) -> Result<String, String> {
        let all = self.peek() == Some('/');
        if all {
            self.next();
        }
        let raw = Mode { raw_escapes: true, pattern: true };
        let pattern = self.operand('/', raw, "syntax error: missing '/' in ${}")?;
        let text = self.operand('}', Mode { pattern: false, ..raw }, MISSING_BRACE)?;
        let value = self.lookup(name);
        if self.lexer.keep_unset && value.is_none() {
            return Ok(format!("${{{name}/{pattern}/{text}}}"));
        }
        let value = value.unwrap_or_default();
        let pattern = Pattern::new(&pattern)?;
        Ok(if all {
            pattern.replace_all(&value, |found| expand_template(&text, found))
        } else {
            pattern.replace_first(&value, &text)
        })
    }

    /// Reads an operand; any error at the end of the word means that it is not closed.
    fn operand(&mut self, stop: char, mode: Mode, unclosed: &str) -> Result<String, String> {
        match self.run(Some(stop), mode) {
            Ok(text) => Ok(text.value),
            Err(_) if self.peek().is_none() => Err(unclosed.to_owned()),
            Err(reason) => Err(reason),
        }
    }

    /// A variable's name: digits, one special parameter, or letters, digits and underscores.
    fn name(&mut self) -> String {
        let mut name = String::new();
        let digits = self.peek().is_some_and(|c| c.is_ascii_digit());
        while let Some(c) = self.peek() {
            if name.is_empty() && matches!(c, '@' | '*' | '#' | '?' | '-' | '$' | '!') {
                self.next();
                return c.to_string();
            }
            let belongs = if digits { c.is_ascii_digit() } else { is_name_character(c) };
            if !belongs {
                break;
            }
            self.next();
            name.push(c);
        }
        name
    }

    fn lookup(&mut self, name: &str) -> Option<String> {
        let value = self.variables.lookup(name).map(str::to_owned);
        let names = if value.is_some() { &mut self.matched } else { &mut self.unmatched };
        if !names.contains(name) {
            names.insert(name.to_owned());
        }
        value
    }

    fn peek(&self) -> Option<char> {
        self.characters.get(self.position).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.position += 1;
        Some(c)
    }
}

const MISSING_BRACE: &str = "syntax error: missing '}'";

/// Splits text into words as it comes; the word being built is kept by [`Scan`].
#[derive(Debug, Default)]
struct Words {
    done: Vec<String>,
    inside: bool,
}

impl Words {
    fn push(&mut self, word: &mut String, c: char) {
        if !c.is_whitespace() {
            word.push(c);
            self.inside = true;
        } else if self.inside && !word.is_empty() {
            self.done.push(std::mem::take(word));
            self.inside = false;
        }
    }

    fn push_raw(&mut self, word: &mut String, text: &str) {
        word.push_str(text);
        self.inside = true;
    }

    fn finish(mut self, word: &mut String) -> Vec<String> {
        if !word.is_empty() {
            self.done.push(std::mem::take(word));
        }
        self.done
    }
}
