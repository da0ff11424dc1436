//! The check that the official matcher makes of a pattern first: `filepath.Match(pattern, ".")`.
//!
//! It finds a bad class only as far as it has to read to know whether `.` matches; what it does not read is
//! left to the expression that the pattern becomes.

/// Whether the check finds nothing wrong.
pub(super) fn is_accepted(pattern: &str) -> bool {
    check(pattern).is_some()
}

/// `None` for a bad pattern.
fn check(pattern: &str) -> Option<()> {
    let mut name = ".";
    let mut rest = pattern;
    while !rest.is_empty() {
        let unstarred = rest.trim_start_matches('*');
        let star = unstarred.len() < rest.len();
        let (chunk, after) = unstarred.split_at(chunk_length(unstarred));
        rest = after;
        if star && chunk.is_empty() {
            return Some(());
        }
        // The last chunk must take all of the name, others may leave something.
        let fits = |left: &&str| left.is_empty() || !rest.is_empty();
        if let Some(left) = matched(chunk, name)?.filter(fits) {
            name = left;
            continue;
        }
        let behind = name.get(1..).filter(|_| star);
        let left = match behind {
            Some(behind) => matched(chunk, behind)?.filter(fits),
            None => None,
        };
        match left {
            Some(left) => name = left,
            None => return Some(()),
        }
    }
    Some(())
}

/// Bytes up to the next `*` outside of brackets.
fn chunk_length(pattern: &str) -> usize {
    let mut bytes = pattern.bytes().enumerate();
    let mut inside = false;
    while let Some((position, byte)) = bytes.next() {
        match byte {
            b'\\' => drop(bytes.next()),
            b'[' => inside = true,
            b']' => inside = false,
            b'*' if !inside => return position,
            _ => {}
        }
    }
    pattern.len()
}

/// What is left of `name` (`.` or nothing) behind `chunk`, if it matches; the outer `None` is a bad pattern.
#[expect(clippy::option_option, reason = "bad, no match, match")]
fn matched<'n>(chunk: &str, name: &'n str) -> Option<Option<&'n str>> {
    let mut left = Some(name);
    let mut rest = chunk;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        let next = left.filter(|name| !name.is_empty());
        let takes = match c {
            '[' => {
                let (holds_dot, after) = class(rest)?;
                rest = after;
                holds_dot
            }
            '?' => true,
            '\\' => {
                let escaped = rest.chars().next()?;
                rest = &rest[escaped.len_utf8()..];
                escaped == '.'
            }
            c => c == '.',
        };
        left = next.filter(|_| takes).map(|name| &name[1..]);
    }
    Some(left)
}

/// Reads a class behind its `[`, at least one character or range: whether it holds `.`, and what follows.
fn class(text: &str) -> Option<(bool, &str)> {
    let (negated, mut rest) = text.strip_prefix('^').map_or((false, text), |rest| (true, rest));
    let mut holds = false;
    let mut ranges = 0;
    loop {
        if ranges > 0
            && let Some(after) = rest.strip_prefix(']')
        {
            return Some((holds != negated, after));
        }
        let (low, after) = character(rest)?;
        rest = after;
        let mut high = low;
        if let Some(range) = rest.strip_prefix('-') {
            (high, rest) = character(range)?;
        }
        holds |= (low..=high).contains(&'.');
        ranges += 1;
    }
}

fn character(text: &str) -> Option<(char, &str)> {
    if text.starts_with(['-', ']']) {
        return None;
    }
    let text = text.strip_prefix('\\').unwrap_or(text);
    let c = text.chars().next()?;
    let rest = &text[c.len_utf8()..];
    (!rest.is_empty()).then_some((c, rest))
}
