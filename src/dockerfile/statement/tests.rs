use super::read;

/// Each statement as `first-last keyword|line|doc`, then empty continuations, then errors.
fn check(summary: &str, data: &str, expected: &[&str]) {
    let statements = read(data.as_bytes());
    let mut found: Vec<String> = statements
        .list
        .iter()
        .map(|statement| {
            let bodies: Vec<&str> = statement.heredocs.iter().map(|heredoc| heredoc.body.as_str()).collect();
            let (span, line, doc) = (statement.span, &statement.line, statement.doc.join(";"));
            format!("{}-{} {}|{line}|{doc}|{}", span.first, span.last, statement.keyword, bodies.join(";"))
        })
        .collect();
    found.extend(statements.empty_continuations.iter().map(|span| format!("empty {}", span.first)));
    found.extend(
        statements
            .errors
            .iter()
            .map(|error| format!("! {}-{} {}", error.spans[0].first, error.spans[0].last, error.message)),
    );
    assert_eq!(found, expected, "{summary}");
}

#[test]
fn gathers_logical_lines() {
    check("plain", "FROM a\r\n  RUN b  \n", &["1-1 FROM|FROM a||", "2-2 RUN|RUN b  ||"]);
    check(
        "continuation keeps leading blanks, drops comments",
        "RUN a \\\n  # no\n  b\\ \t\nc\n",
        &["1-4 RUN|RUN a   bc||"],
    );
    check("doubled escape", "RUN a \\\\\nRUN b", &["1-1 RUN|RUN a \\\\||", "2-2 RUN|RUN b||"]);
    check(
        "empty continuation",
        "RUN a \\\n\n\n  b\nRUN c",
        &["1-4 RUN|RUN a   b||", "5-5 RUN|RUN c||", "empty 4"],
    );
    check("end of file inside", "RUN a \\\n# x", &["1-2 RUN|RUN a ||"]);
    check("only an escape", "\\\nRUN a", &["1-2 RUN|RUN a||"]);
    check("byte order mark", "\u{feff}RUN a", &["1-1 RUN|RUN a||"]);
    check("escape directive", "# escape=`\nRUN a\\\nRUN `\n b", &["2-2 RUN|RUN a\\||", "3-4 RUN|RUN  b||"]);
}

#[test]
fn keeps_comments_above() {
    check("several", "# a\n\n#b \nRUN x\nRUN y", &["4-4 RUN|RUN x|a;b|", "5-5 RUN|RUN y||"]);
    check("an empty one resets", "# a\n#\n# b\nRUN x", &["4-4 RUN|RUN x|b|"]);
    check("indented", "  # a\nRUN x", &["2-2 RUN|RUN x|# a|"]);
    check("directives are none", "# syntax=x\n# y\nRUN x", &["3-3 RUN|RUN x|y|"]);
    check("none from continuations", "RUN x \\\n# a\n y\nRUN z", &["1-3 RUN|RUN x  y||", "4-4 RUN|RUN z||"]);
}

#[test]
fn reads_heredoc_bodies() {
    check("one", "RUN <<E cat\na\r\nE\nRUN b", &["1-3 RUN|RUN <<E cat||a\r\n", "4-4 RUN|RUN b||"]);
    check("two, in order", "COPY <<A <<-B /\n1\nA\n\t2\n\tB\n", &["1-5 COPY|COPY <<A <<-B /||1\n;\t2\n"]);
    check("in ONBUILD", "ONBUILD RUN <<E\na\nE", &["1-3 ONBUILD|ONBUILD RUN <<E||a\n"]);
    check("not with JSON", "RUN [\"<<E\"]\nRUN a", &["1-1 RUN|RUN [\"<<E\"]||", "2-2 RUN|RUN a||"]);
    check("not in CMD", "CMD <<E\nRUN a", &["1-1 CMD|CMD <<E||", "2-2 RUN|RUN a||"]);
    check("not closed", "RUN a\nRUN <<E\na\n", &["1-1 RUN|RUN a||", "! 2-3 unterminated heredoc"]);
}

#[test]
fn locates_errors() {
    check("no instruction", "# a\n\n", &["! 2-2 file with no instructions"]);
    check(
        "repeated directive",
        "# escape=`\n# escape=`\nRUN",
        &["! 1-1 only one escape parser directive can be used"],
    );
    check("bad escape", "#escape=x", &["! 0-0 invalid escape token 'x' does not match ` or \\"]);
    check(
        "all of them",
        "ENV a\nENV b",
        &["! 1-1 ENV must have two arguments", "! 2-2 ENV must have two arguments"],
    );
    let long = format!("RUN a\n{}\nRUN b", "x".repeat(65536));
    check(
        "long line",
        &long,
        &["1-1 RUN|RUN a||", "! 1-1 dockerfile line greater than max allowed size of 65535"],
    );
}

#[test]
fn a_long_line_inside_a_continuation_is_counted() {
    let text = format!("RUN a \\\n{}\nRUN b", "x".repeat(65536));
    let errors = read(text.as_bytes()).errors;
    assert_eq!((errors.len(), errors[0].spans[0].first), (1, 2));
}
