//! The named parts of a saved image: files of an OCI layout, or members of a tar with the same names.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// A part's bytes: where they begin in an open file, and how many they are.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) file: Rc<File>,
    pub(super) start: u64,
    pub(super) size: u64,
}

impl Part {
    /// Reads it from its beginning.
    pub(super) fn reader(&self) -> io::Result<impl Read + use<>> {
        let mut file = self.file.try_clone()?;
        file.seek(SeekFrom::Start(self.start))?;
        Ok(file.take(self.size))
    }

    /// All of it, up to `limit` bytes.
    pub(super) fn bytes(&self, limit: u64) -> io::Result<Vec<u8>> {
        if self.size > limit {
            return Err(invalid(format!("it has more than {limit} bytes")));
        }
        let mut bytes = Vec::new();
        self.reader()?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// Where the parts are.
#[derive(Debug)]
pub(super) enum Store {
    Directory(PathBuf),
    /// Members by name, the last one of a name counts.
    Tar(BTreeMap<String, Part>),
}

impl Store {
    /// A directory, or a tar that is not compressed.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        if path.is_dir() {
            return Ok(Self::Directory(path.to_owned()));
        }
        let file = Rc::new(File::open(path)?);
        let mut archive = tar::Archive::new(&*file);
        let mut members = BTreeMap::new();
        for entry in archive.entries_with_seek()? {
            let entry = entry?;
            if !entry.header().entry_type().is_file() {
                continue;
            }
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let name = name.trim_start_matches("./").to_owned();
            let part = Part { file: Rc::clone(&file), start: entry.raw_file_position(), size: entry.size() };
            if members.len() >= MAX_MEMBERS {
                return Err(invalid(format!("it has more than {MAX_MEMBERS} members")));
            }
            members.insert(name, part);
        }
        Ok(Self::Tar(members))
    }

    /// The part called `name`; `None` when there is none.
    pub(super) fn part(&self, name: &str) -> io::Result<Option<Part>> {
        match self {
            Self::Tar(members) => Ok(members.get(name).cloned()),
            // The names come from the layout itself.
            Self::Directory(_) if name.split('/').any(|word| matches!(word, "" | "." | "..")) => Ok(None),
            Self::Directory(directory) => match File::open(directory.join(name)) {
                Ok(file) => {
                    let size = file.metadata()?.len();
                    Ok(Some(Part { file: Rc::new(file), start: 0, size }))
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(error),
            },
        }
    }
}

pub(super) fn invalid(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.into())
}

/// A saved image has a handful for each layer.
const MAX_MEMBERS: usize = 100_000;
