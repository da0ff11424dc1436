//! The `#!` line of a script, as the kernel and `env(1)` read it.

/// A `#!` line: the interpreter and the rest of the line as one argument (`execve(2)`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shebang {
    pub interpreter: Vec<u8>,
    pub argument: Option<Vec<u8>>,
}

/// Bytes of a script that the kernel looks at (`BINPRM_BUF_SIZE`, Linux 5.1).
pub const SHEBANG_BYTES: usize = 256;

impl Shebang {
    /// Reads the first bytes of a file; `None` when they are no `#!` line that the kernel accepts.
    pub fn parse(head: &[u8]) -> Option<Self> {
        let _ = head;
        todo!()
    }
}

/// What `env` is asked to do by its arguments (`env(1)`; `-S` splits).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvCall {
    /// The program that `env` looks up by `PATH`, and its arguments.
    pub command: Vec<Vec<u8>>,
    /// `NAME=value` settings, in order.
    pub settings: Vec<(Vec<u8>, Vec<u8>)>,
    /// `-u NAME`, in order.
    pub unset: Vec<Vec<u8>>,
    /// `-i`: starts from an empty environment.
    pub clear: bool,
    /// `-C DIR`.
    pub directory: Option<Vec<u8>>,
}

impl EnvCall {
    /// Reads the arguments of `env` (its own name left out).
    ///
    /// # Errors
    /// What `env` would refuse, in a phrase.
    pub fn parse(arguments: &[Vec<u8>]) -> Result<Self, String> {
        let _ = arguments;
        todo!()
    }
}
