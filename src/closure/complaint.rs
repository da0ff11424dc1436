//! What is said about a library that is not found.

use super::finding;
use super::process::{Need, Process};
use super::reason;
use super::set::{Closure, Strength};
use crate::closure::search::{Answer, RequestKind};
use crate::distill::manifest::Finding;
use crate::rootfs::RootfsPath;

impl Closure<'_> {
    /// Says that a library is missing, or that the loader refuses it: once for each requester.
    pub(super) fn complain(&mut self, process: &Process, need: &Need<'_>, answer: &Answer) {
        let (name, chain) = (need.name, &need.chain);
        let requester = &process.loaded[need.by].path;
        if need.strength == Strength::Swept {
            return;
        }
        if !self.complained.insert((requester.clone(), name.to_vec())) {
            return;
        }
        if need.strength == Strength::Soft && self.lacks_it_anyway(requester) {
            return;
        }
        let soname = String::from_utf8_lossy(name).into_owned();
        let strength = if matches!(need.kind, RequestKind::Needed | RequestKind::Filter) {
            need.strength
        } else {
            Strength::Soft
        };
        let strength = self.strength_of_needs(strength, requester);
        let message = match &answer.fatal {
            Some(refused) => format!(
                "`{requester}` needs `{soname}`, but `{}` cannot be loaded: {} ({})",
                refused.path,
                refused.why,
                reason::arrows(chain)
            ),
            None => format!(
                "`{requester}` needs `{soname}`, which no search path of {} holds ({}; searched {})",
                self.sources_text(),
                reason::arrows(chain),
                listed(&answer.searched)
            ),
        };
        let hint = if self.world.usable.is_empty() {
            "add a build stage that has the library, and COPY the program from it".to_owned()
        } else {
            format!(
                "install the library in the build stage, or COPY `{soname}` into a directory that is searched"
            )
        };
        let program = process.loaded.first().map_or(requester, |loaded| &loaded.path);
        let id = self.instruction_of(requester).or_else(|| self.instruction_of(program));
        self.findings.add(severity(strength, finding::LIBRARY_MISSING, message).hint(hint).at(id));
    }
}

impl Closure<'_> {
    /// How much depends on what a file needs: a file that the user names, and that the ordinary image has without its
    /// needs, is no reason to fail.
    pub(super) fn strength_of_needs(&self, strength: Strength, path: &RootfsPath) -> Strength {
        if strength == Strength::Strict && self.lacks_it_anyway(path) { Strength::Soft } else { strength }
    }
}

/// An error for what must be, a warning for the rest.
pub(super) fn severity(strength: Strength, rule: &str, message: String) -> Finding {
    match strength {
        Strength::Swept | Strength::Soft => finding::warning(rule, message),
        Strength::Strict | Strength::Hard => finding::error(rule, message),
    }
}

fn listed(paths: &[RootfsPath]) -> String {
    if paths.is_empty() {
        return "nowhere".to_owned();
    }
    let shown: Vec<String> = paths.iter().take(SHOWN).map(|path| format!("`{path}`")).collect();
    let more = paths.len().saturating_sub(SHOWN);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{rest}", shown.join(", "))
}

/// Searched directories named in a message.
const SHOWN: usize = 6;
