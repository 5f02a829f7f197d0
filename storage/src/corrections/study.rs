//! A study's row brought in line with what was corrected.

use pacs_core::attributes::{PatientAttributes, StudyAttributes, lift_patient, lift_study};
use pacs_core::correction::Overlay;
use pacs_core::dataset::DataSet;
use pacs_core::identity::Likeness;
use pacs_core::reconciliation::Kind as Discrepancy;
use pacs_core::uid::Uid;
use pacs_core::{Tag, tags};

use super::STUDY;
use super::standing::{self, Standing};
use crate::database::{Row, Transaction, params};
use crate::identity::assigning;
use crate::index::arrivals::clip;
use crate::index::deletions::Kind;
use crate::index::facilities::{self, Facility};
use crate::index::issuers::{self, Issuer};
use crate::index::patients::Found;
use crate::index::studies::{self, Coming};
use crate::index::{PatientId, StudyId, belongings, discrepancies, grounds, patients};
use crate::reconciliation::Alike;
use crate::{Error, Result};

/// What says who the patient is.
const PATIENT: [Tag; 4] = [tags::PATIENT_ID, tags::PATIENT_NAME, tags::PATIENT_BIRTH_DATE, tags::PATIENT_SEX];

/// Makes the row of a study, which is locked, say what was sent with what stands of its corrections over
/// it. Says whether what is known of the patient that it names now differs from what it says.
pub(super) async fn obey(tx: &mut Transaction, id: StudyId, now_ms: i64) -> Result<Likeness> {
    let row = tx
        .fetch_one(
            "select uid, facility, patient_id, own_patient_id, patient_identifier, patient_issuer, attributes,
                 sent_attributes, calling_ae, received_ms from study where id = $1",
            params![id],
        )
        .await?;
    let uid: String = row.get("uid")?;
    let standing = standing::of(tx, &uid, STUDY, Kind::Study).await?;
    let was_corrected = row.get::<Option<String>>("sent_attributes")?;
    if standing.attributes.is_empty() && was_corrected.is_none() {
        return Ok(Likeness::Same);
    }
    let sent = match was_corrected {
        Some(sent) => sent,
        None => row.get("attributes")?,
    };
    let likeness = describe(tx, id, &row, &sent, &standing, now_ms).await?;
    discrepancies::reopen(tx, &uid, STUDY).await?;
    if PATIENT.into_iter().any(|tag| standing.attributes.contains(tag)) {
        // Somebody has said who it is, whatever the images say.
        discrepancies::corrected(tx, &uid, standing.act).await?;
    }
    if !standing.attributes.is_empty() {
        grounds::shares_no_more(tx, &uid, standing.act).await?;
    }
    let corrected = !standing.attributes.is_empty();
    let overlay = corrected.then(|| Overlay::new(standing.attributes, standing.at_ms).document());
    tx.execute(
        "update study set correction = $2, sent_attributes = $3 where id = $1",
        params![id, overlay, corrected.then_some(sent.as_str())],
    )
    .await?;
    Ok(likeness)
}

/// The patient as the attributes of a study name them.
fn sent_patient(attributes: &str) -> Result<PatientAttributes> {
    let patient = lift_patient(&standing::parse(attributes)?);
    Ok(PatientAttributes { id: clip(&patient.id).into(), ..patient })
}

/// The patient as the row of a study names them and, when that was corrected, as they were sent.
pub(crate) fn patients(row: &Row) -> Result<Vec<PatientAttributes>> {
    let attributes = [Some(row.get::<String>("attributes")?), row.get("sent_attributes")?];
    attributes.iter().flatten().map(|attributes| sent_patient(attributes)).collect()
}

async fn describe(
    tx: &mut Transaction,
    id: StudyId,
    row: &Row,
    sent: &str,
    standing: &Standing,
    now_ms: i64,
) -> Result<Likeness> {
    let uid: String = row.get("uid")?;
    let mut stands = standing::parse(sent)?;
    for element in &standing.attributes {
        stands.put(element.clone());
    }
    let facility = facilities::ensure(tx, &row.get::<String>("facility")?).await?;
    let (patient, issuer) = person(tx, &stands, &facility).await?;
    let mut filed = Found {
        id: PatientId(row.get("patient_id")?),
        own: row.get::<Option<i64>>("own_patient_id")?.map(PatientId),
        likeness: Likeness::Same,
    };
    let is_another = row.get::<String>("patient_identifier")? != patient.id
        || row.get::<String>("patient_issuer")? != issuer.code;
    if is_another {
        filed = match given(tx, &uid, standing, now_ms).await? {
            Some(given) => given,
            None => patients::ensure(tx, &identifier(&patient, &uid), &issuer, &patient, now_ms).await?,
        };
    }
    let calling_ae: Option<String> = row.get("calling_ae")?;
    let study = lifted(&mut stands, &uid)?;
    let coming = Coming {
        uid: &uid,
        patient_id: filed.id,
        own_patient_id: filed.own,
        facility: &facility.code,
        issuer: &issuer.code,
        patient: &patient,
        study: &study,
        header: &stands,
        calling_ae: calling_ae.as_deref(),
        received_ms: row.get("received_ms")?,
        zone: facility.zone(),
    };
    studies::describe(tx, id, &coming, now_ms).await?;
    Ok(filed.likeness)
}

/// Whom people have given a study to, unless somebody has corrected its number since: what was said last counts.
async fn given(tx: &mut Transaction, study: &str, standing: &Standing, now_ms: i64) -> Result<Option<Found>> {
    let last = assigning::last(tx, study).await?;
    if last.is_none_or(|act| standing.renumbered.is_some_and(|renumbered| renumbered > (act.at_ms, act.id))) {
        return Ok(None);
    }
    let Some(given) = assigning::assigned(tx, study, now_ms).await? else { return Ok(None) };
    let id = belongings::survivor(tx, given).await?;
    Ok(Some(Found { id, own: (id != given).then_some(given), likeness: Likeness::Same }))
}

/// Makes a study say what the images that stay in it say, where others of another patient were indexed before them.
/// Answers who they are; `None` when the study is gone.
pub(super) async fn restate(
    tx: &mut Transaction,
    study: &str,
    attributes: &str,
    now_ms: i64,
) -> Result<Option<Own>> {
    let row = tx
        .fetch_optional(
            "select id, uid, facility, patient_id, own_patient_id, patient_identifier, patient_issuer, attributes,
                 sent_attributes, calling_ae, received_ms from study where uid = $1",
            params![study],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let facility = facilities::ensure(tx, &row.get::<String>("facility")?).await?;
    let (patient, issuer) = person(tx, &standing::parse(attributes)?, &facility).await?;
    let gist = discrepancies::gist(&patient);
    let is_another = row.get::<String>("patient_identifier")? != patient.id
        || row.get::<String>("patient_issuer")? != issuer.code
        || discrepancies::gist(&sent_patient(&row.get::<String>("attributes")?)?) != gist;
    if is_another && row.get::<Option<String>>("sent_attributes")?.is_none() {
        let id = StudyId(row.get("id")?);
        describe(tx, id, &row, attributes, &Standing::default(), now_ms).await?;
    }
    Ok(Some(Own { key: format!("{}^^^{}", patient.id, issuer.code), gist }))
}

/// The patient whose a study is, as discrepancies have patients.
pub(super) struct Own {
    /// Of two patients.
    pub key: String,
    /// Of two persons under one number.
    pub gist: String,
}

/// Makes a study say what the contents say alike that are served of it now, with what stands of its corrections over
/// that; answers whether they say anything else than before.
pub(crate) async fn say_anew(tx: &mut Transaction, uid: &str, said: &Alike, now_ms: i64) -> Result<bool> {
    let row = tx
        .fetch_one(
            "select id, uid, facility, patient_id, own_patient_id, patient_identifier, patient_issuer, attributes,
                 sent_attributes, calling_ae, received_ms from study where uid = $1",
            params![uid],
        )
        .await?;
    let was_corrected = row.get::<Option<String>>("sent_attributes")?;
    let sent = match &was_corrected {
        Some(sent) => sent.clone(),
        None => row.get("attributes")?,
    };
    let mut says = standing::parse(&sent)?;
    if !said.lay_over(&mut says) {
        return Ok(false);
    }
    let id = StudyId(row.get("id")?);
    let sent = pacs_core::json::to_string(&says);
    let standing = standing::of(tx, uid, STUDY, Kind::Study).await?;
    describe(tx, id, &row, &sent, &standing, now_ms).await?;
    if was_corrected.is_some() {
        let sql = "update study set sent_attributes = $2 where id = $1";
        tx.execute(sql, params![id, sent]).await?;
    }
    Ok(true)
}

/// What a study is at odds with that names a patient otherwise than that one is known, unless somebody has said whose
/// it is.
pub(crate) async fn unlike(
    tx: &mut Transaction,
    id: StudyId,
    now_ms: i64,
) -> Result<Option<discrepancies::Found>> {
    let sql = "select uid, facility, attributes from study where id = $1";
    let row = tx.fetch_one(sql, params![id]).await?;
    let uid: String = row.get("uid")?;
    if assigning::assigned(tx, &uid, now_ms).await?.is_some() {
        return Ok(None);
    }
    let facility = facilities::ensure(tx, &row.get::<String>("facility")?).await?;
    let (patient, issuer) =
        person(tx, &standing::parse(&row.get::<String>("attributes")?)?, &facility).await?;
    let known = patients::find(tx, &identifier(&patient, &uid), &issuer, &patient).await?;
    let unlike = known.filter(|known| known.likeness == Likeness::Doubtful);
    Ok(unlike.map(|known| discrepancies::Found {
        kind: Discrepancy::DemographicsDiffer,
        other: discrepancies::gist(&patient),
        other_patient: Some(known.id),
        sent: None,
        received_ms: now_ms,
    }))
}

/// Makes a study of attributes that an act has kept, for images that are moved to it.
pub(super) async fn make(
    tx: &mut Transaction,
    uid: &str,
    attributes: &str,
    facility: &str,
    now_ms: i64,
) -> Result<StudyId> {
    let mut stands = standing::parse(attributes)?;
    let facility = facilities::ensure(tx, facility).await?;
    let (patient, issuer) = person(tx, &stands, &facility).await?;
    let (owner, own) = match assigning::assigned(tx, uid, now_ms).await? {
        Some(given) => {
            let id = belongings::survivor(tx, given).await?;
            (id, (id != given).then_some(given))
        }
        None => {
            let sent = identifier(&patient, uid);
            let found = patients::ensure(tx, &sent, &issuer, &patient, now_ms).await?;
            (found.id, found.own)
        }
    };
    let study = lifted(&mut stands, uid)?;
    let coming = Coming {
        uid,
        patient_id: owner,
        own_patient_id: own,
        facility: &facility.code,
        issuer: &issuer.code,
        patient: &patient,
        study: &study,
        header: &stands,
        calling_ae: None,
        received_ms: now_ms,
        zone: facility.zone(),
    };
    studies::insert(tx, &coming).await?.ok_or_else(|| Error::Conflict("the study is there already".into()))
}

/// The patient that attributes name, as rows hold one, and who gave the identifier.
async fn person(
    tx: &mut Transaction,
    attributes: &DataSet,
    facility: &Facility,
) -> Result<(PatientAttributes, Issuer)> {
    let patient = lift_patient(attributes);
    let (named, universal_id) = (patient.issuer.as_deref(), patient.issuer_universal_id.as_deref());
    let named = issuers::of_sender(tx, named.map(clip), universal_id.map(clip)).await?;
    let patient =
        PatientAttributes { id: clip(&patient.id).into(), name: clip(&patient.name).into(), ..patient };
    Ok((patient, named.unwrap_or_else(|| facility.issuer.clone())))
}

/// Without an identifier nobody can say that two studies are of one person.
fn identifier(patient: &PatientAttributes, study: &str) -> String {
    if patient.id.is_empty() { assigning::nameless(study) } else { patient.id.clone() }
}

/// The study level of attributes, under the UID that the study is served under.
fn lifted(attributes: &mut DataSet, uid: &str) -> Result<StudyAttributes> {
    let key = Uid::parse(uid).map_err(|why| Error::Corrupt(format!("a study's UID: {why}")))?;
    attributes.put_uid(tags::STUDY_INSTANCE_UID, &key);
    let mut study = lift_study(attributes)?;
    study.accession_number = study.accession_number.map(|number| clip(&number).to_owned());
    Ok(study)
}
