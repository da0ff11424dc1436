//! From the roots to everything that they need: ELF files are loaded, `#!` lines are followed.

use super::finding;
use super::reason;
use super::roots::{Wish, is_shell};
use super::set::{Closure, Strength};
use super::shell::Running;
use crate::closure::elf::{self, Shape};
use crate::closure::shebang::{EnvCall, SHEBANG_BYTES, Shebang};
use crate::rootfs::{FileKind, RootfsError, RootfsPath};

impl Closure<'_> {
    /// Closes the set over `wishes`, the strongest first, so that every file gets its strongest reason.
    ///
    /// # Errors
    /// What the roots answer.
    pub(super) fn follow(&mut self, wishes: Vec<Wish>) -> Result<(), RootfsError> {
        let mut pending = wishes;
        // Programs before libraries: these are mostly loaded by them.
        let mut libraries = Vec::new();
        while !pending.is_empty() {
            pending.sort_by_key(|wish| std::cmp::Reverse(wish.strength));
            let mut next = Vec::new();
            for wish in std::mem::take(&mut pending) {
                let started = self.follow_one(&wish, &mut next, &mut libraries)?;
                if started {
                    self.opened.insert(wish.path);
                }
            }
            pending = next;
        }
        for wish in libraries {
            self.load(&wish.path, wish.strength)?;
        }
        Ok(())
    }

    /// Looks at one file; whether it is done with.
    fn follow_one(
        &mut self,
        wish: &Wish,
        next: &mut Vec<Wish>,
        libraries: &mut Vec<Wish>,
    ) -> Result<bool, RootfsError> {
        if self.opened.contains(&wish.path) {
            return Ok(false);
        }
        let Some(item) = self.items.get(&wish.path) else { return Ok(false) };
        match item.stat.kind {
            FileKind::Regular => {}
            FileKind::Symlink(_) => {
                // A link that the stage made: what it leads to has to be there.
                let chain = item.reason.clone();
                let view = self.view_of(&wish.path);
                if let Some(real) = self.bring(view, &wish.path, &chain, wish.strength)?
                    && real != wish.path
                {
                    next.push(Wish { path: real, ..wish.clone() });
                }
                return Ok(true);
            }
            _ => return Ok(true),
        }
        if item.stat.size < MIN_BYTES {
            return Ok(true);
        }
        let parsed = self.with_bytes(&wish.path, |bytes| elf::parse(bytes));
        match parsed {
            Some(Ok(Some(elf))) => {
                if self.is_foreign(&wish.path, wish.strength, Some(&elf)) {
                    self.leave_foreign(&wish.path);
                    return Ok(true);
                }
                let shape = elf.shape;
                self.elves.insert(wish.path.clone(), std::rc::Rc::new(elf));
                match shape {
                    Shape::Dynamic => self.load(&wish.path, wish.strength)?,
                    Shape::SharedObject => libraries.push(wish.clone()),
                    Shape::Static | Shape::StaticPie | Shape::Other => {}
                }
                if wish.started {
                    self.runtime(&wish.path, next)?;
                }
                Ok(true)
            }
            // What only begins like an ELF file is nothing that a loader takes; the kernel would refuse it as well.
            Some(Err(elf::ElfError::Read(error))) => Err(error),
            Some(Err(error)) if wish.started && wish.strength > Strength::Soft => {
                self.findings.add(
                    finding::error(
                        finding::UNREADABLE_SOURCE,
                        format!("`{}` is no program that can be started: {error}", wish.path),
                    )
                    .at(self.instruction_of(&wish.path)),
                );
                Ok(true)
            }
            Some(Ok(None)) if wish.started => {
                self.script(wish, next)?;
                Ok(true)
            }
            Some(Ok(None)) if self.is_foreign(&wish.path, wish.strength, None) => {
                self.leave_foreign(&wish.path);
                Ok(true)
            }
            // Not started as far as is known; a command may still start it.
            Some(Ok(None)) => Ok(false),
            _ => Ok(true),
        }
    }

    /// A script: its interpreter, by way of `env` or not, and for shells the programs that it calls.
    fn script(&mut self, wish: &Wish, next: &mut Vec<Wish>) -> Result<(), RootfsError> {
        let Some((rootfs, file)) = self.file_of(&wish.path) else { return Ok(()) };
        let head = rootfs.read(&file, 0..SHEBANG_BYTES as u64)?;
        let Some(shebang) = Shebang::parse(&head) else { return Ok(()) };
        let depth = self
            .items
            .get(&wish.path)
            .map(|item| item.reason.iter().filter(|reason| reason.why == "interpreter").count());
        if depth.unwrap_or(0) > MAX_INTERPRETERS {
            return Ok(());
        }
        let directory = RootfsPath::parse(self.world.spec.config.working_dir.as_bytes());
        let path = directory.join(&shebang.interpreter);
        let mut chain = self.items.get(&wish.path).map(|item| item.reason.clone()).unwrap_or_default();
        chain = reason::then(&chain, "interpreter", reason::escaped(&path));
        let Some(mut interpreter) = self.interpreter(wish, &path, &chain, next)? else { return Ok(()) };
        if path.name() == b"env" {
            let words: Vec<Vec<u8>> = shebang.argument.clone().into_iter().collect();
            let Ok(call) = EnvCall::parse(&words) else { return Ok(()) };
            let Some(name) = call.command.first().and_then(|name| std::str::from_utf8(name).ok()) else {
                return Ok(());
            };
            let Some(found) = self.find_program(name)? else {
                self.missing_interpreter(wish, name);
                return Ok(());
            };
            chain = reason::then(&chain, "starts", reason::escaped(&found));
            let Some(real) = self.interpreter(wish, &found, &chain, next)? else { return Ok(()) };
            interpreter = if is_shell(name) { found } else { real };
        } else if is_shell(&String::from_utf8_lossy(path.name())) {
            interpreter = path;
        }
        if is_shell(&String::from_utf8_lossy(interpreter.name())) {
            if wish.strength > Strength::Soft {
                self.findings.add(
                    finding::warning(
                        finding::SHELL_NEEDED,
                        format!(
                            "`{}` is a script for `{interpreter}`, so a shell is in the image",
                            wish.path
                        ),
                    )
                    .hint("start the program itself, without the script")
                    .at(self.instruction_of(&wish.path)),
                );
            }
            let text = rootfs.read(&file, 0..MAX_SCRIPT_BYTES)?;
            let chain = self.items.get(&wish.path).map(|item| item.reason.clone()).unwrap_or_default();
            if self.scripts.begin(&wish.path) {
                let running = Running {
                    text: &String::from_utf8_lossy(&text),
                    name: Some(wish.path.to_string()),
                    label: format!("`{}`", wish.path),
                    shell: &interpreter.to_string(),
                    chain: &chain,
                    strength: wish.strength,
                    id: self.instruction_of(&wish.path),
                };
                self.run_script(&running, next)?;
            }
        }
        Ok(())
    }

    fn interpreter(
        &mut self,
        wish: &Wish,
        path: &RootfsPath,
        chain: &[crate::distill::manifest::Reason],
        next: &mut Vec<Wish>,
    ) -> Result<Option<RootfsPath>, RootfsError> {
        let view = self.view_of(&wish.path);
        let found = self.bring(view, path, chain, wish.strength)?;
        match &found {
            Some(real) => {
                self.started_as(path, real);
                next.push(Wish { path: real.clone(), strength: wish.strength, started: true });
            }
            None => self.missing_interpreter(wish, &path.to_string()),
        }
        Ok(found)
    }

    fn missing_interpreter(&mut self, wish: &Wish, name: &str) {
        let chain = self.items.get(&wish.path).map(|item| reason::arrows(&item.reason)).unwrap_or_default();
        let message = format!(
            "`{}` needs the interpreter `{name}`, which neither the stage nor {} holds ({chain})",
            wish.path,
            self.sources_text()
        );
        let finding = super::complaint::severity(wish.strength, finding::PROGRAM_MISSING, message)
            .hint(format!("install `{name}` in the build stage"));
        self.findings.add(finding.at(self.instruction_of(&wish.path)));
    }
}

/// Whether a package's file is there for people or for building only.
pub(super) fn is_documentation(path: &RootfsPath) -> bool {
    [
        "/usr/share/doc",
        "/usr/share/man",
        "/usr/share/info",
        "/usr/share/lintian",
        "/usr/include",
        "/usr/share/bug",
    ]
    .iter()
    .any(|dir| path.is_within(&RootfsPath::from(*dir)))
}

/// No ELF file and no script is shorter.
const MIN_BYTES: u64 = 4;

/// Interpreters of interpreters that Linux follows (`BINPRM_MAX_RECURSION`).
const MAX_INTERPRETERS: usize = 5;

/// Bytes of a script that are looked at for the programs it calls.
const MAX_SCRIPT_BYTES: u64 = 1 << 20;
