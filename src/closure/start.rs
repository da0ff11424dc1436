//! From the words of one command to its roots: the program, what it starts in turn, the files that its words name.

use super::accounts::{Accounts, User};
use super::reason;
use super::roots::{Judged, Wish, is_shell};
use super::script::{self, Word};
use super::set::{Closure, Strength};
use super::shell::{Asked, Running};
use super::wrapper::{self, Behind};
use crate::distill::manifest::Reason;
use crate::distill::spec::InstructionId;
use crate::rootfs::{FileKind, Rootfs, RootfsError, RootfsPath};

/// Who starts a program, and how much depends on it.
#[derive(Clone, Copy)]
pub(super) struct Starter<'s> {
    /// The first step of the chain, where there is none before.
    pub(super) why: &'s str,
    pub(super) chain: &'s [Reason],
    pub(super) strength: Strength,
    pub(super) id: Option<&'s InstructionId>,
    /// Directories that programs are looked for in before `PATH`.
    pub(super) path: &'s [String],
    /// Directories that relative names may be meant from, besides WORKDIR.
    pub(super) directories: &'s [String],
    /// What wrappers start is told by others: the words are taken as they are.
    pub(super) alone: bool,
    pub(super) depth: usize,
}

impl<'s> Starter<'s> {
    /// A command of the image.
    pub(super) fn command(command: &'s Judged) -> Self {
        Self {
            why: command.why,
            chain: &[],
            strength: command.strength,
            id: command.id.as_ref(),
            path: &[],
            directories: &[],
            alone: false,
            depth: 0,
        }
    }

    /// A program that `program=` names.
    pub(super) fn control() -> Self {
        Self {
            why: "program",
            chain: &[],
            strength: Strength::Strict,
            id: None,
            path: &[],
            directories: &[],
            alone: true,
            depth: 0,
        }
    }

    fn step(&self, path: &RootfsPath) -> Vec<Reason> {
        match self.chain {
            [] => reason::root(self.why, reason::escaped(path)),
            chain => {
                let why = if chain.len() == 1 && self.depth > 0 { "starts" } else { self.why };
                reason::then(chain, why, reason::escaped(path))
            }
        }
    }
}

/// What became of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Started {
    Found,
    /// No such program.
    Missing(String),
    /// Its name is not known.
    Unknown,
}

impl Closure<'_> {
    /// Brings the program that `words` start, what it starts itself, and the files that the words name.
    ///
    /// # Errors
    /// What the roots answer.
    pub(super) fn start(
        &mut self,
        starter: Starter<'_>,
        words: &[Word],
        wishes: &mut Vec<Wish>,
    ) -> Result<Started, RootfsError> {
        let (program, rest) = match words.split_first() {
            Some((Word::Text(program), rest)) => (program, rest),
            Some((Word::Pattern(pattern), _)) => {
                self.start_matching(pattern, &starter, wishes)?;
                return Ok(Started::Found);
            }
            _ => return Ok(Started::Unknown),
        };
        let Some(found) = self.find_program_from(program, starter.path, starter.directories)? else {
            return Ok(Started::Missing(program.clone()));
        };
        let chain = starter.step(&found);
        let view = self.view_for(&found);
        if let Some(real) = self.bring(view, &found, &chain, starter.strength)? {
            self.started_as(&found, &real);
            wishes.push(Wish { path: real, strength: starter.strength, started: true });
        }
        if starter.depth >= MAX_DEPTH {
            return Ok(Started::Found);
        }
        self.name_accounts(rest.iter().filter_map(Word::text));
        self.serve(&found, rest, Starter { chain: &chain, ..starter }, wishes)?;
        self.login_shells(program, rest, Starter { chain: &chain, ..starter }, wishes)?;
        let inner = Starter { chain: &chain, why: "starts", depth: starter.depth + 1, ..starter };
        if !starter.alone
            && let Some(behind) = wrapper::behind(&self.world.rules.wrapper, program, rest)
            && !behind.is_empty()
        {
            return self.start_behind(inner, program, behind, wishes);
        }
        let texts: Vec<String> = rest.iter().map(|word| word.shown().to_owned()).collect();
        if let Some(at) = self.starts_arguments(&found, &texts)? {
            // The script's own text follows when it is looked at.
            for word in rest[..at].iter().filter_map(Word::text) {
                self.argument(word, &chain, starter.strength, wishes)?;
            }
            return self.start(Starter { alone: false, ..inner }, &rest[at..], wishes);
        }
        if self.runs_language(&found, &texts, &chain, starter.strength, wishes)? {
            if let Some((script, own)) = self.script_of(&found, &texts)? {
                let own: Vec<Word> = own.into_iter().map(Word::Text).collect();
                let behind = wrapper::behind(&self.world.rules.wrapper, &script, &own);
                // What a tool of a package may start need not be there.
                self.start_behind(inner, &script, behind.unwrap_or_default(), wishes)?;
            }
            return Ok(Started::Found);
        }
        if is_shell(program) {
            self.shell_words(inner, program, rest, wishes)?;
        }
        for word in rest {
            if let Word::Text(word) = word {
                self.argument(word, &chain, starter.strength, wishes)?;
            }
        }
        Ok(Started::Found)
    }

    /// What a wrapper starts.
    fn start_behind(
        &mut self,
        inner: Starter<'_>,
        wrapper: &str,
        behind: Vec<Behind>,
        wishes: &mut Vec<Wish>,
    ) -> Result<Started, RootfsError> {
        let rule = wrapper::find(&self.world.rules.wrapper, wrapper);
        let search = rule.map(|rule| rule.search.clone()).unwrap_or_default();
        // The user's own shell is looked for elsewhere.
        let shell = rule.is_some_and(|rule| !rule.login_shell);
        let inner = Starter { path: &search, ..inner };
        let mut outcome = Started::Found;
        for behind in behind {
            match behind {
                Behind::Command(words) => {
                    if let missing @ Started::Missing(_) = self.start(inner, &words, wishes)? {
                        outcome = missing;
                    }
                }
                Behind::Script { text } => {
                    let text = text.shown().to_owned();
                    if shell {
                        self.start(inner, &[Word::Text("sh".to_owned())], wishes)?;
                    }
                    self.run_inline(inner, "sh", &text, shell.then_some("sh"), &[], wishes)?;
                }
            }
        }
        Ok(outcome)
    }

    /// `sh -c TEXT`, or a shell with the name of a script.
    fn shell_words(
        &mut self,
        starter: Starter<'_>,
        program: &str,
        words: &[Word],
        wishes: &mut Vec<Wish>,
    ) -> Result<(), RootfsError> {
        let words = script::behind_applet(program, words);
        if let Some((text, arguments)) = script::shell_script(words) {
            if starter.alone {
                return Ok(());
            }
            let (text, arguments) = (text.shown().to_owned(), arguments.to_vec());
            return self.run_inline(starter, program, &text, Some(program), &arguments, wishes);
        }
        let options = words.iter().take_while(|word| word.is_option()).count();
        let Some(Word::Text(name)) = words.get(options) else { return Ok(()) };
        let directories = std::iter::once(String::new()).chain(starter.directories.iter().cloned());
        for directory in directories {
            let path = self.working_directory().join(directory.as_bytes()).join(name.as_bytes());
            let Some((real, FileKind::Regular, view)) = self.locate(&path)? else { continue };
            let text = self.world.views[view].read(&real, 0..MAX_SCRIPT_BYTES)?;
            if text.starts_with(b"\x7fELF") {
                return Ok(());
            }
            let chain = reason::then(starter.chain, "argument", reason::escaped(&path));
            let strength = starter.strength.min(Strength::Strict);
            if self.bring(view, &path, &chain, strength)?.is_none() {
                return Ok(());
            }
            wishes.push(Wish { path: real.clone(), strength, started: false });
            if !self.scripts.begin(&real) {
                return Ok(());
            }
            let text = String::from_utf8_lossy(&text).into_owned();
            let running = Running {
                text: &text,
                name: Some(path.to_string()),
                label: format!("`{path}`"),
                shell: program,
                chain: &chain,
                strength,
                id: starter.id,
            };
            let asked = self.run_script(&running, wishes)?;
            return self.start_script_arguments(starter, asked, &words[options + 1..], wishes);
        }
        let path = self.working_directory().join(name.as_bytes());
        if self.locate(&path)?.is_none() && self.find_program(name)?.is_none() {
            self.missing_script(&path, starter.chain, starter.strength);
        }
        Ok(())
    }

    /// A script that is a word of a command.
    pub(super) fn run_inline(
        &mut self,
        starter: Starter<'_>,
        shell: &str,
        text: &str,
        tell: Option<&str>,
        arguments: &[Word],
        wishes: &mut Vec<Wish>,
    ) -> Result<(), RootfsError> {
        let keyword = super::roots::keyword(starter.why_of_command());
        if let Some(program) = tell.filter(|_| starter.id.is_some() && starter.strength > Strength::Soft) {
            self.tell_shell_needed(keyword, starter.id, &format!("it starts `{program}`"));
        }
        let running = Running {
            text,
            name: None,
            label: keyword.to_owned(),
            shell,
            chain: starter.chain,
            strength: starter.strength,
            id: starter.id,
        };
        let asked = self.run_script(&running, wishes)?;
        // The first word behind the text is the script's name.
        self.start_script_arguments(starter, asked, arguments.get(1..).unwrap_or_default(), wishes)
    }

    /// `exec "$@"` in a script that a command hands words to.
    fn start_script_arguments(
        &mut self,
        starter: Starter<'_>,
        asked: Asked,
        words: &[Word],
        wishes: &mut Vec<Wish>,
    ) -> Result<(), RootfsError> {
        if asked.starts_arguments && !words.is_empty() && starter.depth < MAX_DEPTH {
            let texts: Vec<String> = words.iter().map(|word| word.shown().to_owned()).collect();
            let at = self.first_program(&texts)?.unwrap_or(0);
            self.start(Starter { depth: starter.depth + 1, ..starter }, &words[at..], wishes)?;
        }
        Ok(())
    }

    /// `su`: the shell of the user that its words name, else of root.
    fn login_shells(
        &mut self,
        program: &str,
        words: &[Word],
        starter: Starter<'_>,
        wishes: &mut Vec<Wish>,
    ) -> Result<(), RootfsError> {
        if !wrapper::find(&self.world.rules.wrapper, program).is_some_and(|wrapper| wrapper.login_shell) {
            return Ok(());
        }
        let accounts = Accounts::read(&self.world.views[self.first_view()]);
        let named = words.iter().filter_map(Word::text).find_map(|word| accounts.user(word));
        let Some(shell) = named.or_else(|| accounts.user("root")).map(|user| user.shell.clone()) else {
            return Ok(());
        };
        self.login_shell(&shell, starter, wishes)
    }

    /// The shells of the accounts that log in: those that the base image does not have, else root's.
    ///
    /// # Errors
    /// What the roots answer.
    pub(super) fn shells_of_sessions(
        &mut self,
        starter: Starter<'_>,
        wishes: &mut Vec<Wish>,
    ) -> Result<(), RootfsError> {
        let accounts = Accounts::read(&self.world.views[self.first_view()]);
        let before = self.world.changes.base().map(Accounts::read).unwrap_or_default();
        let logs_in = |user: &&User| is_shell(&user.shell) && before.user(&user.name).is_none();
        let mut users: Vec<&User> = accounts.users.iter().filter(logs_in).take(MAX_SESSIONS).collect();
        if users.is_empty() {
            users.extend(accounts.user("root"));
        }
        for user in users {
            self.name_accounts(std::iter::once(user.name.as_str()));
            self.login_shell(&user.shell, starter, wishes)?;
        }
        Ok(())
    }

    /// A shell as passwd names it; without a name it is `/bin/sh` (`passwd(5)`).
    fn login_shell(
        &mut self,
        shell: &str,
        starter: Starter<'_>,
        wishes: &mut Vec<Wish>,
    ) -> Result<(), RootfsError> {
        let shell = if shell.is_empty() { "/bin/sh" } else { shell };
        if let Some(found) = self.find_program(shell)?.filter(|_| is_shell(shell)) {
            let chain = reason::then(starter.chain, "starts", reason::escaped(&found));
            let view = self.view_for(&found);
            if let Some(real) = self.bring(view, &found, &chain, starter.strength)? {
                wishes.push(Wish { path: real, strength: starter.strength, started: true });
            }
        }
        Ok(())
    }
}

impl Starter<'_> {
    fn why_of_command(&self) -> &str {
        self.chain.first().map_or(self.why, |reason| reason.why.as_str())
    }
}

/// Accounts whose shells are started.
const MAX_SESSIONS: usize = 100;

/// Wrappers behind wrappers, scripts that start scripts.
const MAX_DEPTH: usize = 12;

/// Bytes of a script that are looked at.
pub(super) const MAX_SCRIPT_BYTES: u64 = 1 << 20;
