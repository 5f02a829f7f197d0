//! The memory that arriving instances share.
//!
//! A sender may take minutes for an image, and hundreds may send at once. So nobody waits for
//! memory that another holds: when it is used up an instance goes to the spool in small steps, which
//! takes a little longer and no memory. What is waited for is a thread, which is held for a visit to the
//! disk, and longer only while the database is behind.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;

use super::MEMORY_BYTES;
use crate::error::{Error, Result};

/// What buffers of any size take together: enough for some forty senders at once.
const SHARED_BYTES: usize = 40 << 20;
/// What is kept for the buffers of those that come when it is used up.
const STEPS_BYTES: usize = 16 << 20;
/// Size of these. Senders whose fragments are smaller would visit the disk for each of them.
const STEP_BYTES: usize = 64 << 10;
/// Full buffers that are kept for the next instance: fetching them from the system anew would take a
/// single sender a third of its rate.
const SPARES: usize = 4;
/// Threads that examine and write them. Each keeps half a megabyte of what it has used, and more of
/// them than this make no disk faster.
const THREADS: usize = 32;

/// What is left of it. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Memory {
    shared: Arc<Semaphore>,
    steps: Arc<Semaphore>,
    spares: Spares,
    threads: Arc<Threads>,
}

/// Buffers of [`MEMORY_BYTES`] that nobody uses just now, at most [`SPARES`].
type Spares = Arc<Mutex<Vec<Vec<u8>>>>;

/// Blocking threads of their own: of those that everything else shares, a burst would start hundreds.
struct Threads(Option<Runtime>);

/// Bytes in memory, counted until they are dropped.
pub(super) struct Buffer {
    bytes: Vec<u8>,
    room_bytes: usize,
    spares: Spares,
    _share: OwnedSemaphorePermit,
}

impl Memory {
    /// All of it.
    pub fn new() -> Result<Self> {
        let threads = Builder::new_current_thread()
            .max_blocking_threads(THREADS)
            .thread_name("arrivals")
            .build()
            .map_err(|error| Error::io("make threads", error))?;
        let of = |bytes| Arc::new(Semaphore::new(bytes));
        let threads = Arc::new(Threads(Some(threads)));
        Ok(Self { shared: of(SHARED_BYTES), steps: of(STEPS_BYTES), spares: Spares::default(), threads })
    }

    /// Gives `work`, which may block, to a thread as soon as one is free.
    pub(super) fn thread<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<JoinHandle<T>> {
        let threads = self.threads.0.as_ref();
        let threads =
            threads.ok_or_else(|| Error::internal("take in an instance", "its threads have ended"))?;
        Ok(threads.spawn_blocking(work))
    }

    /// A buffer of `wanted_bytes`, or a small one, or none when even that is not left.
    pub(super) fn buffer(&self, wanted_bytes: usize) -> Option<Buffer> {
        self.take(&self.shared, wanted_bytes).or_else(|| self.take(&self.steps, wanted_bytes.min(STEP_BYTES)))
    }

    fn take(&self, from: &Arc<Semaphore>, room_bytes: usize) -> Option<Buffer> {
        let share = Arc::clone(from).try_acquire_many_owned(u32::try_from(room_bytes).ok()?).ok()?;
        let spare = if room_bytes == MEMORY_BYTES { kept(&self.spares).pop() } else { None };
        // Untouched memory costs nothing; growing by copying does.
        let bytes = spare.unwrap_or_else(|| Vec::with_capacity(room_bytes));
        Some(Buffer { bytes, room_bytes, spares: Arc::clone(&self.spares), _share: share })
    }
}

impl Drop for Threads {
    /// The last one is dropped on an async thread, which must not wait for blocking ones.
    fn drop(&mut self) {
        if let Some(threads) = self.0.take() {
            threads.shutdown_background();
        }
    }
}

impl Buffer {
    /// Takes from the front of `bytes` what there is room for.
    pub fn fill(&mut self, bytes: &mut Bytes) {
        let room_bytes = self.room_bytes.saturating_sub(self.bytes.len());
        self.bytes.extend_from_slice(&bytes.split_to(room_bytes.min(bytes.len())));
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut spares = kept(&self.spares);
        if self.room_bytes == MEMORY_BYTES && spares.len() < SPARES {
            let mut bytes = std::mem::take(&mut self.bytes);
            bytes.clear();
            spares.push(bytes);
        }
    }
}

fn kept(spares: &Spares) -> MutexGuard<'_, Vec<Vec<u8>>> {
    spares.lock().unwrap_or_else(PoisonError::into_inner)
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_grow_smaller_and_end() {
        let memory = Memory::new().unwrap();
        let held: Vec<Buffer> = std::iter::from_fn(|| memory.buffer(1 << 20)).collect();
        let rooms = |room: usize| held.iter().filter(|buffer| buffer.room_bytes == room).count();
        assert_eq!((rooms(1 << 20), rooms(STEP_BYTES), held.len()), (40, 256, 296));
        drop(held);
        assert_eq!(memory.buffer(1 << 20).unwrap().room_bytes, 1 << 20, "what is dropped is free again");
    }

    #[test]
    fn some_buffers_are_kept_and_come_back_empty() {
        let memory = Memory::new().unwrap();
        let held: Vec<Buffer> = (0..SPARES + 2).filter_map(|_| memory.buffer(MEMORY_BYTES)).collect();
        drop(held);
        assert_eq!(kept(&memory.spares).len(), SPARES);
        let mut first = memory.buffer(MEMORY_BYTES).unwrap();
        first.fill(&mut Bytes::from_static(b"abc"));
        drop(first);
        let again = memory.buffer(MEMORY_BYTES).unwrap();
        assert_eq!((again.as_ref(), kept(&memory.spares).len()), (&b""[..], SPARES - 1));
    }

    #[test]
    fn a_buffer_takes_what_it_has_room_for() {
        let mut buffer = Memory::new().unwrap().buffer(5).unwrap();
        let mut bytes = Bytes::from_static(b"abc");
        buffer.fill(&mut bytes);
        assert_eq!((buffer.as_ref(), bytes.len()), (&b"abc"[..], 0));
        bytes = Bytes::from_static(b"defg");
        buffer.fill(&mut bytes);
        assert_eq!((buffer.as_ref(), bytes.as_ref()), (&b"abcde"[..], &b"fg"[..]));
    }
}
