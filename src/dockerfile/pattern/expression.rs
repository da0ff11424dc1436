//! The regular expressions that ignore patterns are translated to, as far as they can occur.
//!
//! What `[…]` means is decided by Go's regular expressions, not by globs: `[[:alpha:]]`, `[\\d]` and stars
//! that stand inside brackets behave as there. Matching keeps a set of states, so it never backtracks.

/// Zero or more whole directories: how `**/` is translated.
pub(super) const DIRECTORIES: &str = "(.*/)?";

/// Alternatives; the first is anchored at the start of the path, the last at its end.
///
/// The anchors belong to the first and the last alternative alone because the official matcher writes
/// them around the whole pattern without brackets.
#[derive(Clone, Debug)]
pub(super) struct Expression {
    alternatives: Vec<Alternative>,
}

#[derive(Clone, Debug)]
struct Alternative {
    items: Vec<Item>,
    from_start: bool,
    to_end: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Item {
    One(Class),
    Optional(Class),
    Many(Class),
    /// [`DIRECTORIES`].
    Directories,
    /// `^`: only at the beginning.
    Start,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Class {
    ranges: Vec<(char, char)>,
    negated: bool,
}

/// Most repetitions of `{n,m}` (`regexp/syntax`).
const MAX_REPEAT: usize = 1000;
/// Most items of one expression. Go has a limit of its own in terms of compiled size.
const MAX_ITEMS: usize = 10_000;

impl Expression {
    /// `None` if Go's parser refuses the text.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut alternatives = Vec::new();
        let mut from_start = true;
        let mut rest = Some(text);
        // A repetition at the very beginning is one of the anchor: `{0,1}` makes it optional.
        if let Some((least, most, after)) = repetition(text) {
            if most.is_some_and(|most| most < least) || repetition(after).is_some() {
                return None;
            }
            from_start = least > 0;
            rest = Some(after);
        }
        while let Some(text) = rest {
            let (items, after) = sequence(text)?;
            alternatives.push(Alternative { items, from_start, to_end: after.is_none() });
            from_start = false;
            rest = after;
        }
        Some(Self { alternatives })
    }

    /// Whether `path`, or a part of it that ends before a `/`, matches.
    pub(super) fn matches_or_parent(&self, path: &str) -> bool {
        self.alternatives.iter().any(|alternative| alternative.matches_or_parent(path))
    }
}

impl Alternative {
    fn matches_or_parent(&self, path: &str) -> bool {
        let end = self.items.len();
        // State `i`: the items before `i` are matched. `inside[i]`: within the run of `Directories` at `i`.
        let mut states = vec![false; end + 1];
        let mut inside = vec![false; end + 1];
        let mut next = states.clone();
        let mut next_inside = states.clone();
        states[0] = true;
        self.close(&mut states, true);
        for c in path.chars() {
            if states[end] && (c == '/' || !self.to_end) {
                return true;
            }
            next.fill(false);
            next_inside.fill(false);
            let mut alive = !self.from_start;
            for (i, item) in self.items.iter().enumerate() {
                match item {
                    Item::One(class) | Item::Optional(class) if states[i] && class.contains(c) => {
                        next[i + 1] = true;
                    }
                    Item::Many(class) if states[i] && class.contains(c) => next[i] = true,
                    Item::Directories if states[i] || inside[i] => {
                        next_inside[i] = c != '\n';
                        next[i + 1] |= c == '/';
                    }
                    _ => continue,
                }
                alive = true;
            }
            if !alive {
                return false;
            }
            std::mem::swap(&mut states, &mut next);
            std::mem::swap(&mut inside, &mut next_inside);
            states[0] |= !self.from_start;
            self.close(&mut states, false);
        }
        states[end]
    }

    /// Adds the states that are reached without a character.
    fn close(&self, states: &mut [bool], at_start: bool) {
        for (i, item) in self.items.iter().enumerate() {
            let skips = match item {
                Item::Optional(_) | Item::Many(_) | Item::Directories => true,
                Item::Start => at_start,
                Item::One(_) => false,
            };
            states[i + 1] |= skips && states[i];
        }
    }
}

/// Reads one alternative; returns what follows the `|` behind it.
fn sequence(text: &str) -> Option<(Vec<Item>, Option<&str>)> {
    let mut items = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        let (item, after) = match c {
            '|' => return Some((items, Some(after))),
            _ if rest.starts_with(DIRECTORIES) => (Item::Directories, &rest[DIRECTORIES.len()..]),
            '^' => (Item::Start, after),
            '.' => (Item::One(Class { ranges: vec![('\n', '\n')], negated: true }), after),
            '[' => {
                let (class, after) = bracket(after)?;
                (Item::One(class), after)
            }
            '\\' => {
                let (class, after) = escape(after)?;
                (Item::One(class), after)
            }
            // A repetition of nothing.
            '{' if items.is_empty() && repetition(rest).is_some() => return None,
            c => (Item::One(Class::of(c)), after),
        };
        let (item, after) = match (item, after.strip_prefix('*')) {
            (Item::One(class), Some(after)) => (Item::Many(class), after),
            (item, _) => (item, after),
        };
        rest = repeated(&mut items, item, after)?;
        if items.len() > MAX_ITEMS {
            return None;
        }
    }
    Some((items, None))
}

/// Adds `item` as often as a `{n,m}` behind it says; returns what follows.
fn repeated<'t>(items: &mut Vec<Item>, item: Item, rest: &'t str) -> Option<&'t str> {
    let Some((least, most, after)) = repetition(rest) else {
        items.push(item);
        return Some(rest);
    };
    // A repetition of a repetition is an error, and so are too many.
    if repetition(after).is_some() || after.starts_with('*') || least.max(most.unwrap_or(0)) > MAX_REPEAT {
        return None;
    }
    match item {
        Item::One(class) => {
            items.extend(std::iter::repeat_n(Item::One(class.clone()), least));
            match most {
                None => items.push(Item::Many(class)),
                Some(most) => {
                    items.extend(std::iter::repeat_n(Item::Optional(class), most.checked_sub(least)?));
                }
            }
        }
        Item::Start if least > 0 => items.push(Item::Start),
        Item::Start => {}
        Item::Optional(_) | Item::Many(_) | Item::Directories => return None,
    }
    Some(after)
}

/// Reads `{n}`, `{n,}` or `{n,m}`; other braces are text.
fn repetition(text: &str) -> Option<(usize, Option<usize>, &str)> {
    let (bounds, after) = text.strip_prefix('{')?.split_once('}')?;
    let (least, most) = bounds
        .split_once(',')
        .map_or((bounds, Some(bounds)), |(least, most)| (least, Some(most).filter(|most| !most.is_empty())));
    let number = |digits: &str| {
        let plain = digits == "0" || !digits.starts_with('0');
        let digits = Some(digits)
            .filter(|digits| plain && !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()));
        // Too many digits are too many repetitions.
        digits.map(|digits| digits.parse().unwrap_or(usize::MAX))
    };
    let most = match most {
        Some(most) => Some(number(most)?),
        None => None,
    };
    Some((number(least)?, most, after))
}

impl Class {
    fn of(c: char) -> Self {
        Self { ranges: vec![(c, c)], negated: false }
    }

    fn contains(&self, c: char) -> bool {
        self.ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != self.negated
    }

    /// Adds another class; a negated one as the ranges around its own.
    fn extend(&mut self, other: Self) {
        if !other.negated {
            self.ranges.extend(other.ranges);
            return;
        }
        let mut ranges = other.ranges;
        ranges.sort_unstable();
        let mut next = '\0';
        for (low, high) in ranges {
            if let Some(before) = (next..low).next_back() {
                self.ranges.push((next, before));
            }
            let Some(after) = (high..=char::MAX).nth(1) else { return };
            next = next.max(after);
        }
        self.ranges.push((next, char::MAX));
    }
}

/// Reads a class behind its `[`; returns what follows its `]`.
fn bracket(text: &str) -> Option<(Class, &str)> {
    let (negated, mut rest) = text.strip_prefix('^').map_or((false, text), |rest| (true, rest));
    let mut class = Class::default();
    let mut first = true;
    loop {
        if !first && let Some(after) = rest.strip_prefix(']') {
            class.negated = negated;
            return Some((class, after));
        }
        first = false;
        if let Some(named) = rest.strip_prefix("[:")
            && let Some((name, after)) = named.split_once(":]")
        {
            class.extend(posix(name)?);
            rest = after;
            continue;
        }
        if let Some(escaped) = rest.strip_prefix('\\')
            && let Some((set, after)) = perl(escaped)
        {
            class.extend(set);
            rest = after;
            continue;
        }
        let (low, after) = member(rest)?;
        rest = after;
        let range = rest.strip_prefix('-').filter(|after| !after.is_empty() && !after.starts_with(']'));
        let high = match range {
            Some(after) => {
                let (high, after) = member(after)?;
                rest = after;
                high
            }
            None => low,
        };
        if high < low {
            return None;
        }
        class.ranges.push((low, high));
    }
}

/// One character of a class.
fn member(text: &str) -> Option<(char, &str)> {
    if let Some(escaped) = text.strip_prefix('\\') {
        return literal(escaped);
    }
    let c = text.chars().next()?;
    Some((c, &text[c.len_utf8()..]))
}

/// An escape outside of brackets.
fn escape(text: &str) -> Option<(Class, &str)> {
    perl(text).or_else(|| literal(text).map(|(c, rest)| (Class::of(c), rest)))
}

/// `\d`, `\s`, `\w` and their opposites.
fn perl(text: &str) -> Option<(Class, &str)> {
    let c = text.chars().next()?;
    let ranges = match c.to_ascii_lowercase() {
        'd' => vec![('0', '9')],
        's' => vec![('\t', '\n'), ('\u{c}', '\r'), (' ', ' ')],
        'w' => vec![('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')],
        _ => return None,
    };
    Some((Class { ranges, negated: c.is_ascii_uppercase() }, &text[1..]))
}

/// The character behind a backslash: any that is no letter or digit, and the control characters of C.
fn literal(text: &str) -> Option<(char, &str)> {
    let c = text.chars().next()?;
    let literal = match c {
        'a' => '\u{7}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        c if c.is_ascii() && !c.is_ascii_alphanumeric() => c,
        _ => return None,
    };
    Some((literal, &text[c.len_utf8()..]))
}

/// `[:name:]`, `[:^name:]`.
fn posix(name: &str) -> Option<Class> {
    let (negated, name) = name.strip_prefix('^').map_or((false, name), |name| (true, name));
    let ranges = match name {
        "alnum" => vec![('0', '9'), ('A', 'Z'), ('a', 'z')],
        "alpha" => vec![('A', 'Z'), ('a', 'z')],
        "ascii" => vec![('\0', '\u{7f}')],
        "blank" => vec![('\t', '\t'), (' ', ' ')],
        "cntrl" => vec![('\0', '\u{1f}'), ('\u{7f}', '\u{7f}')],
        "digit" => vec![('0', '9')],
        "graph" => vec![('!', '~')],
        "lower" => vec![('a', 'z')],
        "print" => vec![(' ', '~')],
        "punct" => vec![('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
        "space" => vec![('\t', '\r'), (' ', ' ')],
        "upper" => vec![('A', 'Z')],
        "word" => vec![('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')],
        "xdigit" => vec![('0', '9'), ('A', 'F'), ('a', 'f')],
        _ => return None,
    };
    Some(Class { ranges, negated })
}

#[cfg(test)]
mod tests {
    use super::Expression;

    #[test]
    fn reads_what_can_occur() {
        for (expression, path, expected) in [
            ("[[:alpha:]]x", Some("ax"), true),
            (r"[\\d]", Some("7"), true),
            (r"[\\D]", Some("7"), false),
            (r"[\\W\\d]", Some("7"), true),
            ("[]a]", Some("]"), true),
            ("[a-]", Some("-"), true),
            ("^a", Some("a"), true),
            ("a^", Some("a"), false),
            ("[z-a]", None, false),
            (r"\\m", None, false),
            ("[[:foo:]]", None, false),
            ("[^[:^digit:]]", Some("5"), true),
            ("a{2,3}b", Some("aaab"), true),
            ("a{2,3}b", Some("ab"), false),
            ("a{0}b", Some("b"), true),
            ("a{3,2}", None, false),
            ("a{1001}", None, false),
            ("a{2}{2}", None, false),
            ("{2}a", Some("a"), true),
            ("{0}a", Some("xa"), true),
            ("a|{2}", None, false),
            ("a{x}", Some("a{x}"), true),
            ("a|b", Some("xb"), true),
            ("a|b", Some("ax"), true),
            ("a|b", Some("bx"), false),
            ("|b", Some("x"), true),
        ] {
            let expression = expression.replace("\\\\", "\\");
            let parsed = Expression::parse(&expression);
            assert_eq!(parsed.is_some(), path.is_some(), "{expression}");
            let matches = parsed.zip(path).is_some_and(|(parsed, path)| parsed.matches_or_parent(path));
            assert_eq!(matches, expected, "{expression}");
        }
    }
}
