//! What stands behind an instruction's keyword and flags: one of six argument grammars.

use super::instruction::KeyValues;
use super::json::{self, Array};
use super::line::split_blank;
use super::quote::quote;
use super::raw;

/// Arguments split as their instruction's grammar says; nothing is counted or checked yet.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Arguments {
    /// A JSON array of strings.
    Json(Vec<String>),
    /// Words or one string; empty if there is nothing.
    Words(Vec<String>),
    /// `HEALTHCHECK type …`: the type, then the rest in either form.
    Typed(String, Box<Arguments>),
    Pairs(KeyValues),
    /// ONBUILD: the keyword of the trigger, whether heredocs may follow it.
    Trigger {
        keyword: String,
        heredocs: bool,
    },
}

impl Arguments {
    /// Reads `text` (trimmed) by the grammar of `keyword` (lower case).
    ///
    /// # Errors
    /// A JSON array with other things than strings; malformed ENV and LABEL words.
    pub(super) fn read(keyword: &str, text: &str, escape: char) -> Result<Self, String> {
        match keyword {
            "run" | "cmd" | "entrypoint" | "shell" => json_or_text(text),
            "add" | "copy" | "volume" => {
                Ok(json(text)?.unwrap_or_else(|| Self::Words(blank_separated(text))))
            }
            "from" | "expose" => Ok(Self::Words(blank_separated(text))),
            "env" | "label" => pairs(&keyword.to_uppercase(), text, escape),
            "arg" => Ok(Self::Words(words(text, escape))),
            "healthcheck" => healthcheck(text),
            "onbuild" => trigger(text, escape),
            _ => Ok(Self::text(text)),
        }
    }

    /// Whether an instruction with these arguments may open heredocs.
    pub(super) fn allow_heredocs(&self, keyword: &str) -> bool {
        match self {
            Self::Trigger { heredocs, .. } => *heredocs,
            Self::Json(_) => false,
            _ => takes_heredocs(keyword),
        }
    }

    fn text(text: &str) -> Self {
        Self::Words(if text.is_empty() { Vec::new() } else { vec![text.to_owned()] })
    }
}

/// Splits a logical line into keyword, flags and the trimmed rest.
pub(super) fn split_line(line: &str, escape: char) -> (&str, Vec<String>, &str) {
    match split_blank(line.trim()) {
        Some((keyword, arguments)) => {
            let (flags, rest) = super::flag::split_off(arguments, escape);
            (keyword, flags, rest.trim())
        }
        None => (line.trim(), Vec::new(), ""),
    }
}

fn takes_heredocs(keyword: &str) -> bool {
    matches!(keyword, "add" | "copy" | "run")
}

fn json(text: &str) -> Result<Option<Arguments>, String> {
    let text = text.trim_start();
    if !text.starts_with('[') {
        return Ok(None);
    }
    match json::string_array(&raw::lossy(text)) {
        Array::Strings(strings) => Ok(Some(Arguments::Json(strings))),
        Array::Malformed => Ok(None),
        Array::NotStrings => {
            Err("when using JSON array syntax, arrays must be comprised of strings only".to_owned())
        }
    }
}

fn json_or_text(text: &str) -> Result<Arguments, String> {
    Ok(json(text)?.unwrap_or_else(|| Arguments::text(text)))
}

fn blank_separated(text: &str) -> Vec<String> {
    if text.is_empty() {
        return Vec::new();
    }
    let mut words = Vec::new();
    let mut rest = text;
    while let Some((word, after)) = split_blank(rest) {
        words.push(word.to_owned());
        rest = after;
    }
    words.push(rest.to_owned());
    words
}

fn healthcheck(text: &str) -> Result<Arguments, String> {
    // By bytes, as the official parser does: 0x85 and 0xA0 inside a character are blanks, too.
    let blank = |byte: &u8| char::from(*byte).is_whitespace();
    let bytes = raw::encode(text);
    let end = bytes.iter().position(blank).unwrap_or(bytes.len());
    if end == 0 {
        return Ok(Arguments::Words(Vec::new()));
    }
    let (kind, rest) = bytes.split_at(end);
    let start = rest.iter().position(|byte| !blank(byte)).unwrap_or(rest.len());
    let rest = raw::decode(&rest[start..]);
    let kind = raw::decode(kind).into_owned();
    Ok(Arguments::Typed(kind, Box::new(json_or_text(&rest)?)))
}

/// Goes down `ONBUILD ONBUILD …` to the innermost instruction, whose grammar is checked like any other's.
fn trigger(text: &str, escape: char) -> Result<Arguments, String> {
    if text.is_empty() {
        return Ok(Arguments::Words(Vec::new()));
    }
    let mut outermost = None;
    let mut text = text;
    loop {
        let (keyword, _, rest) = split_line(text, escape);
        let lower = keyword.to_lowercase();
        if lower == "onbuild" && !rest.is_empty() {
            outermost.get_or_insert((keyword, false));
            text = rest;
            continue;
        }
        let inner =
            if lower == "onbuild" { Arguments::text("") } else { Arguments::read(&lower, rest, escape)? };
        let heredocs = takes_heredocs(&lower) && !matches!(inner, Arguments::Json(_));
        let (keyword, heredocs) = outermost.unwrap_or((keyword, heredocs));
        return Ok(Arguments::Trigger { keyword: keyword.to_owned(), heredocs });
    }
}

/// `name=value …`, or the legacy form `name value` if the first word has no `=`.
fn pairs(instruction: &str, text: &str, escape: char) -> Result<Arguments, String> {
    let words = words(text, escape);
    let Some(first) = words.first() else { return Ok(Arguments::Words(Vec::new())) };
    if !first.contains('=') {
        let Some((name, value)) = split_blank(text) else {
            return Err(format!("{instruction} must have two arguments"));
        };
        let pairs = vec![(name.to_owned(), value.to_owned())];
        return Ok(Arguments::Pairs(KeyValues { pairs, legacy: true }));
    }
    let pair = |word: &String| match word.split_once('=') {
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
        None => {
            Err(format!("Syntax error - can't find = in {}. Must be of the form: name=value", quote(word)))
        }
    };
    let pairs = words.iter().map(pair).collect::<Result<_, _>>()?;
    Ok(Arguments::Pairs(KeyValues { pairs, legacy: false }))
}

/// Splits at white space outside quotes; quotes and escapes stay, a lone escape at the end goes.
fn words(text: &str, escape: char) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    let mut characters = text.chars().map(raw::lossy_char);
    while let Some(c) = characters.next() {
        if quote.is_none() && c.is_whitespace() {
            if !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            continue;
        }
        if c == escape && quote != Some('\'') {
            let Some(next) = characters.next() else { break };
            word.extend([c, next]);
            continue;
        }
        if quote == Some(c) {
            quote = None;
        } else if quote.is_none() && matches!(c, '\'' | '"') {
            quote = Some(c);
        }
        word.push(c);
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::{Arguments, split_line, words};

    #[test]
    fn splits_words_outside_quotes() {
        for (summary, text, expected) in [
            ("blanks", " a  b\u{a0}c ", &["a", "b", "c"][..]),
            ("quotes stay", r#"a="b c" d='e f'"#, &[r#"a="b c""#, "d='e f'"]),
            ("escapes stay", r"a=b\ c d", &[r"a=b\ c", "d"]),
            ("escaped quote", r#"a=\"b c"#, &[r#"a=\"b"#, "c"]),
            ("no escape in single quotes", r"a='b\' c", &[r"a='b\'", "c"]),
            ("escape in double quotes", r#"a="b\" c""#, &[r#"a="b\" c""#]),
            ("lone escape at the end", r"a \", &["a"]),
            ("empty quotes are a word", r#"a "" b"#, &["a", "\"\"", "b"]),
            ("quote not closed", "a 'b c", &["a", "'b c"]),
        ] {
            assert_eq!(words(text, '\\'), expected, "{summary}");
        }
    }

    fn check(keyword: &str, text: &str, expected: &str) {
        let arguments = match Arguments::read(keyword, text, '\\') {
            Ok(Arguments::Json(strings)) => format!("json {strings:?}"),
            Ok(Arguments::Words(words)) => format!("{words:?}"),
            Ok(Arguments::Typed(kind, rest)) => format!("{kind}: {rest:?}"),
            Ok(Arguments::Pairs(pairs)) => format!("{:?} {}", pairs.pairs, pairs.legacy),
            Ok(Arguments::Trigger { keyword, heredocs }) => format!("{keyword} {heredocs}"),
            Err(message) => format!("! {message}"),
        };
        assert_eq!(arguments, expected, "{keyword} {text}");
    }

    #[test]
    fn reads_each_grammar() {
        check("run", r#"["a","b"]"#, r#"json ["a", "b"]"#);
        check("run", "['a']", r#"["['a']"]"#);
        check("run", "", "[]");
        check("cmd", "[1]", "! when using JSON array syntax, arrays must be comprised of strings only");
        check("copy", r#""a b" c"#, r#"["\"a", "b\"", "c"]"#);
        check("from", "a\tb \u{b} c", r#"["a", "b", "c"]"#);
        check("user", "a b", r#"["a b"]"#);
        check("env", "a=1 b=\"2 3\"", r#"[("a", "1"), ("b", "\"2 3\"")] false"#);
        check("env", "a  b=c 'd'", r#"[("a", "b=c 'd'")] true"#);
        check("env", "a", "! ENV must have two arguments");
        check("label", "a", "! LABEL must have two arguments");
        check("env", "a=1 b", "! Syntax error - can't find = in \"b\". Must be of the form: name=value");
        check("arg", "a b=1", r#"["a", "b=1"]"#);
        check("healthcheck", "CMD  [\"x\"]", r#"CMD: Json(["x"])"#);
        check("healthcheck", "NONE", "NONE: Words([])");
        check("onbuild", "--x RUN <<E", "--x false");
        check("onbuild", "Run --x <<E", "Run true");
        check("onbuild", "RUN [\"<<E\"]", "RUN false");
        check("onbuild", "ONBUILD RUN <<E", "ONBUILD false");
        check("onbuild", "ENV a", "! ENV must have two arguments");
    }

    #[test]
    fn splits_lines() {
        assert_eq!(split_line("  RUN\t--a=1  b c ", '\\'), ("RUN", vec!["--a=1".to_owned()], "b c"));
        assert_eq!(split_line("RUN", '\\'), ("RUN", vec![], ""));
        let deep = "ONBUILD ".repeat(50_000) + "RUN x";
        assert!(matches!(Arguments::read("onbuild", &deep, '\\'), Ok(Arguments::Trigger { .. })));
    }
}
