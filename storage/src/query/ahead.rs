//! How many rows a search reads at a time. Who does not read on holds what was read last, for as long as it likes, and
//! there may be thousands of those.

use tokio::sync::{Semaphore, SemaphorePermit};

/// Rows that all searches hold together, beside the few of each; one takes some kilobytes as the engine gives it.
const ROWS_OF_ALL: usize = 512;
/// The part of what is left that one may take: whoever comes later finds some.
const PART_OF_WHAT_IS_LEFT: usize = 2;
/// Rows that are read at least.
const ROWS_LEAST: usize = 4;

/// What is left for all.
static LEFT: Semaphore = Semaphore::const_new(ROWS_OF_ALL);

/// Rows that may be held.
#[derive(Debug)]
pub struct Rows {
    /// So many.
    pub count: i64,
    _share: Option<SemaphorePermit<'static>>,
}

impl Rows {
    /// As many as there is room for, `most` at most.
    pub fn up_to(most: i64) -> Self {
        let most = usize::try_from(most).unwrap_or(0);
        let count = most.min(LEFT.available_permits() / PART_OF_WHAT_IS_LEFT);
        let share = u32::try_from(count).ok().and_then(|count| LEFT.try_acquire_many(count).ok());
        let count = if share.is_some() { count } else { 0 };
        let count = count.max(ROWS_LEAST.min(most));
        Self { count: i64::try_from(count).unwrap_or(i64::MAX), _share: share }
    }
}
