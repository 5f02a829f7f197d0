//! Asking a device, after images were sent to it, whether it keeps them (PS3.4 J): the request is a job that
//! is asked again until the report has come.

use pacs_core::uid::{AeTitle, Uid};
use serde_json::json;

use super::{MAX_ATTEMPTS, Task, Trouble, selection};
use crate::database::{Database, Durability, Transaction, params};
use crate::jobs::lanes::{self, Priority};
use crate::jobs::{self, Job, JobId, JobState, NewJob};
use crate::{Error, Result};

/// The kind of the jobs.
pub const COMMITMENT_REQUEST: &str = "commitment-request";
/// How often is asked, and how long a report is waited for each time: a day in all.
const MOST_ASKS: i64 = 24;
const REPORT_WITHIN_MS: i64 = 3_600_000;

/// The transfer that a request is about.
fn transfer_of(job: &Job) -> Option<JobId> {
    job.payload.get("transfer").and_then(serde_json::Value::as_i64).map(JobId)
}

fn key(transfer: JobId) -> String {
    format!("{COMMITMENT_REQUEST}:{}", transfer.0)
}

/// Queues that the device is asked whether it keeps what a transfer has brought to it.
pub async fn queue(database: &Database, transfer: &Job, device: &AeTitle, now_ms: i64) -> Result<()> {
    let key = key(transfer.id);
    let job = NewJob {
        kind: COMMITMENT_REQUEST,
        payload: json!({ "transfer": transfer.id.0 }),
        dedupe: Some(&key),
        due_ms: now_ms,
        // A device that is away is tried for as long as with images.
        max_attempts: MAX_ATTEMPTS,
        created_by: transfer.created_by.as_deref(),
    };
    lanes::enqueue(database, &job, device.as_str(), Priority::Normal, now_ms).await.map(drop)
}

/// What a request is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The transfer.
    pub transfer: JobId,
    /// What it was to move.
    pub task: Task,
    /// The device has reported on the instances up to this row.
    pub after_id: i64,
    /// The transfer has moved instances up to this row, or fewer are to be asked about. What came later was not sent.
    pub through_id: i64,
}

/// What a request is about. [`Error::NotFound`] when the transfer was forgotten.
pub async fn subject(database: &Database, job: &Job) -> Result<Subject> {
    let transfer = transfer_of(job);
    let transfer = transfer.ok_or_else(|| Error::Corrupt("a commitment request about nothing".into()))?;
    let task = Task::of(&jobs::by_id(database, transfer).await?.ok_or(Error::NotFound)?)?;
    let row = database
        .fetch_optional("select committed_id, after_id from transfer where job_id = $1", params![transfer.0])
        .await?
        .ok_or(Error::NotFound)?;
    Ok(Subject { transfer, task, after_id: row.get("committed_id")?, through_id: row.get("after_id")? })
}

/// The device is about to be asked; answers in which transaction. Each time is a new one, and a report on any of
/// them is taken: some archives report a day later.
pub async fn ask(database: &Database, subject: &Subject, now_ms: i64) -> Result<Uid> {
    let transaction = Uid::generate(rand::random());
    let mut tx = database.begin(Durability::Synced).await?;
    tx.execute(
        "insert into commitment_ask (transaction_uid, job_id, after_id, through_id) values ($1, $2, $3, $4)",
        params![&transaction, subject.transfer.0, subject.after_id, subject.through_id],
    )
    .await?;
    tx.execute(
        "update transfer set commitment = 'asked', commitment_ms = $2 where job_id = $1",
        params![subject.transfer.0, now_ms],
    )
    .await?;
    tx.commit().await?;
    Ok(transaction)
}

/// The device was asked. Unless it has reported meanwhile, it is asked again later, or the transfer is marked as one of
/// which nothing was heard.
pub async fn wait(database: &Database, transfer: JobId, job: &Job, worker: &str, now_ms: i64) -> Result<()> {
    let asks = "select count(*) from commitment_ask a join transfer x on x.job_id = a.job_id
         where a.job_id = $1 and a.after_id = x.committed_id";
    let asks = database.fetch_optional(asks, params![transfer.0]).await?;
    let asks: i64 = asks.map_or(Ok(0), |row| row.at(0))?;
    // A try at which the device was away is none of them; nor is what was asked before somebody wanted it asked again.
    let is_last = job.attempts >= job.max_attempts || asks.min(job.attempts) >= MOST_ASKS;
    let state = if is_last { JobState::Failed } else { JobState::Waiting };
    let mut tx = database.begin(Durability::Synced).await?;
    let waits = tx
        .execute(
            "update job set state = $3, error = 'asked: no report has come yet', due_ms = $4, lease_owner = null,
                 updated_ms = $5 where id = $1 and lease_owner = $2 and state = 'running'",
            params![job.id.0, worker, state.as_str(), now_ms + REPORT_WITHIN_MS, now_ms],
        )
        .await?;
    if waits > 0 && is_last {
        tx.execute(
            "update transfer set commitment = 'silent', commitment_ms = $2 where job_id = $1",
            params![transfer.0, now_ms],
        )
        .await?;
    }
    tx.commit().await
}

/// The device is not asked any more, and has not said whether it keeps what a transfer has brought.
pub async fn unheard(database: &Database, transfer: JobId, now_ms: i64) -> Result<()> {
    let mut tx = database.begin(Durability::Synced).await?;
    unheard_in(&mut tx, transfer, now_ms).await?;
    tx.commit().await
}

async fn unheard_in(tx: &mut Transaction, transfer: JobId, now_ms: i64) -> Result<()> {
    let silent = "update transfer set commitment = 'silent', commitment_ms = $2
         where job_id = $1 and (commitment is null or commitment = 'asked')";
    tx.execute(silent, params![transfer.0, now_ms]).await.map(drop)
}

/// A job is given up: if it is a request, nothing will be heard, and nobody is to wait for it.
pub(crate) async fn given_up(tx: &mut Transaction, job: &Job, now_ms: i64) -> Result<()> {
    match transfer_of(job) {
        Some(transfer) if job.kind == COMMITMENT_REQUEST => unheard_in(tx, transfer, now_ms).await,
        _ => Ok(()),
    }
}

/// A device reports what it keeps; `failed` are those that it does not, each with its Failure Reason, of which those
/// count that it was asked about. Answers the transfer that it was asked about; `None` when it was not asked that.
pub async fn reported(
    database: &Database,
    device: &AeTitle,
    transaction: &Uid,
    failed: &[(Uid, u16)],
    now_ms: i64,
) -> Result<Option<JobId>> {
    let mut tx = database.begin(Durability::Synced).await?;
    let row = tx
        .fetch_optional(
            "select a.job_id, a.after_id, a.through_id, x.committed_id, x.after_id as sent_id, j.payload
                 from commitment_ask a
                 join transfer x on x.job_id = a.job_id join job j on j.id = a.job_id
             where a.transaction_uid = $1 and x.device = $2",
            params![transaction, device.as_str()],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let transfer = JobId(row.get("job_id")?);
    let task = serde_json::from_str(&row.get::<String>("payload")?)
        .map_err(|error| Error::Corrupt(format!("a transfer: {error}")))?;
    let uids: Vec<&Uid> = failed.iter().map(|(uid, _)| uid).collect();
    let (after_id, through_id): (i64, i64) = (row.get("after_id")?, row.get("through_id")?);
    let asked = selection::meant_of(&mut tx, &task, through_id, &uids).await?;
    for (instance, reason) in failed.iter().filter(|(instance, _)| asked.contains(instance)) {
        let why = Trouble::Uncommitted.because(format_args!("failure reason 0x{reason:04X}"));
        let why = why.answered(*reason).to_string();
        tx.execute(
            "insert into transfer_failure (job_id, instance_uid, reason) values ($1, $2, $3)
             on conflict (job_id, instance_uid) do update set reason = excluded.reason",
            params![transfer.0, instance, why],
        )
        .await?;
    }
    let goes_on = tx
        .execute(
            "update transfer set committed_id = $2,
                 failed = (select count(*) from transfer_failure f where f.job_id = transfer.job_id)
             where job_id = $1 and committed_id >= $3 and committed_id < $2",
            params![transfer.0, through_id, after_id],
        )
        .await?;
    let (before, sent): (i64, i64) = (row.get("committed_id")?, row.get("sent_id")?);
    let committed = if goes_on > 0 { through_id } else { before };
    if committed >= sent {
        conclude_in(&mut tx, transfer, now_ms).await?;
        tx.execute(
            "update job set state = 'done', error = null, lease_owner = null, updated_ms = $2
             where dedupe = $1 and state in ('waiting', 'running')",
            params![key(transfer), now_ms],
        )
        .await?;
    } else if goes_on > 0 {
        // The next part is asked about at once.
        tx.execute(
            "update job set state = 'waiting', attempts = 0, due_ms = $2, error = null, lease_owner = null,
                 updated_ms = $2 where dedupe = $1 and state in ('waiting', 'running')",
            params![key(transfer), now_ms],
        )
        .await?;
        tx.hint_jobs();
    }
    tx.commit().await?;
    Ok(Some(transfer))
}

/// Nothing is left to be asked about: what else was sent is no longer here.
pub async fn conclude(database: &Database, transfer: JobId, now_ms: i64) -> Result<()> {
    let mut tx = database.begin(Durability::Synced).await?;
    conclude_in(&mut tx, transfer, now_ms).await?;
    tx.commit().await
}

/// The device has reported on all of a transfer.
async fn conclude_in(tx: &mut Transaction, transfer: JobId, now_ms: i64) -> Result<()> {
    let failures = "(select count(*) from transfer_failure f where f.job_id = transfer.job_id)";
    let sql = format!(
        "update transfer set commitment = case when {failures} = 0 then 'committed' else 'partly' end,
             commitment_ms = $2, failed = {failures} where job_id = $1"
    );
    tx.execute(sqlx::AssertSqlSafe(sql), params![transfer.0, now_ms]).await.map(drop)
}
