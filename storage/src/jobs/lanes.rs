//! Lanes: jobs for one device take turns, so that none of them holds up the jobs of another device.
//!
//! Within a lane the turn is by age, and a priority is worth an age: what is urgent overtakes, and what is
//! not is never overtaken for ever. A lane whose device is away is held as a whole: its first job tries,
//! the others wait.

use super::{COLUMNS, EXPIRED, Job, JobId, JobState, NewJob, enqueue_in, held, read, take_back};
use crate::Result;
use crate::database::{Database, Durability, Transaction, params};
use crate::dialect;
use crate::routes::handed::{self, Became};
use crate::transfers::commitments;

/// How much longer a job of one priority has to have waited to come before one of the next.
const PRIORITY_MS: i64 = 15 * 60_000;
/// Lanes that are looked at at a time: more than there are devices.
const MOST_LANES: usize = 1000;

/// How urgent a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Priority {
    /// When there is nothing else to do.
    Low,
    /// As it comes.
    #[default]
    Normal,
    /// Before others.
    High,
}

impl Priority {
    /// Every priority.
    pub const ALL: [Self; 3] = [Self::Low, Self::Normal, Self::High];

    /// The priority's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
        }
    }

    /// The priority of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|priority| priority.as_str() == word)
    }

    pub(crate) fn number(self) -> i64 {
        match self {
            Self::Low => -1,
            Self::Normal => 0,
            Self::High => 1,
        }
    }

    pub(crate) fn of_number(number: i64) -> Self {
        match number {
            ..0 => Self::Low,
            0 => Self::Normal,
            1.. => Self::High,
        }
    }
}

/// Adds a job to a lane within a transaction; `None` when one with its key waits or runs already.
pub async fn enqueue_in_lane(
    tx: &mut Transaction,
    job: &NewJob<'_>,
    lane: &str,
    priority: Priority,
    now_ms: i64,
) -> Result<Option<JobId>> {
    let Some(id) = enqueue_in(tx, job, now_ms).await? else { return Ok(None) };
    tx.execute(
        "update job set lane = $2, priority = $3, rank_ms = created_ms - $4 where id = $1",
        params![id.0, lane, priority.number(), priority.number() * PRIORITY_MS],
    )
    .await?;
    Ok(Some(id))
}

/// Adds a job to a lane; `None` when one with its key waits or runs already.
pub async fn enqueue(
    database: &Database,
    job: &NewJob<'_>,
    lane: &str,
    priority: Priority,
    now_ms: i64,
) -> Result<Option<JobId>> {
    let mut tx = database.begin(Durability::Synced).await?;
    let id = enqueue_in_lane(&mut tx, job, lane, priority, now_ms).await?;
    tx.commit().await?;
    Ok(id)
}

/// The lanes in which jobs of a kind wait, whether they are due or not.
pub async fn waiting(database: &Database, kind: &str) -> Result<Vec<String>> {
    let mut lanes: Vec<String> = Vec::new();
    // One seek a lane, however many jobs wait in it.
    while lanes.len() < MOST_LANES {
        let after = lanes.last().map_or("", String::as_str);
        let next = database
            .fetch_optional(
                "select lane from job where kind = $1 and state = 'waiting' and lane > $2 order by lane limit 1",
                params![kind, after],
            )
            .await?;
        let Some(row) = next else { break };
        lanes.push(row.at(0)?);
    }
    Ok(lanes)
}

/// Takes the job of a lane whose turn it is, under a lease.
pub async fn claim(
    database: &Database,
    (kind, lane): (&str, &str),
    worker: &str,
    lease_ms: i64,
    now_ms: i64,
) -> Result<Option<Job>> {
    let next = "select id from job where kind = $1 and lane = $2 and state = 'waiting' and due_ms <= $3
         order by rank_ms, id limit 1";
    // Asking needs no write lock, and mostly there is nothing to do.
    if database.fetch_optional(next, params![kind, lane, now_ms]).await?.is_none() {
        return Ok(None);
    }
    let mut tx = database.begin(Durability::Synced).await?;
    let sql = format!(
        "update job set state = 'running', attempts = attempts + 1, lease_owner = $4, lease_until_ms = $5,
             updated_ms = $3, held = 0 where id = ({next}{}) returning {COLUMNS}",
        dialect::skip_locked(tx.engine())
    );
    let params = params![kind, lane, now_ms, worker, now_ms + lease_ms];
    let job = tx.fetch_optional(sqlx::AssertSqlSafe(sql), params).await?.as_ref().map(read).transpose()?;
    tx.commit().await?;
    Ok(job)
}

/// Takes the first job of a lane in the order in which they were made, for what has to arrive in order: one
/// that waits to be tried again holds up those behind it. The caller has none of the lane at work.
pub async fn claim_in_order(
    database: &Database,
    (kind, lane): (&str, &str),
    worker: &str,
    lease_ms: i64,
    now_ms: i64,
) -> Result<Option<Job>> {
    let first =
        "due_ms <= $3 and id = (select min(id) from job where kind = $1 and lane = $2 and state = 'waiting')";
    // Asking needs no write lock, and while the first one waits there is nothing to do.
    let is_due = format!("select 1 from job where {first}");
    if database.fetch_optional(sqlx::AssertSqlSafe(is_due), params![kind, lane, now_ms]).await?.is_none() {
        return Ok(None);
    }
    let mut tx = database.begin(Durability::Synced).await?;
    let sql = format!(
        "update job set state = 'running', attempts = attempts + 1, lease_owner = $4, lease_until_ms = $5,
             updated_ms = $3, held = 0
         where {first} returning {COLUMNS}"
    );
    let params = params![kind, lane, now_ms, worker, now_ms + lease_ms];
    let job = tx.fetch_optional(sqlx::AssertSqlSafe(sql), params).await?.as_ref().map(read).transpose()?;
    tx.commit().await?;
    Ok(job)
}

/// Makes due again what a worker had and did not keep its lease on, or gives it up once it has ended as many
/// workers as it may be tried.
pub async fn free_expired(database: &Database, kind: &str, now_ms: i64) -> Result<()> {
    let expired = database
        .fetch_optional(
            "select 1 from job where kind = $1 and state = 'running' and lease_until_ms <= $2 limit 1",
            params![kind, now_ms],
        )
        .await?;
    if expired.is_some() {
        let mut tx = database.begin(Durability::Synced).await?;
        take_back(&mut tx, kind, EXPIRED, now_ms).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Notes that a job is done; its result, if it has one, is filled in already. [`crate::Error::Conflict`] when
/// its lease was lost meanwhile.
pub async fn done(database: &Database, id: JobId, worker: &str, now_ms: i64) -> Result<()> {
    let mut tx = database.begin(Durability::Synced).await?;
    let done = tx
        .execute(
            "update job set state = 'done', error = null, lease_owner = null, updated_ms = $3
             where id = $1 and lease_owner = $2 and state = 'running'",
            params![id.0, worker, now_ms],
        )
        .await?;
    held(done)?;
    handed::left(&mut tx, id, Became::Over, now_ms).await?;
    tx.commit().await
}

/// Gives a job up, however often it might still be tried. [`crate::Error::Conflict`] when its lease was
/// lost meanwhile.
pub async fn give_up(database: &Database, job: &Job, worker: &str, error: &str, now_ms: i64) -> Result<()> {
    let mut tx = database.begin(Durability::Synced).await?;
    let given_up = tx
        .execute(
            "update job set state = $3, error = $4, lease_owner = null, updated_ms = $5
             where id = $1 and lease_owner = $2 and state = 'running'",
            params![job.id.0, worker, JobState::Failed.as_str(), error, now_ms],
        )
        .await?;
    held(given_up)?;
    handed::left(&mut tx, job.id, Became::Paused, now_ms).await?;
    commitments::given_up(&mut tx, job, now_ms).await?;
    tx.commit().await
}

/// The device of a lane is away: what waits in it is not tried before its first job is. Answers how many jobs wait
/// longer for that; those that do anyway are left as they are.
pub async fn hold(database: &Database, (kind, lane): (&str, &str), until_ms: i64) -> Result<u64> {
    database
        .execute(
            "update job set due_ms = case when due_ms < $3 then $3 else due_ms end, held = 1
             where kind = $1 and lane = $2 and state = 'waiting' and (due_ms < $3 or held = 0)",
            params![kind, lane, until_ms],
        )
        .await
}

/// Whether the first job that waits in a lane waits only because the device was away when it was last tried.
pub async fn is_held(database: &Database, (kind, lane): (&str, &str)) -> Result<bool> {
    let first = database
        .fetch_optional(
            "select held from job where kind = $1 and lane = $2 and state = 'waiting' order by rank_ms, id limit 1",
            params![kind, lane],
        )
        .await?;
    first.map_or(Ok(false), |row| row.flag("held"))
}

/// The device of a lane answers: what waited for it is due.
pub async fn free(database: &Database, (kind, lane): (&str, &str), now_ms: i64) -> Result<()> {
    let of_lane = "kind = $1 and lane = $2 and state = 'waiting' and held = 1";
    let waits = format!("select 1 from job where {of_lane} limit 1");
    if database.fetch_optional(sqlx::AssertSqlSafe(waits), params![kind, lane]).await?.is_some() {
        let free = format!("update job set due_ms = $3, held = 0 where {of_lane}");
        database.execute(sqlx::AssertSqlSafe(free), params![kind, lane, now_ms]).await?;
    }
    Ok(())
}

/// A person no longer wants a job. Its worker learns of it when it next asks for its lease. Says whether
/// there was anything to stop.
pub(crate) async fn cancel_in(tx: &mut Transaction, id: JobId, now_ms: i64) -> Result<bool> {
    let sql = format!(
        "update job set state = 'cancelled', lease_owner = null, updated_ms = $2
         where id = $1 and state in ('waiting', 'running', 'failed') returning {COLUMNS}"
    );
    let Some(row) = tx.fetch_optional(sqlx::AssertSqlSafe(sql), params![id.0, now_ms]).await? else {
        return Ok(false);
    };
    // One that cannot be read is just what is to be got rid of.
    if let Ok(job) = read(&row) {
        commitments::given_up(tx, &job, now_ms).await?;
    }
    Ok(true)
}

/// A person wants a job tried now, as if it had not been. Says whether it can be: not what is done, what
/// runs, or what another job does already.
pub(crate) async fn again_in(tx: &mut Transaction, id: JobId, now_ms: i64) -> Result<bool> {
    let again = tx
        .execute(
            "update job set state = 'waiting', attempts = 0, due_ms = $2, held = 0, updated_ms = $2
             where id = $1 and state in ('waiting', 'failed', 'cancelled') and not exists (
                 select 1 from job other where other.dedupe = job.dedupe and other.id <> job.id
                 and other.state in ('waiting', 'running'))",
            params![id.0, now_ms],
        )
        .await?;
    Ok(again > 0)
}

/// Changes whose turn it is. Says whether the job still waits for its turn or may again.
pub(crate) async fn prioritise_in(
    tx: &mut Transaction,
    id: JobId,
    priority: Priority,
    now_ms: i64,
) -> Result<bool> {
    let changed = tx
        .execute(
            "update job set priority = $2, rank_ms = created_ms - $3, updated_ms = $4
             where id = $1 and state in ('waiting', 'running', 'failed')",
            params![id.0, priority.number(), priority.number() * PRIORITY_MS, now_ms],
        )
        .await?;
    Ok(changed > 0)
}
