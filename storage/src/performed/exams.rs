//! Performed steps and the exams that they are for.

use pacs_core::attributes::PatientAttributes;
use pacs_core::dataset::DataSet;
use pacs_core::exam::{Disagreement, ImageIdentity};
use pacs_core::identity::PatientIdentifier;
use pacs_core::mpps::{self, Request, State};
use pacs_core::tags;

use super::PerformedId;
use crate::database::{Row, Transaction, params};
use crate::events::{self, EventKind, NewEvent};
use crate::exams::{ExamId, linking, matching, moves};
use crate::index::StudyId;
use crate::index::facilities::Facility;
use crate::index::issuers;
use crate::{Error, Result, dialect};

/// The performed steps of an exam; conditions on `p` and `q` may follow.
const OF_EXAM: &str = "from performed_request q join performed_step p on p.id = q.performed_step_id
     where q.scheduled_step_id = $1 and p.wrong_entry = 0";

/// A study that has left its exam.
pub(super) struct Parted {
    uid: String,
    facility: String,
    /// Of the exam, where that is another.
    requested_by: Option<String>,
    exam: ExamId,
}

/// The exam that a request of a new step means: the scheduled step that it names, or the only one of
/// the study that it names. Facility, accession number and patient have to agree with the order, as for
/// images, as far as the console says them.
pub(super) async fn meant(
    tx: &mut Transaction,
    set: &DataSet,
    request: &Request,
    facility: &Facility,
) -> Result<Option<ExamId>> {
    let by_study = format!("{} where r.study_uid = $1 order by s.id limit 20", matching::CANDIDATES);
    let mut rows = tx.fetch(sqlx::AssertSqlSafe(by_study), params![&request.study_uid]).await?;
    if let (true, Some(step)) = (rows.is_empty(), &request.step_id) {
        // A console that makes study UIDs of its own still names the step.
        let by_step = format!("{} where s.step_id = $1", matching::CANDIDATES);
        rows = tx.fetch(sqlx::AssertSqlSafe(by_step), params![step]).await?;
        rows.retain(|row| row.get::<String>("accession_number").ok() == request.accession_number);
    }
    let named = |row: &&Row| row.get::<String>("step_id").ok() == request.step_id;
    let row = match (rows.iter().find(named), rows.as_slice()) {
        (Some(named), _) => named,
        (None, [only]) => only,
        _ => return Ok(None),
    };
    let agrees = agrees(tx, set, request, facility, row).await?;
    Ok(if agrees { Some(ExamId(row.get("id")?)) } else { None })
}

async fn agrees(
    tx: &mut Transaction,
    set: &DataSet,
    request: &Request,
    facility: &Facility,
    row: &Row,
) -> Result<bool> {
    let ordered: String = row.get("accession_number")?;
    let accession_number = request.accession_number.as_deref().unwrap_or(&ordered);
    let Some(value) = set.text(tags::PATIENT_ID) else {
        // Nobody is named who could be another.
        return Ok(accession_number == ordered && row.get::<String>("facility")? == facility.code);
    };
    let issuer = match set.text(tags::ISSUER_OF_PATIENT_ID) {
        Some(sent) => issuers::named(tx, &sent).await?,
        None => None,
    };
    let patient = PatientAttributes {
        id: value.clone(),
        name: set.text(tags::PATIENT_NAME).unwrap_or_default(),
        birth_date: set.text(tags::PATIENT_BIRTH_DATE),
        sex: set.text(tags::PATIENT_SEX),
        ..PatientAttributes::default()
    };
    let identity = ImageIdentity {
        facility: &facility.code,
        accession_number: Some(accession_number),
        accession_issuer: None,
        identifier: &PatientIdentifier {
            value,
            issuer: issuer.unwrap_or_else(|| facility.issuer.clone()).code,
        },
        patient: &patient,
    };
    Ok(matching::compare(tx, &identity, row).await?.is_ok())
}

/// The exams that a performed step is for.
pub(super) async fn of(tx: &mut Transaction, id: PerformedId) -> Result<Vec<ExamId>> {
    let sql = "select distinct scheduled_step_id from performed_request
         where performed_step_id = $1 and scheduled_step_id is not null order by scheduled_step_id";
    tx.fetch(sql, params![id]).await?.iter().map(|row| Ok(ExamId(row.at(0)?))).collect()
}

/// Moves an exam where its performed steps stand now; says whether it moved. What its laws do not allow
/// is left: a report tells what is, and cannot be refused for what people did meanwhile.
pub(crate) async fn follow(
    tx: &mut Transaction,
    exam: ExamId,
    (actor, reason): (&str, Option<&str>),
    now_ms: i64,
) -> Result<bool> {
    let (from, has_place) = moves::lock(tx, exam).await?;
    let Some(act) = mpps::exam_act(states(tx, exam).await?) else { return Ok(false) };
    if from.apply(act, has_place).is_err() {
        return Ok(false);
    }
    let (from, to) = moves::apply(tx, exam, act, actor, reason, now_ms).await?;
    Ok(from != to)
}

async fn states(tx: &mut Transaction, exam: ExamId) -> Result<Vec<State>> {
    let rows = tx.fetch(sqlx::AssertSqlSafe(format!("select p.state {OF_EXAM}")), params![exam]).await?;
    let state = |row: &Row| {
        let word: String = row.at(0)?;
        let unknown = || Error::Corrupt(format!("a performed step in the unknown state {word}"));
        State::parse(&word).ok_or_else(unknown)
    };
    rows.iter().map(state).collect()
}

/// A step turns out to be of the wrong worklist entry: the exam goes back to its schedule and the images
/// wait to be matched, unless another step is for the exam; then a person has to tell them apart. Says
/// whether the exam moved.
pub(super) async fn withdraw(
    tx: &mut Transaction,
    id: PerformedId,
    exam: ExamId,
    (actor, reason): (&str, Option<&str>),
    now_ms: i64,
    parted: &mut Vec<Parted>,
) -> Result<bool> {
    let sql = "select t.id, t.uid, t.facility, t.requested_by from study t where t.step_id = $1
         and (t.uid in (select study_uid from performed_request where performed_step_id = $2)
             or t.id in (select s.study_id from performed_series z join series s on s.uid = z.series_uid
                 where z.performed_step_id = $2))
         order by t.id";
    // Studies before their exam, as arriving images hold them; once it is held, no others join it.
    let held = format!("{sql}{}", dialect::for_update_of(tx.engine(), "t"));
    tx.fetch(sqlx::AssertSqlSafe(held), params![exam, id]).await?;
    moves::lock(tx, exam).await?;
    if !states(tx, exam).await?.is_empty() {
        return follow(tx, exam, (actor, reason), now_ms).await;
    }
    for row in &tx.fetch(sql, params![exam, id]).await? {
        let (uid, facility) = (row.get("uid")?, row.get("facility")?);
        let study = Parted { uid, facility, requested_by: row.get("requested_by")?, exam };
        let parting = linking::Parting { exam, why: Disagreement::WrongEntry, actor, reason };
        linking::part(tx, StudyId(row.get("id")?), &study.uid, &parting, now_ms).await?;
        parted.push(study);
    }
    linking::images_left(tx, exam, "wrongEntry", actor, reason, now_ms).await
}

/// Tells of the exams that a report moved, and of the studies that left theirs.
pub(super) async fn tell(
    tx: &mut Transaction,
    moved: &[ExamId],
    parted: &[Parted],
    now_ms: i64,
) -> Result<()> {
    let mut facilities = Vec::with_capacity(moved.len());
    for exam in moved {
        let row = tx.fetch_one("select facility from scheduled_step where id = $1", params![*exam]).await?;
        facilities.push(row.at::<String>(0)?);
    }
    let exams = moved.iter().zip(&facilities).map(|(exam, facility)| moves::changed(facility, *exam));
    let told = parted.iter().flat_map(|study| {
        std::iter::once(&study.facility).chain(&study.requested_by).map(move |facility| (study, facility))
    });
    let studies = told.flat_map(|(study, facility)| {
        [EventKind::StudyChanged, EventKind::UnmatchedChanged].map(|kind| NewEvent {
            facility: Some(facility),
            study_uid: Some(&study.uid),
            exam_id: Some(study.exam.0),
            ..NewEvent::new(kind)
        })
    });
    let events: Vec<NewEvent<'_>> = exams.chain(studies).collect();
    events::append(tx, now_ms, &events).await
}

/// A study fulfils an exam from now on: steps of it that were for no exam are for this one, and move it.
/// Says whether it moved.
pub(crate) async fn join(tx: &mut Transaction, exam: ExamId, study_uid: &str, now_ms: i64) -> Result<bool> {
    let joined = tx
        .execute(
            "update performed_request set scheduled_step_id = $1 where study_uid = $2 and scheduled_step_id is null
             and exists (select 1 from performed_step p where p.id = performed_step_id and p.wrong_entry = 0)",
            params![exam, study_uid],
        )
        .await?;
    if joined == 0 { Ok(false) } else { follow(tx, exam, ("device", None), now_ms).await }
}

/// A study no longer fulfils an exam: nor do its performed steps.
pub(crate) async fn leave(tx: &mut Transaction, exam: ExamId, study_uid: &str) -> Result<()> {
    tx.execute(
        "update performed_request set scheduled_step_id = null where study_uid = $2 and scheduled_step_id = $1",
        params![exam, study_uid],
    )
    .await
    .map(drop)
}

/// Whether a console is at work on an exam.
pub(crate) async fn is_performed(tx: &mut Transaction, exam: ExamId) -> Result<bool> {
    Ok(states(tx, exam).await?.contains(&State::InProgress))
}

/// Whether consoles have reported of an exam, and all that they reported has ended.
pub(crate) async fn has_ended(tx: &mut Transaction, exam: ExamId) -> Result<bool> {
    let states = states(tx, exam).await?;
    Ok(!states.is_empty() && states.iter().all(|state| state.is_final()))
}

/// Whether a study begins with images of a worklist entry that turned out to be the wrong one: its first series was
/// made on it, or the study is its own and no other step has been for it.
pub(crate) async fn is_of_wrong_entry(
    tx: &mut Transaction,
    study_uid: &str,
    series_uid: &str,
) -> Result<bool> {
    let sql = "select 1 from performed_series z join performed_step p on p.id = z.performed_step_id
         where z.series_uid = $1 and p.wrong_entry = 1
         union all select 1 from performed_request q join performed_step p on p.id = q.performed_step_id
         where q.study_uid = $2 and p.wrong_entry = 1
             and not exists (select 1 from performed_request o join performed_step d on d.id = o.performed_step_id
                 where o.study_uid = $2 and d.wrong_entry = 0)
         limit 1";
    Ok(tx.fetch_optional(sql, params![series_uid, study_uid]).await?.is_some())
}
