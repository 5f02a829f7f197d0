//! Verifying without an end: of all packs the one that was not read for longest comes next, at a rate that leaves the
//! disk to those who read and store. What waits in the spool is hashed when it is settled.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::news::News;
use super::{VerifyReport, damage};
use crate::archive::Archive;
use crate::database::{Database, Durability, params};
use crate::error::{Error, Result};
use crate::index::PackId;
use crate::index::instances;
use crate::pace::Pace;

/// How long nothing is looked for when nothing is due.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// A pack is read back once it has left the system's cache, as far as that can be known.
pub(super) const REST_MS: i64 = 3_600_000;
/// Instances asked for at a time.
const PAGE: i64 = 500;
/// Setting that holds how far all of it is.
const PROGRESS: &str = "verify.progress";

/// How the archive verifies by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Within what time everything is read once.
    pub every: Duration,
    /// At most so many bytes are read in a second.
    pub bytes_per_second: u64,
}

/// How far the verification is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// Since when these are counted; 0 when nothing was read yet.
    pub since_ms: i64,
    /// When the last pack was read to its end.
    pub last_ms: i64,
    /// Packs read, some of them more than once.
    pub packs: u64,
    /// Instances and kept versions in them.
    pub instances: u64,
    /// Bytes of these.
    pub bytes: u64,
}

/// What is read back and what is not yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// What was read so far.
    pub progress: Progress,
    /// When the pack was read that was not read for longest; `None` without packs, 0 when one never was.
    pub oldest_ms: Option<i64>,
    /// Packs that have not been read within the time that was set.
    pub due_packs: u64,
    /// Packs that there are.
    pub packs: u64,
    /// Instances and kept versions that are not what was stored.
    pub damaged: u64,
}

impl Archive {
    /// Verifies until `shutdown`, if the configuration says so.
    pub(crate) async fn keep_verifying(&self, shutdown: &CancellationToken) {
        let Some(plan) = self.0.config.verification else { return };
        let mut pace = Pace::per_second(plan.bytes_per_second);
        loop {
            let next = shutdown.run_until_cancelled(self.verify_next(plan, &mut pace)).await;
            let wait = match next {
                None => return,
                Some(Ok(Some(_))) => continue,
                Some(Ok(None)) => LOOK_EVERY,
                Some(Err(error)) => {
                    tracing::warn!(%error, "the verification stands still");
                    LOOK_EVERY
                }
            };
            if shutdown.run_until_cancelled(tokio::time::sleep(wait)).await.is_none() {
                return;
            }
        }
    }

    /// Reads back the pack that was not read for longest, if it is due, else such an object of no patient; `None` when
    /// none is. What is damaged is told and stays where it is.
    pub async fn verify_next(&self, plan: Plan, pace: &mut Pace) -> Result<Option<VerifyReport>> {
        let database = &self.0.database;
        let now_ms = self.0.config.clock.now_ms();
        let found = database
            .fetch_optional(
                "select id from pack where companion_bytes > 0 and deleted_ms is null and verified_ms < $1
                     and created_ms < $2 order by verified_ms, id limit 1",
                params![due_before_ms(plan, now_ms), now_ms.saturating_sub(REST_MS)],
            )
            .await?;
        let Some(row) = found else {
            damage::forget_gone(database).await?;
            return self.verify_next_non_patient(plan, pace).await;
        };
        let pack = PackId(row.get("id")?);
        let mut report = VerifyReport::default();
        let mut news = News::default();
        let read = self.verify_pack(pack, pace, &mut report, &mut news).await;
        news.tell(self).await;
        read?;
        self.note_read(pack, &report).await?;
        Ok(Some(report))
    }

    async fn verify_pack(
        &self,
        pack: PackId,
        pace: &mut Pace,
        report: &mut VerifyReport,
        news: &mut News,
    ) -> Result<()> {
        let database = &self.0.database;
        let companion = self.keep_companion(pack).await?;
        let mut after = 0;
        loop {
            let page = instances::in_pack(database, pack, after, PAGE).await?;
            let Some((last, _)) = page.last() else { break };
            after = *last;
            for (_, place) in page {
                let wrong = self.check(&place, pace).await?.or_else(|| companion.clone());
                self.note(&place, wrong, news, report).await?;
            }
        }
        for place in instances::versions_in_pack(database, pack).await? {
            let wrong = self.check(&place, pace).await?.or_else(|| companion.clone());
            self.note(&place, wrong, news, report).await?;
        }
        Ok(())
    }

    async fn note_read(&self, pack: PackId, report: &VerifyReport) -> Result<()> {
        let now_ms = self.0.config.clock.now_ms();
        let mut progress = progress(&self.0.database).await?;
        if progress.since_ms == 0 {
            progress.since_ms = now_ms;
        }
        progress.last_ms = now_ms;
        progress.packs += 1;
        progress.instances += report.instances;
        progress.bytes = progress.bytes.saturating_add(report.bytes);
        let text = serde_json::to_string(&progress)
            .map_err(|error| Error::internal("note how far the verification is", error))?;
        let mut tx = self.0.database.begin(Durability::Batched).await?;
        tx.execute("update pack set verified_ms = $2 where id = $1", params![pack, now_ms]).await?;
        tx.execute(
            "insert into setting (key, value) values ($1, $2) on conflict (key) do update set value = excluded.value",
            params![PROGRESS, text],
        )
        .await?;
        tx.commit().await?;
        metrics::counter!("sen_verified_bytes_total").increment(report.bytes);
        Ok(())
    }

    /// How the verification stands.
    pub async fn verification(&self) -> Result<Standing> {
        let database = &self.0.database;
        let plan = self.0.config.verification;
        let before_ms = plan.map_or(0, |plan| due_before_ms(plan, self.0.config.clock.now_ms()));
        let whole = "companion_bytes > 0 and deleted_ms is null";
        let sql = format!(
            "select (select count(*) from pack where {whole} and verified_ms < $1) as due,
                 (select count(*) from pack where {whole}) as packs,
                 (select min(verified_ms) from pack where {whole}) as oldest"
        );
        let row = database.fetch_optional(sqlx::AssertSqlSafe(sql), params![before_ms]).await?;
        let row = row.ok_or(Error::NotFound)?;
        let unsigned = |number: i64| u64::try_from(number).unwrap_or(0);
        Ok(Standing {
            progress: progress(database).await?,
            oldest_ms: row.get("oldest")?,
            due_packs: unsigned(row.get("due")?),
            packs: unsigned(row.get("packs")?),
            damaged: damage::count(database).await?,
        })
    }
}

pub(super) fn due_before_ms(plan: Plan, now_ms: i64) -> i64 {
    // One that was never read is always due.
    now_ms.saturating_sub(i64::try_from(plan.every.as_millis()).unwrap_or(i64::MAX)).max(1)
}

async fn progress(database: &Database) -> Result<Progress> {
    let found =
        database.fetch_optional("select value from setting where key = $1", params![PROGRESS]).await?;
    let Some(row) = found else { return Ok(Progress::default()) };
    let text: String = row.get("value")?;
    serde_json::from_str(&text)
        .map_err(|error| Error::Corrupt(format!("how far the verification is: {error}")))
}
