//! Flags of instructions: taken off the front of the arguments, then checked against what is known.

use std::collections::BTreeMap;

use super::{raw, suggest};

/// What may follow a flag's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `--x`, `--x=true`, `--x=false`.
    Switch,
    /// `--x=value`, once.
    Text,
    /// `--x=value`, any number of times.
    List,
    /// `--x` or `--x=value`, once; decant's own.
    OptionalText,
}

/// The checked flags of one instruction.
#[derive(Debug, Default)]
pub(super) struct Flags {
    /// Each value as written; `None` without `=`.
    values: BTreeMap<&'static str, Vec<Option<String>>>,
}

impl Flags {
    /// Checks `words` (`--name` or `--name=value`) against the flags that an instruction knows.
    ///
    /// # Errors
    /// Unknown or repeated flags, missing or bad values.
    pub(super) fn read(words: &[String], known: &[(&'static str, Kind)]) -> Result<Self, String> {
        let mut flags = Self::default();
        for word in words {
            let (flag, value) = match word.split_once('=') {
                Some((flag, value)) => (flag, Some(value)),
                None => (word.as_str(), None),
            };
            let name = flag.strip_prefix("--").unwrap_or(flag);
            let Some(&(name, kind)) = known.iter().find(|(known, _)| *known == name) else {
                let suggestion = suggest::suffix(name, known.iter().map(|(known, _)| *known));
                return Err(format!("unknown flag: {flag}{suggestion}"));
            };
            let values = flags.values.entry(name).or_default();
            if !values.is_empty() && kind != Kind::List {
                return Err(format!("duplicate flag specified: {flag}"));
            }
            values.push(checked(flag, kind, value)?);
        }
        Ok(flags)
    }

    /// The value of a flag given once.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        self.values.remove(name)?.into_iter().next()?
    }

    /// The values of a flag that may be repeated.
    pub(super) fn list(&mut self, name: &str) -> Vec<String> {
        self.values.remove(name).unwrap_or_default().into_iter().flatten().collect()
    }

    /// A switch, if it is given.
    pub(super) fn switch(&mut self, name: &str) -> Option<bool> {
        self.text(name).map(|value| value == "true")
    }

    /// A flag whose value may be left out.
    #[expect(clippy::option_option, reason = "not given, given, given with a value")]
    pub(super) fn optional_text(&mut self, name: &str) -> Option<Option<String>> {
        self.values.remove(name)?.into_iter().next()
    }
}

fn checked(flag: &str, kind: Kind, value: Option<&str>) -> Result<Option<String>, String> {
    let missing = || format!("missing a value on flag: {flag}");
    match (kind, value) {
        (Kind::Switch, None) => Ok(Some("true".to_owned())),
        (Kind::Switch | Kind::OptionalText, Some("")) | (Kind::Text | Kind::List, None) => Err(missing()),
        (Kind::Switch, Some(value)) => match value.to_lowercase() {
            lower if lower == "true" || lower == "false" => Ok(Some(lower)),
            _ => Err(format!("expecting boolean value for flag {flag}, not: {value}")),
        },
        (Kind::Text | Kind::List | Kind::OptionalText, value) => Ok(value.map(str::to_owned)),
    }
}

/// Takes the words that start with `--` off the front of an instruction's arguments.
///
/// Quotes group and vanish, the escape character keeps what follows it. `--` alone ends the flags.
/// The scan goes by bytes, as the official one does: a byte beyond ASCII becomes the Latin-1 character of
/// that number, and 0x85 and 0xA0 are blanks.
pub(super) fn split_off(arguments: &str, escape: char) -> (Vec<String>, &str) {
    let mut bytes = Bytes { rest: arguments.chars(), read: Vec::new() };
    let mut words = Vec::new();
    let mut position = 0;
    loop {
        while bytes.at(position).is_some_and(is_blank) {
            position += 1;
        }
        if bytes.at(position) != Some(b'-') || bytes.at(position + 1) != Some(b'-') {
            return (words, rest(arguments, position));
        }
        let (word, quoted, end) = word(&mut bytes, position, escape);
        position = end;
        if word == "--" {
            return (words, rest(arguments, position));
        }
        if quoted || !word.is_empty() {
            words.push(word);
        }
    }
}

/// The bytes of a text as far as they were asked for: flags are few, and what follows them may be long.
struct Bytes<'a> {
    rest: std::str::Chars<'a>,
    read: Vec<u8>,
}

impl Bytes<'_> {
    fn at(&mut self, position: usize) -> Option<u8> {
        while self.read.len() <= position {
            let c = self.rest.next()?;
            match raw::byte_of(c) {
                Some(byte) => self.read.push(byte),
                None => self.read.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        Some(self.read[position])
    }
}

/// One word from `start`: its text, whether it has quotes, and where it ends.
fn word(bytes: &mut Bytes<'_>, start: usize, escape: char) -> (String, bool, usize) {
    let mut text = String::new();
    let mut quoted = false;
    let mut quote = None;
    let mut position = start;
    while let Some(byte) = bytes.at(position) {
        position += 1;
        if quote.is_none() && is_blank(byte) {
            return (text, quoted, position - 1);
        }
        if quote == Some(byte) {
            quote = None;
        } else if quote.is_none() && matches!(byte, b'\'' | b'"') {
            quote = Some(byte);
            quoted = true;
        } else if char::from(byte) == escape {
            // An escape character at the very end vanishes.
            if let Some(next) = bytes.at(position) {
                position += 1;
                text.push(char::from(next));
            }
        } else {
            text.push(char::from(byte));
        }
    }
    (text, quoted, position)
}

fn is_blank(byte: u8) -> bool {
    char::from(byte).is_whitespace()
}

/// The text from byte `position` of the file on; a position inside a character (after a byte taken for a blank) moves
/// on.
fn rest(text: &str, position: usize) -> &str {
    let mut bytes = 0;
    let start = text.char_indices().find_map(|(start, c)| {
        let before = bytes;
        bytes += if raw::byte_of(c).is_some() { 1 } else { c.len_utf8() };
        (before >= position).then_some(start)
    });
    &text[start.unwrap_or(text.len())..]
}

#[cfg(test)]
mod tests {
    use super::{Flags, Kind, raw, split_off};

    #[test]
    fn splits_flags_off() {
        for (summary, arguments, flags, rest) in [
            ("two", "--a=1 --b  x --c", &["--a=1", "--b"][..], "x --c"),
            ("none", "x --a", &[], "x --a"),
            ("end of flags", "--a -- --b x", &["--a"], " --b x"),
            ("only flags", "--a", &["--a"], ""),
            ("quotes", r#"--a="b c"'d' x"#, &["--a=b cd"], "x"),
            ("escapes", r"--a=b\ c\", &["--a=b c"], ""),
            ("escape in single quotes", r"--a='b\'c' x", &["--a=b'c"], "x"),
            ("bytes become Latin-1", "--chown=é x", &["--chown=Ã©"], "x"),
            ("a byte that is a blank", "--a=à --b", &["--a=Ã", "--b"], ""),
            ("quoted dashes", "--'' x", &[], " x"),
            ("one dash", "-a --b", &[], "-a --b"),
        ] {
            let (words, left) = split_off(arguments, '\\');
            assert_eq!(
                (words.as_slice(), left),
                (&flags.iter().map(|&f| f.to_owned()).collect::<Vec<_>>()[..], rest),
                "{summary}"
            );
        }
    }

    #[test]
    fn bytes_that_are_no_text_count_as_one() {
        let arguments = raw::decode(b"--a=\xff\x85--b=\xa0 \xfe");
        let (words, left) = split_off(&arguments, '\\');
        assert_eq!((words, left), (vec!["--a=ÿ".to_owned(), "--b=".to_owned()], &*raw::decode(b"\xfe")));
    }

    #[test]
    fn checks_flags() {
        let known = [
            ("from", Kind::Text),
            ("link", Kind::Switch),
            ("exclude", Kind::List),
            ("opt", Kind::OptionalText),
        ];
        for (words, expected) in [
            (&["--frm=x"][..], "unknown flag: --frm (did you mean from?)"),
            (&["--zzzzzz"], "unknown flag: --zzzzzz"),
            (&["--From=x"], "unknown flag: --From (did you mean from?)"),
            (&["--from=a", "--from=b"], "duplicate flag specified: --from"),
            (&["--from"], "missing a value on flag: --from"),
            (&["--exclude"], "missing a value on flag: --exclude"),
            (&["--link="], "missing a value on flag: --link"),
            (&["--link=maybe"], "expecting boolean value for flag --link, not: maybe"),
        ] {
            let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
            assert_eq!(Flags::read(&words, &known).unwrap_err(), expected);
        }
        let words = ["--from=", "--link=TRUE", "--exclude=a", "--exclude=b", "--opt"].map(str::to_owned);
        let mut flags = Flags::read(&words, &known).unwrap();
        assert_eq!(flags.text("from").as_deref(), Some(""));
        assert_eq!(flags.switch("link"), Some(true));
        assert_eq!(flags.list("exclude"), ["a", "b"]);
        assert_eq!(flags.optional_text("opt"), Some(None));
        assert_eq!(flags.text("chown"), None);
    }
}
