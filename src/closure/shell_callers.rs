//! What may call a shell: told of the user's own, and served where a script brought a shell anyway.

use super::finding;
use super::reason;
use super::resources::Asked;
use super::roots::Wish;
use super::set::{Closure, Strength};
use crate::rootfs::{RootfsError, RootfsPath};

impl Closure<'_> {
    /// What may call a shell: where a script brought another one already, /bin/sh comes too; without any, it is told
    /// of the user's own.
    ///
    /// # Errors
    /// What the roots answer.
    pub(super) fn offer_shell(&mut self, asked: &Asked) -> Result<(), RootfsError> {
        let sh = RootfsPath::from("/bin/sh");
        let shell = self.items.keys().any(|path| *path == sh || path.as_bytes() == b"/usr/bin/sh");
        if shell {
            return Ok(());
        }
        if !self.elves.iter().any(|(path, elf)| elf.is_program() && is_shell(path)) {
            self.hint_shell(asked);
            return Ok(());
        }
        let Some(caller) = self.shell_caller(asked) else { return Ok(()) };
        let chain = reason::then(&self.reason_of_text(&caller), "may call", "/bin/sh");
        let view = self.view_of(&caller);
        match self.bring(view, &sh, &chain, Strength::Soft)? {
            Some(path) => self.follow(vec![Wish { path, strength: Strength::Soft, started: false }]),
            None => Ok(()),
        }
    }

    /// The first file that calls the system's shell at times.
    fn shell_caller(&self, asked: &Asked) -> Option<RootfsPath> {
        let engines = &self.runtimes.engines;
        let mut facts = asked.facts.iter().filter(|(path, _)| !is_shell(path));
        let caller = facts.find(|(path, facts)| match self.elves.get(*path) {
            Some(elf) => {
                let calls = facts.shell_symbol().is_some() || asked.own_data.names_shell.contains(*path);
                calls && elf.is_program() && !self.is_known_interpreter(path)
            }
            None => {
                engines.iter().any(|engine| engine.rule.shell.iter().any(|word| facts.words.contains(word)))
            }
        });
        caller.map(|(path, _)| path.clone())
    }

    fn hint_shell(&mut self, asked: &Asked) {
        self.hint_shell_text(asked);
        for (path, facts) in &asked.facts {
            let hard = self.items.get(path).is_some_and(|item| item.hard);
            let program =
                self.elves.get(path).is_some_and(|elf| elf.is_program()) && !self.is_known_interpreter(path);
            let Some(symbol) =
                facts.shell_symbol().filter(|_| hard && program && self.owner_of(path).is_none())
            else {
                continue;
            };
            self.findings.add(
                finding::notice(
                    finding::SHELL_HINT,
                    format!("`{path}` imports `{symbol}`, which needs a shell when it is called: none is in the image"),
                )
                .hint("add `program=sh` if the program calls it")
                .at(self.instruction_of(path)),
            );
        }
    }
}

/// Whether it is called as a shell is.
fn is_shell(path: &RootfsPath) -> bool {
    [&b"ash"[..], b"bash", b"dash", b"ksh", b"mksh", b"zsh"].contains(&path.name())
}
