//! Paragraphs of `Field: value` lines, as Debian's control files have them (`deb822(5)`).

/// One paragraph, as bytes of the file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paragraph<'t> {
    pub(crate) text: &'t [u8],
}

/// The paragraphs of a text; blank lines separate them.
pub(crate) fn paragraphs(text: &[u8]) -> Vec<Paragraph<'_>> {
    let mut found = Vec::new();
    let mut start: Option<usize> = None;
    let mut at = 0;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        if line.trim_ascii().is_empty() {
            found.extend(start.take().map(|start| Paragraph { text: &text[start..at] }));
        } else {
            start.get_or_insert(at);
        }
        at += line.len();
    }
    found.extend(start.map(|start| Paragraph { text: &text[start..] }));
    found
}

impl<'t> Paragraph<'t> {
    /// The first line of a field's value, trimmed; names are case-insensitive.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        let value =
            self.fields().find(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes())).map(|(_, field)| {
                let line = field.split(|byte| *byte == b'\n').next().unwrap_or_default();
                line[name.len() + 1..].trim_ascii()
            });
        value.map(|value| String::from_utf8_lossy(value).into_owned())
    }

    /// All fields in order: the name, and the field's whole text with its line ends.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&'t [u8], &'t [u8])> {
        let text = self.text;
        let mut starts = Vec::new();
        let mut at = 0;
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            if !line.first().is_some_and(u8::is_ascii_whitespace) {
                starts.push(at);
            }
            at += line.len();
        }
        let ends: Vec<usize> = starts.iter().skip(1).copied().chain([text.len()]).collect();
        starts.into_iter().zip(ends).filter_map(move |(start, end)| {
            let field = &text[start..end];
            let colon = field.iter().position(|byte| *byte == b':')?;
            let name = &field[..colon];
            (!name.contains(&b'\n')).then_some((name, field))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_with_their_continuation() {
        let text = b"\n\nPackage: a\nDescription: one\n two\n .\nversion:1\n\n \t\nPackage:b";
        let found = paragraphs(text);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].field("Version").as_deref(), Some("1"));
        assert_eq!(found[0].field("Description").as_deref(), Some("one"));
        assert_eq!(found[1].field("Package").as_deref(), Some("b"));
        assert_eq!(found[1].field("Version"), None);
        let fields: Vec<&[u8]> = found[0].fields().map(|(_, text)| text).collect();
        assert_eq!(fields, [&b"Package: a\n"[..], b"Description: one\n two\n .\n", b"version:1\n"]);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_paragraphs(text: Vec<u8>) {
            for paragraph in paragraphs(&text) {
                paragraph.field("a");
                paragraph.fields().count();
            }
        }

        #[test]
        fn any_lines_are_paragraphs(text in "[A-c: \n\t]{0,200}") {
            let kept: usize = paragraphs(text.as_bytes()).iter().map(|paragraph| paragraph.text.len()).sum();
            assert!(kept <= text.len());
        }
    }
}
