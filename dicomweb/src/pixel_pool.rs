//! Threads for decoding and drawing pixels, with a queue that has an end.
//!
//! Codecs would starve the threads that serve sockets, and a queue without an end would hold the pixels of everybody
//! who ever asked. A full queue answers 503; a transfer that decodes image after image waits for its turn instead, and
//! so does a thumbnail, for some seconds.
//!
//! Images differ in size by a thousand times, so a job also gets the bytes that it will take before anything is read
//! for it, and waits while others have them. It has them for as long as it computes, never while a client reads.

use crate::error::Error;
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::timeout;

/// Jobs that may wait or run for each thread.
const PLACES_PER_THREAD: usize = 8;
/// How long a place is waited for by who asks for many pictures at once and does not come again for those refused.
const PATIENCE: Duration = Duration::from_secs(20);
/// What one job may take, codec included: enough for a mammogram, and more than half of the program's memory.
const MEMORY_BYTES: u64 = 128 << 20;
/// What all jobs that run together may take. One that takes more runs by itself.
const SHARED_BYTES: u64 = 64 << 20;
/// Jobs that may have their bytes beside those that run: enough that no thread waits for a disk.
const JOBS_AHEAD: usize = 1;
/// What decoded frames may take that clients have not read yet. A larger one is sent by itself.
const SENDING_BYTES: u64 = 32 << 20;
/// What those may take that are written to a file, for clients that find no room in it.
const WRITING_BYTES: u64 = 16 << 20;
/// What such files may take together while they are sent; nobody sees them in a folder.
const ASIDE_BYTES: u64 = 2 << 30;

/// The pool. Clones share it.
#[derive(Debug, Clone)]
pub struct PixelPool {
    threads: Arc<rayon::ThreadPool>,
    places: Arc<Semaphore>,
    begun: Arc<Semaphore>,
    memory: Arc<Semaphore>,
    sending: Arc<Semaphore>,
    writing: Arc<Semaphore>,
    aside: Arc<Semaphore>,
}

/// The right to have a job in the queue or running, and the bytes it was given.
#[derive(Debug)]
pub struct Place {
    _permit: OwnedSemaphorePermit,
    _given: Option<[OwnedSemaphorePermit; 2]>,
}

impl From<OwnedSemaphorePermit> for Place {
    fn from(permit: OwnedSemaphorePermit) -> Self {
        Self { _permit: permit, _given: None }
    }
}

/// Room for a decoded frame.
#[derive(Debug)]
pub struct Share(OwnedSemaphorePermit);

impl Share {
    /// The bytes, which keep the share until the last of them is dropped.
    pub fn hold<B: AsRef<[u8]> + Send + 'static>(self, bytes: B) -> Bytes {
        struct Held<B> {
            bytes: B,
            _share: OwnedSemaphorePermit,
        }
        impl<B: AsRef<[u8]>> AsRef<[u8]> for Held<B> {
            fn as_ref(&self) -> &[u8] {
                self.bytes.as_ref()
            }
        }
        Bytes::from_owner(Held { bytes, _share: self.0 })
    }
}

impl PixelPool {
    /// A pool of `threads` threads and a queue in proportion.
    pub fn new(threads: usize) -> Result<Self, rayon::ThreadPoolBuildError> {
        let threads = threads.max(1);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|index| format!("pixels-{index}"))
            .build()?;
        let permits = |count: u64| Arc::new(Semaphore::new(usize::try_from(count).unwrap_or(usize::MAX)));
        Ok(Self {
            threads: Arc::new(pool),
            places: Arc::new(Semaphore::new(threads * PLACES_PER_THREAD)),
            begun: Arc::new(Semaphore::new(threads + JOBS_AHEAD)),
            memory: permits(SHARED_BYTES),
            sending: permits(SENDING_BYTES),
            writing: permits(WRITING_BYTES),
            aside: permits(ASIDE_BYTES),
        })
    }

    /// A place for a job now or soon; [`Error::Busy`] when the queue is full. Whoever has none must not hold the bytes
    /// that the job needs either: a place is taken before they are read.
    pub fn place_or_refuse(&self) -> Result<Place, Error> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        place.map(Place::from).map_err(|_| Error::Busy("too many images are being drawn".into()))
    }

    /// A place when there is one before long; [`Error::Busy`] when there is none. Browsers ask for all the thumbnails
    /// of a page at once, and show a hole for each that is refused.
    pub async fn place_before_long(&self) -> Result<Place, Error> {
        timeout(PATIENCE, self.place_in_turn()).await.unwrap_or_else(|_| self.place_or_refuse())
    }

    /// A place when there is one: for transfers that make one image after another.
    pub async fn place_in_turn(&self) -> Result<Place, Error> {
        let place = Arc::clone(&self.places).acquire_owned().await;
        place.map(Place::from).map_err(|_| Error::Internal("the pixel queue is closed".into()))
    }

    /// Gives the job of a place its bytes once there are so many; [`Error::TooLarge`] when there never are.
    pub async fn give(&self, place: Place, bytes: u64) -> Result<Place, Error> {
        if bytes > MEMORY_BYTES {
            return Err(Error::TooLarge("decoding it takes more memory than there is for that".into()));
        }
        let begun = share(&self.begun, 1).await?;
        let memory = share(&self.memory, bytes.min(SHARED_BYTES)).await?;
        Ok(Place { _given: Some([begun, memory]), ..place })
    }

    /// Room for a decoded frame on its way to a client, if there is some now. Nobody waits for it: it is slow clients
    /// who have it.
    pub fn sending_share_now(&self, bytes: u64) -> Option<Share> {
        let permits = u32::try_from(bytes.min(SENDING_BYTES)).ok()?;
        Arc::clone(&self.sending).try_acquire_many_owned(permits).ok().map(Share)
    }

    /// Room for a decoded frame on its way to a client, when there is some: for what cannot be written to a file.
    pub async fn sending_share(&self, bytes: u64) -> Result<Share, Error> {
        share(&self.sending, bytes.min(SENDING_BYTES)).await.map(Share)
    }

    /// Room for a decoded frame on its way to a file. It is waited for as long as a disk takes, and
    /// for a client some seconds at most, where no file can be written.
    pub async fn writing_share(&self, bytes: u64) -> Result<Share, Error> {
        share(&self.writing, bytes.min(WRITING_BYTES)).await.map(Share)
    }

    /// Room on the disk for a decoded frame on its way to a client. To be had before a place: whoever has one waits for
    /// no client.
    pub async fn aside_share(&self, bytes: u64) -> Result<Share, Error> {
        share(&self.aside, bytes.min(ASIDE_BYTES)).await.map(Share)
    }

    /// Runs `job` in its place.
    pub async fn run<T: Send + 'static>(
        &self,
        place: Place,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let (sender, receiver) = oneshot::channel();
        self.threads.spawn(move || {
            let _place: Place = place;
            // Nobody waits any more: the client went away while the job stood in the queue.
            if !sender.is_closed() {
                // A codec that panics on foreign bytes must not take the process with it.
                let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(job));
                let _ = sender.send(outcome.ok());
            }
        });
        match receiver.await {
            Ok(Some(value)) => Ok(value),
            _ => Err(Error::Undecodable("the codec failed on this image".into())),
        }
    }
}

async fn share(of: &Arc<Semaphore>, permits: u64) -> Result<OwnedSemaphorePermit, Error> {
    let share = Arc::clone(of).acquire_many_owned(u32::try_from(permits).unwrap_or(u32::MAX)).await;
    share.map_err(|_| Error::Internal("the pixel queue is closed".into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    async fn run<T: Send + 'static>(
        pool: &PixelPool,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let place = pool.place_in_turn().await?;
        pool.run(place, job).await
    }

    #[tokio::test]
    async fn a_full_queue_refuses_and_empties_again() {
        let pool = PixelPool::new(1).unwrap();
        let (release, blocked) = mpsc::channel::<()>();
        let blocked = Arc::new(std::sync::Mutex::new(blocked));
        let jobs: Vec<_> = (0..PLACES_PER_THREAD)
            .map(|_| {
                let (pool, blocked) = (pool.clone(), Arc::clone(&blocked));
                tokio::spawn(async move { run(&pool, move || blocked.lock().unwrap().recv().unwrap()).await })
            })
            .collect();
        while pool.places.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert!(matches!(pool.place_or_refuse(), Err(Error::Busy(_))));
        for _ in &jobs {
            release.send(()).unwrap();
        }
        for job in jobs {
            job.await.unwrap().unwrap();
        }
        assert_eq!(run(&pool, || 2).await.unwrap(), 2);
    }

    #[tokio::test]
    async fn a_place_is_waited_for() {
        let pool = PixelPool::new(1).unwrap();
        let mut taken = Vec::new();
        for _ in 0..PLACES_PER_THREAD {
            taken.push(pool.place_before_long().await.unwrap());
        }
        let mut waiting = std::pin::pin!(pool.place_before_long());
        assert!(futures::poll!(waiting.as_mut()).is_pending());
        taken.pop();
        drop(waiting.await.unwrap());
    }

    #[tokio::test]
    async fn work_nobody_waits_for_is_not_begun() {
        let pool = PixelPool::new(1).unwrap();
        let (release, blocked) = mpsc::channel::<()>();
        let first = tokio::spawn({
            let pool = pool.clone();
            async move { run(&pool, move || blocked.recv().unwrap()).await }
        });
        while pool.places.available_permits() == PLACES_PER_THREAD {
            tokio::task::yield_now().await;
        }
        let (witness, seen) = mpsc::channel::<()>();
        let abandoned = run(&pool, move || witness.send(()).unwrap());
        let cancelled = tokio::select! {
            biased;
            _ = abandoned => false,
            () = tokio::task::yield_now() => true,
        };
        assert!(cancelled);
        release.send(()).unwrap();
        first.await.unwrap().unwrap();
        run(&pool, || ()).await.unwrap();
        assert!(seen.recv().is_err(), "the abandoned job ran");
    }

    #[tokio::test]
    async fn memory_is_given_to_so_many_as_there_is_for() {
        let pool = PixelPool::new(1).unwrap();
        let large = pool.give(pool.place_in_turn().await.unwrap(), SHARED_BYTES - 1).await.unwrap();
        let small = pool.give(pool.place_in_turn().await.unwrap(), 1).await.unwrap();
        let mut third = std::pin::pin!(pool.give(pool.place_in_turn().await.unwrap(), 2));
        assert!(futures::poll!(third.as_mut()).is_pending());
        pool.run(large, || ()).await.unwrap();
        drop(small);
        drop(third.await.unwrap());
        let alone = pool.give(pool.place_in_turn().await.unwrap(), MEMORY_BYTES).await.unwrap();
        let mut beside = std::pin::pin!(pool.give(pool.place_in_turn().await.unwrap(), 1));
        assert!(futures::poll!(beside.as_mut()).is_pending());
        drop(alone);
        drop(beside.await.unwrap());
        let never = pool.give(pool.place_in_turn().await.unwrap(), MEMORY_BYTES + 1).await;
        assert!(matches!(never, Err(Error::TooLarge(_))));
    }

    #[tokio::test]
    async fn a_share_is_kept_until_the_last_byte_has_gone() {
        let pool = PixelPool::new(1).unwrap();
        let mut bytes = pool.sending_share_now(SENDING_BYTES).unwrap().hold(vec![1, 2, 3]);
        let part = bytes.split_to(1);
        drop(bytes);
        assert!(pool.sending_share_now(1).is_none());
        drop(part);
        assert!(pool.sending_share_now(1).is_some());
    }

    #[tokio::test]
    async fn a_panicking_codec_is_an_error() {
        let pool = PixelPool::new(1).unwrap();
        let failed: Result<(), Error> = run(&pool, || panic!("codec")).await;
        assert!(matches!(failed, Err(Error::Undecodable(_))));
        assert_eq!(run(&pool, || 3).await.unwrap(), 3);
    }
}
