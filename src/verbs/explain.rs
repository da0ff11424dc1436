//! `decant explain` and `decant diff`: what is in an image and why, read from its manifest.

use std::io::Write;
use std::path::Path;

use super::place::Place;
use super::{VerbError, exit_code};
use crate::closure::report;
use crate::distill::difference::difference;
use crate::distill::manifest::{MAX_BYTES, Manifest, PATH, parse_manifest, unpack};
use crate::rootfs::dir::DirRootfs;
use crate::rootfs::{Rootfs, RootfsPath};

/// `decant explain (MANIFEST | DIRECTORY | IMAGE) [PATH]`: everything in the set, or why one path is.
pub fn explain(args: &[String], out: &mut dyn Write, err: &mut dyn Write) -> i32 {
    exit_code("explain", explain_words(args, out), err)
}

/// `decant diff (MANIFEST | DIRECTORY | IMAGE) (MANIFEST | DIRECTORY | IMAGE)`: what changed from one set to another.
pub fn diff(args: &[String], out: &mut dyn Write, err: &mut dyn Write) -> i32 {
    exit_code("diff", diff_words(args, out), err)
}

fn explain_words(args: &[String], out: &mut dyn Write) -> Result<(), VerbError> {
    match args {
        [place] => out.write_all(report::text(&read(place)?, None).as_bytes())?,
        [place, path] => {
            let text = report::explain(&read(place)?, path)
                .ok_or_else(|| VerbError::Failed(format!("`{path}` is not in the set")))?;
            writeln!(out, "{}", text.trim_end())?;
        }
        _ => {
            return Err(VerbError::Usage(
                "usage: decant explain (MANIFEST | DIRECTORY | IMAGE) [PATH]".to_owned(),
            ));
        }
    }
    Ok(())
}

fn diff_words(args: &[String], out: &mut dyn Write) -> Result<(), VerbError> {
    let [old, new] = args else {
        let usage = "usage: decant diff (MANIFEST | DIRECTORY | IMAGE) (MANIFEST | DIRECTORY | IMAGE)";
        return Err(VerbError::Usage(usage.to_owned()));
    };
    Ok(out.write_all(difference(&read(old)?, &read(new)?).as_bytes())?)
}

/// The manifest in a file, packed or not, or in the root file system of an image.
fn read(place: &str) -> Result<Manifest, VerbError> {
    let failed = |what: &dyn std::fmt::Display| VerbError::Failed(format!("`{place}`: {what}"));
    let path = Path::new(place);
    if !path.exists() {
        return Err(failed(
            &"no such file; save an image of a registry or engine to a file (`docker save -o FILE`)",
        ));
    }
    let bytes = match manifest_file(path) {
        Some(bytes) => bytes,
        None => Place::open(place)?
            .rootfs
            .read(&RootfsPath::from(PATH), 0..MAX_BYTES)
            .map_err(|error| failed(&format!("{error}; was it built by decant?")))?,
    };
    if bytes.starts_with(&GZIP_MAGIC) { unpack(&bytes) } else { parse_manifest(&bytes) }
        .map_err(|error| failed(&error))
}

/// The bytes of a file that is itself a manifest: JSON, or packed.
fn manifest_file(path: &Path) -> Option<Vec<u8>> {
    let name = path.file_name().filter(|_| path.is_file())?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let rootfs = DirRootfs::open(directory.unwrap_or(Path::new("."))).ok()?;
    let file = RootfsPath::root().join(name.as_encoded_bytes());
    let head = rootfs.read(&file, 0..2).ok()?;
    let is_manifest = head.starts_with(&GZIP_MAGIC) || head.starts_with(b"{");
    if is_manifest { rootfs.read(&file, 0..MAX_BYTES).ok() } else { None }
}

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
