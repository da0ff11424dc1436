//! The subdirectories that a glibc loader tries first in each directory, by processor.
//!
//! The processor that will run the image is not known, so all of them count; which ones every processor takes
//! matters, since the search ends there.

use crate::closure::elf::Abi;

/// A subdirectory to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Subdirectory {
    pub(super) name: Vec<u8>,
    /// Every processor of this machine type looks there.
    pub(super) always: bool,
}

/// The subdirectories in the loader's order, the directory itself (an empty name) last.
///
/// `glibc-hwcaps` came with 2.33, the older `tls`, platform and capability names went with 2.37; a version that is
/// not known has both (glibc `elf/dl-hwcaps.c`, NEWS of 2.33 and 2.37).
pub(super) fn subdirectories(abi: Abi, version: Option<(u32, u32)>) -> Vec<Subdirectory> {
    let mut all = Vec::new();
    if version.is_none_or(|version| version >= (2, 33)) {
        let names = current(abi.machine).iter();
        all.extend(
            names.map(|name| Subdirectory {
                name: [b"glibc-hwcaps/", name.as_bytes()].concat(),
                always: false,
            }),
        );
    }
    if version.is_none_or(|version| version < (2, 37)) {
        all.extend(legacy(abi.machine));
    }
    all.push(Subdirectory { name: Vec::new(), always: true });
    all
}

/// Names below `glibc-hwcaps`, the most demanding first (glibc `sysdeps/*/dl-hwcaps-subdirs.c`).
fn current(machine: u16) -> &'static [&'static str] {
    match machine {
        X86_64 => &["x86-64-v4", "x86-64-v3", "x86-64-v2"],
        PPC64 => &["power11", "power10", "power9"],
        S390 => &["z17", "z16", "z15", "z14", "z13"],
        LOONGARCH => &["lasx", "lsx"],
        _ => &[],
    }
}

/// `(platforms, capabilities)`, those that every processor has marked by `true`.
type LegacyNames = (&'static [(&'static str, bool)], &'static [(&'static str, bool)]);

fn legacy_names(machine: u16) -> LegacyNames {
    match machine {
        X86_64 => (&[("haswell", false), ("xeon_phi", false)], &[("avx512_1", false), ("x86_64", true)]),
        I386 => (&[("i686", false), ("i586", false), ("i486", false)], &[("sse2", false)]),
        AARCH64 => (&[("aarch64", true)], &[("atomics", false)]),
        ARM => (&[("v8l", false), ("v7l", false), ("v6l", false)], &[("neon", false), ("vfp", false)]),
        PPC64 => (&[("power10", false), ("power9", false), ("power8", false)], &[]),
        S390 => (&[("z15", false), ("z14", false), ("z13", false), ("z196", false)], &[]),
        _ => (&[], &[]),
    }
}

/// All combinations `tls/platform/capabilities`, longer ones first, as the loader tries them.
fn legacy(machine: u16) -> Vec<Subdirectory> {
    let (platforms, capabilities) = legacy_names(machine);
    let mut all = Vec::new();
    for tls in [&[("tls", true)][..], &[]] {
        for platform in platforms.iter().map(Some).chain([None]) {
            // The highest bit stands for the first name, so counting down tries the fullest set first.
            for chosen in (0..1_usize << capabilities.len()).rev() {
                let taken = capabilities
                    .iter()
                    .enumerate()
                    .filter(|(at, _)| chosen >> (capabilities.len() - 1 - at) & 1 == 1);
                let parts: Vec<&(&str, bool)> =
                    tls.iter().chain(platform).chain(taken.map(|(_, capability)| capability)).collect();
                if !parts.is_empty() {
                    let name = parts.iter().map(|(name, _)| name.as_bytes()).collect::<Vec<_>>().join(&b'/');
                    all.push(Subdirectory { name, always: parts.iter().all(|(_, always)| *always) });
                }
            }
        }
    }
    all
}

/// What `$PLATFORM` may stand for: `AT_PLATFORM` of the kernel, or glibc's own name for the processor; the first one
/// is the plainest.
pub(super) fn platforms(machine: u16) -> &'static [&'static str] {
    match machine {
        X86_64 => &["x86_64", "haswell", "xeon_phi"],
        I386 => &["i686", "i586", "i486", "i386", "haswell", "xeon_phi"],
        AARCH64 => &["aarch64"],
        ARM => &["v7l", "v8l", "v6l", "v5l"],
        PPC64 => &["ppc64le", "power8", "power9", "power10", "power11"],
        S390 => &["z900", "z13", "z14", "z15", "z16", "z17"],
        RISCV => &["riscv64"],
        LOONGARCH => &["loongarch"],
        _ => &[],
    }
}

/// `e_machine` (gABI registry).
const I386: u16 = 3;
const PPC64: u16 = 21;
const S390: u16 = 22;
const ARM: u16 = 40;
pub(super) const X86_64: u16 = 62;
const AARCH64: u16 = 183;
const RISCV: u16 = 243;
const LOONGARCH: u16 = 258;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::closure::elf::{ByteOrder, Class};

    #[test]
    fn the_order_is_that_of_the_loader() {
        let abi = Abi { class: Class::Elf64, order: ByteOrder::Little, machine: X86_64, flags: 0 };
        let names = |version| -> Vec<String> {
            let found = subdirectories(abi, Some(version)).into_iter().map(|sub| sub.name);
            found.map(|name| String::from_utf8(name).unwrap()).filter(|name| !name.contains("xeon")).collect()
        };
        let current = ["glibc-hwcaps/x86-64-v4", "glibc-hwcaps/x86-64-v3", "glibc-hwcaps/x86-64-v2"];
        assert_eq!(names((2, 37)), [&current[..], &[""]].concat());
        // What LD_DEBUG=libs prints with glibc 2.36.
        let legacy = [
            "tls/haswell/avx512_1/x86_64",
            "tls/haswell/avx512_1",
            "tls/haswell/x86_64",
            "tls/haswell",
            "tls/avx512_1/x86_64",
            "tls/avx512_1",
            "tls/x86_64",
            "tls",
            "haswell/avx512_1/x86_64",
            "haswell/avx512_1",
            "haswell/x86_64",
            "haswell",
            "avx512_1/x86_64",
            "avx512_1",
            "x86_64",
            "",
        ];
        assert_eq!(names((2, 36)), [&current[..], &legacy].concat());
        assert_eq!(names((2, 31)), legacy);
    }
}
