//! What the assemble step says came out: part of the image at [`PATH`], and its report form.

use std::io::{BufWriter, Read};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::spec::{InstructionId, Mode, VERSION, Variant};
use crate::image::platform::Platform;

/// Where the manifest lies in the image: gzip without name and time.
pub const PATH: &str = "/usr/lib/decant/manifest.json.gz";

/// What is in the set, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    pub version: u32,
    /// `decant 0.1.0`.
    pub tool: String,
    pub stage: String,
    pub mode: Mode,
    pub variant: Variant,
    pub platform: Platform,
    /// Why the stage stays as it is; then there are no entries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<String>,
    /// What the frontend writes into the image config.
    pub config: FinalConfig,
    /// Sorted by path.
    pub entries: Vec<Entry>,
    /// Sorted by name.
    pub packages: Vec<Package>,
    pub layers: Vec<LayerSummary>,
    /// Sorted by rule, instruction and message.
    pub findings: Vec<Finding>,
}

/// The parts of the config that the files decide.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FinalConfig {
    /// `uid:gid`, or empty for root by default.
    pub user: String,
    /// Present only where it is to be rewritten (a shell form that needs no shell).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cmd: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub healthcheck: Option<Vec<String>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Bytes outside printable UTF-8, and `\`, are written `\xNN`.
    pub path: String,
    #[serde(flatten)]
    pub kind: EntryKind,
    /// Permission bits, octal text (`0755`).
    pub mode: String,
    pub uid: u32,
    pub gid: u32,
    pub layer: Layer,
    /// The chain from a root of the set to this file, the root first.
    pub reason: Vec<Reason>,
    /// A dependency edge from the command leads here; without it the program does not start or work.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hard: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instruction: Option<InstructionId>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum EntryKind {
    /// Bytes.
    File {
        size: u64,
    },
    Directory,
    Symlink {
        target: String,
    },
}

/// The layers of a distroless image, lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    Os,
    Runtime,
    Dependencies,
    Application,
    /// busybox of the debug variants, above the application.
    Debug,
    Manifest,
}

/// One step of a chain of reasons: `by` is the file or instruction that asked, `why` how.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Reason {
    /// `entrypoint`, `copied`, `needed`, `interpreter`, `symlink`, `rule`, `base set`, …
    pub why: String,
    /// Soname, rule name, instruction text, path, …
    pub by: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Package {
    pub name: String,
    pub version: String,
    /// `deb`, `apk`, `rpm`, `pypi`, …
    pub kind: String,
    pub files: u32,
    /// Bytes of its shipped files.
    pub size: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerSummary {
    pub layer: Layer,
    pub files: u32,
    /// Bytes of regular files.
    pub size: u64,
    /// What it holds, for the vertex name (`python3.11`); may be empty.
    pub label: String,
}

/// A warning, a note or an error.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    pub severity: Severity,
    /// `DistrolessShellNeeded`.
    pub rule: String,
    /// The instruction to blame; the frontend joins it with its lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instruction: Option<InstructionId>,
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Error,
    Warning,
    /// Something to know; `strict` makes it an error too.
    Notice,
}

/// The report form: the same computation without writing trees.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub version: u32,
    /// Absent when the set could not be computed.
    pub manifest: Option<Manifest>,
    /// Errors first.
    pub findings: Vec<Finding>,
    /// Bytes and files of the stage before, where it was asked for.
    pub before: Option<(u64, u32)>,
}

/// Writes a manifest as it lies in the image: JSON, members in the order of the types, gzip without name and time.
pub fn pack(manifest: &Manifest) -> Vec<u8> {
    // The JSON comes in pieces of a few bytes.
    let mut gzip = BufWriter::new(GzEncoder::new(Vec::new(), Compression::new(6)));
    serde_json::to_writer(&mut gzip, manifest)
        .expect("a manifest has no map with keys that are no text, and memory takes all bytes");
    let gzip = gzip.into_inner().expect("memory takes all bytes");
    gzip.finish().expect("memory takes all bytes")
}

/// Reads what [`pack`] wrote.
///
/// # Errors
/// When the bytes are no manifest, are one of another version, or unpack to more than [`MAX_BYTES`].
pub fn unpack(packed: &[u8]) -> Result<Manifest, ManifestError> {
    let mut json = Vec::new();
    GzDecoder::new(packed).take(MAX_BYTES + 1).read_to_end(&mut json).map_err(ManifestError::Gzip)?;
    if json.len() as u64 > MAX_BYTES {
        return Err(ManifestError::TooLarge);
    }
    parse(&json)
}

/// Reads an unpacked manifest.
///
/// # Errors
/// When the bytes are no manifest, or one of another version.
pub fn parse_manifest(json: &[u8]) -> Result<Manifest, ManifestError> {
    parse(json)
}

/// Reads the report form.
///
/// # Errors
/// When the bytes are no report, or one of another version.
pub fn parse_report(json: &[u8]) -> Result<Report, ManifestError> {
    parse(json)
}

fn parse<T: DeserializeOwned>(json: &[u8]) -> Result<T, ManifestError> {
    let Versioned { version } = serde_json::from_slice(json)?;
    if version != VERSION {
        return Err(ManifestError::Version(version));
    }
    Ok(serde_json::from_slice(json)?)
}

/// A manifest that somebody else wrote is hostile input. One of a set with 100,000 files has some 40 MB.
pub const MAX_BYTES: u64 = 256 << 20;

#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    #[error("the manifest cannot be unpacked: {0}")]
    Gzip(#[source] std::io::Error),
    #[error("the manifest unpacks to more than {} MB", MAX_BYTES >> 20)]
    TooLarge,
    #[error("the manifest has version {0}, this decant reads {VERSION}")]
    Version(u32),
    #[error("the manifest cannot be read: {0}")]
    Malformed(#[from] serde_json::Error),
}

#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A manifest with these entries and nothing else.
    pub(crate) fn manifest(entries: Vec<Entry>) -> Manifest {
        Manifest {
            version: VERSION,
            tool: "decant 0.1.0".to_owned(),
            stage: "final".to_owned(),
            mode: Mode::Compose,
            variant: Variant::default(),
            platform: Platform {
                architecture: "amd64".to_owned(),
                os: "linux".to_owned(),
                ..Platform::default()
            },
            left: None,
            config: FinalConfig::default(),
            entries,
            packages: Vec::new(),
            layers: Vec::new(),
            findings: Vec::new(),
        }
    }

    pub(crate) fn file(path: &str, size: u64, layer: Layer) -> Entry {
        entry(path, EntryKind::File { size }, "0644", layer)
    }

    pub(crate) fn directory(path: &str) -> Entry {
        entry(path, EntryKind::Directory, "0755", Layer::Os)
    }

    fn entry(path: &str, kind: EntryKind, mode: &str, layer: Layer) -> Entry {
        Entry {
            path: path.to_owned(),
            kind,
            mode: mode.to_owned(),
            uid: 0,
            gid: 0,
            layer,
            reason: vec![Reason { why: "copied".to_owned(), by: "COPY a b".to_owned() }],
            hard: false,
            package: None,
            instruction: None,
        }
    }

    #[test]
    fn packed_and_unpacked_it_is_the_same() {
        let manifest = manifest(vec![file("/a", 1, Layer::Os), directory("/b")]);
        let packed = pack(&manifest);
        assert_eq!(unpack(&packed).unwrap(), manifest);
        assert_eq!(pack(&manifest), packed);
        // RFC 1952: flags without a name, then four bytes of time.
        assert_eq!(packed[3..8], [0, 0, 0, 0, 0]);
    }

    #[test]
    fn the_json_is_this() {
        let manifest = manifest(vec![file("/a", 1, Layer::Os)]);
        let expected = concat!(
            r#"{"version":1,"tool":"decant 0.1.0","stage":"final","mode":"compose","#,
            r#""variant":{"nonroot":false,"debug":false},"platform":{"architecture":"amd64","os":"linux"},"#,
            r#""config":{"user":""},"entries":[{"path":"/a","type":"file","size":1,"mode":"0644","uid":0,"gid":0,"#,
            r#""layer":"os","reason":[{"why":"copied","by":"COPY a b"}]}],"packages":[],"layers":[],"findings":[]}"#,
        );
        assert_eq!(serde_json::to_string(&manifest).unwrap(), expected);
    }

    /// Every key that a report can have stands in the document about it.
    #[test]
    fn the_document_names_every_key() {
        let id = InstructionId { stage: "final".to_owned(), ordinal: 0, text: "COPY a b".to_owned() };
        let finding = Finding {
            severity: Severity::Notice,
            rule: "DistrolessRootUser".to_owned(),
            instruction: Some(id.clone()),
            message: "x".to_owned(),
            hint: Some("y".to_owned()),
        };
        let mut full = manifest(vec![directory("/d"), file("/f", 1, Layer::Os)]);
        let link = entry("/l", EntryKind::Symlink { target: "f".to_owned() }, "0777", Layer::Application);
        full.entries.push(Entry { hard: true, package: Some("p".to_owned()), instruction: Some(id), ..link });
        full.left = Some("why".to_owned());
        let words = || Some(vec!["a".to_owned()]);
        full.config =
            FinalConfig { user: "1:1".to_owned(), entrypoint: words(), cmd: words(), healthcheck: words() };
        full.packages.push(Package {
            name: "p".to_owned(),
            version: "1".to_owned(),
            kind: "deb".to_owned(),
            files: 1,
            size: 1,
        });
        full.layers.push(LayerSummary {
            layer: Layer::Runtime,
            files: 1,
            size: 1,
            label: "python3".to_owned(),
        });
        full.findings.push(finding.clone());
        let report =
            Report { version: VERSION, manifest: Some(full), findings: vec![finding], before: Some((1, 1)) };
        let document = include_str!("../../docs/report.md");
        let mut pending = vec![serde_json::to_value(&report).unwrap()];
        let mut keys = std::collections::BTreeSet::new();
        while let Some(value) = pending.pop() {
            match value {
                serde_json::Value::Array(items) => pending.extend(items),
                serde_json::Value::Object(members) => {
                    for (key, value) in members {
                        keys.insert(key);
                        pending.push(value);
                    }
                }
                _ => {}
            }
        }
        assert!(keys.len() > 30, "{keys:?}");
        let missing: Vec<&String> =
            keys.iter().filter(|key| !document.contains(&format!("`{key}`"))).collect();
        assert!(missing.is_empty(), "docs/report.md says nothing of {missing:?}");
    }

    #[test]
    fn what_is_no_manifest_is_refused() {
        let gzip = |text: &[u8]| {
            let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
            std::io::Write::write_all(&mut gzip, text).unwrap();
            gzip.finish().unwrap()
        };
        let rows = [
            ("no gzip", b"{}".to_vec(), "the manifest cannot be unpacked: unexpected end of file"),
            ("another version", gzip(br#"{"version":9}"#), "the manifest has version 9, this decant reads 1"),
            ("no JSON", gzip(b"what"), "the manifest cannot be read: expected value at line 1 column 1"),
        ];
        for (summary, packed, expected) in rows {
            assert_eq!(unpack(&packed).unwrap_err().to_string(), expected, "{summary}");
        }
    }
}
