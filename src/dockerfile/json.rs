//! The two questions Dockerfiles ask of JSON: an array of strings, and one string member.
//!
//! A reader of our own because the answers are Go's: lone surrogates become U+FFFD, numbers beyond a
//! double are errors, nesting may go far deeper than a recursive reader bears.

/// What a text that starts with `[` holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Array {
    /// Not one JSON array, or more than one value.
    Malformed,
    /// An array with an element that is no string.
    NotStrings,
    Strings(Vec<String>),
}

/// Reads `text` as one JSON array of strings.
pub(super) fn string_array(text: &str) -> Array {
    let mut reader = Reader { rest: text };
    let mut strings = Vec::new();
    let mut all_strings = true;
    let complete = reader.elements('[', ']', |reader| {
        if reader.peek() == Some('"') {
            strings.push(reader.string()?);
        } else {
            all_strings = false;
            reader.skip_value()?;
        }
        Some(())
    });
    match complete {
        Some(()) if reader.at_end() && all_strings => Array::Strings(strings),
        Some(()) if reader.at_end() => Array::NotStrings,
        _ => Array::Malformed,
    }
}

/// The string member `key` of a text that is one JSON object; the last one if it is repeated.
pub(super) fn string_member(text: &str, key: &str) -> Option<String> {
    let mut reader = Reader { rest: text };
    let mut found = None;
    reader.elements('{', '}', |reader| {
        let name = reader.string()?;
        reader.token(':')?;
        if name != key {
            return reader.skip_value();
        }
        found = if reader.peek() == Some('"') {
            Some(reader.string()?)
        } else {
            reader.skip_value()?;
            None
        };
        Some(())
    })?;
    if reader.at_end() { found } else { None }
}

/// How deep values may nest (`encoding/json` `maxNestingDepth`).
const MAX_DEPTH: usize = 10_000;

/// Reads values from the front of a text; `None` means a syntax error.
struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    /// The next character after blanks.
    fn peek(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
        self.rest.chars().next()
    }

    fn at_end(&mut self) -> bool {
        self.peek().is_none()
    }

    fn token(&mut self, token: char) -> Option<()> {
        self.peek();
        self.rest = self.rest.strip_prefix(token)?;
        Some(())
    }

    /// Reads `open element , element … close`.
    fn elements(
        &mut self,
        open: char,
        close: char,
        mut element: impl FnMut(&mut Self) -> Option<()>,
    ) -> Option<()> {
        self.token(open)?;
        if self.peek() == Some(close) {
            return self.token(close);
        }
        loop {
            self.peek();
            element(self)?;
            match self.peek()? {
                ',' => self.token(',')?,
                _ => return self.token(close),
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        self.token('"')?;
        let mut string = String::new();
        loop {
            let end = self.rest.find(|c: char| c == '"' || c == '\\' || c < ' ')?;
            string.push_str(&self.rest[..end]);
            self.rest = &self.rest[end..];
            if let Some(rest) = self.rest.strip_prefix('"') {
                self.rest = rest;
                return Some(string);
            }
            self.rest = self.rest.strip_prefix('\\')?;
            string.push(self.escape()?);
        }
    }

    /// The character that an escape stands for; `self` is after the backslash.
    fn escape(&mut self) -> Option<char> {
        let c = self.take(1)?;
        Some(match c {
            "\"" => '"',
            "\\" => '\\',
            "/" => '/',
            "b" => '\u{8}',
            "f" => '\u{c}',
            "n" => '\n',
            "r" => '\r',
            "t" => '\t',
            "u" => {
                let unit = self.unit()?;
                char::from_u32(unit).or_else(|| self.low_surrogate(unit)).unwrap_or('\u{fffd}')
            }
            _ => return None,
        })
    }

    fn unit(&mut self) -> Option<u32> {
        let digits = self.take(4)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        u32::from_str_radix(digits, 16).ok()
    }

    /// Joins a following `\uXXXX` to `high` if the two are a pair; else leaves it unread.
    fn low_surrogate(&mut self, high: u32) -> Option<char> {
        let mut ahead = Reader { rest: self.rest.strip_prefix("\\u")? };
        let low = ahead.unit()?;
        let pair = [u16::try_from(high).ok()?, u16::try_from(low).ok()?];
        let c = char::decode_utf16(pair).next()?.ok()?;
        self.rest = ahead.rest;
        Some(c)
    }

    fn take(&mut self, bytes: usize) -> Option<&'a str> {
        let (taken, rest) = self.rest.split_at_checked(bytes)?;
        self.rest = rest;
        Some(taken)
    }

    /// Reads any value and forgets it; nesting costs memory, not stack.
    fn skip_value(&mut self) -> Option<()> {
        let mut open: Vec<char> = Vec::new();
        loop {
            match self.peek()? {
                bracket @ ('[' | '{') => {
                    let close = if bracket == '[' { ']' } else { '}' };
                    self.token(bracket)?;
                    open.push(close);
                    if open.len() >= MAX_DEPTH {
                        return None;
                    }
                    if self.peek()? != close {
                        self.key_if_object(close)?;
                        continue;
                    }
                }
                '"' => drop(self.string()?),
                _ => self.scalar()?,
            }
            loop {
                let Some(&close) = open.last() else { return Some(()) };
                if self.peek()? == ',' {
                    self.token(',')?;
                    self.key_if_object(close)?;
                    break;
                }
                self.token(close)?;
                open.pop();
            }
        }
    }

    fn key_if_object(&mut self, close: char) -> Option<()> {
        if close == '}' {
            self.peek();
            self.string()?;
            self.token(':')?;
        }
        Some(())
    }

    fn scalar(&mut self) -> Option<()> {
        for word in ["true", "false", "null"] {
            if let Some(rest) = self.rest.strip_prefix(word) {
                self.rest = rest;
                return Some(());
            }
        }
        let number = self
            .rest
            .find(|c: char| !matches!(c, '0'..='9' | '+' | '-' | '.' | 'e' | 'E'))
            .unwrap_or(self.rest.len());
        let number = self.take(number)?;
        (is_number(number) && number.parse::<f64>().is_ok_and(f64::is_finite)).then_some(())
    }
}

/// The number grammar of RFC 8259.
fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let text = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.strip_prefix(['+', '-']).unwrap_or(exponent)),
        None => (text, "0"),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    digits(whole) && digits(fraction) && digits(exponent) && (whole == "0" || !whole.starts_with('0'))
}

#[cfg(test)]
mod tests {
    use super::{Array, string_array, string_member};

    #[test]
    fn reads_arrays_of_strings() {
        let strings =
            |strings: &[&str]| Array::Strings(strings.iter().map(|&string| string.to_owned()).collect());
        for (summary, text, expected) in [
            ("two", r#"["a", "b"]"#, strings(&["a", "b"])),
            ("none", " [ ] ", strings(&[])),
            ("escapes", r#"["\"\\\/\b\f\n\r\té"]"#, strings(&["\"\\/\u{8}\u{c}\n\r\té"])),
            ("surrogate pair", r#"["\ud83d\ude00"]"#, strings(&["\u{1f600}"])),
            ("lone surrogates", r#"["\ud83dx\ude00\ud83dA"]"#, strings(&["\u{fffd}x\u{fffd}\u{fffd}A"])),
            ("single quotes", "['a']", Array::Malformed),
            ("trailing comma", r#"["a",]"#, Array::Malformed),
            ("trailing text", r#"["a"] b"#, Array::Malformed),
            ("control character", "[\"a\tb\"]", Array::Malformed),
            ("bad escape", r#"["\x"]"#, Array::Malformed),
            ("not closed", r#"["a""#, Array::Malformed),
            ("number", r#"["a", -1.5e3]"#, Array::NotStrings),
            ("words", "[true, false, null]", Array::NotStrings),
            ("nested", r#"[{"a":[1,{}]},[]]"#, Array::NotStrings),
            ("leading zero", "[01]", Array::Malformed),
            ("number too large", "[1e999]", Array::Malformed),
            ("an object", "{}", Array::Malformed),
        ] {
            assert_eq!(string_array(text), expected, "{summary}");
        }
    }

    #[test]
    fn deep_nesting_costs_no_stack() {
        let deep = format!("[{}{}]", "[".repeat(9_000), "]".repeat(9_000));
        assert_eq!(string_array(&deep), Array::NotStrings);
        assert_eq!(string_array(&"[".repeat(1_000_000)), Array::Malformed);
    }

    #[test]
    fn finds_a_member() {
        for (summary, text, expected) in [
            ("plain", r#"{"a":[],"syntax":"x"}"#, Some("x")),
            ("last one", r#"{"syntax":"x","syntax":"y"}"#, Some("y")),
            ("not a string", r#"{"syntax":null}"#, None),
            ("trailing text", r#"{"syntax":"x"} y"#, None),
        ] {
            assert_eq!(string_member(text, "syntax").as_deref(), expected, "{summary}");
        }
    }
}
