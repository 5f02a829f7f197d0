//! Asking a device, after images were sent to it, whether it keeps them (PS3.4 J): the request is a job that
//! is asked again until the report has come.

use pacs_core::uid::{AeTitle, Uid};
use serde_json::json;

use super::{Task, Trouble, selection};
use crate::database::{Database, Durability, params};
use crate::jobs::lanes::{self, Priority};
use crate::jobs::{self, Job, JobId, JobState, NewJob};
use crate::{Error, Result};

/// The kind of the jobs.
pub const COMMITMENT_REQUEST: &str = "commitment-request";
/// How often is asked, and how long a report is waited for each time: a day in all.
const MAX_ATTEMPTS: u32 = 24;
const REPORT_WITHIN_MS: i64 = 3_600_000;

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
    /// It has moved instances up to this row. What came later was not sent, and is not asked about.
    pub through_id: i64,
}

/// What a request is about. [`Error::NotFound`] when the transfer was forgotten.
pub async fn subject(database: &Database, job: &Job) -> Result<Subject> {
    let id = job.payload.get("transfer").and_then(serde_json::Value::as_i64);
    let transfer = JobId(id.ok_or_else(|| Error::Corrupt("a commitment request about nothing".into()))?);
    let task = Task::of(&jobs::by_id(database, transfer).await?.ok_or(Error::NotFound)?)?;
    let row = database
        .fetch_optional("select after_id from transfer where job_id = $1", params![transfer.0])
        .await?;
    Ok(Subject { transfer, task, through_id: row.ok_or(Error::NotFound)?.at(0)? })
}

/// The device is about to be asked; answers in which transaction. Each time is a new one, and a report on any of
/// them is taken: some archives report a day later.
pub async fn ask(database: &Database, subject: &Subject, now_ms: i64) -> Result<Uid> {
    let transaction = Uid::generate(rand::random());
    let mut tx = database.begin(Durability::Synced).await?;
    tx.execute(
        "insert into commitment_ask (transaction_uid, job_id, through_id) values ($1, $2, $3)",
        params![&transaction, subject.transfer.0, subject.through_id],
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

/// The device was asked and has not reported yet: it is asked again later, or the transfer is marked as
/// one of which nothing was heard.
pub async fn wait(database: &Database, transfer: JobId, job: &Job, worker: &str, now_ms: i64) -> Result<()> {
    let is_last = job.attempts >= job.max_attempts;
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
            "select a.job_id, a.through_id, j.payload from commitment_ask a
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
    let asked = selection::meant_of(&mut tx, &task, row.get("through_id")?, &uids).await?;
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
    let word = if asked.is_empty() { "committed" } else { "partly" };
    tx.execute(
        "update transfer set commitment = $2, commitment_ms = $3,
             failed = (select count(*) from transfer_failure f where f.job_id = transfer.job_id) where job_id = $1",
        params![transfer.0, word, now_ms],
    )
    .await?;
    tx.execute(
        "update job set state = 'done', error = null, lease_owner = null, updated_ms = $2
         where dedupe = $1 and state in ('waiting', 'running')",
        params![key(transfer), now_ms],
    )
    .await?;
    tx.commit().await?;
    Ok(Some(transfer))
}
