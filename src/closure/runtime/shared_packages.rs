//! Packages of Node.js that a distribution installed for all programs (Debian: /usr/share/nodejs): those that source
//! text of the set imports.

use std::collections::BTreeSet;

use super::Runtimes;
use crate::closure::reason;
use crate::closure::resources::Asked;
use crate::closure::roots::Wish;
use crate::closure::set::{Closure, Strength};
use crate::rootfs::links::{self, Resolved};
use crate::rootfs::{RootfsError, RootfsPath};
use crate::rules::Mechanism;

impl Closure<'_> {
    /// Brings the shared packages that source text names and that were not looked for yet.
    ///
    /// # Errors
    /// What the roots answer.
    pub(in crate::closure) fn shared_packages(
        &mut self,
        asked: &Asked,
        wishes: &mut Vec<Wish>,
    ) -> Result<(), RootfsError> {
        let places = self.runtimes.shared();
        if places.is_empty() {
            return Ok(());
        }
        for (text, facts) in &asked.facts {
            let names: BTreeSet<&str> =
                facts.modules.iter().filter_map(|module| package_of(module)).collect();
            for name in names {
                if !self.runtimes.imported.insert(name.to_owned()) {
                    continue;
                }
                let chain = reason::then(&self.reason_of_text(text), "imports", name.to_owned());
                for (view, place) in &places {
                    for file in [name.to_owned(), format!("{name}.js")] {
                        let path = place.join(file.as_bytes());
                        let found = links::resolve(&self.world.views[*view], &path);
                        if matches!(found, Ok(Resolved::Found { .. })) {
                            for path in self.bring_tree(*view, &path, &chain, Strength::Swept, &|_| false)? {
                                wishes.push(Wish { path, strength: Strength::Swept, started: false });
                            }
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether a directory holds packages of a distribution: what is imported of it comes, not all.
    pub(super) fn is_shared_place(&self, path: &RootfsPath) -> bool {
        self.runtimes.shared().iter().any(|(_, place)| place == path)
    }
}

impl Runtimes<'_> {
    /// The directories with packages for all programs, with the views that they were found in.
    fn shared(&self) -> Vec<(usize, RootfsPath)> {
        let engines = self.engines.iter();
        let of = engines.filter(|engine| engine.rule.mechanism.contains(&Mechanism::SharedPackages));
        of.flat_map(|engine| engine.paths(SHARED).into_iter().map(|path| (engine.view, path))).collect()
    }
}

/// The package that an imported name is of: `@a/b` of `@a/b/c`, `a` of `a/b.js`; none of a path.
fn package_of(module: &str) -> Option<&str> {
    let end = |text: &str| text.find('/').unwrap_or(text.len());
    let name = match module.strip_prefix('@') {
        Some(scoped) => {
            let scope = end(scoped);
            let rest = scoped.get(scope + 1..)?;
            &module[..scope + 2 + end(rest)]
        }
        None => &module[..end(module)],
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"@/-_.~".contains(&byte);
    (!name.is_empty() && !name.starts_with('.') && name.bytes().all(plain)).then_some(name)
}

/// The name of such directories in a rule's `[each]`.
pub(super) const SHARED: &str = "shared";

#[cfg(test)]
mod tests {
    use super::package_of;

    #[test]
    fn packages_of_imported_names() {
        let rows = [
            ("express", Some("express")),
            ("lodash/fp", Some("lodash")),
            ("@a/b/c.js", Some("@a/b")),
            ("@a/b", Some("@a/b")),
            ("@a", None),
            ("./x", None),
            ("/x", None),
            ("node:fs", None),
            ("", None),
        ];
        for (module, expected) in rows {
            assert_eq!(package_of(module), expected, "{module}");
        }
    }
}
