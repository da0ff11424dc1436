//! Lines of a file as clients print them below a message (`BuildKit` `errdefs.Source.Print`).

use std::fmt::Write as _;

use crate::dockerfile::source::Span;

/// Appends the lines of `span` with some lines around them; nothing if the file has no such line.
pub(super) fn push(text: &mut String, filename: &str, lines: &[&str], span: Span) {
    let (mut start, mut end) = (span.first as usize, (span.last.max(span.first) as usize).min(lines.len()));
    if start < 1 || start > lines.len() {
        return;
    }
    let wanted = if span.first >= span.last { 4 } else { 2 };
    let mut around = 0;
    while around < wanted {
        if start > 1 {
            start -= 1;
            around += 1;
        }
        if end != lines.len() {
            end += 1;
            around += 1;
        }
        around += 1;
    }
    // Writing to memory does not fail.
    let _ = writeln!(text, "{filename}:{}\n{RULER}", span.first);
    for number in start..=end {
        let is_meant = (span.first as usize..=span.last.max(span.first) as usize).contains(&number);
        let mark = if is_meant { ">>>" } else { "   " };
        let _ = writeln!(text, " {number:3} | {mark} {}", lines[number - 1]);
    }
    text.push_str(RULER);
    text.push('\n');
}

const RULER: &str = "--------------------";
