//! A word of a script as it stands in the text, taken apart (POSIX shell 2.2, 2.6; bash's additions).
//!
//! Iterative: what is nested stays text and is read when it is asked for.

/// A part of a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    /// Signs of a pattern that stand outside quotes, and alternatives in braces.
    Pattern,
    Variable(Variable),
    /// `$(…)` or backticks: the script inside.
    Substitution {
        script: String,
        quoted: bool,
    },
    /// `$((…))`.
    Number,
}

/// `$NAME` or `${NAME…}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Variable {
    pub(super) name: String,
    /// All elements of an array: `[@]` or `[*]`.
    pub(super) all: bool,
    /// `${!NAME}`: the variable that it names.
    pub(super) indirect: bool,
    /// What follows the name in braces: `:-default`, `%.conf`.
    pub(super) operation: String,
    pub(super) quoted: bool,
}

impl Variable {
    /// Whether it stands for the arguments: `$@`, `$*`, `$1`.
    pub(super) fn is_arguments(&self) -> bool {
        matches!(self.name.as_str(), "@" | "*")
            || !self.name.is_empty()
                && self.name != "0"
                && self.name.bytes().all(|byte| byte.is_ascii_digit())
    }
}

/// Takes a word apart.
pub(super) fn pieces(word: &str) -> Vec<Piece> {
    let mut reader = Reader { text: word, at: 0, pieces: Vec::new(), quoted: false };
    reader.read(false);
    reader.pieces
}

/// Takes a text apart that stands in no quotes and is expanded: a here-document.
pub(super) fn document_pieces(text: &str) -> Vec<Piece> {
    let mut reader = Reader { text, at: 0, pieces: Vec::new(), quoted: true };
    reader.read(true);
    reader.pieces
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    pieces: Vec<Piece>,
    quoted: bool,
}

impl Reader<'_> {
    fn read(&mut self, document: bool) {
        if !document
            && self.text.starts_with('~')
            && self.text[1..].chars().next().is_none_or(|next| next == '/')
        {
            self.at = 1;
            let name = "HOME".to_owned();
            self.pieces.push(Piece::Variable(Variable { name, quoted: true, ..Variable::default() }));
        }
        while let Some(sign) = self.next() {
            match sign {
                '\'' if !self.quoted => {
                    let rest = &self.text[self.at..];
                    let end = rest.find('\'').unwrap_or(rest.len());
                    self.push_text(&rest[..end]);
                    self.at += (end + 1).min(rest.len());
                }
                '"' if !document => {
                    self.quoted = !self.quoted;
                    self.push_text("");
                }
                '\\' => match self.next() {
                    Some('\n') => {}
                    Some(next) if self.quoted && !matches!(next, '$' | '`' | '"' | '\\') => {
                        self.push_text("\\");
                        self.push_char(next);
                    }
                    Some(next) => self.push_char(next),
                    None => self.push_text("\\"),
                },
                '$' => self.dollar(),
                '`' => {
                    let rest = &self.text[self.at..];
                    let end = closing_backtick(rest);
                    let script = rest[..end].replace("\\`", "`").replace("\\$", "$").replace("\\\\", "\\");
                    self.at += (end + 1).min(rest.len());
                    self.pieces.push(Piece::Substitution { script, quoted: self.quoted });
                }
                '*' | '?' if !self.quoted => self.pieces.push(Piece::Pattern),
                '[' if !self.quoted && self.text[self.at..].contains(']') => self.pieces.push(Piece::Pattern),
                '{' if !self.quoted => self.brace(),
                other => self.push_char(other),
            }
        }
    }

    fn next(&mut self) -> Option<char> {
        let sign = self.text[self.at..].chars().next()?;
        self.at += sign.len_utf8();
        Some(sign)
    }

    fn push_text(&mut self, text: &str) {
        match self.pieces.last_mut() {
            Some(Piece::Text(last)) => last.push_str(text),
            _ => self.pieces.push(Piece::Text(text.to_owned())),
        }
    }

    fn push_char(&mut self, sign: char) {
        self.push_text(sign.encode_utf8(&mut [0; 4]));
    }

    /// `{a,b}` and `{1..3}` are alternatives; other braces stand for themselves.
    fn brace(&mut self) {
        let rest = &self.text[self.at..];
        match rest.find('}') {
            Some(end) if rest[..end].contains(',') || rest[..end].contains("..") => {
                self.at += end + 1;
                self.pieces.push(Piece::Pattern);
            }
            _ => self.push_text("{"),
        }
    }

    fn dollar(&mut self) {
        let rest = &self.text[self.at..];
        let mut signs = rest.chars();
        match signs.next() {
            Some('(') if rest.starts_with("((") => {
                let end = closing(rest, '(', ')');
                // `$( (…) )` is written with a blank; what is left to decide is the sum.
                if rest[..end].ends_with("))") {
                    self.pieces.push(Piece::Number);
                } else {
                    let inside = &rest[1..end];
                    let script = inside.strip_suffix(')').unwrap_or(inside).to_owned();
                    self.pieces.push(Piece::Substitution { script, quoted: self.quoted });
                }
                self.at += end;
            }
            Some('(') => {
                let end = closing(rest, '(', ')');
                let script = rest[1..end].strip_suffix(')').unwrap_or(&rest[1..end]).to_owned();
                self.pieces.push(Piece::Substitution { script, quoted: self.quoted });
                self.at += end;
            }
            Some('{') => {
                let end = closing(rest, '{', '}');
                let inside = rest[1..end].strip_suffix('}').unwrap_or(&rest[1..end]);
                self.pieces.push(Piece::Variable(in_braces(inside, self.quoted)));
                self.at += end;
            }
            Some('\'') if !self.quoted => {
                let rest = &rest[1..];
                let end = closing_quote(rest);
                self.push_text(&rest[..end].replace("\\n", "\n").replace("\\t", "\t").replace("\\'", "'"));
                self.at += 1 + (end + 1).min(rest.len());
            }
            // Translated text in bash.
            Some('"') if !self.quoted => {}
            Some(special @ ('@' | '*' | '#' | '?' | '-' | '$' | '!')) => {
                self.at += 1;
                self.variable(special.to_string());
            }
            Some(digit) if digit.is_ascii_digit() => {
                self.at += 1;
                self.variable(digit.to_string());
            }
            Some(letter) if letter.is_ascii_alphabetic() || letter == '_' => {
                let end = name_length(rest);
                let name = rest[..end].to_owned();
                self.at += end;
                self.variable(name);
            }
            _ => self.push_text("$"),
        }
    }

    fn variable(&mut self, name: String) {
        self.pieces.push(Piece::Variable(Variable { name, quoted: self.quoted, ..Variable::default() }));
    }
}

/// What stands between the braces of `${…}`.
fn in_braces(inside: &str, quoted: bool) -> Variable {
    let length = inside.len() > 1 && inside.starts_with('#');
    let (indirect, rest) = match inside.strip_prefix('!') {
        Some(rest) if !rest.is_empty() => (true, rest),
        _ => (false, inside),
    };
    if length {
        // The length of a value is a number.
        return Variable { name: "#".to_owned(), quoted, ..Variable::default() };
    }
    let end = match rest.chars().next() {
        Some(first) if first.is_ascii_digit() => {
            rest.find(|sign: char| !sign.is_ascii_digit()).unwrap_or(rest.len())
        }
        Some(first) if first.is_ascii_alphabetic() || first == '_' => name_length(rest),
        Some(first) => first.len_utf8(),
        None => 0,
    };
    let name = rest[..end].to_owned();
    let rest = &rest[end..];
    let (all, rest) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((index, rest)) => (matches!(index, "@" | "*"), rest),
        None => (false, rest),
    };
    Variable { name, all, indirect, operation: rest.to_owned(), quoted }
}

/// Bytes of the name at the beginning.
pub(super) fn name_length(text: &str) -> usize {
    text.find(|sign: char| !sign.is_ascii_alphanumeric() && sign != '_').unwrap_or(text.len())
}

/// Where what begins with `open` ends, quotes and escapes passed over; the end of the text when it never does.
fn closing(text: &str, open: char, close: char) -> usize {
    let mut depth = 0usize;
    let mut double = false;
    let mut signs = text.char_indices();
    while let Some((at, sign)) = signs.next() {
        match sign {
            '\\' => {
                signs.next();
            }
            '\'' if !double => {
                for (_, inside) in signs.by_ref() {
                    if inside == '\'' {
                        break;
                    }
                }
            }
            '"' => double = !double,
            // `"$(a "b")"`: quotes begin anew in a substitution, which makes pairs of them again.
            sign if sign == open => depth += 1,
            sign if sign == close => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + sign.len_utf8();
                }
            }
            _ => {}
        }
    }
    text.len()
}

fn closing_backtick(text: &str) -> usize {
    let mut escaped = false;
    for (at, sign) in text.char_indices() {
        match sign {
            '`' if !escaped => return at,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}

fn closing_quote(text: &str) -> usize {
    let mut escaped = false;
    for (at, sign) in text.char_indices() {
        match sign {
            '\'' if !escaped => return at,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(word: &str) -> String {
        let parts: Vec<String> = pieces(word)
            .into_iter()
            .map(|piece| match piece {
                Piece::Text(text) => format!("'{text}'"),
                Piece::Pattern => "*".to_owned(),
                Piece::Number => "number".to_owned(),
                Piece::Substitution { script, quoted } => {
                    format!("({script}){}", if quoted { "q" } else { "" })
                }
                Piece::Variable(Variable { name, all, indirect, operation, quoted }) => format!(
                    "${}{name}{}{operation}{}",
                    if indirect { "!" } else { "" },
                    if all { "[@]" } else { "" },
                    if quoted { "q" } else { "" }
                ),
            })
            .collect();
        parts.join(" ")
    }

    #[test]
    fn words_are_taken_apart() {
        for (word, expected) in [
            ("plain", "'plain'"),
            ("a'b c'\"d e\"", "'ab cd e'"),
            ("\"$HOME/x\"", "'' $HOMEq '/x'"),
            ("${A:-/b}/c", "$A:-/b '/c'"),
            ("~/x", "$HOMEq '/x'"),
            ("\"$(cd \"$(dirname \"$0\")\" && pwd)\"", "'' (cd \"$(dirname \"$0\")\" && pwd)q ''"),
            ("`id -u`", "(id -u)"),
            ("/d/*.sh", "'/d/' * '.sh'"),
            ("{a,b}", "*"),
            ("{}", "'{}'"),
            ("$((1 + (2)))x", "number 'x'"),
            ("\"${psql[@]}\"", "'' $psql[@]q ''"),
            ("${!v}", "$!v"),
            ("\"$@\"", "'' $@q ''"),
            ("${1#-}", "$1#-"),
            ("${#x}", "$#"),
            ("$'a\\nb'", "'a\nb'"),
            ("a\\ b", "'a b'"),
            ("\"a\\nb\\$\"", "'a\\nb$'"),
            ("$", "'$'"),
        ] {
            assert_eq!(show(word), expected, "{word}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_taken_apart(word in "[-a$({})\"'`\\\\é!@# \n]{0,24}") {
            let _ = pieces(&word);
            let _ = document_pieces(&word);
        }
    }
}
