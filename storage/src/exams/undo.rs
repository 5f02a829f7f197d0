//! Taking back what a person just did to an exam.

use pacs_core::access::{Actor, Scope};
use pacs_core::exam::{NotLast, StepAct};

use super::moves::{self, changed};
use super::{Exam, ExamId};
use crate::database::{Database, Durability, Transaction, params};
use crate::{Error, Result, events, performed};

/// Takes back `act`, which has to be the last thing that happened to the exam, and a person's doing: whoever else did
/// something since is not overruled, nor is a console. [`Error::NotFound`] outside the scope, [`Error::Conflict`] when
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
            "select id, act, actor, from_state from exam_act where step_id = $1 order by id desc limit 1",
            params![id],
        )
        .await?;
    let not_last = |not_last: NotLast| Error::Conflict(not_last.to_string());
    let last = last.ok_or_else(|| not_last(NotLast { act }))?;
    if last.get::<String>("act")? != act.as_str() || last.get::<String>("actor")?.starts_with("device") {
        return Err(not_last(NotLast { act }));
    }
    let from: String = last.get("from_state")?;
    let before = now.take_back(act, super::state(&from)?, has_place).map_err(not_last)?;
    let accepted = if act == StepAct::Accept { ", accepted_ms = null" } else { "" };
    let mut values = params![id, before.as_str(), now_ms];
    let mut sql =
        format!("update scheduled_step set state = $2, revision = revision + 1, updated_ms = $3{accepted}");
    if act.needs_reason() {
        values.push(reason_before(&mut tx, id, last.get("id")?).await?.into());
        sql.push_str(", reason = $4");
    }
    sql.push_str(" where id = $1");
    tx.execute(sqlx::AssertSqlSafe(sql), values).await?;
    tx.execute(
        "insert into exam_act (step_id, act, actor, reason, from_state, to_state, at_ms)
         values ($1, 'undo', $2, null, $3, $4, $5)",
        params![id, &actor.id, now.as_str(), before.as_str(), now_ms],
    )
    .await?;
    if act == StepAct::Cancel {
        // A console may have begun meanwhile.
        performed::follow(&mut tx, id, ("device", None), now_ms).await?;
    }
    let exam = super::within(&mut tx, id).await?;
    events::append(&mut tx, now_ms, &[changed(&exam.facility, id)]).await?;
    tx.commit().await?;
    Ok(exam)
}

/// The reason of the newest act before that row that asked for one and was not taken back itself.
async fn reason_before(tx: &mut Transaction, id: ExamId, row: i64) -> Result<Option<String>> {
    let asking = StepAct::BY_PEOPLE.iter().filter(|act| act.needs_reason());
    let words: Vec<String> = asking.map(|act| format!("'{}'", act.as_str())).collect();
    let sql = format!(
        "select a.reason from exam_act a where a.step_id = $1 and a.id < $2 and a.act in ({})
             and (select n.act from exam_act n where n.step_id = $1 and n.id > a.id order by n.id limit 1) <> 'undo'
         order by a.id desc limit 1",
        words.join(", ")
    );
    match tx.fetch_optional(sqlx::AssertSqlSafe(sql), params![id, row]).await? {
        Some(row) => row.get("reason"),
        None => Ok(None),
    }
}
