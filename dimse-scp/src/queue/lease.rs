//! Holding on to a job while it is worked on.

use std::time::Duration;

use storage::jobs::{self, JobId};
use tokio::time::Instant;

use crate::listener::Shared;

/// For how long a job is a worker's without a word from it.
pub const LEASE_MS: i64 = 60_000;
/// How often it says so.
const RENEW_EVERY: Duration = Duration::from_secs(20);
/// How often it looks whether somebody has cancelled the job.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Keeps the lease of a job; ends when it is lost.
pub async fn lost(shared: &Shared, id: JobId, worker: &str) {
    let database = shared.archive.database();
    let mut renewed = Instant::now();
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let held = if renewed.elapsed() < RENEW_EVERY {
            jobs::is_held(database, id, worker).await
        } else {
            renewed = Instant::now();
            let until_ms = shared.archive.config().clock.now_ms() + LEASE_MS;
            match jobs::renew(database, id, worker, until_ms).await {
                Err(storage::Error::Conflict(_)) => Ok(false),
                renewed => renewed.map(|()| true),
            }
        };
        match held {
            Ok(true) => {}
            Ok(false) => return,
            // The lease is long enough for a database that is away for a moment.
            Err(error) => tracing::debug!(%error, "a lease could not be looked at"),
        }
    }
}
