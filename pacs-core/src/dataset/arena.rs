//! Copies of small values in shared chunks, so that a header costs a few allocations and not one
//! for each of its values.

use bytes::{Bytes, BytesMut};

const CHUNK_BYTES: usize = 4 << 10;
const LARGE_BYTES: usize = 1 << 10;

/// Where values are copied to that do not come from a shared buffer.
#[derive(Debug, Default)]
pub(super) struct Arena {
    chunk: BytesMut,
}

impl Arena {
    /// A shared copy of these bytes.
    pub(super) fn copy(&mut self, bytes: &[u8]) -> Bytes {
        if bytes.is_empty() {
            return Bytes::new();
        }
        if bytes.len() > LARGE_BYTES {
            return Bytes::copy_from_slice(bytes);
        }
        if self.chunk.capacity() < bytes.len() {
            self.chunk = BytesMut::with_capacity(CHUNK_BYTES);
        }
        self.chunk.extend_from_slice(bytes);
        self.chunk.split().freeze()
    }
}
