//! Walking the entries of a segment or a pack by their headers, without reading their contents.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::entry::{EntryHeader, HEADER_BYTES, HeaderError};
use super::region::Region;
use crate::error::{Error, Result};

/// What stands behind the last whole entry.
#[derive(Debug, PartialEq, Eq)]
pub enum Tail {
    /// Nothing.
    Clean,
    /// From this offset on, an entry whose writing was cut short or whose header is damaged.
    Torn(u64),
}

/// A whole entry by its header; whether its content is what was sent only the hash can tell.
#[derive(Debug)]
pub struct Entry {
    /// What its header says.
    pub header: EntryHeader,
    /// Where its content begins in the file.
    pub offset: u64,
}

impl Entry {
    /// Where the entry begins, header included.
    pub fn start(&self) -> u64 {
        self.offset.saturating_sub(HEADER_BYTES)
    }
}

/// The entries of the tar file at `path`, in order. Blocks.
pub fn entries(path: &Path) -> Result<(Vec<Entry>, Tail)> {
    let file = File::open(path).map_err(|error| Error::io("open a segment", error))?;
    let size = file.metadata().map_err(|error| Error::io("size a segment", error))?.len();
    let mut found = Vec::new();
    let mut at = 0u64;
    while at < size {
        let mut bytes = [0; HEADER_BYTES as usize];
        if size - at < HEADER_BYTES {
            return Ok((found, Tail::Torn(at)));
        }
        file.read_exact_at(&mut bytes, at).map_err(|error| Error::io("read a segment", error))?;
        let header = match EntryHeader::decode(&bytes) {
            Ok(header) => header,
            Err(HeaderError::UnknownFormat) => {
                return Err(Error::Corrupt("a segment was written by a later version".to_owned()));
            }
            Err(HeaderError::Empty | HeaderError::Damaged(_)) => {
                return Ok((found, Tail::Torn(at)));
            }
        };
        let next = at.saturating_add(header.entry_bytes());
        if next > size {
            return Ok((found, Tail::Torn(at)));
        }
        found.push(Entry { header, offset: at + HEADER_BYTES });
        at = next;
    }
    Ok((found, Tail::Clean))
}

/// Reads the content at `offset` and says whether its data set has the hash the header names.
pub fn content_is_whole(file: &File, offset: u64, header: &EntryHeader) -> std::io::Result<bool> {
    let mut hasher = blake3::Hasher::new();
    let start = offset.saturating_add(header.head_bytes);
    let mut dataset = Region::new(file, start, header.dataset_bytes());
    let read = std::io::copy(&mut dataset, &mut hasher)?;
    Ok(read == header.dataset_bytes() && hasher.finalize().as_bytes() == &header.dataset_hash)
}
