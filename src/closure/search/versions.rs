//! Symbol versions: what an object wants against what the chosen libraries define.

use crate::closure::elf::{Elf, NeededVersion};

/// The versions that `wanting` needs from `library` (a soname) and `provider` does not define, in file order.
///
/// A provider without any version definitions satisfies everything (glibc `elf/dl-version.c`); a weak version only
/// makes the loader warn.
pub fn missing<'e>(wanting: &'e Elf, library: &[u8], provider: &Elf) -> Vec<&'e NeededVersion> {
    if provider.version_defs.is_empty() {
        return Vec::new();
    }
    let needs = wanting.version_needs.iter().filter(|need| need.library == library);
    let versions = needs.flat_map(|need| &need.versions);
    versions.filter(|version| !provider.version_defs.contains(&version.name)).collect()
}
