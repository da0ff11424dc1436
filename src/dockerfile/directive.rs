//! Parser directives: `# key=value` comments at the top of a Dockerfile.

use super::json;
use super::line::{Lines, without_bom, without_ending};
use super::raw::decode;
use super::source::Span;
use crate::diagnostic::Diagnostic;

/// A directive found without parsing the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detected {
    /// For `syntax`: the image; for `check`: the options. The value up to its first space.
    pub value: String,
    /// The whole value.
    pub whole: String,
    /// Where it stands; line 0 or 1 for the JSON form of `syntax`.
    pub span: Span,
}

/// The `# distroless=` directive of decant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distroless {
    /// The whole value.
    pub value: String,
    pub span: Span,
    /// The first known directive after it, which it spoils for every frontend (rule
    /// `DistrolessDirectiveOrder`): name and place.
    pub spoils: Option<(&'static str, Span)>,
}

/// The `syntax` directive in its `#`, `//` or JSON form.
///
/// Errors in the directives are swallowed; what stands before them counts.
pub fn syntax(data: &[u8]) -> Option<Detected> {
    let (data, shebang) = without_shebang(without_bom(data));
    detect("syntax", data, shebang, "#").or_else(|| detect("syntax", data, shebang, "//")).or_else(|| {
        let value = json::string_member(&decode(data), "syntax")?;
        Some(Detected { whole: value.clone(), value, span: Span::lines(shebang, shebang) })
    })
}

/// The `check` directive; only the `#` form counts.
pub fn check(data: &[u8]) -> Option<Detected> {
    let (data, shebang) = without_shebang(without_bom(data));
    detect("check", data, shebang, "#")
}

/// The `distroless` directive, wherever it stands among the directives.
///
/// # Errors
/// The directive is given twice.
pub fn distroless(data: &[u8]) -> Result<Option<Distroless>, Diagnostic> {
    let (data, shebang) = without_shebang(without_bom(data));
    let mut found: Option<Distroless> = None;
    let mut lines = Lines::new(data);
    while let Some(line) = lines.next() {
        let line = decode(line);
        let Some((key, value)) = key_value(without_ending(&line), "#") else { break };
        let number = lines.number() + shebang;
        let span = Span::lines(number, number);
        if key.eq_ignore_ascii_case("distroless") {
            if found.is_some() {
                return Err(Diagnostic::new("only one distroless parser directive can be used")
                    .at(span)
                    .hint("join the entries of both with `;`"));
            }
            found = Some(Distroless { value: value.to_owned(), span, spoils: None });
            continue;
        }
        let Some(key) = known(key) else { break };
        if let Some(found) = &mut found {
            found.spoils.get_or_insert((key, span));
        }
    }
    Ok(found)
}

/// The directives of one file as the main parse reads them, line by line.
#[derive(Debug, Default)]
pub(super) struct Directives {
    seen: Vec<&'static str>,
    done: bool,
}

impl Directives {
    /// Whether `line` is a directive, and the escape character if it sets one.
    ///
    /// The first line that is no known directive ends the scan for good.
    ///
    /// # Errors
    /// A directive given twice, or an escape character that is none.
    pub(super) fn read(&mut self, line: &str) -> Result<Option<Read>, String> {
        if self.done {
            return Ok(None);
        }
        let found = key_value(line, "#").and_then(|(key, value)| Some((known(key)?, value)));
        let Some((key, value)) = found else {
            self.done = true;
            return Ok(None);
        };
        self.see(key)?;
        if key != "escape" {
            return Ok(Some(Read::Other));
        }
        match value {
            "`" => Ok(Some(Read::Escape('`'))),
            r"\" => Ok(Some(Read::Escape('\\'))),
            _ => Err(format!(r"invalid escape token '{value}' does not match ` or \")),
        }
    }

    fn see(&mut self, key: &'static str) -> Result<(), String> {
        if self.seen.contains(&key) {
            return Err(format!("only one {key} parser directive can be used"));
        }
        self.seen.push(key);
        Ok(())
    }
}

/// What a directive line means to the main parse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    Escape(char),
    Other,
}

/// The value of a `check=` comment above an instruction: its text is a directive without a prefix.
pub(crate) fn check_comment(comment: &str) -> Option<&str> {
    let (key, value) = key_value(comment, "")?;
    (known(key) == Some("check")).then(|| first_word(value))
}

fn detect(key: &'static str, data: &[u8], shebang: u32, prefix: &str) -> Option<Detected> {
    let mut lines = Lines::new(data);
    let mut directives = Directives::default();
    while let Some(line) = lines.next() {
        let line = decode(line);
        let (found, value) = key_value(line.strip_suffix('\n').unwrap_or(&line), prefix)?;
        let found = known(found)?;
        directives.see(found).ok()?;
        if found == key {
            let number = lines.number() + shebang;
            return Some(Detected {
                value: first_word(value).to_owned(),
                whole: value.to_owned(),
                span: Span::lines(number, number),
            });
        }
    }
    None
}

fn first_word(value: &str) -> &str {
    value.split(' ').next().unwrap_or(value)
}

fn known(key: &str) -> Option<&'static str> {
    ["syntax", "escape", "check"].into_iter().find(|name| key.eq_ignore_ascii_case(name))
}

/// Reads `<prefix> key = value`; a value of nothing but blanks is the last blank.
fn key_value<'a>(line: &'a str, prefix: &str) -> Option<(&'a str, &'a str)> {
    let text = line.strip_prefix(prefix)?.trim_start();
    let end = text.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(text.len());
    let (key, rest) = text.split_at(end);
    if !key.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    let value = rest.trim_start_matches(is_space).strip_prefix('=')?;
    if value.contains('\n') {
        return None;
    }
    let trimmed = value.trim_matches(is_space);
    if trimmed.is_empty() {
        // All characters are ASCII blanks here, so the last byte is a character.
        return Some((key, value.get(value.len().checked_sub(1)?..)?));
    }
    Some((key, trimmed))
}

/// `\s` of Go's regular expressions.
fn is_space(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\u{c}' | '\r' | ' ')
}

fn without_shebang(data: &[u8]) -> (&[u8], u32) {
    if !data.starts_with(b"#!") {
        return (data, 0);
    }
    let end = data.iter().position(|&byte| byte == b'\n').map_or(data.len(), |end| end + 1);
    (&data[end..], 1)
}

#[cfg(test)]
mod tests {
    use super::{check, distroless, syntax};

    #[test]
    fn detects_syntax() {
        for (summary, data, expected) in [
            ("hash form", "# syntax=a/b:1", Some(("a/b:1", "a/b:1", 1))),
            ("blanks and case", "#\u{a0} SynTax\t= a b \r\n", Some(("a", "a b", 1))),
            ("after other directives", "#escape=`\n#check=x\n#syntax=a", Some(("a", "a", 3))),
            ("leading blank", " # syntax=a", None),
            ("after a comment", "# hello\n# syntax=a", None),
            ("after an unknown key", "# distroless=on\n# syntax=a", None),
            ("after a blank line", "\n# syntax=a", None),
            ("bad escape is no error here", "# escape=x\n# syntax=a", Some(("a", "a", 2))),
            ("repeated key ends it", "# check=a\n# check=b\n# syntax=a", None),
            ("byte order mark", "\u{feff}# syntax=a", Some(("a", "a", 1))),
            ("shebang", "#!/bin/x\n# syntax=a", Some(("a", "a", 2))),
            ("slashes", "// syntax = a b", Some(("a", "a b", 1))),
            ("hash form wins", "# syntax=a\n// syntax=b", Some(("a", "a", 1))),
            ("JSON", r#"{"syntax":"a b","x":[1]}"#, Some(("a b", "a b", 0))),
            ("JSON after a shebang", "#!x\n{\"syntax\":\"a\"}", Some(("a", "a", 1))),
            ("JSON with other type", r#"{"syntax":1}"#, None),
            ("no value", "# syntax=", None),
        ] {
            let found = syntax(data.as_bytes());
            let found = found.as_ref().map(|found| (&*found.value, &*found.whole, found.span.first));
            assert_eq!(found, expected, "{summary}");
        }
    }

    #[test]
    fn check_has_only_the_hash_form() {
        let found = check(b"# syntax=a\n# check=skip=all;error=true more");
        assert_eq!(found.map(|found| found.value).as_deref(), Some("skip=all;error=true"));
        assert_eq!(check(b"// check=skip=all"), None);
    }

    #[test]
    fn distroless_stands_after_the_known_directives() {
        for (summary, data, expected) in [
            ("last", "# syntax=a\n# distroless=nonroot; strict\nFROM x", Some(("nonroot; strict", 2, None))),
            ("first", "# distroless=on\n# escape=`\n# check=x", Some(("on", 1, Some(("escape", 2))))),
            ("after a comment", "# x\n# distroless=on", None),
            ("a comment after it", "# distroless=on\n# note\n# syntax=a", Some(("on", 1, None))),
        ] {
            let found = distroless(data.as_bytes()).unwrap();
            let found = found.as_ref().map(|found| {
                (&*found.value, found.span.first, found.spoils.map(|(key, span)| (key, span.first)))
            });
            assert_eq!(found, expected, "{summary}");
        }
    }

    #[test]
    fn distroless_stands_once() {
        let error = distroless(b"# distroless=on\n# distroless=off").unwrap_err();
        assert_eq!(error.message, "only one distroless parser directive can be used");
        assert_eq!(error.spans[0].first, 2);
    }
}
