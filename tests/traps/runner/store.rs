//! Images on disk: blobs and unpacked layers are kept and shared, a root file system is an overlay of layers.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use rustix::fs::{CWD, FileType, Mode, XattrFlags, makedev, mknodat, setxattr};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::support::run;

/// The directory of what is kept: `~/.cache/decant/traps`, or below `XDG_CACHE_HOME`.
#[derive(Debug)]
pub(crate) struct Store {
    root: PathBuf,
    /// One layer is unpacked at a time.
    unpacking: Mutex<()>,
    /// Locked by each run that has the store open.
    lock: File,
    /// Blobs and layers that this run needed.
    used: Mutex<BTreeSet<PathBuf>>,
}

/// An image whose layers are unpacked.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    /// The image config.
    pub(crate) config: Value,
    /// Names of the layers' directories, lowest first.
    layers: Vec<String>,
}

impl Stored {
    /// What the image is, whatever its dates.
    pub(crate) fn identity(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.config["config"].to_string());
        hash.update(self.config["rootfs"].to_string());
        hex(&hash.finalize())
    }

    /// A list of the config's strings, such as `Env`; empty if absent.
    pub(crate) fn strings(&self, key: &str) -> Vec<String> {
        let list = self.config["config"][key].as_array().map_or(&[] as &[Value], Vec::as_slice);
        list.iter().map(|word| word.as_str().unwrap_or_default().to_owned()).collect()
    }
}

impl Store {
    pub(crate) fn open() -> Self {
        let cache = std::env::var_os("XDG_CACHE_HOME").map_or_else(
            || PathBuf::from(std::env::var_os("HOME").expect("HOME is set")).join(".cache"),
            PathBuf::from,
        );
        let root = cache.join("decant/traps");
        for part in ["blobs/sha256", "layers", "ordinary", "run"] {
            fs::create_dir_all(root.join(part)).expect("the store can be made");
        }
        let lock = File::create(root.join("lock")).expect("the store can be locked");
        lock.lock_shared().expect("the store can be locked");
        Self { root, unpacking: Mutex::default(), lock, used: Mutex::default() }
    }

    /// Removes what this run did not need, unless another run has the store open.
    pub(crate) fn sweep(&self) {
        let alone = self.lock.unlock().is_ok() && self.lock.try_lock().is_ok();
        if !alone {
            return;
        }
        let used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        for part in ["blobs/sha256", "layers"] {
            for entry in fs::read_dir(self.root.join(part)).into_iter().flatten().flatten() {
                let path = entry.path();
                if used.contains(&path) {
                    continue;
                }
                // What cannot be removed is removed another time.
                let _ = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            }
        }
    }

    fn use_of(&self, path: PathBuf) -> PathBuf {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).insert(path.clone());
        path
    }

    /// An empty OCI layout whose blobs are those of the store.
    pub(crate) fn new_layout(&self) -> TempDir {
        let layout = self.temporary();
        std::os::unix::fs::symlink(self.root.join("blobs"), layout.path().join("blobs"))
            .expect("a link can be made");
        layout
    }

    pub(crate) fn temporary(&self) -> TempDir {
        TempDir::new_in(self.root.join("run")).expect("a temporary directory can be made")
    }

    /// Where what an ordinary image does is kept.
    pub(crate) fn remembered(&self, key: &str) -> PathBuf {
        self.root.join("ordinary").join(format!("{key}.json"))
    }

    /// Unpacks the layers of a layout's only image.
    pub(crate) fn keep(&self, layout: &Path) -> Stored {
        let mut manifest = json(&layout.join("index.json"));
        while manifest["manifests"].is_array() {
            manifest = json(&self.blob(&manifest["manifests"][0]["digest"]));
        }
        let config = json(&self.blob(&manifest["config"]["digest"]));
        let blobs = manifest["layers"].as_array().cloned().unwrap_or_default();
        let diff_ids = config["rootfs"]["diff_ids"].as_array().cloned().unwrap_or_default();
        assert_eq!(blobs.len(), diff_ids.len(), "a layer has a diff id");
        let layers = blobs
            .iter()
            .zip(&diff_ids)
            .map(|(blob, id)| self.unpack(&self.blob(&blob["digest"]), id.as_str().unwrap_or_default()))
            .collect();
        Stored { config, layers }
    }

    fn blob(&self, digest: &Value) -> PathBuf {
        let digest = digest.as_str().expect("a descriptor has a digest");
        self.use_of(self.root.join("blobs").join(digest.replace(':', "/")))
    }

    /// The name of the directory that holds a layer; short, since a mount names many.
    fn unpack(&self, blob: &Path, diff_id: &str) -> String {
        let name = diff_id.trim_start_matches("sha256:")[..16].to_owned();
        let directory = self.use_of(self.root.join("layers").join(&name));
        let _one = self.unpacking.lock().unwrap_or_else(PoisonError::into_inner);
        if directory.exists() {
            return name;
        }
        let new = self.temporary();
        let tree = new.path().join("tree");
        fs::create_dir(&tree).expect("a directory can be made");
        let _ = run(Command::new("tar")
            .args(["--numeric-owner", "--xattrs", "--xattrs-include=*", "-xpf"])
            .arg(blob)
            .arg("-C")
            .arg(&tree))
        .succeeded();
        convert_whiteouts(&tree);
        // Another runner may have been faster.
        if fs::rename(&tree, &directory).is_err() {
            assert!(directory.exists(), "{} cannot be made", directory.display());
        }
        name
    }

    /// Mounts an image's root file system, writable above its layers.
    pub(crate) fn mount(&self, image: &Stored) -> Mounted {
        let place = self.temporary();
        for part in ["upper", "work", "root", "empty"] {
            let path = place.path().join(part);
            fs::create_dir(&path).expect("a directory can be made");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a mode can be set");
        }
        let path = |part: &str| place.path().join(part).display().to_string();
        let mut lower: Vec<_> = image.layers.iter().rev().cloned().collect();
        // A layer that stands twice says nothing new below; overlayfs refuses it.
        let mut seen = BTreeSet::new();
        lower.retain(|layer| seen.insert(layer.clone()));
        if lower.is_empty() {
            lower.push(path("empty"));
        }
        let options =
            format!("lowerdir={},upperdir={},workdir={}", lower.join(":"), path("upper"), path("work"));
        let mut mount = Command::new("mount");
        mount.current_dir(self.root.join("layers"));
        let _ = run(mount.args(["-t", "overlay", "overlay", "-o", &options]).arg(path("root"))).succeeded();
        Mounted { place }
    }
}

/// A root file system; unmounted when dropped.
#[derive(Debug)]
pub(crate) struct Mounted {
    place: TempDir,
}

impl Mounted {
    pub(crate) fn root(&self) -> PathBuf {
        self.place.path().join("root")
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = run(Command::new("umount").arg(self.root()));
    }
}

/// Whiteouts of layers in the form that overlayfs has for them.
fn convert_whiteouts(directory: &Path) {
    let entries: Vec<_> =
        fs::read_dir(directory).expect("a layer can be listed").filter_map(Result::ok).collect();
    for entry in entries {
        let name = entry.file_name().into_encoded_bytes();
        let path = entry.path();
        if name == b".wh..wh..opq" {
            fs::remove_file(&path).expect("a whiteout can be removed");
            setxattr(directory, "trusted.overlay.opaque", b"y", XattrFlags::empty())
                .expect("an attribute can be set");
        } else if let Some(gone) = name.strip_prefix(b".wh.") {
            use std::os::unix::ffi::OsStrExt;
            fs::remove_file(&path).expect("a whiteout can be removed");
            let gone = directory.join(std::ffi::OsStr::from_bytes(gone));
            mknodat(CWD, &gone, FileType::CharacterDevice, Mode::empty(), makedev(0, 0))
                .expect("a device can be made");
        } else if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            convert_whiteouts(&path);
        }
    }
}

fn json(file: &Path) -> Value {
    let bytes = fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a text takes all");
        text
    })
}
