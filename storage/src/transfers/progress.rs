//! How far a transfer is, written by the worker that has it.

use pacs_core::uid::Uid;

use super::{Task, selection};
use crate::database::{Database, Durability, Param, Transaction, params};
use crate::index::instances::InstancePlace;
use crate::jobs::{Job, JobId};
use crate::{Error, Result};

/// The longest reason that is kept of a failed instance, in characters.
const REASON_CHARS: usize = 300;

/// Writes how far the transfer of a job is, for as long as a worker holds it. Everything fails with
/// [`Error::Conflict`] once it does not: it was cancelled, or has been given to another.
#[derive(Debug, Clone)]
pub struct Progress {
    database: Database,
    job: JobId,
    worker: String,
}

/// Where a transfer stands when a worker begins with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Instances that the receiver has acknowledged.
    pub moved: i64,
    /// Instances that were tried and did not arrive.
    pub failed: i64,
    /// The row behind which instances have not been tried.
    pub after_id: i64,
}

impl Progress {
    /// Of a job that a worker has claimed.
    pub fn of(database: &Database, job: &Job, worker: &str) -> Self {
        Self { database: database.clone(), job: job.id, worker: worker.to_owned() }
    }

    /// Counts what a send still has to do. Failures of what is no longer here are forgotten.
    pub async fn begin_send(&self, task: &Task) -> Result<Standing> {
        let row = self
            .database
            .fetch_optional("select after_id from transfer where job_id = $1", params![self.job.0]);
        let after_id: i64 = row.await?.ok_or(Error::NotFound)?.at(0)?;
        let untried = selection::count(&self.database, task, after_id).await?;
        let mut tx = self.database.begin(Durability::Batched).await?;
        tx.execute(
            "delete from transfer_failure where job_id = $1 and not exists (
                 select 1 from instance i where i.uid = instance_uid and i.rejection_id is null)",
            params![self.job.0],
        )
        .await?;
        self.held(
            &mut tx,
            "failed = (select count(*) from transfer_failure f where f.job_id = transfer.job_id),
             total = moved + $3 + (select count(*) from transfer_failure f where f.job_id = transfer.job_id)",
            params![untried],
        )
        .await?;
        let row = tx
            .fetch_one("select moved, failed, after_id from transfer where job_id = $1", params![self.job.0])
            .await?;
        let standing =
            Standing { moved: row.get("moved")?, failed: row.get("failed")?, after_id: row.get("after_id")? };
        tx.commit().await?;
        Ok(standing)
    }

    /// The receiver has an instance. `again`: it had failed before.
    pub async fn moved(&self, place: &InstancePlace, again: bool) -> Result<()> {
        let mut tx = self.database.begin(Durability::Batched).await?;
        if again {
            self.held(&mut tx, "moved = moved + 1, failed = failed - 1", params![]).await?;
            tx.execute(
                "delete from transfer_failure where job_id = $1 and instance_uid = $2",
                params![self.job.0, &place.uid],
            )
            .await?;
        } else {
            self.held(&mut tx, "moved = moved + 1, after_id = $3", params![place.id]).await?;
        }
        tx.commit().await
    }

    /// An instance did not arrive, and why. `again`: nor did it before.
    pub async fn failed(&self, place: &InstancePlace, reason: &str, again: bool) -> Result<()> {
        let mut tx = self.database.begin(Durability::Batched).await?;
        if again {
            self.held(&mut tx, "failed = failed", params![]).await?;
        } else {
            self.held(&mut tx, "failed = failed + 1, after_id = $3", params![place.id]).await?;
        }
        self.note_failure(&mut tx, &place.uid, reason).await?;
        tx.commit().await
    }

    /// A pull is so far: instances that it is about, that are here, and that failed with their reasons,
    /// which take the place of those before.
    pub async fn pulled(&self, total: i64, moved: i64, failed: &[(Uid, String)]) -> Result<()> {
        let mut tx = self.database.begin(Durability::Batched).await?;
        let count = i64::try_from(failed.len()).unwrap_or(i64::MAX);
        self.held(&mut tx, "total = $3, moved = $4, failed = $5", params![total, moved, count]).await?;
        tx.execute("delete from transfer_failure where job_id = $1", params![self.job.0]).await?;
        for (uid, reason) in failed {
            self.note_failure(&mut tx, uid, reason).await?;
        }
        tx.commit().await
    }

    async fn note_failure(&self, tx: &mut Transaction, uid: &Uid, reason: &str) -> Result<()> {
        let reason: String = reason.chars().take(REASON_CHARS).collect();
        tx.execute(
            "insert into transfer_failure (job_id, instance_uid, reason) values ($1, $2, $3)
             on conflict (job_id, instance_uid) do update set reason = excluded.reason",
            params![self.job.0, uid, reason],
        )
        .await
        .map(drop)
    }

    /// Changes the transfer's row as long as the worker holds the job; values are `$3` and on.
    async fn held(&self, tx: &mut Transaction, change: &str, values: Vec<Param>) -> Result<()> {
        let sql = format!(
            "update transfer set {change} where job_id = $1 and exists (
                 select 1 from job j where j.id = $1 and j.state = 'running' and j.lease_owner = $2)"
        );
        let mut params = params![self.job.0, &self.worker];
        params.extend(values);
        match tx.execute(sqlx::AssertSqlSafe(sql), params).await? {
            0 => Err(Error::Conflict("the transfer is no longer this worker's".into())),
            _ => Ok(()),
        }
    }
}
