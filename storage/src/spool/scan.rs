//! Walking the entries of a segment or a pack by their headers, without reading their contents.

use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::entry::{BLOCK_BYTES, EntryHeader, HEADER_BYTES, HeaderError};
use super::region::Region;
use crate::error::{Error, Result};

/// Read at a time when looking for the next header behind a damaged one.
const WINDOW_BYTES: u64 = 1 << 20;

/// What was found in a file of entries.
#[derive(Debug)]
pub struct Scan {
    /// The whole entries, in order.
    pub entries: Vec<Entry>,
    /// Where bytes begin that are no entry although whole entries follow: a header that was whole
    /// once, since an entry is written only behind one that is.
    pub damaged: Vec<u64>,
    /// What stands behind the last whole entry.
    pub tail: Tail,
}

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

/// Walks the tar file at `path`. Not found when there is no such file. Blocks.
pub fn walk(path: &Path) -> Result<Scan> {
    let file = File::open(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Error::NotFound,
        _ => Error::io("open a segment", error),
    })?;
    let size = file.metadata().map_err(|error| Error::io("size a segment", error))?.len();
    let mut scan = Scan { entries: Vec::new(), damaged: Vec::new(), tail: Tail::Clean };
    let mut at = 0u64;
    while at < size {
        let next = match header_at(&file, at, size)? {
            Ok(header) => {
                let next = at.saturating_add(header.entry_bytes());
                if next <= size {
                    scan.entries.push(Entry { header, offset: at + HEADER_BYTES });
                }
                Some(next).filter(|next| *next <= size)
            }
            Err(HeaderError::UnknownFormat) => {
                return Err(Error::Corrupt("a segment was written by a later version".to_owned()));
            }
            // Room for a header that was never written: nothing was written behind it either.
            Err(HeaderError::Empty) => None,
            Err(HeaderError::Damaged(_)) => {
                let next = next_header(&file, at.saturating_add(BLOCK_BYTES), size)?;
                scan.damaged.extend(next.map(|_| at));
                next
            }
        };
        let Some(next) = next else {
            scan.tail = Tail::Torn(at);
            break;
        };
        at = next;
    }
    Ok(scan)
}

fn header_at(file: &File, at: u64, size: u64) -> Result<Result<EntryHeader, HeaderError>> {
    let mut bytes = [0; HEADER_BYTES as usize];
    if size.saturating_sub(at) < HEADER_BYTES {
        return Ok(Err(HeaderError::Empty));
    }
    file.read_exact_at(&mut bytes, at).map_err(|error| Error::io("read a segment", error))?;
    Ok(EntryHeader::decode(&bytes))
}

/// Where the next whole header stands, from `at` on.
fn next_header(file: &File, mut at: u64, size: u64) -> Result<Option<u64>> {
    while at < size {
        let wanted = WINDOW_BYTES.min(size - at);
        let mut window = vec![0; usize::try_from(wanted).unwrap_or_default()];
        file.read_exact_at(&mut window, at).map_err(|error| Error::io("read a segment", error))?;
        for block in window.chunks(BLOCK_BYTES as usize) {
            if EntryHeader::may_begin_with(block) && header_at(file, at, size)?.is_ok() {
                return Ok(Some(at));
            }
            at = at.saturating_add(block.len() as u64);
        }
    }
    Ok(None)
}

/// Reads the content at `offset` and says whether its data set has the hash the header names.
pub fn content_is_whole(file: &File, offset: u64, header: &EntryHeader) -> std::io::Result<bool> {
    let mut hasher = blake3::Hasher::new();
    let start = offset.saturating_add(header.head_bytes);
    let mut dataset = Region::new(file, start, header.dataset_bytes());
    match std::io::copy(&mut dataset, &mut hasher) {
        Ok(_) => Ok(hasher.finalize().as_bytes() == &header.dataset_hash),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}
