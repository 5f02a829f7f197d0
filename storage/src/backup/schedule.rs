//! Backups by the clock.

use std::time::Duration;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use pacs_core::clock;
use tokio_util::sync::CancellationToken;

use super::runs::{self, State};
use super::{Credentials, Source, Target, Trouble, back_up, target_url};
use crate::archive::Archive;
use crate::error::Result;
use crate::index::facilities;

/// How often it is looked whether one is due.
const LOOK_EVERY: Duration = Duration::from_secs(20);
/// How long after one that failed the next is tried.
const TRY_AGAIN_MS: i64 = 15 * 60_000;
/// Runs, to whatever place, among which the last one of the plan is looked for.
const TRIED: u32 = 20;

/// When backups are taken, and where they go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Of the bucket, where they are not those of `AWS_*`.
    pub credentials: Option<Credentials>,
    /// A folder or bucket, as [`Target::open`] takes it.
    pub target: String,
    /// At which times of the day, on the wall of the default facility. Empty: only when somebody asks.
    pub at: Vec<Time>,
    /// How many good ones are kept.
    pub keep: u32,
}

impl Archive {
    /// Takes the backups that the configuration plans, until `shutdown`, and measures how old the last one is. One that
    /// fell into a time when nobody served is caught up with.
    pub(crate) async fn keep_backed_up(&self, shutdown: &CancellationToken) {
        loop {
            if let Err(error) = self.measure_backups().await {
                tracing::warn!(%error, "how old the last backup is was not measured");
            }
            if let Err(error) = self.back_up_when_due(shutdown).await {
                tracing::error!(%error, "the planned backup was not taken");
            }
            if shutdown.run_until_cancelled(tokio::time::sleep(LOOK_EVERY)).await.is_none() {
                return;
            }
        }
    }

    /// The place that backups are planned to go to, if there is one.
    pub fn backup_target(&self) -> Result<Option<String>> {
        self.0.config.backup.as_ref().map(|plan| target_url(&plan.target)).transpose()
    }

    async fn measure_backups(&self) -> Result<()> {
        let target = self.backup_target()?;
        if let Some(done) = runs::newest_done(&self.0.database, target.as_deref()).await? {
            metrics::gauge!("sen_backup_last_success_timestamp_seconds").set(done.started_ms as f64 / 1000.0);
            metrics::gauge!("sen_backup_damaged").set(done.damaged as f64);
        }
        Ok(())
    }

    /// Takes a backup if one is due by the plan; says whether it was.
    pub async fn back_up_when_due(&self, shutdown: &CancellationToken) -> Result<bool> {
        let Some(plan) = &self.0.config.backup else { return Ok(false) };
        let database = &self.0.database;
        let zone = facilities::time_zone(database, &self.0.config.default_facility).await?;
        let now_ms = self.0.config.clock.now_ms();
        let Some(due_ms) = last_due(now_ms, &facilities::zone(&zone), &plan.at) else { return Ok(false) };
        let target = target_url(&plan.target)?;
        // One that was taken to another place is not the planned one.
        let done = runs::newest_done(database, Some(&target)).await?;
        let is_done = done.is_some_and(|done| done.started_ms >= due_ms);
        // One that somebody else takes, or that has failed a moment ago, is waited for.
        if is_done || runs::holds_objects(database, now_ms).await? {
            return Ok(false);
        }
        let tried = runs::newest(database, TRIED).await?;
        let last = tried.iter().find(|run| run.target == target);
        let failed_ms = last.filter(|run| run.state == State::Failed).and_then(|run| run.ended_ms);
        if failed_ms.is_some_and(|failed_ms| now_ms < failed_ms.saturating_add(TRY_AGAIN_MS)) {
            return Ok(false);
        }
        let opened = Target::open(&plan.target, plan.credentials.as_ref()).await;
        let target = match opened {
            Ok(target) => target,
            Err(error) => {
                // Else nobody would see on the page why there is none.
                metrics::counter!("sen_backup_failures_total").increment(1);
                runs::not_begun(database, &target, &Trouble::Target.because(&error), now_ms).await?;
                return Err(error);
            }
        };
        back_up(&Source::of(self), &target, plan.keep, shutdown, |_| {}).await?;
        Ok(true)
    }
}

/// The last instant at which a wall clock of `zone` showed one of the times; `None` when there are none.
fn last_due(now_ms: i64, zone: &TimeZone, at: &[Time]) -> Option<i64> {
    let today = clock::local_date_time(now_ms, zone)?.date();
    let days = [Some(today), today.yesterday().ok()];
    let instants =
        days.into_iter().flatten().flat_map(|day| at.iter().map(move |time| day.to_datetime(*time)));
    instants.filter_map(|at| clock::instant_ms(at, zone)).filter(|ms| *ms <= now_ms).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_due_time_is_today_or_yesterday() {
        let zone = TimeZone::fixed(jiff::tz::offset(7));
        let at = [Time::constant(2, 0, 0, 0), Time::constant(14, 30, 0, 0)];
        let wall = |day, hour, minute| {
            clock::instant_ms(jiff::civil::date(2026, 3, day).at(hour, minute, 0, 0), &zone).unwrap()
        };
        for (now, want) in [
            (wall(5, 1, 59), wall(4, 14, 30)),
            (wall(5, 2, 0), wall(5, 2, 0)),
            (wall(5, 14, 29), wall(5, 2, 0)),
            (wall(5, 23, 0), wall(5, 14, 30)),
        ] {
            assert_eq!(last_due(now, &zone, &at), Some(want));
        }
        assert_eq!(last_due(0, &zone, &[]), None);
    }
}
