//! File systems as text, for tests: one line per file, both ways.
//!
//! ```text
//! # a comment
//! /usr/bin/app elf needed=libz.so.1 interp=/lib64/ld-linux-x86-64.so.2 runpath=$ORIGIN/../lib
//! /lib -> usr/lib
//! /etc/x text "one\ntwo\x00"
//! /usr/bin/other = /usr/bin/app
//! /tmp/ 1777
//! /srv/data/ 0750 1000:1000
//! /run/pipe fifo
//! ```
//!
//! A word of octal digits is the mode, `uid:gid` the owner, `mtime=` seconds since 1970, `xattr.NAME=` an extended
//! attribute; the words of an ELF file are those of [`elf::ElfText`]. Words may be quoted; `\xNN` is a byte.
//! Parents come by themselves.

pub mod elf;

use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;

use crate::closure::elf as binary;
use crate::closure::elf::FileBytes;
use crate::rootfs::links::{self, Resolved};
use crate::rootfs::{Entry, FileKind, Rootfs, RootfsError, RootfsPath, Stat};

/// A root file system in memory.
#[derive(Clone, Debug, Default)]
pub struct TreeRootfs {
    nodes: BTreeMap<RootfsPath, Node>,
}

#[derive(Clone, Debug)]
struct Node {
    stat: Stat,
    content: Rc<[u8]>,
}

impl TreeRootfs {
    /// Reads a tree; see the module text for the lines.
    ///
    /// # Errors
    /// The line that cannot be read, with why.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut tree = Self::default();
        tree.ensure_directory(&RootfsPath::root());
        for (number, line) in text.lines().enumerate() {
            tree.line(line.trim()).map_err(|why| format!("line {}: {why}: {}", number + 1, line.trim()))?;
        }
        tree.count_links();
        Ok(tree)
    }

    fn line(&mut self, line: &str) -> Result<(), String> {
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        let words = split_words(line)?;
        let (name, rest) = words.split_first().ok_or("no path")?;
        if name.first() != Some(&b'/') {
            return Err("the path is not absolute".into());
        }
        let path = RootfsPath::parse(name);
        let directory = name.last() == Some(&b'/');
        let mut node = Node { stat: new_stat(FileKind::Regular, 0o644), content: Rc::from([]) };
        let attributes = match (rest.first().map(Vec::as_slice), rest.get(1)) {
            _ if directory => {
                node.stat = new_stat(FileKind::Directory, 0o755);
                rest
            }
            (Some(b"->"), Some(target)) => {
                node.stat = new_stat(FileKind::Symlink(target.clone()), 0o777);
                &rest[2..]
            }
            (Some(b"="), Some(other)) => {
                let other = RootfsPath::parse(other);
                node = self.hard_link(&other)?;
                &rest[2..]
            }
            (Some(b"text"), Some(content)) => {
                node.content = Rc::from(content.as_slice());
                &rest[2..]
            }
            (Some(b"elf"), _) => {
                node.stat.mode = 0o755;
                let (attributes, facts): (Vec<_>, Vec<_>) =
                    rest[1..].iter().cloned().partition(|word| is_attribute(word));
                let mut text = elf::ElfText::default();
                facts.iter().try_for_each(|word| text.set(word))?;
                node.content = Rc::from(text.bytes());
                return self.finish(path, node, &attributes);
            }
            (Some(b"fifo"), _) => {
                node.stat.kind = FileKind::Fifo;
                &rest[1..]
            }
            (Some(b"socket"), _) => {
                node.stat.kind = FileKind::Socket;
                &rest[1..]
            }
            (Some(b"chardev"), _) => {
                node.stat.kind = FileKind::CharDevice;
                &rest[1..]
            }
            (Some(b"blockdev"), _) => {
                node.stat.kind = FileKind::BlockDevice;
                &rest[1..]
            }
            _ => rest,
        };
        self.finish(path, node, attributes)
    }

    fn finish(&mut self, path: RootfsPath, mut node: Node, attributes: &[Vec<u8>]) -> Result<(), String> {
        for word in attributes {
            set_attribute(&mut node.stat, word)?;
        }
        if node.stat.kind == FileKind::Regular {
            node.stat.size = node.content.len() as u64;
        }
        if let Some(parent) = path.parent() {
            self.ensure_directory(&parent);
            if self.nodes.get(&parent).is_some_and(|node| node.stat.kind != FileKind::Directory) {
                return Err(format!("`{parent}` is no directory"));
            }
        }
        self.nodes.insert(path, node);
        Ok(())
    }

    fn ensure_directory(&mut self, path: &RootfsPath) {
        if self.nodes.contains_key(path) {
            return;
        }
        if let Some(parent) = path.parent() {
            self.ensure_directory(&parent);
        }
        let stat = new_stat(FileKind::Directory, 0o755);
        self.nodes.insert(path.clone(), Node { stat, content: Rc::from([]) });
    }

    fn hard_link(&mut self, other: &RootfsPath) -> Result<Node, String> {
        let id = self.nodes.keys().position(|path| path == other).unwrap_or(0) as u64 + 1;
        let taken: Vec<u64> =
            self.nodes.values().filter_map(|node| node.stat.hardlink).map(|(_, id)| id).collect();
        let fresh = taken.iter().max().map_or(id, |last| last + 1);
        let node = self.nodes.get_mut(other).ok_or_else(|| format!("`{other}` is not there yet"))?;
        node.stat.hardlink.get_or_insert((1, fresh));
        Ok(node.clone())
    }

    /// A group of one is no hard link.
    fn count_links(&mut self) {
        let mut counts: BTreeMap<(u64, u64), usize> = BTreeMap::new();
        for id in self.nodes.values().filter_map(|node| node.stat.hardlink) {
            *counts.entry(id).or_default() += 1;
        }
        for node in self.nodes.values_mut() {
            node.stat.hardlink =
                node.stat.hardlink.filter(|id| counts.get(id).is_some_and(|count| *count > 1));
        }
    }

    fn resolved(&self, path: &RootfsPath) -> Result<Option<(RootfsPath, &Node)>, RootfsError> {
        match links::resolve(self, path)? {
            Resolved::Found { path, .. } => {
                Ok(self.nodes.get_key_value(&path).map(|(path, node)| (path.clone(), node)))
            }
            Resolved::Missing { .. } => Ok(None),
        }
    }
}

impl Rootfs for TreeRootfs {
    fn list(&self, dir: &RootfsPath) -> Result<Vec<Entry>, RootfsError> {
        let (real, node) = self.resolved(dir)?.ok_or_else(|| RootfsError::NotFound(dir.clone()))?;
        if node.stat.kind != FileKind::Directory {
            return Err(RootfsError::NotADirectory(dir.clone()));
        }
        let below = self.nodes.range(real.clone()..).skip(1).take_while(|(path, _)| path.is_within(&real));
        let children = below.filter(|(path, _)| path.parent().as_ref() == Some(&real));
        let mut entries: Vec<Entry> = children
            .map(|(path, node)| Entry { name: path.name().to_vec(), stat: node.stat.clone() })
            .collect();
        entries.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        Ok(entries)
    }

    fn stat(&self, path: &RootfsPath) -> Result<Option<Stat>, RootfsError> {
        if let Some(node) = self.nodes.get(path) {
            return Ok(Some(node.stat.clone()));
        }
        let Some(parent) = path.parent() else { return Ok(None) };
        if self.nodes.contains_key(&parent) && !matches!(self.nodes[&parent].stat.kind, FileKind::Symlink(_))
        {
            return Ok(None);
        }
        match self.resolved(&parent)? {
            Some((real, _)) => Ok(self.nodes.get(&real.join(path.name())).map(|node| node.stat.clone())),
            None => Ok(None),
        }
    }

    fn read(&self, file: &RootfsPath, range: Range<u64>) -> Result<Vec<u8>, RootfsError> {
        let (_, node) = self.resolved(file)?.ok_or_else(|| RootfsError::NotFound(file.clone()))?;
        if node.stat.kind != FileKind::Regular {
            return Err(RootfsError::NotAFile(file.clone()));
        }
        let length = node.content.len();
        let cut = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(length);
        let (start, end) = (cut(range.start), cut(range.end));
        Ok(node.content.get(start..end).unwrap_or_default().to_vec())
    }
}

/// The tree below `dir` as text: what [`TreeRootfs::parse`] reads. Directories with the usual mode and owner that
/// hold something are left out.
///
/// # Errors
/// What the root answers.
pub fn dump(rootfs: &dyn Rootfs, dir: &RootfsPath) -> Result<String, RootfsError> {
    let mut text = String::new();
    let mut first_names = BTreeMap::new();
    let mut pending = vec![dir.clone()];
    while let Some(here) = pending.pop() {
        let entries = rootfs.list(&here)?;
        let mut below = Vec::new();
        for entry in &entries {
            let path = here.join(&entry.name);
            let stat = &entry.stat;
            let mut words = vec![path.as_bytes().to_vec()];
            let mut usual_mode = 0o644;
            match &stat.kind {
                FileKind::Directory => {
                    below.push(path.clone());
                    usual_mode = 0o755;
                    words[0].push(b'/');
                }
                FileKind::Symlink(target) => {
                    words.extend([b"->".to_vec(), target.clone()]);
                    usual_mode = 0o777;
                }
                FileKind::Regular => {
                    let first = stat.hardlink.map(|id| first_names.entry(id).or_insert_with(|| path.clone()));
                    if let Some(first) = first.filter(|first| **first != path) {
                        words.extend([b"=".to_vec(), first.as_bytes().to_vec()]);
                    } else {
                        let (content, mode) = describe(rootfs, &path)?;
                        words.extend(content);
                        usual_mode = mode;
                    }
                }
                FileKind::CharDevice => words.push(b"chardev".to_vec()),
                FileKind::BlockDevice => words.push(b"blockdev".to_vec()),
                FileKind::Fifo => words.push(b"fifo".to_vec()),
                FileKind::Socket => words.push(b"socket".to_vec()),
            }
            let another_name = words.get(1).is_some_and(|word| word == b"=");
            let attributes = if another_name { Vec::new() } else { attributes(stat, usual_mode) };
            let silent = stat.kind == FileKind::Directory && attributes.is_empty();
            if silent && !rootfs.list(&path)?.is_empty() {
                continue;
            }
            words.extend(attributes);
            let line: Vec<String> = words.iter().map(|word| quote(word)).collect();
            text.push_str(&line.join(" "));
            text.push('\n');
        }
        below.reverse();
        pending.extend(below);
    }
    Ok(text)
}

/// The words that say a regular file's content, and the mode that such a file has when none is said.
fn describe(rootfs: &dyn Rootfs, path: &RootfsPath) -> Result<(Vec<Vec<u8>>, u32), RootfsError> {
    let source = FileBytes { rootfs, path };
    if let Ok(Some(parsed)) = binary::parse(&source) {
        let symbols = binary::symbols::read(&source, binary::symbols::Wanted::All).unwrap_or_default();
        let mut words = vec![b"elf".to_vec()];
        words.extend(elf::ElfText::of(&parsed, &symbols).words());
        return Ok((words, 0o755));
    }
    let content = rootfs.read(path, 0..MAX_TEXT_BYTES)?;
    let words = if content.is_empty() { Vec::new() } else { vec![b"text".to_vec(), content] };
    Ok((words, 0o644))
}

/// Content longer than this is cut in a dump.
const MAX_TEXT_BYTES: u64 = 1 << 20;

fn new_stat(kind: FileKind, mode: u32) -> Stat {
    Stat { kind, mode, uid: 0, gid: 0, size: 0, mtime_ns: 0, hardlink: None, xattrs: Vec::new() }
}

fn is_attribute(word: &[u8]) -> bool {
    is_mode(word) || owner(word).is_some() || word.starts_with(b"mtime=") || word.starts_with(b"xattr.")
}

fn is_mode(word: &[u8]) -> bool {
    (3..=5).contains(&word.len()) && word.iter().all(|byte| (b'0'..=b'7').contains(byte))
}

fn owner(word: &[u8]) -> Option<(u32, u32)> {
    let (uid, gid) = std::str::from_utf8(word).ok()?.split_once(':')?;
    Some((uid.parse().ok()?, gid.parse().ok()?))
}

fn set_attribute(stat: &mut Stat, word: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(word);
    if is_mode(word) {
        stat.mode = u32::from_str_radix(&text, 8).map_err(|error| error.to_string())?;
    } else if let Some((uid, gid)) = owner(word) {
        (stat.uid, stat.gid) = (uid, gid);
    } else if let Some(seconds) = text.strip_prefix("mtime=") {
        let seconds: i64 = seconds.parse().map_err(|_| format!("`{text}` is no time"))?;
        stat.mtime_ns = seconds.saturating_mul(1_000_000_000);
    } else if let Some(attribute) = word.strip_prefix(b"xattr.") {
        let mut parts = attribute.splitn(2, |byte| *byte == b'=').map(<[u8]>::to_vec);
        stat.xattrs.push((parts.next().unwrap_or_default(), parts.next().unwrap_or_default()));
        stat.xattrs.sort_unstable();
    } else {
        return Err(format!("unknown word `{text}`"));
    }
    Ok(())
}

fn attributes(stat: &Stat, usual_mode: u32) -> Vec<Vec<u8>> {
    let mut words = Vec::new();
    if stat.mode != usual_mode {
        words.push(format!("{:04o}", stat.mode).into_bytes());
    }
    if (stat.uid, stat.gid) != (0, 0) {
        words.push(format!("{}:{}", stat.uid, stat.gid).into_bytes());
    }
    if stat.mtime_ns != 0 {
        words.push(format!("mtime={}", stat.mtime_ns.div_euclid(1_000_000_000)).into_bytes());
    }
    for (name, value) in &stat.xattrs {
        words.push([&b"xattr."[..], name, b"=", value].concat());
    }
    words
}

fn split_words(line: &str) -> Result<Vec<Vec<u8>>, String> {
    let mut words = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut quoted = false;
    let mut bytes = line.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            b'\\' => {
                let meant = match bytes.next().ok_or("a lone `\\`")? {
                    b'n' => b'\n',
                    b't' => b'\t',
                    b'r' => b'\r',
                    b'x' => {
                        let digits: Vec<u8> = bytes.by_ref().take(2).collect();
                        let digits = String::from_utf8_lossy(&digits).into_owned();
                        u8::from_str_radix(&digits, 16).map_err(|_| format!("`\\x{digits}` is no byte"))?
                    }
                    other => other,
                };
                word.get_or_insert_default().push(meant);
            }
            b' ' | b'\t' if !quoted => words.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    if quoted {
        return Err("a quote is not closed".into());
    }
    words.extend(word);
    Ok(words)
}

fn quote(word: &[u8]) -> String {
    let plain = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
    if !word.is_empty() && word.iter().all(plain) {
        return String::from_utf8_lossy(word).into_owned();
    }
    let mut text = String::from("\"");
    for byte in word {
        match byte {
            b'\n' => text.push_str("\\n"),
            b'\t' => text.push_str("\\t"),
            b'\r' => text.push_str("\\r"),
            b'"' | b'\\' => text.extend(['\\', char::from(*byte)]),
            b' ' => text.push(' '),
            byte if byte.is_ascii_graphic() => text.push(char::from(*byte)),
            byte => text.extend(byte.escape_ascii().map(char::from)),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) {
        let tree = TreeRootfs::parse(text).unwrap();
        assert_eq!(dump(&tree, &RootfsPath::root()).unwrap(), text);
    }

    #[test]
    fn text_and_tree_are_the_same_both_ways() {
        check("/etc/a \n".trim_start().replace(" \n", "\n").as_str());
        check(
            "/etc/a text \"one\\ntwo \\xff\\\"\"\n/etc/b text \\x20 0600 1:2\n"
                .replace("\\x20", "\" \"")
                .as_str(),
        );
        check("/lib -> usr/lib\n/tmp/ 1777\n/run/pipe fifo\n");
        check(
            "/bin/a text x 0755 \"xattr.security.capability=\\x01\\x00\"\n/bin/b = /bin/a\n/bin/c = /bin/a\n",
        );
        check("/var/empty/\n");
        check("\"/a b/c\\xff\" text x mtime=12\n");
    }

    #[test]
    fn elf_lines_become_files_that_read_back() {
        for machine in ["", "machine=i386 ", "machine=aarch64 ", "machine=s390x ", "machine=mips "] {
            check(&format!(
                "/usr/bin/app elf pie {machine}interp=/lib64/ld-linux-x86-64.so.2 runpath=$ORIGIN/../lib \
                 needed=libz.so.1,libc.so.6 import=deflate,getaddrinfo@GLIBC_2.2.5 \
                 verneed=libc.so.6:GLIBC_2.34+GLIBC_2.2.5?\n"
            ));
            check(&format!(
                "/usr/lib/libz.so.1 elf nodeflib {machine}soname=libz.so.1 rpath=/a:/b needed=libc.so.6 \
                 verdef=ZLIB_1,ZLIB_2 export=deflate,inflate\n"
            ));
        }
        check("/bin/busybox elf static\n");
        check(
            "/bin/old elf fixed interp=/lib/ld.so audit=a.so depaudit=b.so needed=libc.so.6 auxiliary=x filter=y\n",
        );
    }

    #[test]
    fn links_of_a_tree_are_followed_inside_it() {
        let tree =
            TreeRootfs::parse("/lib -> usr/lib\n/usr/lib/a text x\n/usr/b -> ../../../lib/a\n/loop -> loop")
                .unwrap();
        let read = |path: &str| tree.read(&RootfsPath::from(path), 0..9).map_err(|error| error.to_string());
        assert_eq!(read("/lib/a").unwrap(), b"x");
        assert_eq!(read("/usr/b").unwrap(), b"x");
        assert_eq!(read("/loop").unwrap_err(), "`/loop` leads through too many symbolic links");
        assert_eq!(tree.stat(&RootfsPath::from("/lib/none")).unwrap(), None);
        assert_eq!(tree.list(&RootfsPath::from("/lib")).unwrap()[0].name, b"a");
    }

    #[test]
    fn bad_lines_are_named() {
        for (line, expected) in [
            ("relative text x", "line 1: the path is not absolute: relative text x"),
            ("/a text \"x", "line 1: a quote is not closed: /a text \"x"),
            ("/a elf nonsense", "line 1: unknown ELF word `nonsense`: /a elf nonsense"),
            ("/a nonsense", "line 1: unknown word `nonsense`: /a nonsense"),
            ("/a = /b", "line 1: `/b` is not there yet: /a = /b"),
        ] {
            assert_eq!(TreeRootfs::parse(line).unwrap_err(), expected);
        }
    }
}
