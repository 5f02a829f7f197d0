//! Room in the spool: files are read faster than series settle, so an import waits for it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use storage::Archive;

/// How often the spool is looked at while it is too full.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long nothing may leave the spool, once series have rested, before waiting is given up.
const PATIENCE: Duration = Duration::from_secs(600);

/// The spool as far as an import may fill it: half of what its watermark allows, so that the files that are on
/// their way do not meet it. One that is larger than the other half may: it fails, and is told of.
#[derive(Debug)]
pub struct Room {
    most_bytes: u64,
    patience: Duration,
    /// Nothing leaves it; then files are taken as long as there is room, and told of when there is none.
    is_given_up: AtomicBool,
}

impl Room {
    /// That of an archive.
    pub fn of(archive: &Archive) -> Self {
        let config = archive.config();
        Self {
            most_bytes: config.spool_limit_bytes / 2,
            patience: config.settle_after.saturating_add(PATIENCE),
            is_given_up: AtomicBool::new(false),
        }
    }

    /// Whether a file of so many bytes may not fit however long it is waited for.
    pub fn may_never_fit(&self, bytes: u64) -> bool {
        bytes > self.most_bytes
    }

    /// Waits until a file of so many bytes, as far as that is known, may be begun. Unavailable when there is no room
    /// that waiting for the spool could make.
    pub async fn wait(&self, archive: &Archive, length_bytes: Option<u64>) -> storage::Result<()> {
        let (mut least_bytes, mut since) = (u64::MAX, Instant::now());
        loop {
            let bytes = archive.spool_bytes();
            if bytes <= self.most_bytes || self.is_given_up.load(Ordering::Relaxed) {
                return archive.check_room(length_bytes.unwrap_or(0).min(self.most_bytes));
            }
            if bytes < least_bytes {
                (least_bytes, since) = (bytes, Instant::now());
            }
            if since.elapsed() > self.patience {
                tracing::warn!(bytes, "nothing leaves the spool; files are taken until it is full");
                self.is_given_up.store(true, Ordering::Relaxed);
                continue;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}
