//! Merging two patients, and taking that back.
//!
//! Undone, the merged patient has again what is theirs by its own identifier: studies and orders from
//! before the merge, and what came since under one of their numbers. What came under the survivor's
//! stays. Mergers may be undone in any order.

use pacs_core::access::{Actor, Scope};
use pacs_core::exam::Disagreement;
use serde_json::json;

use super::{Named, check_scope, tell};
use crate::acts::{self, Act, NewAct};
use crate::database::{Database, Durability, Transaction, params};
use crate::deletion::rows::Collisions;
use crate::exams::ExamId;
use crate::exams::linking::{self, Parting};
use crate::index::{PatientId, StudyId, belongings, discrepancies};
use crate::{Error, Result, performed};

/// The act by which two patients become one.
pub(crate) const MERGE: &str = "patient.merge";
/// The act that takes it back.
pub(crate) const UNMERGE: &str = "patient.unmerge";

/// What an act names whom by.
pub(super) const FROM: &str = "from";
const INTO: &str = "into";

/// Merges a patient into another, who has everything of both from then on; answers the act's number.
/// [`Error::NotFound`] when there is no such patient or the first is out of scope, [`Error::Conflict`]
/// when one of them is merged away already.
pub async fn merge(
    database: &Database,
    scope: &Scope,
    actor: &Actor,
    (from, into): (PatientId, PatientId),
    reason: Option<&str>,
    now_ms: i64,
) -> Result<i64> {
    let mut collisions = Collisions::default();
    loop {
        let mut tx = database.begin(Durability::Synced).await?;
        match merge_within(&mut tx, scope, actor, (from, into), reason, now_ms).await {
            Ok(act) => {
                tell(&mut tx, into, now_ms).await?;
                tx.commit().await?;
                return Ok(act);
            }
            Err(Error::Conflict(why)) if collisions.again(&why) => {}
            Err(error) => return Err(error),
        }
    }
}

/// The same within a transaction.
pub(crate) async fn merge_within(
    tx: &mut Transaction,
    scope: &Scope,
    actor: &Actor,
    (from, into): (PatientId, PatientId),
    reason: Option<&str>,
    now_ms: i64,
) -> Result<i64> {
    // Of somebody who is merged away already everything is the survivor's.
    let now = belongings::survivor(tx, from).await?;
    check_scope(tx, scope, now).await?;
    let (of, to) = (Named::of(tx, from).await?, Named::of(tx, into).await?);
    join(tx, from, into, now_ms).await?;
    let note = NewAct {
        kind: MERGE,
        actor: &actor.id,
        subject_kind: "patient",
        subject_uid: &of.key(),
        reason,
        before: None,
        // By which the history of the one who stays has it too.
        after: Some(json!({ FROM: of, INTO: to, acts::ABOUT: [to.key()] })),
        undoes: None,
    };
    let act = acts::record(tx, &note, now_ms).await?;
    discrepancies::merged(tx, (from, into), act).await?;
    Ok(act)
}

/// Moves the rows of a patient to another.
async fn join(tx: &mut Transaction, from: PatientId, into: PatientId, now_ms: i64) -> Result<()> {
    if from == into {
        return Err(Error::Conflict("that is one patient already".into()));
    }
    belongings::lock(tx, &[from, into]).await?;
    if merged_into(tx, from).await?.is_some() || merged_into(tx, into).await?.is_some() {
        return Err(Error::Conflict("one of the patients is merged into another already".into()));
    }
    tx.execute(
        "update patient set merged_into_id = $2, revision = revision + 1, updated_ms = $3 where id = $1",
        params![from, into, now_ms],
    )
    .await?;
    belongings::give(tx, from, into).await
}

/// Takes a merge back: `from` is a patient of its own again. [`Error::Conflict`] when it is not merged
/// into another, [`Error::NotFound`] when it is out of scope.
pub async fn unmerge(
    database: &Database,
    scope: &Scope,
    actor: &Actor,
    from: PatientId,
    reason: Option<&str>,
    now_ms: i64,
) -> Result<()> {
    let mut collisions = Collisions::default();
    loop {
        let mut tx = database.begin(Durability::Synced).await?;
        match unmerge_within(&mut tx, scope, actor, from, reason, now_ms).await {
            Ok(survivor) => {
                tell(&mut tx, from, now_ms).await?;
                tell(&mut tx, survivor, now_ms).await?;
                return tx.commit().await;
            }
            Err(Error::Conflict(why)) if collisions.again(&why) => {}
            Err(error) => return Err(error),
        }
    }
}

/// The same within a transaction; answers who had everything.
pub(crate) async fn unmerge_within(
    tx: &mut Transaction,
    scope: &Scope,
    actor: &Actor,
    from: PatientId,
    reason: Option<&str>,
    now_ms: i64,
) -> Result<PatientId> {
    let of = Named::of(tx, from).await?;
    let survivor = belongings::survivor(tx, from).await?;
    check_scope(tx, scope, survivor).await?;
    let merge = acts::newest_of(tx, &of.key(), &[MERGE]).await?;
    let into = part(tx, from, now_ms).await?;
    let into = Named::of(tx, into).await?;
    let note = NewAct {
        kind: UNMERGE,
        actor: &actor.id,
        subject_kind: "patient",
        subject_uid: &of.key(),
        reason,
        before: Some(json!({ INTO: into })),
        after: Some(json!({ FROM: of, acts::ABOUT: [into.key()] })),
        undoes: merge.map(|act| act.id),
    };
    acts::record(tx, &note, now_ms).await?;
    part_exams(tx, from, &actor.id, reason, now_ms).await?;
    discrepancies::parted(tx, from).await?;
    Ok(survivor)
}

/// Moves the rows back; answers whom the patient was merged into.
async fn part(tx: &mut Transaction, from: PatientId, now_ms: i64) -> Result<PatientId> {
    let survivor = belongings::survivor(tx, from).await?;
    belongings::lock(tx, &[from, survivor]).await?;
    let Some(into) = merged_into(tx, from).await? else {
        return Err(Error::Conflict("the patient is not merged into another".into()));
    };
    tx.execute(
        "update patient set merged_into_id = null, revision = revision + 1, updated_ms = $2 where id = $1",
        params![from, now_ms],
    )
    .await?;
    belongings::take_back(tx, from).await?;
    Ok(into)
}

/// Takes apart studies and exams that were joined by rule while two patients were one. What people
/// joined by hand stays.
async fn part_exams(
    tx: &mut Transaction,
    from: PatientId,
    actor: &str,
    reason: Option<&str>,
    now_ms: i64,
) -> Result<()> {
    let joined = "select t.id, t.uid, t.step_id from study t join scheduled_step s on s.id = t.step_id
         join requested_procedure r on r.id = s.requested_procedure_id join order_ o on o.id = r.order_id";
    let sql = format!(
        "{joined} where t.patient_id = $1 and o.patient_id <> $1
         union all {joined} where o.patient_id = $1 and t.patient_id <> $1"
    );
    for row in tx.fetch(sqlx::AssertSqlSafe(sql), params![from]).await? {
        let (uid, exam): (String, i64) = (row.get("uid")?, row.get("step_id")?);
        if matches!(linking::last_said(tx, &uid).await?, Some(Ok(_))) {
            continue;
        }
        let exam = ExamId(exam);
        let parting = Parting { exam, why: Disagreement::PatientDiffers, actor, reason };
        linking::part(tx, StudyId(row.get("id")?), &uid, &parting, now_ms).await?;
        performed::leave(tx, exam, &uid).await?;
        linking::images_left(tx, exam, "unlink", actor, reason, now_ms).await?;
    }
    Ok(())
}

async fn merged_into(tx: &mut Transaction, patient: PatientId) -> Result<Option<PatientId>> {
    let sql = "select merged_into_id from patient where id = $1";
    let into = tx.fetch_one(sql, params![patient]).await?.get::<Option<i64>>("merged_into_id")?;
    Ok(into.map(PatientId))
}

/// Does once more what an act did whose row had been lost. Patients who are not there yet are made as
/// the act knew them, so that their images find them so.
pub(crate) async fn again(tx: &mut Transaction, act: &Act) -> Result<()> {
    let from = Named::in_act(act, FROM)?.ensure(tx, act.at_ms).await?;
    let done = match act.kind.as_str() {
        MERGE => {
            let into = Named::in_act(act, INTO)?.ensure(tx, act.at_ms).await?;
            let into = belongings::survivor(tx, into).await?;
            let joined = join(tx, from, into, act.at_ms).await;
            if joined.is_ok() {
                discrepancies::merged(tx, (from, into), act.id).await?;
            }
            joined
        }
        _ => {
            let parted = part(tx, from, act.at_ms).await.map(drop);
            if parted.is_ok() {
                discrepancies::parted(tx, from).await?;
            }
            parted
        }
    };
    match done {
        // The rows are as the act left them.
        Err(Error::Conflict(_)) => Ok(()),
        done => done,
    }
}
