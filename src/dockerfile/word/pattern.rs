//! Patterns of `${name#pattern}`, `%` and `/`: `*`, `?`, no brackets.

/// A compiled pattern.
#[derive(Debug)]
pub(super) struct Pattern {
    tokens: Vec<Token>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    /// `*`: any run of characters but newlines.
    Run,
    /// `?`: any character but a newline.
    Any,
    Literal(char),
}

/// Which of several matches at one place is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Greed {
    Shortest,
    Longest,
}

impl Pattern {
    /// # Errors
    /// A backslash before a character that needs none.
    pub(super) fn new(text: &str) -> Result<Self, String> {
        let mut tokens = Vec::new();
        let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text).chars().peekable();
        while let Some(c) = rest.next() {
            tokens.push(match c {
                '*' => Token::Run,
                '?' => Token::Any,
                // Needed to write `}` and `/` inside `${…}`, but no part of the pattern.
                '\\' if matches!(rest.peek(), Some('}' | '/')) => continue,
                '\\' => match rest.next() {
                    Some(c @ ('*' | '?' | '\\')) => Token::Literal(c),
                    other => {
                        let c = other.unwrap_or(char::REPLACEMENT_CHARACTER);
                        return Err(format!(
                            "invalid pattern ({text}) in substitution: invalid escape '\\{c}'"
                        ));
                    }
                },
                c => Token::Literal(c),
            });
        }
        Ok(Self { tokens })
    }

    /// `value` without the prefix that matches, or whole.
    pub(super) fn without_prefix<'v>(&self, value: &'v str, greed: Greed) -> &'v str {
        let end =
            Search { tokens: &self.tokens, greed, anchored: true }.find(value, 0).map_or(0, |(_, end)| end);
        &value[end..]
    }

    /// `value` with the first longest match replaced by `text`.
    pub(super) fn replace_first(&self, value: &str, text: &str) -> String {
        match self.search().find(value, 0) {
            Some((start, end)) => [&value[..start], text, &value[end..]].concat(),
            None => value.to_owned(),
        }
    }

    /// `value` with every longest match replaced by what `replace` makes of it (Go `ReplaceAllString`).
    pub(super) fn replace_all(&self, value: &str, replace: impl Fn(&str) -> String) -> String {
        let mut result = String::with_capacity(value.len());
        let mut copied = 0;
        let mut from = 0;
        while let Some((start, end)) = self.search().find(value, from) {
            result.push_str(&value[copied..start]);
            // An empty match right behind the previous match does not count.
            if end > copied || start == 0 {
                result.push_str(&replace(&value[start..end]));
            }
            copied = end;
            let step = value[from..].chars().next().map_or(1, char::len_utf8);
            from = if from + step > end { from + step } else { end };
            if from > value.len() {
                break;
            }
        }
        result.push_str(&value[copied..]);
        result
    }

    fn search(&self) -> Search<'_> {
        Search { tokens: &self.tokens, greed: Greed::Longest, anchored: false }
    }
}

/// The pattern read backwards: escapes stay before what they escape.
pub(super) fn reverse(pattern: &str) -> String {
    let mut pieces = Vec::new();
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        match (c, if c == '\\' { rest.next() } else { None }) {
            ('\\', Some(escaped)) => pieces.push((Some(c), escaped)),
            _ => pieces.push((None, c)),
        }
    }
    let mut reversed = String::with_capacity(pattern.len());
    for (escape, c) in pieces.into_iter().rev() {
        reversed.extend(escape);
        reversed.push(c);
    }
    reversed
}

/// A replacement text as a template of Go's `regexp`: `$0` and `${0}` are the match, other names are
/// groups that no pattern has.
pub(super) fn expand_template(template: &str, found: &str) -> String {
    let mut result = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('$') {
        result.push_str(before);
        rest = after;
        if let Some(after) = rest.strip_prefix('$') {
            result.push('$');
            rest = after;
            continue;
        }
        let Some((name, after)) = group_name(rest) else {
            result.push('$');
            continue;
        };
        if name == "0" {
            result.push_str(found);
        }
        rest = after;
    }
    result.push_str(rest);
    result
}

/// Letters, digits and underscores: what names of variables and groups are made of.
///
/// Go asks for the categories L and Nd; std has no tables of categories, and of the non-ASCII digits
/// neither this nor the official lexer has seen one in a name.
pub(super) fn is_name_character(c: char) -> bool {
    c == '_' || c.is_ascii_digit() || (c.is_alphabetic() && !c.is_numeric())
}

fn group_name(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('{');
    let text = inner.unwrap_or(text);
    let end = text.find(|c| !is_name_character(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if name.is_empty() {
        return None;
    }
    match inner {
        Some(_) => Some((name, rest.strip_prefix('}')?)),
        None => Some((name, rest)),
    }
}

/// A search that runs all attempts side by side, in order of preference, so its time is the product of
/// the two lengths for any pattern. Preference is that of Go's `regexp`: leftmost, then first choice.
struct Search<'a> {
    tokens: &'a [Token],
    greed: Greed,
    anchored: bool,
}

/// One attempt: where it began, and which token it needs next (the number of tokens: all matched).
#[derive(Clone, Copy, Debug)]
struct Attempt {
    start: usize,
    token: usize,
    /// At a [`Token::Run`]: whether this attempt takes one more character or has left the run.
    step: Step,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Consume,
    Matched,
}

impl Search<'_> {
    /// Byte range of the match that a search from byte `from` on prefers.
    fn find(&self, value: &str, from: usize) -> Option<(usize, usize)> {
        let mut found = None;
        let mut attempts: Vec<Attempt> = Vec::new();
        let mut next: Vec<Attempt> = Vec::new();
        let mut seen = vec![usize::MAX; self.tokens.len() + 1];
        let mut position = from;
        let mut characters = value.get(from..)?.chars();
        let mut pending = Vec::new();
        self.add(&mut attempts, &mut seen, position, Attempt { start: from, token: 0, step: Step::Consume });
        loop {
            let c = characters.next();
            let after = position + c.map_or(1, char::len_utf8);
            next.clear();
            for attempt in &attempts {
                if attempt.step == Step::Matched {
                    // Attempts behind this one are worse.
                    found = Some((attempt.start, position));
                    break;
                }
                let Some(c) = c else { continue };
                let token = match self.tokens[attempt.token] {
                    Token::Literal(literal) if literal == c => attempt.token + 1,
                    Token::Any if c != '\n' => attempt.token + 1,
                    Token::Run if c != '\n' => attempt.token,
                    _ => continue,
                };
                pending.push(Attempt { token, ..*attempt });
            }
            for attempt in pending.drain(..) {
                self.add(&mut next, &mut seen, after, attempt);
            }
            std::mem::swap(&mut attempts, &mut next);
            if c.is_none() {
                break;
            }
            position = after;
            if found.is_none() && !self.anchored {
                let fresh = Attempt { start: position, token: 0, step: Step::Consume };
                self.add(&mut attempts, &mut seen, position, fresh);
            }
            if attempts.is_empty() && (found.is_some() || self.anchored) {
                break;
            }
        }
        found
    }

    /// Adds an attempt and, at a run of `*`, each way on from there, best first.
    fn add(&self, attempts: &mut Vec<Attempt>, seen: &mut [usize], position: usize, attempt: Attempt) {
        let runs = self.tokens[attempt.token..].iter().take_while(|token| **token == Token::Run).count();
        let beyond = attempt.token + runs;
        let ways = attempt.token..=beyond;
        let mut push = |token: usize| {
            if std::mem::replace(&mut seen[token], position) != position {
                let step = if token == self.tokens.len() { Step::Matched } else { Step::Consume };
                attempts.push(Attempt { start: attempt.start, token, step });
            }
        };
        match self.greed {
            Greed::Longest => ways.for_each(&mut push),
            Greed::Shortest => ways.rev().for_each(&mut push),
        }
    }
}
