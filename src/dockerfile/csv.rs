//! One CSV record, as flags with several options hold it.

/// A malformed record; texts are those of Go's `encoding/csv`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CsvError {
    #[error("EOF")]
    Empty,
    #[error("parse error on line 1, column {0}: bare \" in non-quoted-field")]
    BareQuote(usize),
    #[error("parse error on line 1, column {0}: extraneous or missing \" in quoted-field")]
    Quote(usize),
}

/// The comma-separated fields of `record`; a field in double quotes may hold commas and doubled quotes.
///
/// # Errors
/// An empty record, and quotes that do not enclose a whole field.
pub(crate) fn fields(record: &str) -> Result<Vec<String>, CsvError> {
    let record = record.strip_suffix('\n').map_or(record, |line| line.strip_suffix('\r').unwrap_or(line));
    if record.is_empty() {
        return Err(CsvError::Empty);
    }
    // Columns count bytes from 1.
    let column = |rest: &str| record.len() - rest.len() + 1;
    let mut fields = Vec::new();
    let mut rest = record;
    loop {
        let Some(quoted) = rest.strip_prefix('"') else {
            let (field, after) = match rest.split_once(',') {
                Some((field, after)) => (field, Some(after)),
                None => (rest, None),
            };
            if let Some(quote) = field.find('"') {
                return Err(CsvError::BareQuote(column(rest) + quote));
            }
            fields.push(field.to_owned());
            match after {
                Some(after) => rest = after,
                None => return Ok(fields),
            }
            continue;
        };
        let mut field = String::new();
        rest = quoted;
        loop {
            let Some((text, after)) = rest.split_once('"') else {
                return Err(CsvError::Quote(column(rest)));
            };
            field.push_str(text);
            rest = after;
            if let Some(after) = rest.strip_prefix('"') {
                field.push('"');
                rest = after;
            } else {
                break;
            }
        }
        fields.push(field);
        if rest.is_empty() {
            return Ok(fields);
        }
        match rest.strip_prefix(',') {
            Some(after) => rest = after,
            None => return Err(CsvError::Quote(column(rest) - 1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::fields;

    #[test]
    fn splits_records() {
        for (record, expected) in [
            ("a,b=c", Ok(&["a", "b=c"][..])),
            ("a,,", Ok(&["a", "", ""])),
            (r#""a,b","c""d""#, Ok(&["a,b", "c\"d"])),
            (r#""a","#, Ok(&["a", ""])),
            ("a\r\n", Ok(&["a"])),
            ("", Err("EOF")),
            ("a,b\"c", Err("parse error on line 1, column 4: bare \" in non-quoted-field")),
            (r#""a"b"#, Err("parse error on line 1, column 3: extraneous or missing \" in quoted-field")),
            (r#""a"#, Err("parse error on line 1, column 2: extraneous or missing \" in quoted-field")),
        ] {
            let found = fields(record).map_err(|error| error.to_string());
            let expected =
                expected.map(|fields| fields.iter().map(|&field| field.to_owned()).collect::<Vec<_>>());
            assert_eq!(found, expected.map_err(str::to_owned), "{record}");
        }
    }
}
