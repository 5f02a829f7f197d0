//! Buffers that chunks are read into, kept for the next ones.
//!
//! Memory that was used a moment ago lies in the processor's cache, and fresh pages cost more than what is copied
//! into them: both are half of what sending a file from the page cache costs.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

/// Size of a buffer that is kept.
pub const BUFFER_BYTES: usize = 128 << 10;
/// Most that lie idle, 4 MiB.
const IDLE_MAX: usize = 32;

static IDLE: Mutex<Vec<Box<[u8]>>> = Mutex::new(Vec::new());

/// A buffer of some length; one of [`BUFFER_BYTES`] comes from those that lie idle and goes back there.
pub struct Buffer(Box<[u8]>);

impl Buffer {
    /// A buffer of that length, filled with anything.
    pub fn of(length: usize) -> Self {
        let idle = if length == BUFFER_BYTES { idle().pop() } else { None };
        Self(idle.unwrap_or_else(|| vec![0; length].into()))
    }

    /// What it holds, to be sent; the buffer is free again when that was dropped.
    pub fn freeze(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.0.len() == BUFFER_BYTES {
            let mut idle = idle();
            if idle.len() < IDLE_MAX {
                idle.push(std::mem::take(&mut self.0));
            }
        }
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

fn idle() -> std::sync::MutexGuard<'static, Vec<Box<[u8]>>> {
    IDLE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_used_again_and_no_more_lie_idle_than_the_bound() {
        let held: Vec<Bytes> = (0..IDLE_MAX + 4).map(|_| Buffer::of(BUFFER_BYTES).freeze()).collect();
        assert!(held.iter().all(|bytes| bytes.len() == BUFFER_BYTES));
        drop(held);
        assert!((1..=IDLE_MAX).contains(&idle().len()));
        assert_eq!(Buffer::of(10).len(), 10);
    }
}
