//! Joining images and orders by rule: when images arrive, and when their order does.

use pacs_core::attributes::PatientAttributes;
use pacs_core::exam::{Disagreement, ImageIdentity, OrderIdentity, StepAct, StepState, agree};
use pacs_core::identity::PatientIdentifier;

use super::{ExamId, linking, moves};
use crate::database::{Row, Transaction, params};
use crate::index::arrivals::moves_exams;
use crate::index::{PatientId, StudyId, patients};
use crate::{Error, Result, dialect, performed};

/// A study that has just come, as its first instance describes it.
#[derive(Debug, Clone)]
pub(crate) struct Arrived {
    pub study_id: StudyId,
    pub study_uid: String,
    /// Of its first instance.
    pub series_uid: String,
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

/// Matches a new study to an order. A study that comes back although people have matched it before,
/// as when the index is made anew, obeys their last act; any other the rule of
/// `pacs_core::exam::agree`.
pub(crate) async fn on_arrival(tx: &mut Transaction, image: &Arrived, now_ms: i64) -> Result<Outcome> {
    let (study, series) = (image.study_uid.as_str(), image.series_uid.as_str());
    let found = match linking::last_said(tx, study).await? {
        Some(said) => said,
        None => {
            let found = find(tx, image).await?;
            if let Ok(step) = found {
                // Before it is asked: a console that takes its entry back holds the exam until it has said so.
                moves::lock(tx, step).await?;
            }
            if performed::is_of_wrong_entry(tx, study, series).await? {
                Err(Disagreement::WrongEntry)
            } else {
                found
            }
        }
    };
    fulfil(tx, (image.study_id, study), found, now_ms).await
}

/// Writes down which step a study fulfils, or why none. One that was called off since it was found takes no images.
pub(crate) async fn fulfil(
    tx: &mut Transaction,
    (study, uid): (StudyId, &str),
    found: Result<ExamId, Disagreement>,
    now_ms: i64,
) -> Result<Outcome> {
    let found = match found {
        Ok(step) if !takes_images(tx, step).await? => Err(Disagreement::NoOrder),
        found => found,
    };
    match found {
        Ok(step) => {
            tx.execute(
                "update study set step_id = $2, unmatched_reason = null,
                     requested_by = (select s.facility from scheduled_step s
                         where s.id = $2 and s.facility <> study.facility)
                 where id = $1",
                params![study, step],
            )
            .await?;
            let imaged = has_images(tx, study).await? && on_image(tx, step, now_ms).await?;
            let moved = performed::join(tx, step, uid, now_ms).await? || imaged;
            Ok(Outcome::Linked { step_id: step.0, moved })
        }
        Err(why) => {
            tx.execute("update study set unmatched_reason = $2 where id = $1", params![study, why.as_str()])
                .await?;
            Ok(Outcome::Unmatched)
        }
    }
}

/// Images of a matched study came, or came back: they move its exam. One that was called off meanwhile, or is gone,
/// takes none; the study waits for a person then.
pub(crate) async fn on_images(
    tx: &mut Transaction,
    (study, uid): (StudyId, &str),
    step: ExamId,
    now_ms: i64,
) -> Result<Outcome> {
    if takes_images(tx, step).await? {
        return Ok(Outcome::Linked { step_id: step.0, moved: on_image(tx, step, now_ms).await? });
    }
    tx.execute(
        "update study set step_id = null, unmatched_reason = $2, requested_by = null where id = $1",
        params![study, Disagreement::NoOrder.as_str()],
    )
    .await?;
    performed::leave(tx, step, uid).await?;
    Ok(Outcome::Unmatched)
}

async fn on_image(tx: &mut Transaction, step: ExamId, now_ms: i64) -> Result<bool> {
    let (from, to) = moves::apply(tx, step, StepAct::Image, "device", None, now_ms).await?;
    Ok(from != to)
}

/// Whether an exam is there and was not called off. It stays so until the commit.
pub(super) async fn takes_images(tx: &mut Transaction, step: ExamId) -> Result<bool> {
    match moves::lock(tx, step).await {
        Ok((state, _)) => Ok(state != StepState::Cancelled),
        Err(Error::NotFound) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether anything that a study shows may move its exam: something that a device made, and not only documents.
pub(super) async fn has_images(tx: &mut Transaction, study: StudyId) -> Result<bool> {
    let sql = "select distinct coalesce(modality, '') from series where study_id = $1 and instance_count > 0";
    for row in tx.fetch(sql, params![study]).await? {
        if moves_exams(&row.at::<String>(0)?) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Steps with their order and its patient, as [`compare`] reads them; a condition on `s`, `r`, `o` follows.
pub(crate) const CANDIDATES: &str =
    "select s.id, s.state, s.step_id, s.modality, s.facility, o.accession_number,
     i.code as issuer, o.accession_issuer, o.patient_id, o.own_patient_id, p.name, p.birth_date, p.sex, r.study_uid
     from order_ o join requested_procedure r on r.order_id = o.id
     join scheduled_step s on s.requested_procedure_id = r.id join patient p on p.id = o.patient_id
     join facility f on f.code = o.facility join issuer i on i.id = f.issuer_id";

/// The step whose order agrees with the images, or the nearest miss.
async fn find(tx: &mut Transaction, image: &Arrived) -> Result<Result<ExamId, Disagreement>> {
    let Some(accession_number) = image.accession_number.as_deref() else {
        return Ok(Err(Disagreement::NoAccession));
    };
    dialect::hold_number(tx, accession_number).await?;
    let by_number = format!("{CANDIDATES} where o.accession_number = $1 order by s.id limit 100");
    let rows = tx.fetch(sqlx::AssertSqlSafe(by_number), params![accession_number]).await?;
    let sent = ImageIdentity {
        facility: &image.facility,
        accession_number: image.accession_number.as_deref(),
        accession_issuer: image.accession_issuer.as_deref(),
        identifier: &image.identifier,
        patient: &image.patient,
    };
    let mut why = Disagreement::NoOrder;
    let mut agreeing: Vec<&Row> = Vec::new();
    for row in &rows {
        // Images of a called-off exam wait for a person.
        if super::state(&row.get::<String>("state")?)? == StepState::Cancelled {
            continue;
        }
        match compare(tx, &sent, row).await? {
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

/// Whether what a device sent belongs to the order of a row of [`CANDIDATES`]. Of a patient who was merged
/// into another, the device may still have the name from before.
pub(crate) async fn compare(
    tx: &mut Transaction,
    sent: &ImageIdentity<'_>,
    row: &Row,
) -> Result<Result<(), Disagreement>> {
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
    let agreed = agree(sent, &order);
    let Some(own_patient) = row.get::<Option<i64>>("own_patient_id")?.filter(|_| agreed.is_err()) else {
        return Ok(agreed);
    };
    let sql = "select name, birth_date, sex from patient where id = $1";
    let before = patients::demographics(&tx.fetch_one(sql, params![own_patient]).await?)?;
    Ok(agree(sent, &OrderIdentity { patient: &before, ..order }))
}

/// Studies as [`arrived`] reads them; a condition on `t` follows.
const WAITING: &str =
    "select t.id, t.uid, t.facility, t.accession_number, t.accession_issuer, t.modalities, p.identifier,
     i.code as issuer, t.patient_name as name, t.birth_date, t.sex, t.step_id, t.unmatched_reason
     from study t join patient p on p.id = t.patient_id join issuer i on i.id = p.issuer_id";

/// What a row of [`WAITING`] tells of its study's images.
fn arrived(row: &Row) -> Result<Arrived> {
    let modalities: String = row.get("modalities")?;
    let modality = modalities.split('\\').find(|modality| !modality.is_empty()).unwrap_or_default();
    Ok(Arrived {
        study_id: StudyId(row.get("id")?),
        study_uid: row.get("uid")?,
        series_uid: String::new(),
        facility: row.get("facility")?,
        accession_number: row.get("accession_number")?,
        accession_issuer: row.get("accession_issuer")?,
        identifier: PatientIdentifier { value: row.get("identifier")?, issuer: row.get("issuer")? },
        patient: patients::demographics(row)?,
        modality: modality.to_owned(),
        requested_step: None,
    })
}

/// Looks once more at studies that waited for an order of this number; called by the order's own
/// transaction. What people have said of a study by hand stays. Answers whether any was matched.
pub(crate) async fn on_order(tx: &mut Transaction, accession_number: &str, now_ms: i64) -> Result<bool> {
    dialect::hold_number(tx, accession_number).await?;
    let sql = format!(
        "{WAITING} where t.accession_number = $1 and t.unmatched_reason is not null and t.unmatched_reason <> $2
             and t.instance_count > 0 order by t.id limit 100{}",
        dialect::for_update_of(tx.engine(), "t")
    );
    let params = params![accession_number, Disagreement::WrongEntry.as_str()];
    let rows = tx.fetch(sqlx::AssertSqlSafe(sql), params).await?;
    let mut linked = false;
    for row in &rows {
        let image = arrived(row)?;
        if linking::stands(tx, &image.study_uid).await? {
            continue;
        }
        let found = find(tx, &image).await?;
        let study = (image.study_id, image.study_uid.as_str());
        linked |= matches!(fulfil(tx, study, found, now_ms).await?, Outcome::Linked { .. });
    }
    Ok(linked)
}

/// Looks once more at a study whose patient or order number was corrected, or that was corrected back. What
/// people have said of it by hand stays; what the rule has joined follows the rule.
pub(crate) async fn after_correction(
    tx: &mut Transaction,
    study: StudyId,
    actor: &str,
    now_ms: i64,
) -> Result<()> {
    let sql = format!("{WAITING} where t.id = $1 and t.instance_count > 0");
    let Some(row) = tx.fetch_optional(sqlx::AssertSqlSafe(sql), params![study]).await? else { return Ok(()) };
    let image = arrived(&row)?;
    let is_of_wrong_entry =
        row.get::<Option<String>>("unmatched_reason")?.as_deref() == Some(Disagreement::WrongEntry.as_str());
    if is_of_wrong_entry || linking::stands(tx, &image.study_uid).await? {
        return Ok(());
    }
    let joined = row.get::<Option<i64>>("step_id")?.map(ExamId);
    let found = find(tx, &image).await?;
    if joined.is_some() && found.ok() == joined {
        return Ok(());
    }
    if let Some(left) = joined {
        let sql = "update study set step_id = null, requested_by = null where id = $1";
        tx.execute(sql, params![study]).await?;
        performed::leave(tx, left, &image.study_uid).await?;
    }
    fulfil(tx, (study, &image.study_uid), found, now_ms).await?;
    if let Some(left) = joined {
        linking::images_left(tx, left, "correct", actor, None, now_ms).await?;
    }
    Ok(())
}
