//! What people do to transfers in the queue.

use pacs_core::access::{Actor, Scope};

use super::list::{by_id, push_transfer_scope};
use super::{Direction, Task, send};
use crate::database::{Database, Durability, Transaction, params};
use crate::jobs::lanes::{self, Priority};
use crate::jobs::{self, JobId, JobState};
use crate::routes::handed::{self, Became};
use crate::{Error, Result};

/// Stops a transfer; what has arrived stays where it is. [`again`] takes it up where it was.
pub async fn cancel(database: &Database, scope: &Scope, id: JobId, now_ms: i64) -> Result<()> {
    let mut tx = seen(database, scope, id).await?;
    let cancelled = lanes::cancel_in(&mut tx, id, now_ms).await?;
    handed::left(&mut tx, id, Became::Over, now_ms).await?;
    end(tx, cancelled, "it has ended already").await
}

/// Has a transfer tried now that waits, has failed or was cancelled.
pub async fn again(database: &Database, scope: &Scope, id: JobId, now_ms: i64) -> Result<()> {
    let mut tx = seen(database, scope, id).await?;
    let again = lanes::again_in(&mut tx, id, now_ms).await?;
    handed::left(&mut tx, id, Became::Wanted, now_ms).await?;
    tx.hint_jobs();
    end(tx, again, "it is done, under way, or done by another one").await
}

/// Sends once more what a send that is done has brought, neither more of its study nor less, as it is now. Answers
/// its task and the new job. [`Error::Conflict`] when it is none or not done; otherwise as [`send`].
pub async fn resend(
    database: &Database,
    scope: &Scope,
    actor: &Actor,
    id: JobId,
    now_ms: i64,
) -> Result<(Task, JobId)> {
    let line = by_id(database, scope, id).await?.ok_or(Error::NotFound)?;
    if line.direction != Direction::Send || line.state != JobState::Done {
        return Err(Error::Conflict("only what has been sent is sent again".into()));
    }
    let task = Task::of(&jobs::by_id(database, id).await?.ok_or(Error::NotFound)?)?;
    let job = send(database, scope, actor, &task, Priority::Normal, now_ms).await?;
    Ok((task, job))
}

/// Changes how urgent a transfer is.
pub async fn prioritise(
    database: &Database,
    scope: &Scope,
    id: JobId,
    priority: Priority,
    now_ms: i64,
) -> Result<()> {
    let mut tx = seen(database, scope, id).await?;
    let changed = lanes::prioritise_in(&mut tx, id, priority, now_ms).await?;
    end(tx, changed, "it has ended already").await
}

/// A transaction about a transfer that the scope sees.
async fn seen(database: &Database, scope: &Scope, id: JobId) -> Result<Transaction> {
    let (mut sql, mut params) = ("select 1 from transfer x where x.job_id = $1".to_owned(), params![id.0]);
    push_transfer_scope(&mut sql, &mut params, scope);
    let mut tx = database.begin(Durability::Synced).await?;
    let seen = tx.fetch_optional(sqlx::AssertSqlSafe(sql), params).await?;
    seen.map(|_| tx).ok_or(Error::NotFound)
}

async fn end(tx: Transaction, is_done: bool, otherwise: &'static str) -> Result<()> {
    if !is_done {
        return Err(Error::Conflict(otherwise.into()));
    }
    tx.commit().await
}
