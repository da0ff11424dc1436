//! What Go's `encoding/json` says about text that is no JSON: users see it when an option or a config is broken.

/// The error of the first byte that cannot be; `None` for a JSON value.
pub(super) fn error(text: &[u8]) -> Option<String> {
    Scan { text, at: 0 }.document().err()
}

struct Scan<'a> {
    text: &'a [u8],
    at: usize,
}

/// What an open array or object waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Array,
    Object,
}

const END: &str = "unexpected end of JSON input";

impl Scan<'_> {
    fn document(&mut self) -> Result<(), String> {
        // A stack of its own: nesting is up to whoever wrote the text.
        let mut open = Vec::new();
        loop {
            self.value(&mut open)?;
            // A value is complete: what follows belongs to what is open.
            loop {
                self.blanks();
                let Some(&inside) = open.last() else {
                    return match self.peek() {
                        None => Ok(()),
                        Some(byte) => Err(invalid(byte, "after top-level value")),
                    };
                };
                match (inside, self.next()?) {
                    (_, b',') => break,
                    (Open::Array, b']') | (Open::Object, b'}') => {
                        open.pop();
                    }
                    (Open::Array, byte) => return Err(invalid(byte, "after array element")),
                    (Open::Object, byte) => return Err(invalid(byte, "after object key:value pair")),
                }
            }
            if open.last() == Some(&Open::Object) {
                self.key()?;
            }
        }
    }

    /// Reads a value, or the brackets and keys up to the first one inside.
    fn value(&mut self, open: &mut Vec<Open>) -> Result<(), String> {
        loop {
            self.blanks();
            match self.next()? {
                b'{' => {
                    self.blanks();
                    if self.peek() == Some(b'}') {
                        self.at += 1;
                        return Ok(());
                    }
                    open.push(Open::Object);
                    self.key()?;
                }
                b'[' => {
                    self.blanks();
                    if self.peek() == Some(b']') {
                        self.at += 1;
                        return Ok(());
                    }
                    open.push(Open::Array);
                }
                b'"' => return self.string(),
                b't' => return self.literal("true"),
                b'f' => return self.literal("false"),
                b'n' => return self.literal("null"),
                b'-' => {
                    return match self.next()? {
                        byte if byte.is_ascii_digit() => self.number(byte),
                        byte => Err(invalid(byte, "in numeric literal")),
                    };
                }
                byte if byte.is_ascii_digit() => return self.number(byte),
                byte => return Err(invalid(byte, "looking for beginning of value")),
            }
        }
    }

    fn key(&mut self) -> Result<(), String> {
        self.blanks();
        match self.next()? {
            b'"' => self.string()?,
            byte => return Err(invalid(byte, "looking for beginning of object key string")),
        }
        self.blanks();
        match self.next()? {
            b':' => Ok(()),
            byte => Err(invalid(byte, "after object key")),
        }
    }

    fn string(&mut self) -> Result<(), String> {
        loop {
            match self.next()? {
                b'"' => return Ok(()),
                b'\\' => match self.next()? {
                    b'b' | b'f' | b'n' | b'r' | b't' | b'\\' | b'/' | b'"' => {}
                    b'u' => {
                        for _ in 0..4 {
                            let byte = self.next()?;
                            if !byte.is_ascii_hexdigit() {
                                return Err(invalid(byte, "in \\u hexadecimal character escape"));
                            }
                        }
                    }
                    byte => return Err(invalid(byte, "in string escape code")),
                },
                byte if byte < b' ' => return Err(invalid(byte, "in string literal")),
                _ => {}
            }
        }
    }

    fn literal(&mut self, word: &str) -> Result<(), String> {
        for expected in word.bytes().skip(1) {
            let byte = self.next()?;
            if byte != expected {
                let context = format!("in literal {word} (expecting '{}')", char::from(expected));
                return Err(invalid(byte, &context));
            }
        }
        Ok(())
    }

    fn number(&mut self, first: u8) -> Result<(), String> {
        if first != b'0' {
            self.digits();
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digit("after decimal point in numeric literal")?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digit("in exponent of numeric literal")?;
        }
        Ok(())
    }

    fn digit(&mut self, context: &str) -> Result<(), String> {
        match self.next()? {
            byte if byte.is_ascii_digit() => {
                self.digits();
                Ok(())
            }
            byte => Err(invalid(byte, context)),
        }
    }

    fn digits(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn next(&mut self) -> Result<u8, String> {
        let byte = self.peek().ok_or_else(|| END.to_owned())?;
        self.at += 1;
        Ok(byte)
    }
}

fn invalid(byte: u8, context: &str) -> String {
    let shown = match byte {
        b'\'' => r"'\''".to_owned(),
        b'"' => "'\"'".to_owned(),
        byte => {
            let quoted = crate::dockerfile::quote::quote(&char::from(byte).to_string());
            format!("'{}'", &quoted[1..quoted.len() - 1])
        }
    };
    format!("invalid character {shown} {context}")
}

#[cfg(test)]
mod tests {
    use super::error;

    #[test]
    fn says_what_go_says() {
        for (text, expected) in [
            ("{}", None),
            (r#" [1.5e-3, "aA", {"b": [true, false, null]}, -0] "#, None),
            ("", Some(super::END)),
            ("{", Some(super::END)),
            ("[1", Some(super::END)),
            ("{}1", Some("invalid character '1' after top-level value")),
            ("x", Some("invalid character 'x' looking for beginning of value")),
            ("{x", Some("invalid character 'x' looking for beginning of object key string")),
            (r#"{"a" 1}"#, Some("invalid character '1' after object key")),
            (r#"{"a":1 "b""#, Some("invalid character '\"' after object key:value pair")),
            (r#"{"a":1,}"#, Some("invalid character '}' looking for beginning of object key string")),
            ("[1 2]", Some("invalid character '2' after array element")),
            ("[1,]", Some("invalid character ']' looking for beginning of value")),
            ("\"\n\"", Some(r"invalid character '\n' in string literal")),
            (r#""\x""#, Some("invalid character 'x' in string escape code")),
            (r#""\u00g""#, Some(r"invalid character 'g' in \u hexadecimal character escape")),
            ("trUe", Some("invalid character 'U' in literal true (expecting 'u')")),
            ("-x", Some("invalid character 'x' in numeric literal")),
            ("01", Some("invalid character '1' after top-level value")),
            ("1.x", Some("invalid character 'x' after decimal point in numeric literal")),
            ("1e'", Some(r"invalid character '\'' in exponent of numeric literal")),
        ] {
            assert_eq!(error(text.as_bytes()).as_deref(), expected, "{text}");
        }
    }
}
