//! Packages of Node.js: the file that a directory is started by, and native modules for other systems.

use serde_json::Value;

use crate::closure::elf::Elf;
use crate::closure::set::{Closure, Strength};
use crate::rootfs::{FileKind, Rootfs, RootfsError, RootfsPath};
use crate::rules::{Mechanism, Runtime};

impl Closure<'_> {
    /// The files that a directory may be started by: `main` of its `package.json`, as Node completes it.
    ///
    /// # Errors
    /// What the roots answer.
    pub(super) fn package_main(
        &self,
        rule: &Runtime,
        directory: &RootfsPath,
    ) -> Result<Vec<RootfsPath>, RootfsError> {
        if !rule.mechanism.contains(&Mechanism::PackageJson) {
            return Ok(Vec::new());
        }
        let Some((real, FileKind::Regular, view)) = self.locate(&directory.join(b"package.json"))? else {
            return Ok(Vec::new());
        };
        let text = self.world.views[view].read(&real, 0..MAX_MANIFEST_BYTES)?;
        let manifest: Value = serde_json::from_slice(&text).unwrap_or_default();
        let Some(main) = manifest.get("main").and_then(Value::as_str) else { return Ok(Vec::new()) };
        let path = directory.join(main.as_bytes());
        let suffixed = |suffix: &String| RootfsPath::parse(&[path.as_bytes(), suffix.as_bytes()].concat());
        let mut candidates = vec![path.clone()];
        candidates.extend(rule.arguments.suffixes.iter().map(suffixed));
        candidates.extend(rule.arguments.index.iter().map(|name| path.join(name.as_bytes())));
        Ok(candidates)
    }

    /// Takes a file out of the set that nothing in it can load, for good.
    pub(in crate::closure) fn leave_foreign(&mut self, path: &RootfsPath) {
        self.items.remove(path);
        self.foreign.insert(path.clone());
    }

    /// Whether a file in a language's packages is a native module or program that the interpreter of the set can
    /// never load: for another system, architecture or C library. Packages carry them for all.
    pub(in crate::closure) fn is_foreign(
        &self,
        path: &RootfsPath,
        strength: Strength,
        elf: Option<&Elf>,
    ) -> bool {
        let engines = &self.runtimes.engines;
        let mut of =
            engines.iter().filter(|engine| engine.rule.mechanism.contains(&Mechanism::ForeignBinaries));
        let Some(engine) = of.next() else { return false };
        let Some(program) = self.elves.get(&engine.program) else { return false };
        if strength > Strength::Soft || !engine.installs(path) {
            return false;
        }
        let Some(elf) = elf else {
            return path.name().ends_with(b".node")
                || path.name().ends_with(b".dylib")
                || path.name().ends_with(b".dll");
        };
        let glibc = |elf: &Elf| {
            let names = elf.needed.iter().map(Vec::as_slice).chain(elf.interp.as_deref().map(base_name));
            let mut families = names.filter_map(|name| match name {
                b"libc.so.6" => Some(true),
                b"libc.so" => Some(false),
                name if name.starts_with(b"ld-linux") => Some(true),
                name if name.starts_with(b"ld-musl") || name.starts_with(b"libc.musl") => Some(false),
                _ => None,
            });
            families.next()
        };
        let other_libc = glibc(elf).zip(glibc(program)).is_some_and(|(a, b)| a != b);
        elf.abi != program.abi || other_libc
    }
}

fn base_name(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)
}

/// Bytes of a `package.json` that are read.
const MAX_MANIFEST_BYTES: u64 = 1 << 20;
