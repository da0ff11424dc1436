//! Symbol versions: what an object wants against what the chosen libraries define.

use crate::closure::elf::Elf;

/// The versions that `wanting` needs from `library` and `provider` does not define, in file order; weak ones are
/// marked. A provider without any version definitions satisfies everything (glibc `_dl_check_map_versions`).
pub fn missing(wanting: &Elf, library: &[u8], provider: &Elf) -> Vec<(Vec<u8>, bool)> {
    let _ = (wanting, library, provider);
    todo!()
}
