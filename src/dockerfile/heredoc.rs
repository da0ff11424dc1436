//! Heredocs: which words open one, and where its body ends.

use super::word::{Lexer, NoVariables, WordError};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heredoc {
    /// Terminator without quotes.
    pub name: String,
    /// Whether variables in the body are expanded (no quoting in the terminator).
    pub expand: bool,
    /// `<<-`.
    pub chomp: bool,
    /// The file descriptor digits before `<<`, as written (nobody uses it).
    pub fd: Option<String>,
    /// Body verbatim, not chomped.
    pub body: String,
}

impl Heredoc {
    /// The body as COPY, ADD and a RUN that is nothing but this heredoc take it: without leading tabs if
    /// it was opened with `<<-`.
    pub fn content(&self) -> String {
        if self.chomp { without_leading_tabs(&self.body) } else { self.body.clone() }
    }
}

/// The heredocs that a logical line opens, in order, with empty bodies.
///
/// The whole line counts, flags and all. A line with unmatched quotes opens none.
pub(super) fn opened_by(line: &str) -> Result<Vec<Heredoc>, WordError> {
    // The escape character is always a backslash here, whatever the directive says.
    let lexer = Lexer { raw_quotes: true, raw_escapes: true, keep_unset: true, ..Lexer::new('\\') };
    let words = lexer.expand_words(line, &NoVariables).unwrap_or_default();
    words.iter().filter_map(|word| try_word(word).transpose()).collect()
}

/// Reads one word as `[fd]<<[-]NAME`; `None` if it is none.
pub fn parse_word(word: &str) -> Option<Heredoc> {
    try_word(word).ok().flatten()
}

/// Whether `line` ends the body of `heredoc`; `line` may still have its ending.
pub(super) fn is_terminator(heredoc: &Heredoc, line: &str) -> bool {
    let line = super::line::without_ending(line);
    let line = if heredoc.chomp { line.trim_start_matches('\t') } else { line };
    line == heredoc.name
}

/// `body` without the leading tabs of every line (`<<-`).
pub(super) fn without_leading_tabs(body: &str) -> String {
    body.split_inclusive('\n').map(|line| line.trim_start_matches('\t')).collect()
}

fn try_word(word: &str) -> Result<Option<Heredoc>, WordError> {
    let digits = word.find(|c: char| !c.is_ascii_digit()).unwrap_or(word.len());
    let (fd, rest) = word.split_at(digits);
    let Some(rest) = rest.strip_prefix("<<") else { return Ok(None) };
    let (chomp, rest) = rest.strip_prefix('-').map_or((false, rest), |rest| (true, rest));
    let rest = rest.trim_start_matches(['\t', '\n', '\u{c}', '\r', ' ']);
    if rest.is_empty() || rest.contains('<') {
        return Ok(None);
    }
    let plain = Lexer { keep_unset: true, ..Lexer::new('\\') };
    let words = plain.expand_words(rest, &NoVariables)?;
    let [name] = words.as_slice() else { return Ok(None) };
    let raw = Lexer { raw_quotes: true, ..plain }.expand_words(rest, &NoVariables)?;
    // Quotes that the plain reading lost were quoting: then the body is taken literally.
    let quotes = |words: &[String]| words.iter().flat_map(|word| word.matches(['\'', '"'])).count();
    let expand = quotes(&raw) == quotes(&words);
    let fd = (!fd.is_empty()).then(|| fd.to_owned());
    Ok(Some(Heredoc { name: name.clone(), expand, chomp, fd, body: String::new() }))
}

#[cfg(test)]
mod tests {
    use super::{opened_by, parse_word, without_leading_tabs};

    #[test]
    fn reads_words() {
        for (word, expected) in [
            ("<<EOF", Some(("EOF", true, false))),
            ("<<-EOF", Some(("EOF", true, true))),
            ("3<<EOF", Some(("EOF", true, false))),
            ("<< EOF", Some(("EOF", true, false))),
            ("<<'EOF'", Some(("EOF", false, false))),
            ("<<E\"O\"F", Some(("EOF", false, false))),
            (r"<<\EOF", Some(("EOF", true, false))),
            ("<<$X", Some(("$X", true, false))),
            ("<<", None),
            ("<<-", None),
            ("<<<EOF", None),
            ("x<<EOF", None),
            ("<<a b", None),
            ("<<'a b'", Some(("a b", false, false))),
            ("<<''", None),
        ] {
            let heredoc = parse_word(word);
            let found = heredoc.as_ref().map(|heredoc| (&*heredoc.name, heredoc.expand, heredoc.chomp));
            assert_eq!(found, expected, "{word}");
        }
    }

    #[test]
    fn finds_heredocs_in_a_line() {
        for (line, expected) in [
            ("RUN <<A cat <<-B 3<<'C'", &["A", "B", "C"][..]),
            ("RUN cat << A", &["A"]),
            ("RUN echo '<<A'", &[]),
            ("RUN echo \"<<A\" it's", &[]),
            ("RUN --mount=x <<A", &["A"]),
            ("RUN x<<A", &[]),
            ("RUN (<<A)", &[]),
        ] {
            let names: Vec<String> =
                opened_by(line).unwrap().into_iter().map(|heredoc| heredoc.name).collect();
            assert_eq!(names, expected, "{line}");
        }
    }

    #[test]
    fn chomps_every_line() {
        assert_eq!(without_leading_tabs("\t\ta\n\tb\tc\n\n\t"), "a\nb\tc\n\n");
    }
}
