//! A plan as the root file system that it would be written as.

use std::ops::Range;

use crate::closure::plan::{Content, Plan, PlannedEntry, Roots};
use crate::rootfs::links::{self, Resolved};
use crate::rootfs::{Entry, FileKind, Rootfs, RootfsError, RootfsPath, Stat};

pub(super) struct Output<'a> {
    plan: &'a Plan,
    roots: Roots<'a>,
}

impl<'a> Output<'a> {
    pub(super) fn new(plan: &'a Plan, roots: Roots<'a>) -> Self {
        Self { plan, roots }
    }
}

fn stat_of(entry: &PlannedEntry) -> Stat {
    let (kind, size) = match &entry.content {
        Content::Directory => (FileKind::Directory, 0),
        Content::Symlink(target) => (FileKind::Symlink(target.clone()), 0),
        Content::Copy { size, .. } => (FileKind::Regular, *size),
        Content::Bytes(bytes) => (FileKind::Regular, bytes.len() as u64),
    };
    Stat {
        kind,
        mode: entry.mode,
        uid: entry.uid,
        gid: entry.gid,
        size,
        mtime_ns: 0,
        hardlink: None,
        xattrs: entry.xattrs.clone(),
    }
}

impl Rootfs for Output<'_> {
    fn list(&self, dir: &RootfsPath) -> Result<Vec<Entry>, RootfsError> {
        let Resolved::Found { path: real, .. } = links::resolve(self, dir)? else {
            return Err(RootfsError::NotFound(dir.clone()));
        };
        let children = self.plan.entries.iter().filter(|(path, _)| path.parent().as_ref() == Some(&real));
        Ok(children.map(|(path, entry)| Entry { name: path.name().to_vec(), stat: stat_of(entry) }).collect())
    }

    fn stat(&self, path: &RootfsPath) -> Result<Option<Stat>, RootfsError> {
        if path.is_root() {
            let root = self.plan.entries.get(&RootfsPath::from("/tmp")).expect("every set has /tmp");
            return Ok(Some(stat_of(root)));
        }
        if let Some(entry) = self.plan.entries.get(path) {
            return Ok(Some(stat_of(entry)));
        }
        let Some(parent) = path.parent().filter(|parent| !parent.is_root()) else { return Ok(None) };
        match links::resolve(self, &parent)? {
            Resolved::Found { path: real, .. } if real != parent => self.stat(&real.join(path.name())),
            _ => Ok(None),
        }
    }

    fn read(&self, file: &RootfsPath, range: Range<u64>) -> Result<Vec<u8>, RootfsError> {
        let Resolved::Found { path, .. } = links::resolve(self, file)? else {
            return Err(RootfsError::NotFound(file.clone()));
        };
        match self.plan.entries.get(&path).map(|entry| &entry.content) {
            Some(Content::Copy { mount, path, .. }) => self.roots[mount].read(path, range),
            Some(Content::Bytes(bytes)) => {
                let end = usize::try_from(range.end).unwrap_or(usize::MAX).min(bytes.len());
                let start = usize::try_from(range.start).unwrap_or(usize::MAX).min(end);
                Ok(bytes[start..end].to_vec())
            }
            _ => Err(RootfsError::NotAFile(file.clone())),
        }
    }
}
