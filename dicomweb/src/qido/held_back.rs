//! What is held of an answer before its headers are sent, within what all answers may hold.

use bytes::Bytes;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Most of one answer.
const OF_ONE_BYTES: usize = 512 << 10;
/// Most of all together, beside the first piece of each: who does not read an answer holds it for as long as it likes.
const OF_ALL_BYTES: usize = 4 << 20;

/// What is left for all answers.
static LEFT: Semaphore = Semaphore::const_new(OF_ALL_BYTES);

/// The beginning of an answer, or the whole of it.
#[derive(Debug, Default)]
pub struct HeldBack {
    bytes: Vec<u8>,
    share: Option<SemaphorePermit<'static>>,
}

impl HeldBack {
    /// Adds a piece; false when nothing more is to be held.
    pub fn push(&mut self, piece: &[u8]) -> bool {
        self.bytes.extend_from_slice(piece);
        self.bytes.len() < OF_ONE_BYTES
    }

    /// Whether there is room for another piece of that length.
    pub fn reserve(&mut self, piece_bytes: usize) -> bool {
        let Ok(permits) = u32::try_from(piece_bytes) else { return false };
        let Ok(more) = LEFT.try_acquire_many(permits) else { return false };
        match &mut self.share {
            Some(share) => share.merge(more),
            None => self.share = Some(more),
        }
        true
    }

    /// The bytes, which keep their share until the last of them is dropped.
    pub fn freeze(self) -> Bytes {
        Bytes::from_owner(Sent { bytes: self.bytes, _share: self.share })
    }

    /// The bytes of an answer that was held before, with a share of their own; `None` when there is no room: then
    /// it is made anew, as any other that is not held before it is sent.
    pub fn again(bytes: Bytes) -> Option<Bytes> {
        let mut held = Self::default();
        held.reserve(bytes.len()).then(|| Bytes::from_owner(Sent { bytes, _share: held.share }))
    }
}

/// Bytes with their share.
struct Sent<T> {
    bytes: T,
    _share: Option<SemaphorePermit<'static>>,
}

impl<T: AsRef<[u8]>> AsRef<[u8]> for Sent<T> {
    fn as_ref(&self) -> &[u8] {
        self.bytes.as_ref()
    }
}
