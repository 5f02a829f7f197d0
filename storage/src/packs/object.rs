//! An object read as if it were a file, by ranges.

use std::io::{Read, Result, Seek, SeekFrom};
use std::sync::Arc;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use tokio::runtime::Handle;

use crate::error::Error;
use crate::spool::region::sought;

/// Fetched at a time: several headers of small instances, one of a large instance.
const WINDOW_BYTES: u64 = 1 << 20;

/// An object in the store, at a place in it. Every method blocks: for threads that may. What the store says when it
/// gives no bytes is in the error ([`why`]).
pub(crate) struct ObjectFile {
    objects: Arc<dyn ObjectStore>,
    path: Path,
    length_bytes: u64,
    at: u64,
    window: Bytes,
    window_at: u64,
    runtime: Handle,
}

impl ObjectFile {
    /// An object of that length, at its beginning. To be called on the runtime that fetches it.
    pub fn new(objects: Arc<dyn ObjectStore>, path: Path, length_bytes: u64) -> Self {
        let (window, runtime) = (Bytes::new(), Handle::current());
        Self { objects, path, length_bytes, at: 0, window, window_at: 0, runtime }
    }

    /// Its length.
    pub fn length_bytes(&self) -> u64 {
        self.length_bytes
    }

    /// What of the window lies at the place.
    fn rest(&self) -> &[u8] {
        let from = self.at.checked_sub(self.window_at).and_then(|from| usize::try_from(from).ok());
        from.and_then(|from| self.window.get(from..)).unwrap_or_default()
    }
}

impl Read for ObjectFile {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        if self.rest().is_empty() && self.at < self.length_bytes {
            let range = self.at..self.length_bytes.min(self.at.saturating_add(WINDOW_BYTES));
            let fetched = self.runtime.block_on(self.objects.get_range(&self.path, range));
            self.window = fetched.map_err(std::io::Error::other)?;
            self.window_at = self.at;
        }
        let rest = self.rest();
        let count = rest.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(rest) {
            *to = *from;
        }
        self.at = self.at.saturating_add(count as u64);
        Ok(count)
    }
}

impl Seek for ObjectFile {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        self.at = sought(to, self.at, self.length_bytes)?;
        Ok(self.at)
    }
}

/// Why an object could not be read.
pub(crate) fn why(error: std::io::Error) -> Error {
    match error.downcast::<object_store::Error>() {
        Ok(error) => error.into(),
        Err(error) => Error::io("read a pack", error),
    }
}
