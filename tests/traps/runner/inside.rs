//! Paths of an unpacked image: links are followed inside its root, and globs match them.

use std::fs;
use std::path::{Component, Path, PathBuf};

/// Links that one path may lead through, as in Linux.
const MAX_LINKS: usize = 40;

/// The file that `path` of the image leads to, if there is one.
pub(crate) fn resolve(root: &Path, path: &str) -> Option<PathBuf> {
    let mut left: Vec<_> = names(Path::new(path)).into_iter().rev().collect();
    let mut reached: Vec<std::ffi::OsString> = Vec::new();
    let mut links = 0;
    while let Some(name) = left.pop() {
        if name == ".." {
            reached.pop();
            continue;
        }
        reached.push(name);
        let here = root.join(reached.iter().collect::<PathBuf>());
        if fs::symlink_metadata(&here).ok()?.is_symlink() {
            links += 1;
            if links > MAX_LINKS {
                return None;
            }
            let target = fs::read_link(&here).ok()?;
            if target.is_absolute() {
                reached.clear();
            } else {
                reached.pop();
            }
            left.extend(names(&target).into_iter().rev());
        }
    }
    Some(root.join(reached.iter().collect::<PathBuf>()))
}

fn names(path: &Path) -> Vec<std::ffi::OsString> {
    path.components()
        .filter_map(|component| match component {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some("..".into()),
            _ => None,
        })
        .collect()
}

/// All paths below a root, sorted, with what `lstat` says of them.
pub(crate) fn walk(root: &Path) -> Vec<(String, fs::Metadata)> {
    let mut found = Vec::new();
    let mut left = vec![(root.to_owned(), String::new())];
    while let Some((directory, prefix)) = left.pop() {
        for entry in fs::read_dir(&directory).expect("an unpacked directory can be listed") {
            let entry = entry.expect("an entry can be read");
            let path = format!("{prefix}/{}", escaped(&entry.file_name()));
            let metadata = entry.metadata().expect("an entry can be looked at");
            if metadata.is_dir() {
                left.push((entry.path(), path.clone()));
            }
            found.push((path, metadata));
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

/// A name in the manifest's spelling: what is no printable UTF-8, and `\`, is written `\xNN`.
fn escaped(name: &std::ffi::OsStr) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for chunk in name.as_encoded_bytes().utf8_chunks() {
        for character in chunk.valid().chars() {
            if character.is_control() || character == '\\' {
                let mut bytes = [0; 4];
                for byte in character.encode_utf8(&mut bytes).bytes() {
                    write!(text, "\\x{byte:02x}").expect("a text takes all");
                }
            } else {
                text.push(character);
            }
        }
        for byte in chunk.invalid() {
            write!(text, "\\x{byte:02x}").expect("a text takes all");
        }
    }
    text
}

/// Whether a glob matches a path: `*` and `?` within a name, `**` across names.
pub(crate) fn matches(glob: &str, path: &str) -> bool {
    fn from(glob: &[u8], path: &[u8]) -> bool {
        match (glob, path) {
            ([], []) => true,
            ([b'*', b'*', rest @ ..], _) => (0..=path.len()).any(|at| from(rest, &path[at..])),
            ([b'*', rest @ ..], _) => {
                let end = path.iter().position(|byte| *byte == b'/').unwrap_or(path.len());
                (0..=end).any(|at| from(rest, &path[at..]))
            }
            ([b'?', rest @ ..], [byte, path @ ..]) if *byte != b'/' => from(rest, path),
            ([a, rest @ ..], [b, path @ ..]) if a == b => from(rest, path),
            _ => false,
        }
    }
    from(glob.as_bytes(), path.as_bytes())
}
