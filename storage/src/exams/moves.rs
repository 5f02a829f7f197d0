//! Moving an exam: one way for people, devices and timers, with history and event in one commit.

use pacs_core::access::{Actor, Scope};
use pacs_core::exam::{StepAct, StepState};

use super::{Exam, ExamId};
use crate::database::{Database, Durability, Transaction, params};
use crate::events::{self, EventKind, NewEvent};
use crate::{Error, Result, dialect, performed};

/// A person's act on an exam. [`Error::NotFound`] outside the scope, [`Error::Conflict`] with the
/// reason when the exam's laws do not allow it now.
pub async fn act(
    database: &Database,
    scope: &Scope,
    actor: &Actor,
    id: ExamId,
    act: StepAct,
    reason: Option<&str>,
    now_ms: i64,
) -> Result<Exam> {
    super::by_id(database, scope, id).await?.ok_or(Error::NotFound)?;
    let reason = reason.map(str::trim).filter(|reason| !reason.is_empty());
    if act.needs_reason() && reason.is_none() {
        return Err(Error::Conflict(format!("{} needs a reason", act.as_str())));
    }
    let mut tx = database.begin(Durability::Synced).await?;
    apply(&mut tx, id, act, &actor.id, reason, now_ms).await?;
    if act == StepAct::Restore {
        // A console may have begun meanwhile.
        performed::follow(&mut tx, id, ("device", None), now_ms).await?;
    }
    let exam = super::within(&mut tx, id).await?;
    events::append(&mut tx, now_ms, &[changed(&exam.facility, id)]).await?;
    tx.commit().await?;
    Ok(exam)
}

/// The event that an exam moved.
pub(crate) fn changed(facility: &str, id: ExamId) -> NewEvent<'_> {
    NewEvent { facility: Some(facility), exam_id: Some(id.0), ..NewEvent::new(EventKind::ExamChanged) }
}

/// Locks a step; answers its state and whether it has a room or a device.
pub(crate) async fn lock(tx: &mut Transaction, id: ExamId) -> Result<(StepState, bool)> {
    let sql = format!(
        "select state, station_ae, room from scheduled_step where id = $1{}",
        dialect::for_update(tx.engine())
    );
    let row = tx.fetch_one(sqlx::AssertSqlSafe(sql), params![id]).await?;
    let place = row.get::<Option<String>>("station_ae")?.or(row.get("room")?);
    Ok((super::state(&row.get::<String>("state")?)?, place.is_some()))
}

/// Moves a step within a transaction and writes its history; answers the states before and after.
/// The caller writes the event.
pub(crate) async fn apply(
    tx: &mut Transaction,
    id: ExamId,
    act: StepAct,
    actor: &str,
    reason: Option<&str>,
    now_ms: i64,
) -> Result<(StepState, StepState)> {
    let (from, has_place) = lock(tx, id).await?;
    let to = from.apply(act, has_place).map_err(|illegal| Error::Conflict(illegal.to_string()))?;
    if from == to {
        return Ok((from, to));
    }
    // Images that come after their console has ended do not begin the exam again.
    if (from, act) == (StepState::Ended, StepAct::Image) && performed::has_ended(tx, id).await? {
        return Ok((from, from));
    }
    let at = |state: StepState| (to == state).then_some(now_ms);
    tx.execute(
        "update scheduled_step set state = $2, reason = coalesce($3, reason), started_ms = coalesce(started_ms, $4),
             ended_ms = coalesce($5, ended_ms), accepted_ms = coalesce($6, accepted_ms), revision = revision + 1,
             updated_ms = $7 where id = $1",
        params![
            id,
            to.as_str(),
            reason,
            at(StepState::Started),
            at(StepState::Ended),
            at(StepState::Accepted),
            now_ms
        ],
    )
    .await?;
    tx.execute(
        "insert into exam_act (step_id, act, actor, reason, from_state, to_state, at_ms)
         values ($1, $2, $3, $4, $5, $6, $7)",
        params![id, act.as_str(), actor, reason, from.as_str(), to.as_str(), now_ms],
    )
    .await?;
    Ok((from, to))
}

/// Exams in progress without a new image for `quiet_ms` wait for somebody to look whether all is
/// there; one that was begun again is given as long. A timer calls it; answers how many moved.
pub async fn quiet(database: &Database, quiet_ms: i64, now_ms: i64) -> Result<usize> {
    const MOST_AT_ONCE: i64 = 200;
    let sql = "select s.id, s.facility from scheduled_step s where s.state = 'started' and s.updated_ms <= $1
         and exists (select 1 from study t where t.step_id = s.id)
         and not exists (select 1 from study t where t.step_id = s.id and t.updated_ms > $1)
         order by s.id limit $2";
    let before_ms = now_ms.saturating_sub(quiet_ms);
    if database.fetch(sql, params![before_ms, 1_i64]).await?.is_empty() {
        return Ok(0);
    }
    let mut tx = database.begin(Durability::Synced).await?;
    // Looked for again, since an image may have come between.
    let mut moved = Vec::new();
    for row in tx.fetch(sql, params![before_ms, MOST_AT_ONCE]).await? {
        let id = ExamId(row.get("id")?);
        apply(&mut tx, id, StepAct::Quiet, &Actor::system().id, None, now_ms).await?;
        moved.push((id, row.get::<String>("facility")?));
    }
    let events: Vec<NewEvent<'_>> = moved.iter().map(|(id, facility)| changed(facility, *id)).collect();
    events::append(&mut tx, now_ms, &events).await?;
    tx.commit().await?;
    Ok(moved.len())
}

/// What happened to an exam, oldest first: act, actor, reason, time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryLine {
    /// The act's word.
    pub act: String,
    /// `Actor::id` of who did it.
    pub actor: String,
    /// The reason that was given.
    pub reason: Option<String>,
    /// The state it led to.
    pub state: StepState,
    /// When.
    pub at_ms: i64,
}

/// The history of an exam, oldest first.
pub async fn history(database: &Database, id: ExamId) -> Result<Vec<HistoryLine>> {
    let rows = database
        .fetch(
            "select act, actor, reason, to_state, at_ms from exam_act where step_id = $1 order by id limit 1000",
            params![id],
        )
        .await?;
    rows.iter()
        .map(|row| {
            Ok(HistoryLine {
                act: row.get("act")?,
                actor: row.get("actor")?,
                reason: row.get("reason")?,
                state: super::state(&row.get::<String>("to_state")?)?,
                at_ms: row.get("at_ms")?,
            })
        })
        .collect()
}
