//! The commands that are the shell's own.

use super::Dialect;

/// Whether a shell runs the command itself.
pub(in crate::closure) fn is_builtin(name: &str, dialect: Dialect) -> bool {
    POSIX.binary_search(&name).is_ok() || dialect == Dialect::Bash && BASH.binary_search(&name).is_ok()
}

/// Builtins of dash 0.5.12 (`builtins.def`); busybox's ash has these as well.
const POSIX: [&str; 41] = [
    ".", ":", "[", "alias", "bg", "break", "cd", "chdir", "command", "continue", "echo", "eval", "exec",
    "exit", "export", "false", "fg", "getopts", "hash", "jobs", "kill", "local", "printf", "pwd", "read",
    "readonly", "return", "set", "shift", "source", "test", "times", "trap", "true", "type", "ulimit",
    "umask", "unalias", "unset", "wait", "{",
];

/// Builtins and reserved words that bash adds (`bash(1)`).
const BASH: [&str; 28] = [
    "[[",
    "bind",
    "builtin",
    "caller",
    "compgen",
    "complete",
    "compopt",
    "coproc",
    "declare",
    "dirs",
    "disown",
    "enable",
    "fc",
    "help",
    "history",
    "let",
    "logout",
    "mapfile",
    "popd",
    "pushd",
    "readarray",
    "select",
    "shopt",
    "suspend",
    "time",
    "typeset",
    "until",
    "while",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_sorted() {
        assert!(POSIX.is_sorted() && BASH.is_sorted());
        assert!(is_builtin("printf", Dialect::Posix) && !is_builtin("mapfile", Dialect::Posix));
        assert!(is_builtin("mapfile", Dialect::Bash) && !is_builtin("id", Dialect::Bash));
    }
}
