//! Copies the bytes of one file into another, by the cheapest way the kernel offers, holes kept.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::AsFd;

use rustix::fs;
use rustix::io::Errno;

/// Copies the `size` bytes of `from` into the empty file `to`.
///
/// # Errors
/// When reading or writing fails, or `from` is shorter than `size`.
pub(super) fn contents(from: &mut File, to: &mut File, size: u64) -> io::Result<()> {
    let mut way = Way::Kernel;
    if is_sparse(from, size)? {
        to.set_len(size)?;
        let mut at = 0;
        while let Some((start, end)) = next_data(from, at, size)? {
            extent(from, to, start, end, &mut way)?;
            at = end;
        }
        return Ok(());
    }
    extent(from, to, 0, size, &mut way)
}

/// How bytes move.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// `copy_file_range(2)`: shares blocks where the file system can, and spares the way through user space.
    Kernel,
    /// `read(2)` and `write(2)`, between file systems that the kernel does not copy between.
    Buffer,
}

fn extent(from: &mut File, to: &mut File, start: u64, end: u64, way: &mut Way) -> io::Result<()> {
    let mut at = start;
    while at < end && *way == Way::Kernel {
        let (mut read_at, mut write_at) = (at, at);
        let length = usize::try_from(end - at).unwrap_or(usize::MAX).min(KERNEL_CHUNK);
        match fs::copy_file_range(from.as_fd(), Some(&mut read_at), to.as_fd(), Some(&mut write_at), length) {
            // Some file systems answer 0 where they should refuse (kernels before 5.19): read tells the truth.
            Ok(0) => *way = Way::Buffer,
            Ok(count) => at += count as u64,
            Err(Errno::INTR) => {}
            Err(Errno::XDEV | Errno::INVAL | Errno::OPNOTSUPP | Errno::NOSYS | Errno::PERM) => {
                *way = Way::Buffer;
            }
            Err(error) => return Err(error.into()),
        }
    }
    if at == end {
        return Ok(());
    }
    from.seek(SeekFrom::Start(at))?;
    to.seek(SeekFrom::Start(at))?;
    let mut buffer = vec![0; usize::try_from(end - at).unwrap_or(usize::MAX).min(BUFFER_BYTES)];
    while at < end {
        let wanted = usize::try_from(end - at).unwrap_or(usize::MAX).min(buffer.len());
        match from.read(&mut buffer[..wanted]) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                to.write_all(&buffer[..count])?;
                at += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Whether the file occupies less than its size: only then are its holes worth two more calls for each.
fn is_sparse(file: &File, size: u64) -> io::Result<bool> {
    let stat = fs::fstat(file)?;
    Ok(u64::try_from(stat.st_blocks).unwrap_or(0).saturating_mul(BLOCK_BYTES) < size)
}

/// The next extent with data at or after `at`; `None` when only a hole is left.
fn next_data(file: &File, at: u64, size: u64) -> io::Result<Option<(u64, u64)>> {
    if at >= size {
        return Ok(None);
    }
    let start = match fs::seek(file, fs::SeekFrom::Data(at)) {
        Ok(start) => start,
        Err(Errno::NXIO) => return Ok(None),
        // The file system does not know holes: all is data.
        Err(Errno::INVAL | Errno::OPNOTSUPP) => return Ok(Some((at, size))),
        Err(error) => return Err(error.into()),
    };
    let end = fs::seek(file, fs::SeekFrom::Hole(start))?.min(size);
    Ok((start < end).then_some((start, end)))
}

/// What one call may move; the kernel's own limit is a little less than 2 GiB.
const KERNEL_CHUNK: usize = 1 << 30;
/// Large enough that the calls do not count, small enough to stay in the cache.
const BUFFER_BYTES: usize = 256 << 10;
/// `st_blocks` counts these (stat(2)).
const BLOCK_BYTES: u64 = 512;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    fn copied(content: impl FnOnce(&mut File)) -> (File, File) {
        let mut from = tempfile::tempfile().unwrap();
        content(&mut from);
        let size = from.metadata().unwrap().len();
        let mut to = tempfile::tempfile().unwrap();
        contents(&mut from, &mut to, size).unwrap();
        (from, to)
    }

    fn bytes(file: &mut File) -> Vec<u8> {
        file.rewind().unwrap();
        let mut all = Vec::new();
        file.read_to_end(&mut all).unwrap();
        all
    }

    #[test]
    fn copies_all_bytes() {
        for size in [0, 1, 4096, BUFFER_BYTES, BUFFER_BYTES + 1, 3 << 20] {
            let content: Vec<u8> = (0..size).map(|at| u8::try_from(at % 251).unwrap()).collect();
            let (_, mut to) = copied(|file| file.write_all(&content).unwrap());
            assert!(bytes(&mut to) == content, "{size} bytes");
        }
    }

    #[test]
    fn the_buffer_way_copies_the_same() {
        let mut from = tempfile::tempfile().unwrap();
        let content: Vec<u8> = (0..1_000_000).map(|at: u32| at.to_le_bytes()[1]).collect();
        from.write_all(&content).unwrap();
        let mut to = tempfile::tempfile().unwrap();
        extent(&mut from, &mut to, 0, content.len() as u64, &mut Way::Buffer).unwrap();
        assert!(bytes(&mut to) == content);
    }

    #[test]
    fn holes_stay_holes() {
        let (mut from, mut to) = copied(|file| {
            file.set_len(64 << 20).unwrap();
            file.seek(SeekFrom::Start(32 << 20)).unwrap();
            file.write_all(b"in the middle").unwrap();
        });
        assert!(to.metadata().unwrap().blocks() * BLOCK_BYTES < 1 << 20);
        assert!(bytes(&mut to) == bytes(&mut from));
    }

    #[test]
    fn a_file_that_is_shorter_than_planned_is_an_error() {
        let mut from = tempfile::tempfile().unwrap();
        from.write_all(b"short").unwrap();
        let mut to = tempfile::tempfile().unwrap();
        let error = contents(&mut from, &mut to, 6).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}
