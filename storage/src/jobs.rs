//! Work to be done later or elsewhere: a row a job, claimed under a lease, retried with backoff.
//!
//! A door asks another through a row here; workers started by the program do the work and fill in
//! the result. A job whose worker died is claimed again when its lease has run out.

pub mod lanes;

use serde_json::Value;

use crate::database::{Database, Durability, Param, Row, Transaction, params, placeholders};
use crate::routes::handed::{self, Became};
use crate::transfers::commitments;
use crate::{Error, Result, dialect};

/// Row of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct JobId(pub i64);

/// The kind of an echo test: the payload names the device, `{"aeTitle": "CT1"}`; the result says `ok` and `tookMs`, or
/// `reason` and `detail`.
pub const ECHO: &str = "echo";

/// A job to be done.
#[derive(Debug, Clone)]
pub struct NewJob<'a> {
    /// What a worker knows how to do: `echo`, `send`, `journal`, …
    pub kind: &'a str,
    /// What the worker needs to know.
    pub payload: Value,
    /// While a job with this key waits or runs, another is not made.
    pub dedupe: Option<&'a str>,
    /// Not before.
    pub due_ms: i64,
    /// How often it is tried before it counts as failed.
    pub max_attempts: u32,
    /// `Actor::id` of who asked for it.
    pub created_by: Option<&'a str>,
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobState {
    /// Waits for its time or a worker.
    Waiting,
    /// A worker has it.
    Running,
    /// Done; the result is filled in.
    Done,
    /// Given up; the error is filled in.
    Failed,
    /// Stopped by a person.
    Cancelled,
}

impl JobState {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Waiting, Self::Running, Self::Done, Self::Failed, Self::Cancelled];

    /// The state's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// A job.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// The row.
    pub id: JobId,
    /// What is to be done.
    pub kind: String,
    /// What the worker needs to know.
    pub payload: Value,
    /// Where it stands.
    pub state: JobState,
    /// How often it was tried.
    pub attempts: i64,
    /// How often it is tried at most.
    pub max_attempts: i64,
    /// What came of it.
    pub result: Option<Value>,
    /// Why the last try failed.
    pub error: Option<String>,
    /// `Actor::id` of who asked for it.
    pub created_by: Option<String>,
    /// When it was asked for.
    pub created_ms: i64,
    /// When it last changed.
    pub updated_ms: i64,
}

const COLUMNS: &str =
    "id, kind, payload, state, attempts, max_attempts, result, error, created_by, created_ms, updated_ms";
/// What becomes of a running job whose worker has ended; `$2` is the time. One that has ended as many workers as it
/// may be tried is given up: it may well be what ended them.
const TAKEN_BACK: &str = "state = case when attempts < max_attempts then 'waiting' else 'failed' end,
         error = case when attempts < max_attempts then error else 'internal: the worker ended in the middle' end,
         due_ms = $2, lease_owner = null, updated_ms = $2";
const FIRST_RETRY_MS: i64 = 2_000;
const LAST_RETRY_MS: i64 = 600_000;

/// Adds a job within a transaction; `None` when one with its key waits or runs already.
pub async fn enqueue_in(tx: &mut Transaction, job: &NewJob<'_>, now_ms: i64) -> Result<Option<JobId>> {
    let row = tx
        .fetch_optional(
            "insert into job (kind, payload, state, dedupe, due_ms, attempts, max_attempts, created_by, created_ms,
                 updated_ms) values ($1, $2, 'waiting', $3, $4, 0, $5, $6, $7, $7)
             on conflict do nothing returning id",
            params![
                job.kind,
                job.payload.to_string(),
                job.dedupe,
                job.due_ms,
                job.max_attempts,
                job.created_by,
                now_ms
            ],
        )
        .await?;
    tx.hint_jobs();
    row.map(|row| Ok(JobId(row.get("id")?))).transpose()
}

/// Adds a job; `None` when one with its key waits or runs already.
pub async fn enqueue(database: &Database, job: &NewJob<'_>, now_ms: i64) -> Result<Option<JobId>> {
    let mut tx = database.begin(Durability::Synced).await?;
    let id = enqueue_in(&mut tx, job, now_ms).await?;
    tx.commit().await?;
    Ok(id)
}

/// Adds a job that `worker` begins at once; `None` when one with its key waits or runs already.
pub async fn begin(
    database: &Database,
    job: &NewJob<'_>,
    worker: &str,
    lease_ms: i64,
    now_ms: i64,
) -> Result<Option<Job>> {
    let mut tx = database.begin(Durability::Synced).await?;
    let Some(id) = enqueue_in(&mut tx, job, now_ms).await? else { return Ok(None) };
    let sql = format!(
        "update job set state = 'running', attempts = attempts + 1, lease_owner = $2, lease_until_ms = $3
         where id = $1 returning {COLUMNS}"
    );
    let row = tx.fetch_one(sqlx::AssertSqlSafe(sql), params![id.0, worker, now_ms + lease_ms]).await?;
    let job = read(&row)?;
    tx.commit().await?;
    Ok(Some(job))
}

/// Takes the next due job of a kind under a lease. Jobs whose lease has run out are due again, or
/// given up once they have ended as many workers as they may be tried.
pub async fn claim(
    database: &Database,
    kind: &str,
    worker: &str,
    lease_ms: i64,
    now_ms: i64,
) -> Result<Option<Job>> {
    claim_beside(database, kind, &[], worker, lease_ms, now_ms).await
}

/// [`claim`], of those that others than `busy` asked for.
pub(crate) async fn claim_beside(
    database: &Database,
    kind: &str,
    busy: &[&str],
    worker: &str,
    lease_ms: i64,
    now_ms: i64,
) -> Result<Option<Job>> {
    let of_others = |first: usize| match busy {
        [] => String::new(),
        busy => format!(" and created_by not in ({})", placeholders(first, busy.len())),
    };
    let but = |mut params: Vec<Param>| {
        params.extend(busy.iter().map(|asker| Param::from(*asker)));
        params
    };
    let sql = format!(
        "select 1 from job where kind = $1 and state = 'waiting' and due_ms <= $2{}
         union all select 1 from job where kind = $1 and state = 'running' and lease_until_ms <= $2 limit 1",
        of_others(3)
    );
    let waiting = database.fetch_optional(sqlx::AssertSqlSafe(sql), but(params![kind, now_ms])).await?;
    // Asking needs no write lock, and mostly there is nothing to do.
    if waiting.is_none() {
        return Ok(None);
    }
    let mut tx = database.begin(Durability::Synced).await?;
    take_back(&mut tx, kind, EXPIRED, now_ms).await?;
    let skip = dialect::skip_locked(tx.engine());
    let sql = format!(
        "update job set state = 'running', attempts = attempts + 1, lease_owner = $3, lease_until_ms = $4,
             updated_ms = $2
         where id = (select id from job where kind = $1 and state = 'waiting' and due_ms <= $2{}
             order by due_ms, id limit 1{skip}) returning {COLUMNS}",
        of_others(5)
    );
    let params = but(params![kind, now_ms, worker, now_ms + lease_ms]);
    let job = tx.fetch_optional(sqlx::AssertSqlSafe(sql), params).await?.as_ref().map(read).transpose()?;
    tx.commit().await?;
    Ok(job)
}

/// Keeps a lease while long work goes on. [`Error::Conflict`] when it was lost.
pub async fn renew(database: &Database, id: JobId, worker: &str, lease_until_ms: i64) -> Result<()> {
    let renewed = database
        .execute(
            "update job set lease_until_ms = $3 where id = $1 and lease_owner = $2 and state = 'running'",
            params![id.0, worker, lease_until_ms],
        )
        .await?;
    held(renewed)
}

/// Fills in the result. [`Error::Conflict`] when the lease was lost meanwhile.
pub async fn finish(database: &Database, id: JobId, worker: &str, result: &Value, now_ms: i64) -> Result<()> {
    let finished = database
        .execute(
            "update job set state = 'done', result = $3, error = null, lease_owner = null, updated_ms = $4
             where id = $1 and lease_owner = $2 and state = 'running'",
            params![id.0, worker, result.to_string(), now_ms],
        )
        .await?;
    held(finished)
}

/// Takes away a job that is done, and of which nobody wants to know more. [`Error::Conflict`] when the
/// lease was lost meanwhile.
pub async fn discard(database: &Database, id: JobId, worker: &str) -> Result<()> {
    let discarded = database
        .execute(
            "delete from job where id = $1 and lease_owner = $2 and state = 'running'",
            params![id.0, worker],
        )
        .await?;
    held(discarded)
}

/// Leaves a job to another worker, at once and as if it had not been tried. [`Error::Conflict`] when the
/// lease was lost meanwhile.
pub async fn hand_over(database: &Database, id: JobId, worker: &str, now_ms: i64) -> Result<()> {
    let mut tx = database.begin(Durability::Synced).await?;
    let left = tx
        .execute(
            "update job set state = 'waiting', attempts = attempts - 1, due_ms = $3, lease_owner = null,
                 updated_ms = $3 where id = $1 and lease_owner = $2 and state = 'running'",
            params![id.0, worker, now_ms],
        )
        .await?;
    held(left)?;
    handed::left(&mut tx, id, Became::Paused, now_ms).await?;
    tx.commit().await
}

/// Makes due again what workers of this kind had begun, or gives it up once it has been tried as often as it may be:
/// for the one process that has any, when it begins. Answers how many jobs that were.
pub async fn resume(database: &Database, kind: &str, now_ms: i64) -> Result<u64> {
    let mut tx = database.begin(Durability::Synced).await?;
    let taken = take_back(&mut tx, kind, "true", now_ms).await?;
    tx.commit().await?;
    Ok(taken)
}

/// Of running jobs, that their workers have ended; `$2` is the time.
const EXPIRED: &str = "lease_until_ms <= $2";

/// Makes due again, or gives up, those running jobs of a kind that fulfil a condition.
async fn take_back(tx: &mut Transaction, kind: &str, condition: &str, now_ms: i64) -> Result<u64> {
    let sql = format!(
        "update job set {TAKEN_BACK} where kind = $1 and state = 'running' and {condition} returning {COLUMNS}"
    );
    let taken = tx.fetch(sqlx::AssertSqlSafe(sql), params![kind, now_ms]).await?;
    for row in &taken {
        // One that cannot be read keeps no other from being taken back.
        if let Ok(job) = read(row)
            && job.state == JobState::Failed
        {
            commitments::given_up(tx, &job, now_ms).await?;
        }
    }
    Ok(u64::try_from(taken.len()).unwrap_or(u64::MAX))
}

/// How long a job waits after its last try before the next: a while that doubles.
pub fn wait_ms(job: &Job) -> i64 {
    let doublings = u32::try_from(job.attempts.clamp(1, 20) - 1).unwrap_or(0);
    (FIRST_RETRY_MS << doublings).min(LAST_RETRY_MS)
}

/// Whether a worker still has a job: nobody has cancelled it, and its lease has not run out unnoticed.
pub async fn is_held(database: &Database, id: JobId, worker: &str) -> Result<bool> {
    let sql = "select 1 from job where id = $1 and lease_owner = $2 and state = 'running'";
    Ok(database.fetch_optional(sql, params![id.0, worker]).await?.is_some())
}

/// Notes a failed try: it is tried again after a while that doubles, or given up.
pub async fn fail(database: &Database, job: &Job, worker: &str, error: &str, now_ms: i64) -> Result<()> {
    let state = if job.attempts >= job.max_attempts { JobState::Failed } else { JobState::Waiting };
    let mut tx = database.begin(Durability::Synced).await?;
    let failed = tx
        .execute(
            "update job set state = $3, error = $4, due_ms = $5, lease_owner = null, updated_ms = $6
             where id = $1 and lease_owner = $2 and state = 'running'",
            params![job.id.0, worker, state.as_str(), error, now_ms + wait_ms(job), now_ms],
        )
        .await?;
    held(failed)?;
    handed::left(&mut tx, job.id, Became::Paused, now_ms).await?;
    if state == JobState::Failed {
        commitments::given_up(&mut tx, job, now_ms).await?;
    }
    tx.commit().await
}

/// One job.
pub async fn by_id(database: &Database, id: JobId) -> Result<Option<Job>> {
    let sql = format!("select {COLUMNS} from job where id = $1");
    database.fetch_optional(sqlx::AssertSqlSafe(sql), params![id.0]).await?.as_ref().map(read).transpose()
}

/// The newest jobs, for the page of the administrator.
pub async fn newest(database: &Database, limit: u32) -> Result<Vec<Job>> {
    let sql = format!("select {COLUMNS} from job order by created_ms desc, id desc limit $1");
    database.fetch(sqlx::AssertSqlSafe(sql), params![limit]).await?.iter().map(read).collect()
}

fn held(touched: u64) -> Result<()> {
    if touched == 0 { Err(Error::Conflict("the job's lease was lost".into())) } else { Ok(()) }
}

fn read(row: &Row) -> Result<Job> {
    let json =
        |text: String| serde_json::from_str(&text).map_err(|error| Error::Corrupt(format!("a job: {error}")));
    let word: String = row.get("state")?;
    let state = JobState::parse(&word);
    Ok(Job {
        id: JobId(row.get("id")?),
        kind: row.get("kind")?,
        payload: json(row.get("payload")?)?,
        state: state.ok_or_else(|| Error::Corrupt(format!("a job is in the unknown state {word}")))?,
        attempts: row.get("attempts")?,
        max_attempts: row.get("max_attempts")?,
        result: row.get::<Option<String>>("result")?.map(json).transpose()?,
        error: row.get("error")?,
        created_by: row.get("created_by")?,
        created_ms: row.get("created_ms")?,
        updated_ms: row.get("updated_ms")?,
    })
}
