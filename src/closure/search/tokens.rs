//! `$ORIGIN`, `$LIB` and `$PLATFORM` in search paths (`ld.so(8)`, Dynamic string tokens).

/// An element of a search path with its tokens replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) text: Vec<u8>,
    /// It contained `$ORIGIN`.
    pub(super) origin: bool,
    /// The value taken for `$PLATFORM`, when it is one that not every processor has.
    pub(super) platform: Option<Vec<u8>>,
}

/// Replaces the tokens of `text`; one element for each value that `$PLATFORM` may have, the plainest last.
pub(super) fn expand(text: &[u8], origin: &[u8], lib: &[u8], platforms: &[&str]) -> Vec<Element> {
    let (plain, has_platform) = replace(text, origin, lib, None);
    if !has_platform {
        return vec![plain];
    }
    let mut elements: Vec<Element> = Vec::new();
    for (at, platform) in platforms.iter().enumerate().rev() {
        let (mut element, _) = replace(text, origin, lib, Some(platform.as_bytes()));
        element.platform = (at != 0).then(|| platform.as_bytes().to_vec());
        elements.push(element);
    }
    elements
}

fn replace(text: &[u8], origin: &[u8], lib: &[u8], platform: Option<&[u8]>) -> (Element, bool) {
    let mut element = Element { text: Vec::with_capacity(text.len()), origin: false, platform: None };
    let mut has_platform = false;
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let token = if *first == b'$' { token(after) } else { None };
        let Some((name, length)) = token else {
            element.text.push(*first);
            rest = after;
            continue;
        };
        match name {
            Token::Origin => {
                element.origin = true;
                element.text.extend_from_slice(origin);
            }
            Token::Lib => element.text.extend_from_slice(lib),
            Token::Platform => {
                has_platform = true;
                element.text.extend_from_slice(platform.unwrap_or_default());
            }
        }
        rest = &after[length..];
    }
    (element, has_platform)
}

#[derive(Clone, Copy)]
enum Token {
    Origin,
    Lib,
    Platform,
}

/// The token after a `$` and its length: in braces, or not followed by a letter, digit or `_`.
fn token(after: &[u8]) -> Option<(Token, usize)> {
    let names: [(&[u8], Token); 3] =
        [(b"ORIGIN", Token::Origin), (b"LIB", Token::Lib), (b"PLATFORM", Token::Platform)];
    for (name, token) in names {
        if let Some(rest) = after.strip_prefix(b"{").and_then(|inner| inner.strip_prefix(name))
            && rest.first() == Some(&b'}')
        {
            return Some((token, name.len() + 2));
        }
        if let Some(rest) = after.strip_prefix(name)
            && !rest.first().is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
        {
            return Some((token, name.len()));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_replaced_as_the_loader_does() {
        for (summary, text, expected) in [
            ("no token", "/a/b", "/a/b"),
            ("origin", "$ORIGIN/../lib", "/o/../lib"),
            ("in braces", "x${ORIGIN}y", "x/oy"),
            ("longer name is no token", "$ORIGINAL/$LIBS", "$ORIGINAL/$LIBS"),
            ("unknown name stays", "$HOME/${X}", "$HOME/${X}"),
            ("open brace stays", "${ORIGIN", "${ORIGIN"),
            ("lib", "/opt/$LIB", "/opt/lib64"),
            ("dollar at the end", "/a$", "/a$"),
        ] {
            let found = expand(text.as_bytes(), b"/o", b"lib64", &["p"]);
            assert_eq!(String::from_utf8_lossy(&found[0].text), expected, "{summary}");
            assert_eq!(found.len(), 1, "{summary}");
        }
    }

    #[test]
    fn each_platform_is_an_element() {
        let found = expand(b"/a/$PLATFORM", b"/o", b"lib", &["plain", "better"]);
        let texts: Vec<_> =
            found.iter().map(|element| (&element.text[..], element.platform.as_deref())).collect();
        assert_eq!(texts, [(&b"/a/better"[..], Some(&b"better"[..])), (b"/a/plain", None)]);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_expanded(text in "[$A-Z{}/a]{0,60}") {
            expand(text.as_bytes(), b"/o", b"lib", &["x", "y"]);
        }
    }
}
