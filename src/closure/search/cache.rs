//! `/etc/ld.so.cache`: read as the loader does, written as `ldconfig` does.

use crate::closure::elf::{Abi, ByteOrder};

/// The path of the cache.
pub const CACHE_PATH: &str = "/etc/ld.so.cache";

/// A parsed cache.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cache {
    /// In file order.
    pub entries: Vec<CacheEntry>,
}

/// One library of a cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheEntry {
    /// The soname (`key`).
    pub name: Vec<u8>,
    /// The absolute path (`value`).
    pub path: Vec<u8>,
    /// `FLAG_ELF_LIBC6` and the architecture.
    pub flags: i32,
    /// The `glibc-hwcaps` subdirectory.
    pub hwcap: Option<Vec<u8>>,
}

#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    #[error("`/etc/ld.so.cache` is no cache of a known format")]
    Unknown,
    #[error("`/etc/ld.so.cache` is damaged: {0}")]
    Damaged(&'static str),
}

impl Cache {
    /// Reads the new format, also behind the old one.
    ///
    /// # Errors
    /// When it is no such file.
    pub fn parse(bytes: &[u8], order: ByteOrder) -> Result<Self, CacheError> {
        let _ = (bytes, order);
        todo!()
    }

    /// The new format with the entries in the loader's order, whatever their order here.
    pub fn write(&self, order: ByteOrder) -> Vec<u8> {
        let _ = order;
        todo!()
    }
}

/// The flags value of libraries for this ABI (`ldconfig.h`); `None` for an ABI that is not known.
pub fn flags_for(abi: Abi) -> Option<i32> {
    let _ = abi;
    todo!()
}
