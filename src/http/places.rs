//! Places for callers, and who gives one up when all are taken.
//!
//! Whoever holds a connection without using it would otherwise keep everybody else out for as long as silence is
//! borne. When there is no place left, the connection on which nothing has moved for the longest time is closed, if
//! that has been for a while: no matter whether it lies idle between requests, does not read its answer or does not
//! send what it has announced.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// When nobody could be closed, or has not gone yet, it is looked again after so long.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The places. Clones share them.
#[derive(Clone)]
pub struct Places {
    free: Arc<Semaphore>,
    most: usize,
    silence: Duration,
    callers: Arc<Mutex<HashMap<u64, Caller>>>,
    opened: Instant,
    next: Arc<AtomicU64>,
}

/// A connection, as long as it may stay. Clones are the same one.
#[derive(Clone)]
pub struct Caller {
    opened: Instant,
    last_moved_ms: Arc<AtomicU64>,
    closed: CancellationToken,
}

impl Caller {
    /// Notes that a byte has moved.
    pub fn moved(&self, now: Instant) {
        self.last_moved_ms.store(milliseconds(now - self.opened), Ordering::Relaxed);
    }

    /// Done when its place is given to another.
    pub async fn closed(&self) {
        self.closed.cancelled().await;
    }
}

/// The place of a connection, until it is dropped.
pub struct Place {
    /// Who has it.
    pub caller: Caller,
    number: u64,
    places: Places,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.callers().remove(&self.number);
    }
}

impl Places {
    /// So many places, of which those are given up on whose connection nothing has moved for `silence`.
    pub fn new(most: usize, silence: Duration) -> Self {
        Self {
            free: Arc::new(Semaphore::new(most)),
            most,
            silence,
            callers: Arc::default(),
            opened: Instant::now(),
            next: Arc::default(),
        }
    }

    /// How many are taken.
    pub fn taken(&self) -> usize {
        self.most.saturating_sub(self.free.available_permits())
    }

    /// A place for a connection that was accepted; waits for one when nobody has been silent for long.
    pub async fn take(&self) -> Place {
        loop {
            if let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() {
                return self.seat(permit);
            }
            self.make_room();
            let freed = tokio::time::timeout(LOOK_AGAIN, Arc::clone(&self.free).acquire_owned()).await;
            if let Ok(Ok(permit)) = freed {
                return self.seat(permit);
            }
        }
    }

    /// A place for one more request on a connection that carries many; none when all are taken.
    pub fn one_more(&self) -> Option<OwnedSemaphorePermit> {
        let permit = Arc::clone(&self.free).try_acquire_owned().ok();
        if permit.is_none() {
            self.make_room();
        }
        permit
    }

    fn seat(&self, permit: OwnedSemaphorePermit) -> Place {
        let caller = Caller {
            opened: self.opened,
            last_moved_ms: Arc::new(AtomicU64::new(milliseconds(self.opened.elapsed()))),
            closed: CancellationToken::new(),
        };
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.callers().insert(number, caller.clone());
        Place { caller, number, places: self.clone(), _permit: permit }
    }

    /// Closes the connection that has been silent for longest.
    fn make_room(&self) {
        let mut callers = self.callers();
        let last_moved_ms = |caller: &Caller| caller.last_moved_ms.load(Ordering::Relaxed);
        let longest = callers.iter().min_by_key(|(number, caller)| (last_moved_ms(caller), **number));
        let Some((number, moved_ms)) = longest.map(|(number, caller)| (*number, last_moved_ms(caller)))
        else {
            return;
        };
        let silent_ms = milliseconds(self.opened.elapsed()).saturating_sub(moved_ms);
        if silent_ms >= milliseconds(self.silence)
            && let Some(caller) = callers.remove(&number)
        {
            tracing::debug!(
                silent_ms,
                "all places are taken; the connection that was silent for longest is closed"
            );
            caller.closed.cancel();
        }
    }

    fn callers(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Caller>> {
        self.callers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_was_silent_for_longest_gives_up_the_place() {
        let places = Places::new(2, Duration::ZERO);
        let (first, second) = (places.take().await, places.take().await);
        first.caller.moved(Instant::now() + Duration::from_secs(1));
        let mut third = std::pin::pin!(places.take());
        assert!(futures::poll!(third.as_mut()).is_pending());
        assert!(second.caller.closed.is_cancelled() && !first.caller.closed.is_cancelled());
        drop(second);
        let _third = third.await;
        assert_eq!(places.taken(), 2);
        assert!(!first.caller.closed.is_cancelled());
    }

    #[tokio::test]
    async fn nobody_goes_who_has_only_just_spoken() {
        let places = Places::new(1, Duration::from_secs(3600));
        let only = places.take().await;
        assert!(places.one_more().is_none());
        assert!(futures::poll!(std::pin::pin!(places.take())).is_pending());
        assert!(!only.caller.closed.is_cancelled());
        drop(only);
        assert!(places.one_more().is_some());
    }
}
