//! Ignore files: `.dockerignore` text to patterns.

use super::line::{Lines, without_bom};
use super::raw::decode;

/// Reads an ignore file to its patterns in order: comments dropped, `!` kept, paths cleaned.
///
/// # Errors
/// A line that is too long, without the `failed parsing <name>: ` before it.
pub fn parse_ignore(data: &[u8]) -> Result<Vec<String>, String> {
    let mut lines = Lines::new(data);
    let mut patterns = Vec::new();
    while let Some(line) = lines.next() {
        let line = if lines.number() == 1 { without_bom(line) } else { line };
        if line.starts_with(b"#") {
            continue;
        }
        let line = decode(line);
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let (sign, path) = line.strip_prefix('!').map_or(("", line), |path| ("!", path.trim()));
        let path = if path.is_empty() { String::new() } else { clean(path) };
        let path = if path.len() > 1 { path.strip_prefix('/').unwrap_or(&path) } else { &path };
        patterns.push(format!("{sign}{path}"));
    }
    if lines.too_long() { Err("bufio.Scanner: token too long".to_owned()) } else { Ok(patterns) }
}

/// The shortest equal path, lexically (`path.Clean`); the empty path is `.`.
pub fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut kept: Vec<&str> = Vec::new();
    for component in path.split('/') {
        match component {
            "" | "." => {}
            ".." if kept.last().is_some_and(|last| *last != "..") => drop(kept.pop()),
            ".." if rooted => {}
            _ => kept.push(component),
        }
    }
    match (rooted, kept.is_empty()) {
        (true, _) => format!("/{}", kept.join("/")),
        (false, true) => ".".to_owned(),
        (false, false) => kept.join("/"),
    }
}

#[cfg(test)]
mod tests {
    use super::{clean, parse_ignore};

    #[test]
    fn reads_ignore_files() {
        let text = "\u{feff}# no\r\n a \n\n/b//c/../d/\n! /e\n #f\n!\n/\n//\n.\n./g\n**/h\n!i/";
        let expected = ["a", "b/d", "!e", "#f", "!", "/", "/", ".", "g", "**/h", "!i"];
        assert_eq!(parse_ignore(text.as_bytes()).unwrap(), expected);
        assert_eq!(parse_ignore("a".repeat(65536).as_bytes()).unwrap_err(), "bufio.Scanner: token too long");
    }

    #[test]
    fn cleans_paths() {
        for (path, expected) in [
            ("", "."),
            ("a/../..", ".."),
            ("../../a", "../../a"),
            ("/../a", "/a"),
            ("a//b/./c/", "a/b/c"),
            ("/", "/"),
        ] {
            assert_eq!(clean(path), expected, "{path}");
        }
    }
}
