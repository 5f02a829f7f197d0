//! Joining images and orders by hand, taking that back, and doing it once more when the index is made
//! anew.

use pacs_core::access::{Actor, Scope};
use pacs_core::exam::{Disagreement, StepAct, StepState};
use pacs_core::reconciliation::Kind;
use pacs_core::uid::Uid;

use super::{Exam, ExamId, matching, moves};
use crate::acts::{self, Act, NewAct};
use crate::database::{Database, Durability, Transaction, params};
use crate::events::{self, EventKind, NewEvent};
use crate::index::{StudyId, discrepancies};
use crate::{Error, Result, corrections, deletion, dialect, performed};

/// The act of a person who says that a study fulfils an exam.
pub(crate) const LINK: &str = "study.link";
/// The act that takes that back.
pub(crate) const UNLINK: &str = "study.unlink";
/// Where an act of the second kind says why.
const WHY: &str = "unmatchedReason";

/// A person says that a study fulfils an exam. [`Error::Conflict`] when the study is linked already
/// or the exam is called off.
pub async fn link(
    database: &Database,
    scope: &Scope,
    actor: &Actor,
    study: &Uid,
    exam: ExamId,
    reason: Option<&str>,
    now_ms: i64,
) -> Result<()> {
    let exam = super::by_id(database, scope, exam).await?.ok_or(Error::NotFound)?;
    let mut tx = database.begin(Durability::Synced).await?;
    let found = lock_study(&mut tx, scope, study).await?;
    if found.step_id.is_some() {
        return Err(Error::Conflict("the study is linked to an exam already".into()));
    }
    if !matching::takes_images(&mut tx, exam.id).await? {
        return Err(Error::Conflict("the exam is cancelled: restore it first".into()));
    }
    let by = (actor.id.as_str(), reason);
    join(&mut tx, (found.id, study.as_str()), &exam, found.unmatched_reason, by, now_ms).await?;
    tell_both(&mut tx, (study.as_str(), &found.facility), (exam.id, &exam.facility), now_ms).await?;
    tx.commit().await
}

/// Takes an [`unlink`] back: the study fulfils again the exam that it was taken from.
pub(crate) async fn link_again(
    database: &Database,
    scope: &Scope,
    actor: &Actor,
    act: &Act,
    reason: Option<&str>,
    now_ms: i64,
) -> Result<()> {
    let gone = || Error::Conflict("the exam is gone or cancelled".into());
    let study = Uid::parse(&act.subject_uid).map_err(|_| Error::NotFound)?;
    let mut tx = database.begin(Durability::Batched).await?;
    let exam = named_exam(&mut tx, act.before.as_ref()).await?.ok_or_else(gone)?;
    drop(tx);
    link(database, scope, actor, &study, exam, reason, now_ms).await
}

/// Joins a study to an exam, with the act that says so.
pub(crate) async fn join(
    tx: &mut Transaction,
    (study, uid): (StudyId, &str),
    exam: &Exam,
    unmatched_reason: Option<String>,
    (actor, reason): (&str, Option<&str>),
    now_ms: i64,
) -> Result<()> {
    tx.execute(
        "update study set step_id = $2, unmatched_reason = null, revision = revision + 1,
             requested_by = case when facility <> $3 then $3 end where id = $1",
        params![study, exam.id, &exam.facility],
    )
    .await?;
    if matching::has_images(tx, study).await? {
        moves::apply(tx, exam.id, StepAct::Image, actor, reason, now_ms).await?;
    }
    performed::join(tx, exam.id, uid, now_ms).await?;
    let mut taken_back = acts::newest_of(tx, uid, &[LINK, UNLINK]).await?.filter(|act| act.kind == UNLINK);
    if let Some(unlink) = &taken_back
        && named_exam(tx, unlink.before.as_ref()).await? != Some(exam.id)
    {
        // Another exam than the one that it was taken from: that it was stands.
        taken_back = None;
    }
    let note = NewAct {
        kind: LINK,
        actor,
        subject_kind: "study",
        subject_uid: uid,
        reason,
        before: Some(serde_json::json!({ WHY: unmatched_reason })),
        after: Some(name(exam)),
        undoes: taken_back.map(|act| act.id),
    };
    let act = acts::record(tx, &note, now_ms).await?;
    // Whoever says whose images these are has seen whose number they carry.
    discrepancies::answer(tx, uid, Kind::SharedAccession, None, act).await
}

/// A person takes a link back: the study waits under unmatched again. The exam stays where it is
/// while other images fulfil it, else it goes back to its schedule. Answers the act's number.
pub async fn unlink(
    database: &Database,
    scope: &Scope,
    actor: &Actor,
    study: &Uid,
    reason: Option<&str>,
    now_ms: i64,
) -> Result<i64> {
    let mut tx = database.begin(Durability::Synced).await?;
    let found = lock_study(&mut tx, scope, study).await?;
    let Some(step_id) = found.step_id else {
        return Err(Error::Conflict("the study is not linked to an exam".into()));
    };
    let step_id = ExamId(step_id);
    let parting = Parting { exam: step_id, why: Disagreement::PatientDiffers, actor: &actor.id, reason };
    let act = part(&mut tx, found.id, study.as_str(), &parting, now_ms).await?;
    performed::leave(&mut tx, step_id, study.as_str()).await?;
    images_left(&mut tx, step_id, "unlink", &actor.id, reason, now_ms).await?;
    let exam = super::within(&mut tx, step_id).await?;
    tell_both(&mut tx, (study.as_str(), &found.facility), (step_id, &exam.facility), now_ms).await?;
    tx.commit().await?;
    Ok(act)
}

/// A study is to leave its exam.
pub(crate) struct Parting<'a> {
    pub exam: ExamId,
    /// What the study waits with from now on.
    pub why: Disagreement,
    pub actor: &'a str,
    pub reason: Option<&'a str>,
}

/// Takes a study from its exam, with the act that says so; answers its number.
pub(crate) async fn part(
    tx: &mut Transaction,
    study: StudyId,
    uid: &str,
    parting: &Parting<'_>,
    now_ms: i64,
) -> Result<i64> {
    tx.execute(
        "update study set step_id = null, unmatched_reason = $2, requested_by = null, revision = revision + 1
         where id = $1",
        params![study, parting.why.as_str()],
    )
    .await?;
    let exam = super::within(tx, parting.exam).await?;
    let taken_back = acts::newest_of(tx, uid, &[LINK, UNLINK]).await?.filter(|act| act.kind == LINK);
    let note = NewAct {
        kind: UNLINK,
        actor: parting.actor,
        subject_kind: "study",
        subject_uid: uid,
        reason: parting.reason,
        before: Some(name(&exam)),
        after: Some(serde_json::json!({ WHY: parting.why.as_str() })),
        undoes: taken_back.map(|act| act.id),
    };
    let act = acts::record(tx, &note, now_ms).await?;
    discrepancies::reopen(tx, uid, LINK).await?;
    Ok(act)
}

/// What people last said of a study, and `None` when nobody did or since it was deleted: the exam it
/// fulfils, or that it was linked wrongly.
pub(crate) async fn last_said(
    tx: &mut Transaction,
    study_uid: &str,
) -> Result<Option<Result<ExamId, Disagreement>>> {
    let [delete_study, ..] = deletion::ACTS;
    let Some(act) = acts::newest_of(tx, study_uid, &[LINK, UNLINK, delete_study]).await? else {
        return Ok(None);
    };
    Ok(match act.kind.as_str() {
        LINK => linked_exam(tx, &act).await?.map(Ok),
        UNLINK => Some(Err(why(&act))),
        _ => None,
    })
}

/// Whether what people last said of a study is to stay though it was corrected: that it fulfils an exam,
/// or, unless they corrected it since, that it was linked wrongly.
pub(super) async fn stands(tx: &mut Transaction, study_uid: &str) -> Result<bool> {
    Ok(match last_said(tx, study_uid).await? {
        None => false,
        Some(Ok(_)) => true,
        Some(Err(_)) => {
            let [study, undo] = corrections::OF_STUDY;
            let newest = acts::newest_of(tx, study_uid, &[UNLINK, study, undo]).await?;
            newest.is_some_and(|act| act.kind == UNLINK)
        }
    })
}

/// Does once more what an act did whose row had been lost, as far as the study and the exam are
/// there.
pub(crate) async fn again(tx: &mut Transaction, act: &Act) -> Result<()> {
    let sql = format!("select id, step_id from study where uid = $1{}", dialect::for_update(tx.engine()));
    let Some(study) = tx.fetch_optional(sqlx::AssertSqlSafe(sql), params![&act.subject_uid]).await? else {
        return Ok(());
    };
    let (id, now) = (StudyId(study.get("id")?), study.get::<Option<i64>>("step_id")?.map(ExamId));
    let then = if act.kind == LINK { linked_exam(tx, act).await? } else { None };
    if now == then || (act.kind == LINK && then.is_none()) {
        return Ok(());
    }
    let found = then.ok_or_else(|| why(act));
    let sql = "update study set step_id = null, requested_by = null, revision = revision + 1 where id = $1";
    tx.execute(sql, params![id]).await?;
    matching::fulfil(tx, (id, &act.subject_uid), found, act.at_ms).await?;
    if let Some(left) = now {
        images_left(tx, left, "unlink", &act.actor, act.reason.as_deref(), act.at_ms).await?;
    }
    Ok(())
}

/// What a study waits with since an act took it from its exam.
fn why(act: &Act) -> Disagreement {
    let word = act.after.as_ref().and_then(|after| after.get(WHY)?.as_str());
    let why = Disagreement::ALL.into_iter().find(|why| Some(why.as_str()) == word);
    why.unwrap_or(Disagreement::PatientDiffers)
}

/// How an act names an exam: by what outlives its row.
pub(crate) fn name(exam: &Exam) -> serde_json::Value {
    serde_json::json!({ "accessionNumber": exam.accession_number, "stepId": exam.step_id })
}

/// The exam that an act linked a study to, if it is there and takes images.
async fn linked_exam(tx: &mut Transaction, act: &Act) -> Result<Option<ExamId>> {
    named_exam(tx, act.after.as_ref()).await
}

/// The exam of that name, if it is there and takes images.
pub(crate) async fn named_exam(
    tx: &mut Transaction,
    name: Option<&serde_json::Value>,
) -> Result<Option<ExamId>> {
    let named = |key: &str| name?.get(key)?.as_str();
    let (Some(step_id), Some(number)) = (named("stepId"), named("accessionNumber")) else { return Ok(None) };
    let row = tx
        .fetch_optional(
            "select s.id, s.state from scheduled_step s join requested_procedure r on r.id = s.requested_procedure_id
             join order_ o on o.id = r.order_id where s.step_id = $1 and o.accession_number = $2",
            params![step_id, number],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let takes_images = super::state(&row.get::<String>("state")?)? != StepState::Cancelled;
    Ok(takes_images.then_some(ExamId(row.get("id")?)))
}

/// Images of an exam are its images no more. Without others it has not begun: it goes back to its
/// schedule, whatever the images had made of it, unless a console is at work on it. `act` is the word for
/// its history. Says whether it moved.
pub(crate) async fn images_left(
    tx: &mut Transaction,
    id: ExamId,
    act: &str,
    actor: &str,
    reason: Option<&str>,
    now_ms: i64,
) -> Result<bool> {
    let (from, has_place) = match moves::lock(tx, id).await {
        Ok(locked) => locked,
        Err(Error::NotFound) => return Ok(false),
        Err(error) => return Err(error),
    };
    // Only now: whoever joins the exam holds it too.
    let sql = "select id from study where step_id = $1 and instance_count > 0 limit 1";
    let others = tx.fetch_optional(sql, params![id]).await?;
    let begun = matches!(from, StepState::Started | StepState::Ended | StepState::Accepted);
    if others.is_some() || !begun || performed::is_performed(tx, id).await? {
        return Ok(false);
    }
    let to = StepState::waiting(has_place);
    tx.execute(
        "update scheduled_step set state = $2, started_ms = null, ended_ms = null, accepted_ms = null,
             revision = revision + 1, updated_ms = $3 where id = $1",
        params![id, to.as_str(), now_ms],
    )
    .await?;
    tx.execute(
        "insert into exam_act (step_id, act, actor, reason, from_state, to_state, at_ms)
         values ($1, $2, $3, $4, $5, $6, $7)",
        params![id, act, actor, reason, from.as_str(), to.as_str(), now_ms],
    )
    .await?;
    Ok(true)
}

struct Locked {
    id: StudyId,
    facility: String,
    step_id: Option<i64>,
    unmatched_reason: Option<String>,
}

async fn lock_study(tx: &mut Transaction, scope: &Scope, study: &Uid) -> Result<Locked> {
    let sql = format!(
        "select id, facility, requested_by, step_id, unmatched_reason from study
         where uid = $1 and instance_count > 0{}",
        dialect::for_update(tx.engine())
    );
    let row = tx.fetch_one(sqlx::AssertSqlSafe(sql), params![study]).await?;
    let facility: String = row.get("facility")?;
    match scope {
        Scope::Facilities(codes)
            if !codes.contains(&facility)
                && !row.get::<Option<String>>("requested_by")?.is_some_and(|code| codes.contains(&code)) =>
        {
            return Err(Error::NotFound);
        }
        _ => {}
    }
    Ok(Locked {
        id: StudyId(row.get("id")?),
        facility,
        step_id: row.get("step_id")?,
        unmatched_reason: row.get("unmatched_reason")?,
    })
}

/// Tells who made a study and who requested the exam that it has come to, or left.
async fn tell_both(
    tx: &mut Transaction,
    (study_uid, facility): (&str, &str),
    (exam, requester): (ExamId, &str),
    now_ms: i64,
) -> Result<()> {
    tell(tx, study_uid, facility, exam, now_ms).await?;
    if requester != facility {
        tell(tx, study_uid, requester, exam, now_ms).await?;
    }
    Ok(())
}

/// Tells a facility that a study has become images of an exam, or is none of them any more.
pub(crate) async fn tell(
    tx: &mut Transaction,
    study_uid: &str,
    facility: &str,
    exam: ExamId,
    now_ms: i64,
) -> Result<()> {
    let of = |kind| NewEvent {
        facility: Some(facility),
        study_uid: Some(study_uid),
        exam_id: Some(exam.0),
        ..NewEvent::new(kind)
    };
    let kinds = [EventKind::StudyChanged, EventKind::ExamChanged, EventKind::UnmatchedChanged];
    events::append(tx, now_ms, &kinds.map(of)).await
}
