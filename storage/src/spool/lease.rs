//! A segment in the hands of the one instance that is written to it.

use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use super::entry::{EntryHeader, HEADER_BYTES, entry_bytes, padding_bytes};
use super::region::Region;
use super::writeback::write_ahead;
use super::{OWN_SEGMENT_BYTES, Segment, Spool};
use crate::error::{Error, Result};

const ZEROS: [u8; 512] = [0; 512];
/// A sync that takes longer than this is told of in the log: who looks for what stores wait for, looks there.
const SLOW_SYNC: Duration = Duration::from_secs(5);

/// Sole right to append one entry to a segment. Dropped unfinished, what was written is cut away.
pub struct Lease {
    spool: Spool,
    /// Present until the lease ends.
    segment: Option<Segment>,
    id: i64,
    /// Content written so far.
    content_bytes: u64,
    /// What this lease has added to the size of the spool.
    counted_bytes: u64,
}

/// An entry written from header to padding and not synced yet. Dropped, it is cut away.
pub struct Unsynced {
    lease: Lease,
    /// Where the content (the Part 10 file) begins in the segment.
    offset_bytes: u64,
    /// Size of the content.
    length_bytes: u64,
    /// Size of the entry.
    entry_bytes: u64,
}

/// The mark that an entry's rows are not decided yet.
pub struct Undecided {
    spool: Spool,
    segment: i64,
    pinned: bool,
}

impl Undecided {
    /// Keeps the segment for the life of this process: whether the rows were committed is not
    /// known, so the bytes must stay. Recovery looks at them again at the next start.
    pub fn pin(mut self) {
        self.pinned = true;
    }

    /// Gives back the room of an entry that nothing will ever point at, where that is simple: at
    /// the end of a segment, or alone in one. Elsewhere it stays until the segment goes. Blocks.
    pub fn discard(self, offset: u64, length: u64) {
        let start = offset.saturating_sub(HEADER_BYTES);
        if let Err(error) = self.spool.discard(self.segment, start, start.saturating_add(entry_bytes(length)))
        {
            tracing::warn!(%error, segment = self.segment, "the room of a duplicate was not given back");
        }
    }
}

impl Drop for Undecided {
    fn drop(&mut self) {
        if !self.pinned {
            self.spool.no_longer_busy(self.segment);
        }
    }
}

impl Lease {
    pub(super) fn new(spool: Spool, segment: Segment) -> Self {
        let id = segment.id;
        Self { spool, segment: Some(segment), id, content_bytes: 0, counted_bytes: 0 }
    }

    /// Content written so far.
    pub fn content_bytes(&self) -> u64 {
        self.content_bytes
    }

    /// Appends content of an entry whose header is not known yet; room for the header is kept.
    pub fn write(&mut self, content: &[u8]) -> Result<()> {
        let at = self.content_bytes;
        if at == 0 {
            self.count(HEADER_BYTES);
        }
        self.count(content.len() as u64);
        self.content_bytes = at.saturating_add(content.len() as u64);
        let segment = self.segment()?;
        let offset = segment.end.saturating_add(HEADER_BYTES).saturating_add(at);
        write_ahead(&segment.file, content, offset).map_err(|error| Error::io("write to the spool", error))
    }

    /// Whether the entry has outgrown a segment shared with others.
    pub fn wants_own_segment(&self) -> bool {
        let shared = self.segment.as_ref().is_some_and(|segment| segment.end > 0);
        shared && self.content_bytes > OWN_SEGMENT_BYTES
    }

    /// Carries what was written over to a fresh segment and cuts it away here.
    pub fn move_to_own_segment(mut self) -> Result<Self> {
        let context = "move a large instance to its own segment";
        let bytes = HEADER_BYTES.saturating_add(self.content_bytes);
        let mut own = self.spool.lease_new()?;
        let from = self.segment()?;
        from.file.seek(SeekFrom::Start(from.end)).map_err(|error| Error::io(context, error))?;
        let mut content = (&mut from.file).take(bytes);
        let to = own.segment()?;
        std::io::copy(&mut content, &mut to.file).map_err(|error| Error::io(context, error))?;
        own.content_bytes = self.content_bytes;
        own.count(bytes);
        Ok(own)
    }

    /// Reads back what was written so far, from `skip` bytes into the content on.
    pub fn reader(&mut self, skip: u64) -> Result<Region<'_>> {
        let length = self.content_bytes.saturating_sub(skip);
        let segment = self.segment()?;
        let start = segment.end.saturating_add(HEADER_BYTES).saturating_add(skip);
        Ok(Region::new(&segment.file, start, length))
    }

    /// Pads the entry and writes its header.
    pub fn finish(mut self, header: &EntryHeader) -> Result<Unsynced> {
        if header.content_bytes != self.content_bytes {
            return Err(Error::internal("finish an entry", "its header has another size"));
        }
        let head = header.encode()?;
        let padding = ZEROS.get(..padding_bytes(header.content_bytes) as usize).unwrap_or_default();
        self.count(padding.len() as u64);
        let segment = self.segment()?;
        let end = segment.end.saturating_add(HEADER_BYTES).saturating_add(header.content_bytes);
        segment
            .file
            .write_all_at(padding, end)
            .and_then(|()| segment.file.write_all_at(&head, segment.end))
            .map_err(|error| Error::io("write to the spool", error))?;
        self.whole(header)
    }

    fn whole(mut self, header: &EntryHeader) -> Result<Unsynced> {
        let offset_bytes = self.segment()?.end.saturating_add(HEADER_BYTES);
        let (length_bytes, entry_bytes) = (header.content_bytes, header.entry_bytes());
        Ok(Unsynced { lease: self, offset_bytes, length_bytes, entry_bytes })
    }

    fn count(&mut self, bytes: u64) {
        self.counted_bytes = self.counted_bytes.saturating_add(bytes);
        self.spool.count(bytes);
    }

    fn segment(&mut self) -> Result<&mut Segment> {
        self.segment.as_mut().ok_or_else(|| Error::internal("write to the spool", "no segment"))
    }

    fn take_segment(&mut self) -> Result<Segment> {
        self.segment.take().ok_or_else(|| Error::internal("sync the spool", "no segment"))
    }
}

impl Unsynced {
    /// Where the content will lie once it is synced: segment, offset and length in bytes.
    pub fn place(&self) -> (i64, u64, u64) {
        (self.lease.id, self.offset_bytes, self.length_bytes)
    }

    /// The sync that a store waits for. When it fails nobody knows what reached the disk, so the
    /// segment is never written again.
    pub fn sync(mut self) -> Result<Undecided> {
        let lease = &mut self.lease;
        let mut segment = lease.take_segment()?;
        let began = Instant::now();
        let synced = segment.file.sync_data();
        if began.elapsed() > SLOW_SYNC {
            let elapsed_ms = began.elapsed().as_millis();
            tracing::warn!(segment = lease.id, elapsed_ms, "a sync of the spool took long");
        }
        if let Err(error) = synced {
            lease.spool.no_longer_busy(lease.id);
            return Err(Error::io("sync the spool", error));
        }
        segment.end = segment.end.saturating_add(self.entry_bytes);
        let undecided = Undecided { spool: lease.spool.clone(), segment: lease.id, pinned: false };
        if self.length_bytes <= OWN_SEGMENT_BYTES {
            lease.spool.give_back(segment);
        }
        Ok(undecided)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(segment) = self.segment.take() else { return };
        if segment.file.set_len(segment.end).is_ok() {
            self.spool.uncount(self.counted_bytes);
            self.spool.give_back(segment);
        }
        self.spool.no_longer_busy(self.id);
    }
}
