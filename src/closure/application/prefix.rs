//! What nobody runs of a prefix that was copied as a whole (`COPY --from=build /usr/local /usr/local`): headers, static
//! libraries, manuals.

use std::collections::BTreeSet;

use super::changes::Touched;
use super::patterns::Patterns;
use crate::closure::finding;
use crate::closure::glob;
use crate::closure::report::{count, megabytes};
use crate::closure::set::Closure;
use crate::distill::spec::InstructionId;
use crate::rootfs::{FileKind, RootfsPath, Stat};

/// What is left out, and what was so far.
pub(super) struct Prefix {
    patterns: Option<Patterns>,
    files: u32,
    bytes: u64,
    /// The uppermost paths that were left out.
    tops: BTreeSet<RootfsPath>,
    /// The first instruction that brought such files.
    by: Option<InstructionId>,
}

impl Closure<'_> {
    /// Nothing is left out for a command that compiles.
    pub(super) fn copied_prefix(&self) -> Prefix {
        let rules = &self.world.rules.application.prefix;
        let is_compiler = |path: &RootfsPath| {
            let named = |name: &String| glob::matches_name(name.as_bytes(), path.name());
            self.is_started(path) && rules.compilers.iter().any(named)
        };
        let compiles = self.items.keys().any(is_compiler);
        let patterns = (!compiles).then(|| Patterns::new(&rules.left));
        Prefix { patterns, files: 0, bytes: 0, tops: BTreeSet::new(), by: None }
    }

    /// Whether a file that an instruction put there stays away; it is counted then.
    pub(super) fn leaves_of_prefix(
        &self,
        prefix: &mut Prefix,
        path: &RootfsPath,
        stat: &Stat,
        touched: &Touched,
    ) -> bool {
        let (Some(step), Some(patterns)) = (touched.put.filter(|_| !touched.named), &prefix.patterns) else {
            return false;
        };
        let Some(id) = self.world.spec.steps.get(step).map(|step| &step.id) else { return false };
        let Some(top) =
            std::iter::successors(Some(path.clone()), RootfsPath::parent).find(|path| patterns.matches(path))
        else {
            return false;
        };
        if id.text.contains(&top.to_string()) || self.items.contains_key(path) {
            return false;
        }
        if stat.kind != FileKind::Directory {
            prefix.files = prefix.files.saturating_add(1);
            prefix.bytes = prefix.bytes.saturating_add(stat.size);
            let parent = top.parent().filter(|_| top == *path);
            prefix.tops.insert(parent.unwrap_or(top));
            prefix.by.get_or_insert_with(|| id.clone());
        }
        true
    }

    /// Tells what was left out.
    pub(super) fn report_prefix(&mut self, prefix: &Prefix) {
        if prefix.files == 0 {
            return;
        }
        let places: Vec<String> = prefix.tops.iter().map(|path| format!("`{path}`")).collect();
        let message = format!(
            "left out headers, static libraries and manuals of a copied prefix ({}): {}, {}",
            places.join(", "),
            count(prefix.files, "file"),
            megabytes(prefix.bytes),
        );
        let finding = finding::notice(finding::BUILD_MATERIAL, message)
            .hint("`include=` with the directory, or a COPY that names it, keeps them")
            .at(prefix.by.as_ref());
        self.findings.add(finding);
    }
}
