//! Counts what arrives of series that are being pulled: an archive that sends again what is here sends all the same.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use pacs_core::uid::Uid;

/// The series that somebody counts arrivals of, each for as long as the count is held.
#[derive(Debug, Clone, Default)]
pub(crate) struct Arrivals(Arc<Mutex<Vec<Counted>>>);

type Counted = (Uid, Weak<AtomicU64>);

impl Arrivals {
    /// Counts, from now on, the instances of a series that arrive at this server and are kept, or were before.
    pub fn of(&self, series: &Uid) -> Arc<AtomicU64> {
        let count = Arc::default();
        let mut counted = self.counted();
        counted.retain(|(_, count)| count.strong_count() > 0);
        counted.push((series.clone(), Arc::downgrade(&count)));
        count
    }

    /// An instance of a series has arrived.
    pub fn note(&self, series: &Uid) {
        for (_, count) in self.counted().iter().filter(|(counted, _)| counted == series) {
            if let Some(count) = count.upgrade() {
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn counted(&self) -> MutexGuard<'_, Vec<Counted>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
