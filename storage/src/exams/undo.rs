//! Taking back what a person just did to an exam.

use pacs_core::access::{Actor, Scope};
use pacs_core::exam::{NotLast, StepAct};

use super::moves::{self, changed};
use super::{Exam, ExamId};
use crate::database::{Database, Durability, params};
use crate::{Error, Result, events};

/// Takes back `act`, which has to be the last thing that happened to the exam: whoever else did
/// something since is not overruled. [`Error::NotFound`] outside the scope, [`Error::Conflict`] when
/// the exam has moved on.
pub async fn undo(
    database: &Database,
    scope: &Scope,
    actor: &Actor,
    id: ExamId,
    act: StepAct,
    now_ms: i64,
) -> Result<Exam> {
    super::by_id(database, scope, id).await?.ok_or(Error::NotFound)?;
    let mut tx = database.begin(Durability::Synced).await?;
    let (now, has_place) = moves::lock(&mut tx, id).await?;
    let last = tx
        .fetch_optional(
            "select act, from_state from exam_act where step_id = $1 order by id desc limit 1",
            params![id],
        )
        .await?;
    let not_last = |not_last: NotLast| Error::Conflict(not_last.to_string());
    let from = match last {
        Some(row) if row.get::<String>("act")? == act.as_str() => row.get::<String>("from_state")?,
        _ => return Err(not_last(NotLast { act })),
    };
    let before = now.take_back(act, super::state(&from)?, has_place).map_err(not_last)?;
    let accepted = if act == StepAct::Accept { ", accepted_ms = null" } else { "" };
    let reason = if act.needs_reason() { ", reason = null" } else { "" };
    let sql = format!(
        "update scheduled_step set state = $2, revision = revision + 1, updated_ms = $3{accepted}{reason} where id = $1"
    );
    tx.execute(sqlx::AssertSqlSafe(sql), params![id, before.as_str(), now_ms]).await?;
    tx.execute(
        "insert into exam_act (step_id, act, actor, reason, from_state, to_state, at_ms)
         values ($1, 'undo', $2, null, $3, $4, $5)",
        params![id, &actor.id, now.as_str(), before.as_str(), now_ms],
    )
    .await?;
    let exam = super::within(&mut tx, id).await?;
    events::append(&mut tx, now_ms, &[changed(&exam.facility, id)]).await?;
    tx.commit().await?;
    Ok(exam)
}
