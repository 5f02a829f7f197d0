//! How many answers are being sent: the memory that they take together hardly grows with their number.

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, Ordering};

/// What the next chunks of all streams take together, as long as none is smaller than the least. A
/// client that does not read holds several of them, and for as long as it likes.
const CHUNKS_BYTES: u64 = 1 << 20;
/// When there are more streams than these, most of them wait for somebody: each of their chunks is smaller still.
const BUSY_STREAMS: u64 = 32;

/// One of the streams that there are.
#[derive(Debug)]
pub struct Streaming;

/// How many there are.
static STREAMS: AtomicU64 = AtomicU64::new(0);

impl Streaming {
    /// One more, until it is dropped.
    pub fn begin() -> Self {
        STREAMS.fetch_add(1, Ordering::Relaxed);
        Self
    }

    /// The part of what all take that is each one's now, within the bounds of such a stream.
    pub fn chunk_bytes(bounds: RangeInclusive<u64>) -> u64 {
        let streams = STREAMS.load(Ordering::Relaxed).max(1);
        let share = CHUNKS_BYTES / streams * BUSY_STREAMS.min(streams) / streams;
        share.clamp(*bounds.start(), *bounds.end())
    }
}

impl Drop for Streaming {
    fn drop(&mut self) {
        STREAMS.fetch_sub(1, Ordering::Relaxed);
    }
}
