//! A person says whose a study is, whatever its identifier says; and takes that back.
//!
//! The images keep the demographics that they were sent with.

use pacs_core::access::{Actor, Scope};
use pacs_core::attributes::PatientAttributes;
use pacs_core::reconciliation::Kind;
use pacs_core::uid::Uid;
use serde_json::{Value, json};

use super::{Named, tell};
use crate::acts::{self, Act, NewAct};
use crate::database::{Database, Durability, Transaction, params};
use crate::index::facilities;
use crate::index::issuers::{self, Issuer, IssuerKind};
use crate::index::{PatientId, StudyId, belongings, discrepancies, grounds, patients};
use crate::{Error, Result, deletion, dialect};

/// The act that says whose a study is. Without a patient it says: whose its identifier says.
pub(crate) const ASSIGN: &str = "study.assign";

/// What an act names whom by.
const PATIENT: &str = "patient";

/// Whom a study is given to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// A patient on record.
    Known(PatientId),
    /// A new patient with the name of the images, under a number that nobody else has.
    New,
    /// Whoever its own identifier says: takes back what was said before.
    AsSent,
}

/// Who gives a study to somebody, and why.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Giving<'a> {
    pub actor: &'a Actor,
    pub reason: Option<&'a str>,
    /// The act that this takes back.
    pub undoes: Option<&'a Act>,
}

/// Gives a study to a patient; answers the act's number and the patient. [`Error::NotFound`] out of
/// scope, [`Error::Conflict`] when the patient is merged into another.
pub async fn assign(
    database: &Database,
    scope: &Scope,
    actor: &Actor,
    study: &Uid,
    owner: Owner,
    reason: Option<&str>,
    now_ms: i64,
) -> Result<(i64, PatientId)> {
    let mut tx = database.begin(Durability::Synced).await?;
    let done =
        assign_within(&mut tx, scope, Giving { actor, reason, undoes: None }, study, owner, now_ms).await?;
    tell(&mut tx, done.1, now_ms).await?;
    tx.commit().await?;
    Ok(done)
}

/// The same within a transaction.
pub(crate) async fn assign_within(
    tx: &mut Transaction,
    scope: &Scope,
    giving: Giving<'_>,
    study: &Uid,
    owner: Owner,
    now_ms: i64,
) -> Result<(i64, PatientId)> {
    let found = lock(tx, study.as_str()).await?.ok_or(Error::NotFound)?;
    match scope {
        Scope::Facilities(codes) if !codes.contains(&found.facility) => return Err(Error::NotFound),
        _ => {}
    }
    let before = last(tx, study.as_str()).await?.and_then(|act| act.after);
    let (patient, after) = match owner {
        Owner::Known(patient) => {
            let named = Named::of(tx, patient).await?;
            if belongings::survivor(tx, patient).await? != patient {
                return Err(Error::Conflict("the patient is merged into another".into()));
            }
            (patient, json!({ PATIENT: named }))
        }
        Owner::New => {
            // As of images that name nobody: the study's UID is a number that is nobody else's.
            let issuer = facilities::ensure(tx, &found.facility).await?.issuer;
            let own = patients::ensure(tx, &nameless(study.as_str()), &issuer, &found.sent, now_ms).await?;
            (own.id, json!({ PATIENT: Named::of(tx, own.id).await? }))
        }
        Owner::AsSent => {
            (as_sent(tx, study.as_str(), &found, now_ms).await?, json!({ PATIENT: Value::Null }))
        }
    };
    if patient == found.patient {
        return Err(Error::Conflict("the study is this patient's already".into()));
    }
    belongings::file(tx, found.id, patient).await?;
    let note = NewAct {
        kind: ASSIGN,
        actor: &giving.actor.id,
        subject_kind: "study",
        subject_uid: study.as_str(),
        reason: giving.reason,
        before,
        after: Some(after),
        undoes: giving.undoes.map(|act| act.id),
    };
    let act = acts::record(tx, &note, now_ms).await?;
    answer(tx, study.as_str(), owner != Owner::AsSent, act).await?;
    Ok((act, patient))
}

/// The identifier of a patient of whom no identifier is known: only this study is theirs.
pub(crate) fn nameless(study_uid: &str) -> String {
    format!("?{study_uid}")
}

/// Whom people gave a study to; `None` when nobody did, since it was deleted or since they took it back.
pub(crate) async fn assigned(
    tx: &mut Transaction,
    study_uid: &str,
    now_ms: i64,
) -> Result<Option<PatientId>> {
    match last(tx, study_uid).await? {
        Some(act) if names_patient(&act) => Named::in_act(&act, PATIENT)?.ensure(tx, now_ms).await.map(Some),
        _ => Ok(None),
    }
}

/// Does once more what an act did whose row had been lost, if the study is there.
pub(crate) async fn again(tx: &mut Transaction, act: &Act) -> Result<()> {
    let Some(found) = lock(tx, &act.subject_uid).await? else { return Ok(()) };
    let patient = if names_patient(act) {
        Named::in_act(act, PATIENT)?.ensure(tx, act.at_ms).await?
    } else {
        as_sent(tx, &act.subject_uid, &found, act.at_ms).await?
    };
    belongings::file(tx, found.id, patient).await?;
    answer(tx, &act.subject_uid, names_patient(act), act.id).await
}

/// Whom the study shows is said now, or open again.
async fn answer(tx: &mut Transaction, study_uid: &str, is_said: bool, act: i64) -> Result<()> {
    if is_said {
        discrepancies::answer(tx, study_uid, Kind::DemographicsDiffer, None, act).await?;
        grounds::shares_no_more(tx, study_uid, act).await
    } else {
        discrepancies::reopen(tx, study_uid, ASSIGN).await
    }
}

/// Whether an act gives a study to somebody.
fn names_patient(act: &Act) -> bool {
    act.after.as_ref().and_then(|after| after.get(PATIENT)).is_some_and(|patient| !patient.is_null())
}

/// The act that says last whose a study is.
pub(crate) async fn last(tx: &mut Transaction, study_uid: &str) -> Result<Option<Act>> {
    let [delete_study, ..] = deletion::ACTS;
    let act = acts::newest_of(tx, study_uid, &[ASSIGN, delete_study]).await?;
    Ok(act.filter(|act| act.kind == ASSIGN))
}

/// Whom to give a study to, to undo an act.
pub(crate) async fn before(tx: &mut Transaction, act: &Act, now_ms: i64) -> Result<Owner> {
    let before = Act { after: act.before.clone(), ..act.clone() };
    if !names_patient(&before) {
        return Ok(Owner::AsSent);
    }
    let patient = Named::in_act(&before, PATIENT)?.ensure(tx, now_ms).await?;
    Ok(Owner::Known(belongings::survivor(tx, patient).await?))
}

/// Whether an act gives a study to a patient of its own.
pub(crate) fn is_alone(act: &Act) -> bool {
    Named::in_act(act, PATIENT).is_ok_and(|named| named.identifier == nameless(&act.subject_uid))
}

struct Locked {
    id: StudyId,
    facility: String,
    patient: PatientId,
    sent: PatientAttributes,
    issuer: String,
}

async fn lock(tx: &mut Transaction, study_uid: &str) -> Result<Option<Locked>> {
    let sql = format!(
        "select id, facility, patient_id, patient_identifier, patient_issuer, patient_name as name, birth_date, sex
         from study where uid = $1{}",
        dialect::for_update(tx.engine())
    );
    let Some(row) = tx.fetch_optional(sqlx::AssertSqlSafe(sql), params![study_uid]).await? else {
        return Ok(None);
    };
    Ok(Some(Locked {
        id: StudyId(row.get("id")?),
        facility: row.get("facility")?,
        patient: PatientId(row.get("patient_id")?),
        sent: PatientAttributes { id: row.get("patient_identifier")?, ..patients::demographics(&row)? },
        issuer: row.get("patient_issuer")?,
    }))
}

/// The patient that a study's own identifier means.
async fn as_sent(tx: &mut Transaction, study_uid: &str, found: &Locked, now_ms: i64) -> Result<PatientId> {
    let issuer: Issuer = issuers::ensure(tx, &found.issuer, IssuerKind::Facility).await?;
    let nameless = nameless(study_uid);
    let identifier = if found.sent.id.is_empty() { &nameless } else { &found.sent.id };
    let patient = patients::ensure(tx, identifier, &issuer, &found.sent, now_ms).await?;
    Ok(patient.own.unwrap_or(patient.id))
}
