//! What holds for every distroless image, and what its case expects of it.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde::Deserialize;

use decant::distill::manifest::{self, EntryKind, Layer, Manifest};

use super::case::Expected;
use super::container::Behaviour;
use super::inside::{matches, resolve, walk};
use super::store::Stored;

/// Directories of the manifest's own layer.
const OWN: [&str; 2] = ["/usr/lib/decant", "/usr/lib/decant/manifest.json.gz"];

/// Files that ordinary images open and sets rarely hold, and why.
const EXPLAINED: &[(&str, &str)] = &[
    ("/etc/ld.so.cache", "the loader finds libraries of its own directories without it"),
    ("**/gconv/gconv-modules.cache", "setlocale asks it for conversions that are built into the C library"),
    (
        "/usr/share/zoneinfo/Etc/UTC",
        "what /etc/localtime of Debian's images leads to: the zone is UTC without it",
    ),
    ("/etc/locale.alias", "setlocale asks it for names that no locale has; a locale is found without it"),
    ("/etc/hosts", "the engine's"),
    ("/etc/hostname", "the engine's"),
    ("/etc/resolv.conf", "the engine's"),
];

/// Places that are mounted in every container.
const MOUNTED: [&str; 4] = ["/proc/", "/sys/", "/dev/", "/tmp/"];

/// A distroless image, unpacked.
pub(crate) struct Set {
    pub(crate) manifest: Manifest,
    paths: Vec<(String, std::fs::Metadata)>,
    /// Bytes of its regular files, hard links once.
    pub(crate) bytes: u64,
    pub(crate) files: usize,
}

impl Set {
    pub(crate) fn read(root: &Path) -> Result<Self, String> {
        let file = resolve(root, manifest::PATH).ok_or("the image has no manifest: it is not distroless")?;
        let packed = std::fs::read(file).map_err(|error| error.to_string())?;
        let manifest = manifest::unpack(&packed).map_err(|error| error.to_string())?;
        let paths = walk(root);
        let (bytes, files) = size(&paths);
        Ok(Self { manifest, paths, bytes, files })
    }

    /// All that is wrong with it.
    pub(crate) fn faults(&self, root: &Path, image: &Stored, expected: &Expected) -> Vec<String> {
        let mut faults = Vec::new();
        self.check_reasons(&mut faults);
        self.check_forbidden(expected, &mut faults);
        self.check_paths(expected, &mut faults);
        self.check_texts(root, expected, &mut faults);
        self.check_size(expected, &mut faults);
        let user = image.config["config"]["User"].as_str().unwrap_or_default();
        if !user.bytes().all(|byte| byte.is_ascii_digit() || byte == b':') {
            faults.push(format!("USER {user} is not numeric"));
        }
        faults
    }

    fn check_reasons(&self, faults: &mut Vec<String>) {
        let mut listed = BTreeSet::new();
        for entry in &self.manifest.entries {
            listed.insert(entry.path.as_str());
            if entry.reason.is_empty() || entry.reason.iter().any(|reason| reason.why.is_empty()) {
                faults.push(format!("{} has no reason", entry.path));
            }
        }
        let own = |path: &str| OWN.contains(&path) || path == "/usr" || path == "/usr/lib";
        for (path, _) in &self.paths {
            if !listed.contains(path.as_str()) && !own(path) {
                faults.push(format!("{path} is not in the manifest"));
            }
        }
        let shipped: BTreeSet<_> = self.paths.iter().map(|(path, _)| path.as_str()).collect();
        for path in listed {
            if !shipped.contains(path) && path != "/" {
                faults.push(format!("{path} of the manifest is not in the image"));
            }
        }
    }

    fn check_forbidden(&self, expected: &Expected, faults: &mut Vec<String>) {
        let classes: BTreeMap<String, Vec<String>> =
            toml::from_str(include_str!("forbidden.toml")).expect("forbidden.toml is as its first line says");
        for (path, metadata) in &self.paths {
            if metadata.is_dir() || expected.present.iter().any(|glob| matches(glob, path)) {
                continue;
            }
            for (class, globs) in &classes {
                if globs.iter().any(|glob| matches(glob, path)) {
                    faults.push(format!("{path} ({class})"));
                }
            }
            if metadata.is_file() && metadata.mode() & 0o6000 != 0 {
                faults.push(format!("{path} is setuid or setgid"));
            }
        }
    }

    fn check_paths(&self, expected: &Expected, faults: &mut Vec<String>) {
        let found = |glob: &str| self.paths.iter().find(|(path, _)| matches(glob, path));
        for glob in &expected.present {
            if found(glob).is_none() {
                faults.push(format!("{glob} is missing"));
            }
        }
        for glob in &expected.absent {
            if let Some((path, _)) = found(glob) {
                faults.push(format!("{path} is there: {}", self.reason(path)));
            }
        }
    }

    fn check_texts(&self, root: &Path, expected: &Expected, faults: &mut Vec<String>) {
        if expected.nowhere.is_empty() {
            return;
        }
        let holds =
            |bytes: &[u8], text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        for (path, _) in self.paths.iter().filter(|(_, metadata)| metadata.is_file()) {
            let bytes = resolve(root, path).and_then(|file| std::fs::read(file).ok()).unwrap_or_default();
            for text in expected.nowhere.iter().filter(|text| holds(&bytes, text)) {
                faults.push(format!("{path} holds `{text}`: {}", self.reason(path)));
            }
        }
    }

    fn check_size(&self, expected: &Expected, faults: &mut Vec<String>) {
        if let Some(most) = expected.max_mb
            && megabytes(self.bytes) > most
        {
            faults.push(format!(
                "{:.1} MB, at most {most} are wanted; {}",
                megabytes(self.bytes),
                self.largest()
            ));
        }
        if let Some(name) = &expected.google {
            let sizes: BTreeMap<String, Google> =
                toml::from_str(include_str!("google.toml")).expect("google.toml is a table of sizes");
            let Some(google) = sizes.get(name) else {
                faults.push(format!("google.toml has no {name}"));
                return;
            };
            let system = self.system_bytes();
            if system > google.bytes {
                faults.push(format!(
                    "{:.1} MB of system and runtime, Google's {name} has {:.1}; {}",
                    megabytes(system),
                    megabytes(google.bytes),
                    self.largest()
                ));
            }
        }
    }

    /// Bytes of what Google's image would have instead: all but the application and its language packages.
    fn system_bytes(&self) -> u64 {
        let kinds: BTreeMap<_, _> = self
            .manifest
            .packages
            .iter()
            .map(|package| (package.name.as_str(), package.kind.as_str()))
            .collect();
        let of_system = |package: &Option<String>| {
            let kind = package.as_deref().and_then(|name| kinds.get(name));
            kind.is_some_and(|kind| ["deb", "apk", "rpm"].contains(kind))
        };
        self.manifest
            .entries
            .iter()
            .filter(|entry| match entry.layer {
                Layer::Os | Layer::Runtime => true,
                Layer::Dependencies => of_system(&entry.package),
                Layer::Application | Layer::Debug | Layer::Manifest => false,
            })
            .map(|entry| if let EntryKind::File { size } = entry.kind { size } else { 0 })
            .sum()
    }

    fn reason(&self, path: &str) -> String {
        let entry = self.manifest.entries.iter().find(|entry| entry.path == path);
        let reasons = entry.map_or(&[] as &[_], |entry| entry.reason.as_slice());
        let words: Vec<_> = reasons.iter().map(|reason| format!("{} {}", reason.why, reason.by)).collect();
        words.join(" → ")
    }

    fn largest(&self) -> String {
        let mut files: Vec<_> = self.paths.iter().filter(|(_, metadata)| metadata.is_file()).collect();
        files.sort_by_key(|(_, metadata)| std::cmp::Reverse(metadata.len()));
        let names: Vec<_> = files
            .iter()
            .take(5)
            .map(|(path, metadata)| format!("{path} {:.1} MB", megabytes(metadata.len())))
            .collect();
        format!("largest: {}", names.join(", "))
    }
}

#[derive(Deserialize)]
struct Google {
    bytes: u64,
    #[expect(dead_code, reason = "the table says what was counted")]
    packages: String,
}

/// Bytes and number of regular files, hard links once.
pub(crate) fn size(paths: &[(String, std::fs::Metadata)]) -> (u64, usize) {
    let mut seen = BTreeSet::new();
    let files = paths.iter().filter(|(_, metadata)| metadata.is_file());
    let once: Vec<_> = files.filter(|(_, m)| m.nlink() == 1 || seen.insert((m.dev(), m.ino()))).collect();
    (once.iter().map(|(_, metadata)| metadata.len()).sum(), once.len())
}

pub(crate) fn megabytes(bytes: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "sizes are shown with one decimal")]
    let bytes = bytes as f64;
    bytes / 1e6
}

/// Where a distroless image does something else than the ordinary one.
pub(crate) fn differences(expected: &Expected, ordinary: &Behaviour, distroless: &Behaviour) -> Vec<String> {
    let mask = Mask::new(&expected.mask);
    let mut differences = Vec::new();
    if let Some(failure) = &distroless.failure {
        differences.push(failure.clone());
    }
    let mut compare = |what: &str, ordinary: String, distroless: String| {
        if ordinary != distroless {
            differences.push(format!(
                "{what}\n  ordinary:   {}\n  distroless: {}",
                cut(&ordinary),
                cut(&distroless)
            ));
        }
    };
    compare("exit code", format!("{:?}", ordinary.exit), format!("{:?}", distroless.exit));
    if expected.serve.is_none() {
        compare("standard output", mask.apply(&ordinary.stdout), mask.apply(&distroless.stdout));
    } else {
        compare("user of the server", format!("{:?}", ordinary.uid), format!("{:?}", distroless.uid));
    }
    for (at, (request, answer)) in ordinary.answers.iter().enumerate() {
        let other = distroless.answers.get(at).map_or("none", |(_, answer)| answer.as_str());
        compare(&format!("answer to {request:?}"), mask.apply(answer), mask.apply(other));
    }
    if !differences.is_empty() && !distroless.stderr.is_empty() {
        differences.push(format!("standard error of the distroless image:\n{}", cut(&distroless.stderr)));
    }
    differences
}

/// What is wrong with the ordinary image, so that comparing would prove nothing.
pub(crate) fn proves_nothing(expected: &Expected, ordinary: &Behaviour) -> Option<String> {
    if let Some(failure) = &ordinary.failure {
        return Some(format!("the ordinary image: {failure}\n{}", cut(&ordinary.stderr)));
    }
    if expected.serve.is_some() {
        return None;
    }
    if ordinary.exit != Some(expected.exit) {
        let said = cut(&format!("{}{}", ordinary.stdout, ordinary.stderr));
        return Some(format!(
            "the ordinary image ends with {:?}, not {}\n{said}",
            ordinary.exit, expected.exit
        ));
    }
    ordinary.stdout.is_empty().then(|| "the ordinary image prints nothing: nothing is compared".to_owned())
}

/// Files that the ordinary program opened, that the set lacks, and that the case does not explain.
pub(crate) fn unexplained(
    expected: &Expected,
    volumes: &[String],
    ordinary: &Behaviour,
    root: &Path,
) -> Vec<String> {
    let mounted = |path: &str| {
        let below = |place: &String| path.starts_with(&format!("{}/", place.trim_end_matches('/')));
        MOUNTED.iter().any(|place| path.starts_with(place))
            || expected.tmpfs.iter().any(below)
            || volumes.iter().any(below)
    };
    let explained = |path: &str| {
        EXPLAINED.iter().any(|(glob, _)| matches(glob, path))
            || expected.opened.keys().any(|glob| matches(glob, path))
    };
    ordinary
        .opened
        .iter()
        .filter(|path| !mounted(path) && !explained(path))
        .filter(|path| !resolve(root, path).is_some_and(|file| file.exists()))
        .map(|path| format!("the ordinary image opens {path}, the set lacks it"))
        .collect()
}

/// Replaces what differs from run to run.
struct Mask(Vec<regex_lite::Regex>);

impl Mask {
    fn new(patterns: &[String]) -> Self {
        Self(
            patterns
                .iter()
                .map(|pattern| {
                    regex_lite::Regex::new(pattern).unwrap_or_else(|error| panic!("mask {pattern}: {error}"))
                })
                .collect(),
        )
    }

    fn apply(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, mask| mask.replace_all(&text, "…").into_owned())
    }
}

fn cut(text: &str) -> String {
    const MOST: usize = 3000;
    if text.len() <= MOST {
        return text.to_owned();
    }
    let half = |range: &[u8]| String::from_utf8_lossy(range).into_owned();
    let bytes = text.as_bytes();
    format!("{}\n[…]\n{}", half(&bytes[..MOST / 2]), half(&bytes[bytes.len() - MOST / 2..]))
}
