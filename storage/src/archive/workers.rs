//! What an open archive does by itself, for as long as its process serves.

use std::ops::RangeInclusive;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Archive;
use crate::accounts::sessions;
use crate::error::{Error, Result};
use crate::events;
use crate::exams::moves;
use crate::key_objects;
use crate::priors;
use crate::remote_queries;
use crate::routes;
use crate::transfers;
use crate::ups;

/// How often growing studies that owe an event are told of.
const ANNOUNCE_EVERY: Duration = Duration::from_secs(1);
/// How often series that have rested are looked for; much shorter than any rest.
const SETTLE_EVERY: Duration = Duration::from_secs(2);
/// The longest wait after settling has failed, such as while the object store is away.
const SETTLE_AT_LEAST_EVERY: Duration = Duration::from_secs(120);
/// How long after an event routes are followed, and how often at least: another process may have written some.
const ROUTE_AFTER: Duration = Duration::from_millis(200);
const ROUTE_EVERY: Duration = Duration::from_secs(5);
/// How often documents are looked for that reject images.
const REJECT_EVERY: Duration = Duration::from_secs(2);
const TIDY_EVERY: Duration = Duration::from_secs(60);
/// How long after an act it is copied to the journal, with those that came meanwhile, unless whoever acts has waited
/// for that; and how long after it could not be.
const JOURNAL_AFTER: Duration = Duration::from_secs(1);
const JOURNAL_AGAIN_AFTER: Duration = Duration::from_secs(10);
/// How often what only time moves is looked for at most, and at least.
const PASS_TIME_EVERY: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(20);
/// How long events are kept for followers that were away.
const EVENTS_KEPT_MS: i64 = 7 * 24 * 3_600_000;
/// How long what other archives answered is kept, and what was sent and pulled.
const ANSWERS_KEPT_MS: i64 = 3_600_000;
const TRANSFERS_KEPT_MS: i64 = 30 * 24 * 3_600_000;
/// How long unified procedure steps are kept after their end, unless a subscriber needs them longer.
const STEPS_KEPT_MS: i64 = 30 * 24 * 3_600_000;

impl Archive {
    /// Settles rested series, rejects what documents reject, tells of growing studies, moves what only time
    /// moves, copies the journal, removes what nobody needs any more, takes planned backups and reads back
    /// what is kept, until `shutdown` or until another node has
    /// taken the archive.
    pub async fn run_workers(&self, shutdown: CancellationToken) {
        let stop = shutdown.child_token();
        let ending = async {
            tokio::select! {
                () = self.0.closing.cancelled() => stop.cancel(),
                () = stop.cancelled() => {}
            }
        };
        tokio::join!(
            ending,
            self.keep_settling(&stop),
            self.keep_announcing(&stop),
            self.keep_routing(&stop),
            self.keep_time(&stop),
            self.keep_rejecting(&stop),
            self.keep_journal(&stop),
            self.keep_tidy(&stop),
            self.keep_backed_up(&stop),
            self.keep_verifying(&stop)
        );
    }

    async fn keep_settling(&self, shutdown: &CancellationToken) {
        let mut wait = SETTLE_EVERY;
        while !pause(wait, shutdown).await {
            wait = match self.settle_due().await {
                Ok(report) if report.more => Duration::ZERO,
                Ok(_) => SETTLE_EVERY,
                // What was in the way has been logged by the series.
                Err(_) => (wait.max(SETTLE_EVERY) * 2).min(SETTLE_AT_LEAST_EVERY),
            };
            metrics::gauge!("sen_spool_bytes").set(self.spool_bytes() as f64);
        }
    }

    async fn keep_announcing(&self, shutdown: &CancellationToken) {
        loop {
            let last = pause(ANNOUNCE_EVERY, shutdown).await;
            if let Err(error) = self.0.arrivals.announce().await {
                tracing::warn!(%error, "followers were not told of growing studies");
            }
            if last {
                return;
            }
        }
    }

    async fn keep_routing(&self, shutdown: &CancellationToken) {
        let database = &self.0.database;
        let mut hints = database.event_hints();
        loop {
            let now_ms = self.0.config.clock.now_ms();
            let followed = async {
                let more = routes::follow(database, now_ms).await? | priors::follow(database, now_ms).await?;
                self.copy_handed().await?;
                Ok::<_, Error>(more)
            };
            match followed.await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, "what has happened waits to be followed"),
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                // Not at every image of a study that grows.
                _ = async { hints.changed().await.ok(); tokio::time::sleep(ROUTE_AFTER).await } => {}
                () = tokio::time::sleep(ROUTE_EVERY) => {}
            }
        }
    }

    async fn keep_time(&self, shutdown: &CancellationToken) {
        // A tenth of the quiet time late is early enough for whoever waits to verify.
        let every = (self.0.config.quiet_after / 10).clamp(*PASS_TIME_EVERY.start(), *PASS_TIME_EVERY.end());
        while !pause(every, shutdown).await {
            if let Err(error) = self.pass_time().await {
                tracing::warn!(%error, "what only time moves stands still");
            }
        }
    }

    /// Moves exams whose devices have fallen quiet, and forgets expired sessions, old events and steps, and what
    /// documents have awaited for long.
    pub async fn pass_time(&self) -> Result<()> {
        let (database, now_ms) = (&self.0.database, self.0.config.clock.now_ms());
        let quiet_ms = i64::try_from(self.0.config.quiet_after.as_millis()).unwrap_or(i64::MAX);
        moves::quiet(database, quiet_ms, now_ms).await?;
        sessions::prune(database, now_ms).await?;
        events::prune(database, now_ms.saturating_sub(EVENTS_KEPT_MS)).await?;
        remote_queries::prune(database, now_ms.saturating_sub(ANSWERS_KEPT_MS)).await?;
        transfers::prune(database, now_ms.saturating_sub(TRANSFERS_KEPT_MS)).await?;
        ups::prune(database, now_ms.saturating_sub(STEPS_KEPT_MS)).await?;
        key_objects::prune(database, now_ms.saturating_sub(key_objects::AWAITED_MS)).await?;
        Ok(())
    }

    async fn keep_rejecting(&self, shutdown: &CancellationToken) {
        while !pause(REJECT_EVERY, shutdown).await {
            if let Err(error) = self.reject_noted().await {
                tracing::warn!(%error, "what key objects reject is not rejected yet");
            }
        }
    }

    async fn keep_journal(&self, shutdown: &CancellationToken) {
        let mut hints = self.0.database.act_hints();
        let mut wait = JOURNAL_AFTER;
        // Begins with what the process before this one left.
        loop {
            if pause(wait, shutdown).await {
                return self.keep_in_journal().await;
            }
            wait = match self.copy_journal().await {
                Ok(_) => JOURNAL_AFTER,
                Err(error) => {
                    tracing::warn!(%error, "acts are not in the journal yet");
                    hints.mark_changed();
                    JOURNAL_AGAIN_AFTER
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => {}
                _ = hints.changed() => {}
            }
        }
    }

    async fn keep_tidy(&self, shutdown: &CancellationToken) {
        while !pause(TIDY_EVERY, shutdown).await {
            if let Err(error) = self.tidy().await {
                tracing::warn!(%error, "tidying up has stopped half-way");
            }
        }
    }

    /// Copies acts to the journal and what routes have handed over to its lines, finishes packs left half-way, removes
    /// the objects of packs whose rows went an hour ago and segments that nothing lies in. Each is tried whatever
    /// becomes of the others: an object store that is away keeps no segment on the disk.
    pub async fn tidy(&self) -> Result<()> {
        let copied = self.copy_journal().await.map(drop);
        let copied = copied.and(self.copy_handed().await);
        let finished = self.finish_packs().await;
        let swept = self.sweep_packs().await;
        let freed = self.free_unused_segments().await;
        copied.and(finished).and(swept).and(freed)
    }
}

/// Waits; says whether the wait ended because the program stops.
async fn pause(time: Duration, shutdown: &CancellationToken) -> bool {
    tokio::select! {
        () = shutdown.cancelled() => true,
        () = tokio::time::sleep(time) => false,
    }
}
