//! A temporary directory that is the context of one build.

use std::path::Path;

use tempfile::TempDir;

/// A build context; the directory is removed when this is dropped.
#[derive(Debug)]
pub(crate) struct Context(TempDir);

impl Context {
    /// A context that holds nothing but a Dockerfile with this text.
    pub(crate) fn new(dockerfile: &str) -> Self {
        let context = Self(TempDir::new().expect("a temporary directory can be made"));
        context.with("Dockerfile", dockerfile)
    }

    /// Adds a file; missing directories of its path are made.
    #[must_use]
    pub(crate) fn with(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        let file = self.path().join(path);
        let dir = file.parent().expect("a file in a directory has a parent");
        std::fs::create_dir_all(dir).expect("directories of a context can be made");
        std::fs::write(&file, content).expect("files of a context can be written");
        self
    }

    /// The directory.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}
