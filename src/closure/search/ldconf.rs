//! `/etc/ld.so.conf`: the directories that `ldconfig` would scan (`ldconfig(8)`).

use std::collections::BTreeSet;

use crate::rootfs::{Rootfs, RootfsError, RootfsPath};

/// Files read in all, and their nesting: distributions have about ten, one level deep.
const MAX_FILES: usize = 256;
const MAX_DEPTH: usize = 8;
const MAX_FILE_BYTES: u64 = 1 << 20;

/// The directories named in `/etc/ld.so.conf` and what it includes, in order, each once.
///
/// # Errors
/// What the root answers; a file that does not exist has no directories.
pub fn directories(rootfs: &dyn Rootfs) -> Result<Vec<RootfsPath>, RootfsError> {
    let mut reader = Reader { rootfs, seen: BTreeSet::new(), directories: Vec::new() };
    reader.file(&RootfsPath::from("/etc/ld.so.conf"), 0)?;
    Ok(reader.directories)
}

struct Reader<'fs> {
    rootfs: &'fs dyn Rootfs,
    seen: BTreeSet<RootfsPath>,
    directories: Vec<RootfsPath>,
}

impl Reader<'_> {
    fn file(&mut self, path: &RootfsPath, depth: usize) -> Result<(), RootfsError> {
        if depth > MAX_DEPTH || self.seen.len() >= MAX_FILES || !self.seen.insert(path.clone()) {
            return Ok(());
        }
        let text = match self.rootfs.read(path, 0..MAX_FILE_BYTES) {
            Ok(text) => text,
            Err(error @ RootfsError::Io { .. }) => return Err(error),
            Err(_) => return Ok(()),
        };
        for line in text.split(|byte| *byte == b'\n') {
            let line = line.split(|byte| *byte == b'#').next().unwrap_or_default().trim_ascii();
            let words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
            match words.clone().next() {
                Some(b"include") => {
                    for pattern in words.skip(1) {
                        self.include(path, pattern, depth)?;
                    }
                }
                Some(b"hwcap") | None => {}
                Some(_) => words.for_each(|word| self.directory(word)),
            }
        }
        Ok(())
    }

    /// A word of a line: directories separated by `:` or `,`, each perhaps with an old `=TYPE`.
    fn directory(&mut self, word: &[u8]) {
        for name in word.split(|byte| matches!(byte, b':' | b',')) {
            let name = name.split(|byte| *byte == b'=').next().unwrap_or_default();
            let path = RootfsPath::parse(name);
            if name.first() == Some(&b'/') && !self.directories.contains(&path) {
                self.directories.push(path);
            }
        }
    }

    /// A pattern with wildcards in any component, counted from the including file's directory.
    fn include(&mut self, from: &RootfsPath, pattern: &[u8], depth: usize) -> Result<(), RootfsError> {
        let whole = from.parent().unwrap_or_else(RootfsPath::root).join(pattern);
        let mut found = vec![RootfsPath::root()];
        for part in whole.components() {
            let mut next = Vec::new();
            for directory in &found {
                if !part.iter().any(|byte| matches!(byte, b'*' | b'?' | b'[')) {
                    next.push(directory.join(part));
                    continue;
                }
                let entries = match self.rootfs.list(directory) {
                    Ok(entries) => entries,
                    Err(error @ RootfsError::Io { .. }) => return Err(error),
                    Err(_) => continue,
                };
                let names = entries.into_iter().map(|entry| entry.name);
                next.extend(names.filter(|name| matches(part, name)).map(|name| directory.join(&name)));
            }
            next.truncate(MAX_FILES);
            found = next;
        }
        found.into_iter().try_for_each(|path| self.file(&path, depth + 1))
    }
}

/// `fnmatch(3)` as `glob(3)` uses it: a leading period is only matched by a period.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    if name.first() == Some(&b'.') && pattern.first() != Some(&b'.') {
        return false;
    }
    // The last `*` and where it began in the name: enough to go back to, so the time is bounded by the product.
    let (mut at, mut place) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while place < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at + 1, place));
                at += 1;
                continue;
            }
            Some(b'[') => {
                if let Some((hit, length)) = bracket(&pattern[at..], name[place]) {
                    if hit {
                        at += length;
                        place += 1;
                        continue;
                    }
                } else if name[place] == b'[' {
                    at += 1;
                    place += 1;
                    continue;
                }
            }
            Some(b'?') => {
                at += 1;
                place += 1;
                continue;
            }
            Some(byte) if *byte == name[place] => {
                at += 1;
                place += 1;
                continue;
            }
            _ => {}
        }
        let Some((after, began)) = star else { return false };
        star = Some((after, began + 1));
        (at, place) = (after, began + 1);
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

/// Whether a bracket expression at the start of `pattern` matches, and its length; `None` when it is not closed.
fn bracket(pattern: &[u8], byte: u8) -> Option<(bool, usize)> {
    let negated = matches!(pattern.get(1), Some(b'!' | b'^'));
    let start = if negated { 2 } else { 1 };
    let end = pattern.iter().skip(start + 1).position(|byte| *byte == b']')? + start + 1;
    let set = &pattern[start..end];
    let mut hit = false;
    let mut at = 0;
    while at < set.len() {
        if set.get(at + 1) == Some(&b'-') && at + 2 < set.len() {
            hit |= (set[at]..=set[at + 2]).contains(&byte);
            at += 3;
        } else {
            hit |= set[at] == byte;
            at += 1;
        }
    }
    Some((hit != negated, end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rootfs::tree::TreeRootfs;

    fn check(summary: &str, tree: &str, expected: &[&str]) {
        let tree = TreeRootfs::parse(tree).unwrap();
        let found: Vec<String> = directories(&tree).unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(found, expected, "{summary}");
    }

    #[test]
    fn configuration_is_read_as_ldconfig_does() {
        check("missing", "/etc/", &[]);
        check(
            "lists",
            r#"/etc/ld.so.conf text "/a /b,/c:/d # no /e\n/f=libc6\nrelative\nhwcap 0 nosegneg\n/a/""#,
            &["/a", "/b", "/c", "/d", "/f"],
        );
        check(
            "Debian's includes",
            r##"/etc/ld.so.conf text "include /etc/ld.so.conf.d/*.conf\n\n"
               /etc/ld.so.conf.d/libc.conf text "# libc default configuration\n/usr/local/lib\n"
               /etc/ld.so.conf.d/x86_64-linux-gnu.conf text "/usr/local/lib/x86_64-linux-gnu\n/lib/x86_64-linux-gnu\n"
               /etc/ld.so.conf.d/.hidden.conf text "/hidden"
               /etc/ld.so.conf.d/old.conf.bak text "/bak""##,
            &["/usr/local/lib", "/usr/local/lib/x86_64-linux-gnu", "/lib/x86_64-linux-gnu"],
        );
        check(
            "relative includes and a cycle",
            r#"/etc/ld.so.conf text "include more/[a-c]?.conf\n/z"
               /etc/more/b1.conf text "/b1\ninclude /etc/ld.so.conf"
               /etc/more/d1.conf text "/d1""#,
            &["/b1", "/z"],
        );
    }

    #[test]
    fn patterns_match_as_glob_does() {
        for (pattern, name, expected) in [
            ("*.conf", "a.conf", true),
            ("*.conf", ".a.conf", false),
            (".*", ".a", true),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("[!a-c]?", "dx", true),
            ("[^a-c]?", "ax", false),
            ("[]x]", "]", true),
            ("[a", "[a", true),
            ("**", "", true),
            ("?", "", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), expected, "{pattern} {name}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_pattern_ends(pattern in "[*?a\\[\\]!^-]{0,40}", name in "[a-c.]{0,40}") {
            matches(pattern.as_bytes(), name.as_bytes());
        }
    }
}
