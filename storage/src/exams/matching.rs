//! Joining images and orders: by rule when they arrive, by a person afterwards.

use pacs_core::access::{Actor, Scope};
use pacs_core::attributes::PatientAttributes;
use pacs_core::exam::{Disagreement, ImageIdentity, OrderIdentity, StepAct, StepState, agree};
use pacs_core::identity::PatientIdentifier;
use pacs_core::uid::Uid;

use super::{ExamId, moves};
use crate::database::{Database, Durability, Row, Transaction, params};
use crate::events::{self, EventKind, NewEvent};
use crate::index::{PatientId, StudyId, patients};
use crate::{Error, Result, acts, dialect};

/// A study that has just come, as its first instance describes it.
#[derive(Debug, Clone)]
pub(crate) struct Arrived {
    pub study_id: StudyId,
    pub study_uid: String,
    pub facility: String,
    pub accession_number: Option<String>,
    pub accession_issuer: Option<String>,
    pub identifier: PatientIdentifier,
    pub patient: PatientAttributes,
    pub modality: String,
    /// Scheduled Procedure Step ID that the images name.
    pub requested_step: Option<String>,
}

/// What matching made of an arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The study fulfils this step; `moved` when that moved the exam.
    Linked { step_id: i64, moved: bool },
    /// It waits for a person; the reason is in its row.
    Unmatched,
}

/// Matches a new study to an order by the rule of `pacs_core::exam::agree`. `imaged` is whether its
/// instances may move the exam.
pub(crate) async fn on_arrival(
    tx: &mut Transaction,
    image: &Arrived,
    imaged: bool,
    now_ms: i64,
) -> Result<Outcome> {
    match find(tx, image).await? {
        Ok(step) => {
            tx.execute(
                "update study set step_id = $2, unmatched_reason = null where id = $1",
                params![image.study_id, step],
            )
            .await?;
            let moved = imaged && on_image(tx, step.0, now_ms).await?;
            Ok(Outcome::Linked { step_id: step.0, moved })
        }
        Err(why) => {
            tx.execute(
                "update study set unmatched_reason = $2 where id = $1",
                params![image.study_id, why.as_str()],
            )
            .await?;
            Ok(Outcome::Unmatched)
        }
    }
}

/// An image of a matched study came; answers whether that moved the exam.
pub(crate) async fn on_image(tx: &mut Transaction, step_id: i64, now_ms: i64) -> Result<bool> {
    let (from, to) = moves::apply(tx, ExamId(step_id), StepAct::Image, "device", None, now_ms).await?;
    Ok(from != to)
}

/// The step whose order agrees with the images, or the nearest miss.
async fn find(tx: &mut Transaction, image: &Arrived) -> Result<Result<ExamId, Disagreement>> {
    let Some(accession_number) = image.accession_number.as_deref() else {
        return Ok(Err(Disagreement::NoAccession));
    };
    let rows = tx
        .fetch(
            "select s.id, s.state, s.step_id, s.modality, s.facility, o.accession_number, i.code as issuer,
                 o.accession_issuer, o.patient_id, p.name, p.birth_date, p.sex, r.study_uid
             from order_ o join requested_procedure r on r.order_id = o.id
             join scheduled_step s on s.requested_procedure_id = r.id join patient p on p.id = o.patient_id
             join facility f on f.code = o.facility join issuer i on i.id = f.issuer_id
             where o.accession_number = $1 order by s.id limit 100",
            params![accession_number],
        )
        .await?;
    let mut why = Disagreement::NoOrder;
    let mut agreeing: Vec<&Row> = Vec::new();
    for row in &rows {
        // Images of a called-off exam wait for a person.
        if super::state(&row.get::<String>("state")?)? == StepState::Cancelled {
            continue;
        }
        match compare(tx, image, row).await? {
            Ok(()) => agreeing.push(row),
            Err(Disagreement::PatientDiffers) => why = Disagreement::PatientDiffers,
            Err(Disagreement::FacilityDiffers) if why == Disagreement::NoOrder => {
                why = Disagreement::FacilityDiffers
            }
            Err(_) => {}
        }
    }
    let mut best: Option<(u8, i64)> = None;
    for row in agreeing {
        let fit = if row.get::<String>("study_uid")? == image.study_uid {
            3
        } else if image.requested_step == Some(row.get("step_id")?) {
            2
        } else {
            u8::from(row.get::<String>("modality")? == image.modality)
        };
        if best.is_none_or(|(other, _)| fit > other) {
            best = Some((fit, row.get("id")?));
        }
    }
    Ok(best.map(|(_, id)| ExamId(id)).ok_or(why))
}

async fn compare(tx: &mut Transaction, image: &Arrived, row: &Row) -> Result<Result<(), Disagreement>> {
    let identifiers = patients::identifiers(tx, PatientId(row.get("patient_id")?)).await?;
    let facility: String = row.get("facility")?;
    let given: Option<String> = row.get("accession_issuer")?;
    let own: String = row.get("issuer")?;
    let order = OrderIdentity {
        facility: &facility,
        accession_number: &row.get::<String>("accession_number")?,
        accession_issuer: given.as_deref().unwrap_or(&own),
        identifiers: &identifiers,
        patient: &patients::demographics(row)?,
    };
    let sent = ImageIdentity {
        facility: &image.facility,
        accession_number: image.accession_number.as_deref(),
        accession_issuer: image.accession_issuer.as_deref(),
        identifier: &image.identifier,
        patient: &image.patient,
    };
    Ok(agree(&sent, &order))
}

/// Looks once more at studies that waited for an order of this number; called by the order's own
/// transaction. Answers whether any was matched.
pub(crate) async fn on_order(tx: &mut Transaction, accession_number: &str, now_ms: i64) -> Result<bool> {
    let rows = tx
        .fetch(
            "select t.id, t.uid, t.facility, t.accession_number, t.accession_issuer, t.modalities, p.identifier,
                 i.code as issuer, t.patient_name as name, t.birth_date, t.sex
             from study t join patient p on p.id = t.patient_id join issuer i on i.id = p.issuer_id
             where t.accession_number = $1 and t.unmatched_reason is not null order by t.id limit 100",
            params![accession_number],
        )
        .await?;
    let mut linked = false;
    for row in &rows {
        let modalities: String = row.get("modalities")?;
        let modality = modalities.split('\\').find(|modality| !modality.is_empty()).unwrap_or_default();
        let image = Arrived {
            study_id: StudyId(row.get("id")?),
            study_uid: row.get("uid")?,
            facility: row.get("facility")?,
            accession_number: row.get("accession_number")?,
            accession_issuer: row.get("accession_issuer")?,
            identifier: PatientIdentifier { value: row.get("identifier")?, issuer: row.get("issuer")? },
            patient: patients::demographics(row)?,
            modality: modality.to_owned(),
            requested_step: None,
        };
        linked |= matches!(on_arrival(tx, &image, true, now_ms).await?, Outcome::Linked { .. });
    }
    Ok(linked)
}

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
    if exam.state == StepState::Cancelled {
        return Err(Error::Conflict("the exam is cancelled: restore it first".into()));
    }
    tx.execute(
        "update study set step_id = $2, unmatched_reason = null, revision = revision + 1 where id = $1",
        params![found.id, exam.id],
    )
    .await?;
    moves::apply(&mut tx, exam.id, StepAct::Image, &actor.id, reason, now_ms).await?;
    let note = acts::NewAct {
        kind: "study.link",
        actor: &actor.id,
        subject_kind: "study",
        subject_uid: study.as_str(),
        reason,
        before: Some(serde_json::json!({ "unmatchedReason": found.unmatched_reason })),
        after: Some(serde_json::json!({ "accessionNumber": exam.accession_number, "stepId": exam.step_id })),
        undoes: None,
    };
    acts::record(&mut tx, &note, now_ms).await?;
    tell(&mut tx, study, &found.facility, exam.id, now_ms).await?;
    tx.commit().await
}

/// A person takes a link back: the study waits under unmatched again. The exam stays where it is
/// while other images fulfil it, else it goes back to its schedule.
pub async fn unlink(
    database: &Database,
    scope: &Scope,
    actor: &Actor,
    study: &Uid,
    reason: Option<&str>,
    now_ms: i64,
) -> Result<()> {
    let mut tx = database.begin(Durability::Synced).await?;
    let found = lock_study(&mut tx, scope, study).await?;
    let Some(step_id) = found.step_id else {
        return Err(Error::Conflict("the study is not linked to an exam".into()));
    };
    let step_id = ExamId(step_id);
    tx.execute(
        "update study set step_id = null, unmatched_reason = $2, revision = revision + 1 where id = $1",
        params![found.id, Disagreement::PatientDiffers.as_str()],
    )
    .await?;
    let others =
        tx.fetch_optional("select id from study where step_id = $1 limit 1", params![step_id]).await?;
    if others.is_none() {
        put_back(&mut tx, step_id, &actor.id, reason, now_ms).await?;
    }
    let note = acts::NewAct {
        kind: "study.unlink",
        actor: &actor.id,
        subject_kind: "study",
        subject_uid: study.as_str(),
        reason,
        before: Some(serde_json::json!({ "exam": step_id.0 })),
        after: None,
        undoes: None,
    };
    acts::record(&mut tx, &note, now_ms).await?;
    tell(&mut tx, study, &found.facility, step_id, now_ms).await?;
    tx.commit().await
}

/// An exam whose only images were another's has not begun: it goes back to its schedule, whatever
/// the images had made of it.
async fn put_back(
    tx: &mut Transaction,
    id: ExamId,
    actor: &str,
    reason: Option<&str>,
    now_ms: i64,
) -> Result<()> {
    let row =
        tx.fetch_one("select state, station_ae, room from scheduled_step where id = $1", params![id]).await?;
    let from = super::state(&row.get::<String>("state")?)?;
    if !matches!(from, StepState::Started | StepState::Ended | StepState::Accepted) {
        return Ok(());
    }
    let has_place = row.get::<Option<String>>("station_ae")?.or(row.get("room")?).is_some();
    let to = if has_place { StepState::Scheduled } else { StepState::Requested };
    tx.execute(
        "update scheduled_step set state = $2, started_ms = null, ended_ms = null, accepted_ms = null,
             revision = revision + 1, updated_ms = $3 where id = $1",
        params![id, to.as_str(), now_ms],
    )
    .await?;
    tx.execute(
        "insert into exam_act (step_id, act, actor, reason, from_state, to_state, at_ms)
         values ($1, 'unlink', $2, $3, $4, $5, $6)",
        params![id, actor, reason, from.as_str(), to.as_str(), now_ms],
    )
    .await
    .map(drop)
}

struct Locked {
    id: StudyId,
    facility: String,
    step_id: Option<i64>,
    unmatched_reason: Option<String>,
}

async fn lock_study(tx: &mut Transaction, scope: &Scope, study: &Uid) -> Result<Locked> {
    let sql = format!(
        "select id, facility, step_id, unmatched_reason from study where uid = $1{}",
        dialect::for_update(tx.engine())
    );
    let row = tx.fetch_one(sqlx::AssertSqlSafe(sql), params![study]).await?;
    let facility: String = row.get("facility")?;
    match scope {
        Scope::Facilities(codes) if !codes.contains(&facility) => return Err(Error::NotFound),
        _ => {}
    }
    Ok(Locked {
        id: StudyId(row.get("id")?),
        facility,
        step_id: row.get("step_id")?,
        unmatched_reason: row.get("unmatched_reason")?,
    })
}

async fn tell(tx: &mut Transaction, study: &Uid, facility: &str, exam: ExamId, now_ms: i64) -> Result<()> {
    let of = |kind| NewEvent {
        facility: Some(facility),
        study_uid: Some(study.as_str()),
        exam_id: Some(exam.0),
        ..NewEvent::new(kind)
    };
    let kinds = [EventKind::StudyChanged, EventKind::ExamChanged, EventKind::UnmatchedChanged];
    events::append(tx, now_ms, &kinds.map(of)).await
}
