//! A companion made anew: the entries of a pack say all that its companion says.

use std::io::{ErrorKind, Read, Seek, SeekFrom};

use pacs_core::dataset::ReadError;

use super::companion::{CompanionEntry, CompanionWriter};
use super::object::{self, ObjectFile};
use crate::error::{Error, Result};
use crate::read::describe;
use crate::spool::entry::{EntryHeader, HEADER_BYTES, HeaderError};
use crate::spool::region::sought;

/// The companion of a pack, from the headers in it. Contents are passed over: whether they are what was stored is for
/// the verification to tell. Blocks.
///
/// # Errors
/// `Corrupt` when a header is damaged or the pack ends early: nothing is to be made of a part.
pub(crate) fn companion_of(mut pack: ObjectFile) -> Result<Vec<u8>> {
    let entries = walk(&mut pack)?;
    let Some((first, _)) = entries.first() else {
        return Err(Error::Corrupt("a pack holds nothing".to_owned()));
    };
    let mut companion = CompanionWriter::new(&first.series, entries.len())?;
    for (header, offset_bytes) in &entries {
        let start = offset_bytes.saturating_add(header.head_bytes);
        let mut dataset = Part { pack: &mut pack, start, length: header.dataset_bytes(), at: 0 };
        let described =
            describe::read(&mut dataset, &header.transfer_syntax).map_err(|error| match error {
                ReadError::Source(error) if error.kind() != ErrorKind::UnexpectedEof => object::why(error),
                error => Error::Corrupt(format!("instance {} cannot be read: {error}", header.instance)),
            })?;
        let entry = CompanionEntry {
            instance: header.instance.clone(),
            offset_bytes: *offset_bytes,
            length_bytes: header.content_bytes,
            head_bytes: header.head_bytes,
            dataset_blake3: blake3::Hash::from_bytes(header.dataset_hash).to_hex().to_string(),
            transfer_syntax: header.transfer_syntax.clone(),
            received_ms: header.received_ms,
            facility: header.facility.clone(),
            calling_ae: header.calling_ae.clone(),
            pixels: described.pixels,
        };
        companion.add(&entry, &describe::metadata(&described.header, &header.instance))?;
    }
    companion.finish()
}

/// The headers of all entries, and where their contents begin.
fn walk(pack: &mut ObjectFile) -> Result<Vec<(EntryHeader, u64)>> {
    let mut entries = Vec::new();
    let mut at = 0u64;
    loop {
        let mut bytes = Vec::new();
        let read =
            pack.seek(SeekFrom::Start(at)).and_then(|_| pack.take(HEADER_BYTES).read_to_end(&mut bytes));
        read.map_err(object::why)?;
        let header = match EntryHeader::decode(&bytes) {
            Ok(header) => header,
            // The zeros at the end of any tar.
            Err(HeaderError::Empty) => return Ok(entries),
            Err(error) => return Err(Error::Corrupt(error.to_string())),
        };
        let next = at.saturating_add(header.entry_bytes());
        if next > pack.length_bytes() {
            return Err(Error::Corrupt("a pack ends before an instance in it does".to_owned()));
        }
        entries.push((header, at.saturating_add(HEADER_BYTES)));
        at = next;
    }
}

/// A part of a pack, read as if it were a file. The pack is known to reach to its end.
struct Part<'a> {
    pack: &'a mut ObjectFile,
    start: u64,
    length: u64,
    at: u64,
}

impl Read for Part<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let left = usize::try_from(self.length.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let wanted = left.min(buffer.len());
        self.pack.seek(SeekFrom::Start(self.start.saturating_add(self.at)))?;
        let read = self.pack.read(buffer.get_mut(..wanted).unwrap_or_default())?;
        self.at = self.at.saturating_add(read as u64);
        Ok(read)
    }
}

impl Seek for Part<'_> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.at = sought(to, self.at, self.length)?;
        Ok(self.at)
    }
}
