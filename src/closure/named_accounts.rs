//! Accounts that a program becomes: their names are in its data, and it looks accounts up by name and changes its user.

use std::collections::BTreeSet;

use super::accounts::Accounts;
use super::evidence::Facts;
use super::resources::Asked;
use super::roots::is_shell;
use super::set::{Closure, Strength};
use super::strings;
use crate::rootfs::RootfsPath;

impl Closure<'_> {
    /// Keeps the accounts that the programs of the set name. What only interprets (a shell, a language) becomes another
    /// user when its script says so.
    pub(super) fn name_accounts_of_programs(&mut self, asked: &Asked) {
        let mut names: Option<BTreeSet<String>> = None;
        let mut found: BTreeSet<String> = BTreeSet::new();
        for (path, facts) in &asked.facts {
            if !becomes_another(facts) || !self.may_become_another(path) {
                continue;
            }
            let names = names.get_or_insert_with(|| self.account_names());
            let scanned = self.with_bytes(path, |bytes| {
                strings::scan(bytes, SHORTEST, &mut |text| {
                    if let Some(name) = named_account(text)
                        && names.contains(name)
                    {
                        found.insert(name.to_owned());
                    }
                })
            });
            // A program whose data cannot be read names nothing.
            let _ = scanned;
        }
        self.servers.accounts.extend(found);
    }

    fn may_become_another(&self, path: &RootfsPath) -> bool {
        let name = String::from_utf8_lossy(path.name());
        self.elves.get(path).is_some_and(|elf| elf.is_program())
            && self.items.get(path).is_some_and(|item| item.strength > Strength::Swept)
            && !self.is_known_interpreter(path)
            && !is_shell(&name)
    }

    /// The names of users and groups of the sources.
    fn account_names(&self) -> BTreeSet<String> {
        let all = self.views_in_order().into_iter().map(|view| Accounts::read(&self.world.views[view]));
        all.flat_map(|accounts| {
            let users = accounts.users.into_iter().map(|user| user.name);
            users.chain(accounts.groups.into_iter().map(|group| group.name)).collect::<Vec<_>>()
        })
        .collect()
    }
}

fn becomes_another(facts: &Facts) -> bool {
    let wants = |names: &[&str]| names.iter().any(|name| facts.symbols.wants(name.as_bytes()));
    wants(&LOOK_UP) && wants(&BECOME)
}

/// The name in a text that is nothing else, the last word of a line of a default configuration
/// (`cache_effective_user proxy`), or the last part of a path, which a linker may have put the name into
/// (`/run/sshd`).
fn named_account(text: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let words: Vec<&str> = text.split(' ').take(3).collect();
    match words.as_slice() {
        [path] if path.starts_with('/') => path.rsplit('/').next(),
        [name] | [_, name] => Some(name),
        _ => None,
    }
}

/// getpwnam(3), getgrnam(3).
const LOOK_UP: [&str; 4] = ["getpwnam", "getpwnam_r", "getgrnam", "getgrnam_r"];

/// setuid(2), setresuid(2), setgroups(2), initgroups(3).
const BECOME: [&str; 7] =
    ["setuid", "setgid", "setreuid", "setresuid", "setresgid", "setgroups", "initgroups"];

/// Names of accounts that are shorter are words.
const SHORTEST: usize = 3;
