//! `decant explain` and `decant diff`: what is in an image and why, read from its manifest.

use std::io::Write;
use std::path::Path;

use super::{VerbError, exit_code};
use crate::closure::report;
use crate::distill::difference::difference;
use crate::distill::manifest::{MAX_BYTES, Manifest, PATH, parse_manifest, unpack};
use crate::rootfs::dir::DirRootfs;
use crate::rootfs::{Rootfs, RootfsPath};

/// `decant explain (MANIFEST | DIRECTORY) [PATH]`: everything in the set, or why one path is.
pub fn explain(args: &[String], out: &mut dyn Write, err: &mut dyn Write) -> i32 {
    exit_code("explain", explain_words(args, out), err)
}

/// `decant diff (MANIFEST | DIRECTORY) (MANIFEST | DIRECTORY)`: what changed from one set to another.
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
            return Err(VerbError::Usage("usage: decant explain (MANIFEST | DIRECTORY) [PATH]".to_owned()));
        }
    }
    Ok(())
}

fn diff_words(args: &[String], out: &mut dyn Write) -> Result<(), VerbError> {
    let [old, new] = args else {
        let usage = "usage: decant diff (MANIFEST | DIRECTORY) (MANIFEST | DIRECTORY)";
        return Err(VerbError::Usage(usage.to_owned()));
    };
    Ok(out.write_all(difference(&read(old)?, &read(new)?).as_bytes())?)
}

/// The manifest in a file, packed or not, or in the root file system of an image.
fn read(place: &str) -> Result<Manifest, VerbError> {
    let failed = |what: &dyn std::fmt::Display| VerbError::Failed(format!("`{place}`: {what}"));
    let path = Path::new(place);
    let (directory, file) = if path.is_dir() {
        (path, RootfsPath::from(PATH))
    } else {
        let name = path.file_name().filter(|_| path.is_file());
        let name = name.ok_or_else(|| {
            failed(
                &"no such file; images of a registry cannot be read yet, take the manifest out of the image",
            )
        })?;
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        (directory.unwrap_or(Path::new(".")), RootfsPath::root().join(name.as_encoded_bytes()))
    };
    let rootfs = DirRootfs::open(directory).map_err(|error| failed(&error))?;
    let bytes = rootfs.read(&file, 0..MAX_BYTES).map_err(|error| failed(&error))?;
    if bytes.starts_with(&GZIP_MAGIC) { unpack(&bytes) } else { parse_manifest(&bytes) }
        .map_err(|error| failed(&error))
}

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
