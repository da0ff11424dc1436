//! "Did you mean": the nearest known name for a mistyped one.

/// ` (did you mean X?)` for the candidate with the least edit distance below 3, else an empty string.
///
/// Nothing is suggested when the name itself is a candidate. Ties: the first candidate given.
pub fn suffix<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, candidates).map_or_else(String::new, |found| format!(" (did you mean {found}?)"))
}

/// The candidate with the least edit distance (unit costs, on characters) below 3.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        if candidate == name {
            return None;
        }
        let Some(distance) = distance_below(name, candidate, MAX_DISTANCE) else { continue };
        if best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    // A stage without a label stands in the way of others, but is no suggestion.
    best.map(|(_, found)| found).filter(|found| !found.is_empty())
}

/// Edits from which on two names have nothing to do with each other (`util/suggest` of the official frontend).
const MAX_DISTANCE: usize = 3;

fn distance_below(left: &str, right: &str, limit: usize) -> Option<usize> {
    let right: Vec<char> = right.chars().collect();
    let length = left.chars().count();
    // The difference in length is a lower bound, so a long hostile name costs nothing.
    if length.abs_diff(right.len()) >= limit {
        return None;
    }
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, from) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in right.iter().enumerate() {
            let replace = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replace.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row.last().copied().filter(|&distance| distance < limit)
}

#[cfg(test)]
mod tests {
    use super::suffix;

    #[test]
    fn suggests_the_nearest_name() {
        for (summary, name, candidates, expected) in [
            ("one edit", "frm", &["from", "chown"][..], " (did you mean from?)"),
            ("exact match", "from", &["from", "form"], ""),
            ("three edits", "fr", &["chown", "froooo"], ""),
            ("two edits", "exclud", &["exclude", "include"], " (did you mean exclude?)"),
            ("first of equals", "ab", &["ac", "ad"], " (did you mean ac?)"),
            ("nothing known", "x", &[], ""),
            ("the nearest is no name", "ab", &["", "abcd"], ""),
        ] {
            assert_eq!(suffix(name, candidates.iter().copied()), expected, "{summary}");
        }
    }
}
