//! Threads for decoding and encoding frames, always the same few.
//!
//! A thread of the allocator keeps blocks of every size that it ever served. On the runtime's blocking threads, of
//! which the next one that is free takes the next job, each of many would come to keep the blocks of every codec.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use tokio::sync::oneshot;

/// Frames made at a time, whatever the number of receivers.
pub const AT_ONCE: usize = 2;

/// The threads. Clones share them.
#[derive(Clone)]
pub struct Codecs(Arc<rayon::ThreadPool>);

impl Codecs {
    /// Starts [`AT_ONCE`] threads; fails where the system allows no more of them.
    pub fn start() -> std::io::Result<Self> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(AT_ONCE)
            .thread_name(|index| format!("codec-{index}"))
            .build()
            .map_err(std::io::Error::other)?;
        Ok(Self(Arc::new(pool)))
    }

    /// What `job` makes; `None` where it panics, which a codec on foreign bytes must not take the process with.
    pub async fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let (sender, receiver) = oneshot::channel();
        self.0.spawn(move || {
            // Nobody waits any more where the association ended.
            if !sender.is_closed() {
                let _ = sender.send(std::panic::catch_unwind(AssertUnwindSafe(job)).ok());
            }
        });
        receiver.await.ok().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_codec_that_panics_leaves_its_thread() {
        let codecs = Codecs::start().unwrap();
        for _ in 0..=AT_ONCE {
            assert_eq!(codecs.run(|| -> u8 { panic!("damaged in a new way") }).await, None);
        }
        assert_eq!(codecs.run(|| 2).await, Some(2));
    }
}
