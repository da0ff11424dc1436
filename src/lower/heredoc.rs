//! Heredoc bodies as files, and as text in vertex names.

use crate::dockerfile::heredoc::Heredoc;
use crate::dockerfile::raw;
use crate::llb::op::{FileAction, FileOp, Op};
use crate::llb::{Graph, NodeMeta, Output};

/// `<<-`: leading tabs of every line go.
pub(super) fn content(heredoc: &Heredoc) -> String {
    if !heredoc.chomp {
        return heredoc.body.clone();
    }
    heredoc.body.split_inclusive('\n').map(|line| line.trim_start_matches('\t')).collect()
}

/// A scratch file system with one file of that content.
pub(super) fn file(nodes: &mut Graph, name: &str, mode: i32, data: &str) -> Output {
    let op = Op::File(FileOp {
        base: None,
        actions: vec![FileAction::Mkfile {
            path: super::path::join("/", name),
            mode,
            data: raw::encode(data).into_owned(),
            owner: None,
            timestamp: -1,
        }],
    });
    let meta =
        NodeMeta { name: Some("[internal] preparing inline document".to_owned()), ..NodeMeta::default() };
    nodes.add(op, None, meta).output()
}

/// The first line of a script, with dots if there are more.
pub(super) fn summary(body: &str) -> String {
    let text = body.replace("\r\n", "\n");
    let text = text.trim();
    match text.split_once('\n') {
        Some((first, _)) => format!("{first}..."),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::summary;

    #[test]
    fn summarises_by_the_first_line() {
        assert_eq!(summary("\r\necho 1\r\necho 2\r\n"), "echo 1...");
        assert_eq!(summary("echo 1\n"), "echo 1");
        assert_eq!(summary(""), "");
    }
}
