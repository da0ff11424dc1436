//! A saved image as a root file system: an OCI layout, as a directory or a tar, or what `docker save` writes.

mod layers;
mod store;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

use serde::Deserialize;

use crate::image::config::ImageConfig;
use crate::image::platform::Platform;
use crate::rootfs::dir::MAX_READ_BYTES;
use crate::rootfs::links::{self, Resolved};
use crate::rootfs::{Entry, FileKind, Rootfs, RootfsError, RootfsPath, Stat};
use layers::{Layers, Node};
use store::{Part, Store, invalid};

/// The files of one image of one platform.
#[derive(Debug)]
pub struct ImageRootfs {
    nodes: BTreeMap<RootfsPath, Node>,
    names: BTreeMap<RootfsPath, BTreeSet<Vec<u8>>>,
}

impl ImageRootfs {
    /// Opens what is saved at `path` for `platform`, with its config.
    ///
    /// # Errors
    /// When it is no saved image, has no image for the platform, or several of different names.
    pub fn open(path: &Path, platform: &Platform) -> io::Result<(Self, ImageConfig)> {
        let store = Store::open(path)?;
        let saved = match json::<Index>(&store, "index.json")? {
            Some(index) => of_layout(&store, index, platform)?,
            None => of_docker(&store)?,
        };
        let config = ImageConfig::from_json(&saved.config.bytes(MAX_JSON_BYTES)?)
            .map_err(|error| invalid(format!("its config: {error}")))?;
        let mut layers = Layers::default();
        for layer in &saved.layers {
            layers.add(layer)?;
        }
        Ok((Self::of_nodes(layers.nodes), config))
    }

    fn of_nodes(mut nodes: BTreeMap<RootfsPath, Node>) -> Self {
        let mut names: BTreeMap<RootfsPath, BTreeSet<Vec<u8>>> = BTreeMap::new();
        for path in nodes.keys().cloned().collect::<Vec<_>>() {
            let mut at = path;
            // Exporters need not write the directories above a file.
            while let Some(parent) = at.parent() {
                let new = names.entry(parent.clone()).or_default().insert(at.name().to_vec());
                nodes.entry(parent.clone()).or_insert_with(directory);
                if !new {
                    break;
                }
                at = parent;
            }
        }
        nodes.entry(RootfsPath::root()).or_insert_with(directory);
        Self { nodes, names }
    }

    fn real(&self, path: &RootfsPath) -> Result<RootfsPath, RootfsError> {
        match links::resolve(self, path)? {
            Resolved::Found { path, .. } => Ok(path),
            Resolved::Missing { .. } => Err(RootfsError::NotFound(path.clone())),
        }
    }
}

impl Rootfs for ImageRootfs {
    fn list(&self, dir: &RootfsPath) -> Result<Vec<Entry>, RootfsError> {
        let real = self.real(dir)?;
        match self.nodes.get(&real) {
            Some(node) if node.stat.kind == FileKind::Directory => {}
            _ => return Err(RootfsError::NotADirectory(dir.clone())),
        }
        let names = self.names.get(&real).into_iter().flatten();
        let entry = |name: &Vec<u8>| {
            let node = self.nodes.get(&real.join(name))?;
            Some(Entry { name: name.clone(), stat: node.stat.clone() })
        };
        Ok(names.filter_map(entry).collect())
    }

    fn stat(&self, path: &RootfsPath) -> Result<Option<Stat>, RootfsError> {
        if let Some(node) = self.nodes.get(path) {
            return Ok(Some(node.stat.clone()));
        }
        let Some(parent) = path.parent() else { return Ok(None) };
        // A parent that is no link, and has no such name.
        if self.nodes.get(&parent).is_some_and(|node| node.stat.kind == FileKind::Directory) {
            return Ok(None);
        }
        match links::resolve(self, &parent) {
            Ok(Resolved::Found { path: real, .. }) => {
                Ok(self.nodes.get(&real.join(path.name())).map(|node| node.stat.clone()))
            }
            Ok(Resolved::Missing { .. }) | Err(RootfsError::LinkLoop(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn read(&self, file: &RootfsPath, range: Range<u64>) -> Result<Vec<u8>, RootfsError> {
        let real = self.real(file)?;
        let part = self.nodes.get(&real).and_then(|node| node.bytes.as_ref());
        let part = part.ok_or_else(|| RootfsError::NotAFile(file.clone()))?;
        let end = range.end.min(part.size);
        let length = end.saturating_sub(range.start);
        if length > MAX_READ_BYTES {
            return Err(RootfsError::TooLarge { path: file.clone(), limit: MAX_READ_BYTES });
        }
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
        part.file
            .read_exact_at(&mut bytes, part.start + range.start)
            .map_err(|source| RootfsError::Io { path: file.clone(), source })?;
        Ok(bytes)
    }
}

fn directory() -> Node {
    let stat = Stat {
        kind: FileKind::Directory,
        mode: 0o755,
        uid: 0,
        gid: 0,
        size: 0,
        mtime_ns: 0,
        hardlink: None,
        xattrs: Vec::new(),
    };
    Node { stat, bytes: None }
}

/// The parts of one image.
struct Saved {
    config: Part,
    layers: Vec<Part>,
}

/// `index.json` of an OCI layout, or an index that it names.
#[derive(Deserialize)]
struct Index {
    #[serde(default)]
    manifests: Vec<Descriptor>,
}

#[derive(Clone, Deserialize)]
struct Descriptor {
    digest: String,
    #[serde(default)]
    platform: Option<Platform>,
}

/// An image manifest, or an index in its place.
#[derive(Deserialize)]
struct ManifestOrIndex {
    config: Option<Descriptor>,
    #[serde(default)]
    layers: Vec<Descriptor>,
    #[serde(default)]
    manifests: Vec<Descriptor>,
}

/// A row of the `manifest.json` that `docker save` writes.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DockerImage {
    config: String,
    layers: Vec<String>,
}

fn of_layout(store: &Store, index: Index, platform: &Platform) -> io::Result<Saved> {
    let mut descriptors = index.manifests;
    for _ in 0..MAX_INDEXES {
        let chosen = choose(&descriptors, platform)?;
        let manifest: ManifestOrIndex = json(store, &blob(&chosen.digest)?)?
            .ok_or_else(|| invalid(format!("it lacks `{}`", chosen.digest)))?;
        let Some(config) = manifest.config else {
            descriptors = manifest.manifests;
            continue;
        };
        let layers = manifest.layers.iter().map(|layer| part(store, &blob(&layer.digest)?));
        return Ok(Saved {
            config: part(store, &blob(&config.digest)?)?,
            layers: layers.collect::<Result<_, _>>()?,
        });
    }
    Err(invalid("its index leads to no image"))
}

/// The image for the platform; one that names no platform is for all.
fn choose<'d>(descriptors: &'d [Descriptor], platform: &Platform) -> io::Result<&'d Descriptor> {
    let fits = |descriptor: &&Descriptor| {
        descriptor
            .platform
            .as_ref()
            .is_none_or(|own| own.os == platform.os && own.architecture == platform.architecture)
    };
    let mut fitting: Vec<&Descriptor> = descriptors.iter().filter(fits).collect();
    fitting.dedup_by(|a, b| a.digest == b.digest);
    match fitting.as_slice() {
        [one] => Ok(*one),
        [] => Err(invalid(format!("it has no image for {}", platform.format()))),
        _ => Err(invalid("it holds several images")),
    }
}

fn of_docker(store: &Store) -> io::Result<Saved> {
    let images: Vec<DockerImage> = json(store, "manifest.json")?
        .ok_or_else(|| invalid("it has neither `index.json` nor `manifest.json`, so it is no saved image"))?;
    let [image] = images.as_slice() else { return Err(invalid("it holds several images")) };
    let layers = image.layers.iter().map(|layer| part(store, layer));
    Ok(Saved { config: part(store, &image.config)?, layers: layers.collect::<Result<_, _>>()? })
}

fn blob(digest: &str) -> io::Result<String> {
    let (algorithm, hex) =
        digest.split_once(':').ok_or_else(|| invalid(format!("`{digest}` is no digest")))?;
    Ok(format!("blobs/{algorithm}/{hex}"))
}

fn part(store: &Store, name: &str) -> io::Result<Part> {
    store.part(name)?.ok_or_else(|| invalid(format!("it lacks `{name}`")))
}

fn json<T: serde::de::DeserializeOwned>(store: &Store, name: &str) -> io::Result<Option<T>> {
    let Some(part) = store.part(name)? else { return Ok(None) };
    let bytes = part.bytes(MAX_JSON_BYTES)?;
    serde_json::from_slice(&bytes).map(Some).map_err(|error| invalid(format!("`{name}`: {error}")))
}

/// Manifests and configs have some kilobytes; one with thousands of layers has a megabyte.
const MAX_JSON_BYTES: u64 = 16 << 20;

/// An index of an index is all that tools write.
const MAX_INDEXES: usize = 4;

#[cfg(test)]
mod tests;
