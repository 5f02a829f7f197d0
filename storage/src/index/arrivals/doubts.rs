//! What of an arriving instance does not go together with what is known.

use pacs_core::attributes::PatientAttributes;
use pacs_core::identity::{Likeness, compare};
use pacs_core::reconciliation::Kind;

use super::NewInstance;
use super::batch::Batch;
use super::home::clip;
use super::known::{KnownSeries, KnownStudy};
use crate::database::{Transaction, params};
use crate::identity::identifiers;
use crate::index::discrepancies::{self, Found, Said, gist};
use crate::index::issuers::Issuer;
use crate::index::{PatientId, StudyId, facilities, issuers, patients};
use crate::{Result, corrections};

/// An instance that does not go together with its study, to be looked at once a batch.
#[derive(Debug, Clone)]
pub(super) struct Suspicion {
    pub kind: Kind,
    /// Tells it from others of the study.
    pub key: String,
    sent: PatientAttributes,
    received_ms: i64,
}

/// What an instance contradicts of its study.
pub(super) fn suspect(instance: &NewInstance, series: &KnownSeries, study: &KnownStudy) -> Option<Suspicion> {
    let sent = &instance.lifted.patient;
    if instance.lifted.study.uid.as_str() != series.sent_study_uid {
        let key = instance.lifted.study.uid.to_string();
        let received_ms = instance.received_ms;
        return Some(Suspicion { kind: Kind::TwoStudies, key, sent: sent.clone(), received_ms });
    }
    // Where people have moved it they have said whose it is, whatever it says.
    if series.is_moved { None } else { contradict(&study.patients, sent, instance.received_ms) }
}

/// What an image contradicts that names `sent`, of the patient as its study names them and as they were sent.
pub(super) fn contradict(
    known: &[PatientAttributes],
    sent: &PatientAttributes,
    received_ms: i64,
) -> Option<Suspicion> {
    let mut same = known.iter().filter(|known| has_number(known, sent)).peekable();
    let (kind, key) = if same.peek().is_none() {
        let issuer = sent.issuer.as_deref().or(sent.issuer_universal_id.as_deref()).unwrap_or_default();
        (Kind::TwoPatients, format!("{}^^^{issuer}", clip(&sent.id)))
    } else if same.all(|known| compare(known, sent) == Likeness::Doubtful) {
        (Kind::DemographicsDiffer, gist(sent))
    } else {
        return None;
    };
    Some(Suspicion { kind, key, sent: sent.clone(), received_ms })
}

/// Whether two name one number of one issuer, in the same words.
fn has_number(known: &PatientAttributes, sent: &PatientAttributes) -> bool {
    known.id == clip(&sent.id)
        && known.issuer == sent.issuer
        && known.issuer_universal_id == sent.issuer_universal_id
}

/// What these patients contradict, who are named by images of a study.
pub(crate) async fn of_all(
    tx: &mut Transaction,
    study: StudyId,
    named: &[PatientAttributes],
    received_ms: i64,
) -> Result<Vec<Found>> {
    let row = tx
        .fetch_one("select facility, attributes, sent_attributes from study where id = $1", params![study])
        .await?;
    let known = corrections::study::patients(&row)?;
    let issuer = facilities::ensure(tx, &row.get::<String>("facility")?).await?.issuer;
    let mut all: Vec<Found> = Vec::new();
    for sent in named {
        let Some(suspicion) = contradict(&known, sent, received_ms) else { continue };
        if let Some(found) = look_into(tx, (study, &known), &issuer, &suspicion).await?
            && all.iter().all(|other| (other.kind, &other.other) != (found.kind, &found.other))
        {
            all.push(found);
        }
    }
    Ok(all)
}

/// Another number is no other patient when it leads to the same one. `here` is who gives numbers that name no issuer.
async fn look_into(
    tx: &mut Transaction,
    (id, known): (StudyId, &[PatientAttributes]),
    here: &Issuer,
    suspicion: &Suspicion,
) -> Result<Option<Found>> {
    let Suspicion { kind, key, sent, received_ms } = suspicion;
    let mut found =
        Found { kind: *kind, other: key.clone(), other_patient: None, sent: None, received_ms: *received_ms };
    if *kind == Kind::TwoStudies {
        return Ok(Some(found));
    }
    let issuer = issuer_of(tx, sent, here).await?;
    if *kind == Kind::TwoPatients {
        // The same number, whose issuer is named in other words.
        let mut own = Vec::new();
        for known in known.iter().filter(|known| known.id == clip(&sent.id)) {
            if issuer_of(tx, known, here).await?.code == issuer.code {
                own.push(known);
            }
        }
        if own.iter().any(|known| compare(known, sent) == Likeness::Same) {
            return Ok(None);
        }
        if own.is_empty() {
            let sql = "select patient_id from study where id = $1";
            let filed = PatientId(tx.fetch_one(sql, params![id]).await?.get("patient_id")?);
            let other = patients::find(tx, clip(&sent.id), &issuer, sent).await?;
            if other.as_ref().is_some_and(|other| other.id == filed) {
                return Ok(None);
            }
            found.other = format!("{}^^^{}", clip(&sent.id), issuer.code);
            found.other_patient = other.map(|other| other.id);
        } else {
            (found.kind, found.other) = (Kind::DemographicsDiffer, gist(sent));
        }
    }
    found.sent = Some(Said {
        identifier: clip(&sent.id).to_owned(),
        issuer: issuer.code,
        name: clip(&sent.name).to_owned(),
        birth_date: sent.birth_date.clone(),
        sex: sent.sex.clone(),
    });
    Ok(Some(found))
}

/// Who gave a patient's number.
async fn issuer_of(tx: &mut Transaction, patient: &PatientAttributes, here: &Issuer) -> Result<Issuer> {
    let (named, universal_id) = (patient.issuer.as_deref(), patient.issuer_universal_id.as_deref());
    let issuer = issuers::of_sender(tx, named.map(clip), universal_id.map(clip)).await?;
    Ok(issuer.unwrap_or_else(|| here.clone()))
}

impl Batch<'_> {
    /// What a new study is at odds with, beside its demographics: its number under another issuer, where
    /// it is the first of its patient, and another patient's study or order with its accession number.
    pub async fn shared(
        &mut self,
        patient: PatientId,
        (identifier, issuer): (&str, &Issuer),
        (facility, accession_number): (&str, Option<&str>),
        received_ms: i64,
    ) -> Result<Vec<Found>> {
        let mut found = Vec::new();
        let others = self
            .tx
            .fetch(
                "select n.patient_id, i.code from patient_identifier n join issuer i on i.id = n.issuer_id
                 where n.identifier = $1 and n.issuer_id <> $2 and n.patient_id <> $3
                     and not exists (select 1 from study t where t.patient_id = $3)
                 order by n.issuer_id limit 4",
                params![identifier, issuer.id, patient],
            )
            .await?;
        for row in &others {
            found.push(Found {
                kind: Kind::SharedIdentifier,
                other: format!("{identifier}^^^{}", row.get::<String>("code")?),
                other_patient: Some(PatientId(row.get("patient_id")?)),
                sent: None,
                received_ms,
            });
        }
        let Some(number) = accession_number else { return Ok(found) };
        let others = self
            .tx
            .fetch(
                "select patient_id from study where accession_number = $1 and facility = $2 and patient_id <> $3
                 union select patient_id from order_ where accession_number = $1 and facility = $2 and patient_id <> $3
                 order by 1 limit 2",
                params![number, facility, patient],
            )
            .await?;
        for row in &others {
            let other_patient = PatientId(row.get("patient_id")?);
            found.push(Found {
                kind: Kind::SharedAccession,
                other: format!("{number}|{}", self.key_of(other_patient).await?),
                other_patient: Some(other_patient),
                sent: None,
                received_ms,
            });
        }
        Ok(found)
    }

    /// The other numbers of a patient that an image names become theirs. One that is somebody else's stays
    /// so: two records may be one person's. What a person has taken away does not come back by itself.
    pub async fn others_of(
        &mut self,
        (patient, own): (PatientId, Option<PatientId>),
        sent: &PatientAttributes,
        received_ms: i64,
    ) -> Result<Vec<Found>> {
        let mut found = Vec::new();
        for other in &sent.others {
            let (named, universal_id) = (other.issuer.as_deref(), other.issuer_universal_id.as_deref());
            let issuer = issuers::of_sender(&mut self.tx, named.map(clip), universal_id.map(clip)).await?;
            let Some(issuer) = issuer else { continue };
            let number = clip(&other.id);
            if self.was_taken((patient, own), &issuer, number).await? {
                continue;
            }
            let owner = patients::claim(&mut self.tx, (patient, own), &issuer, number).await?;
            if owner != patient {
                found.push(Found {
                    kind: Kind::SharedIdentifier,
                    other: format!("{number}^^^{}", issuer.code),
                    other_patient: Some(owner),
                    sent: None,
                    received_ms,
                });
            }
        }
        Ok(found)
    }

    async fn was_taken(
        &mut self,
        (patient, own): (PatientId, Option<PatientId>),
        issuer: &Issuer,
        number: &str,
    ) -> Result<bool> {
        for patient in std::iter::once(patient).chain(own) {
            if identifiers::was_taken(&mut self.tx, patient, issuer, number).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Writes down what was found of a study, and flags it.
    pub async fn note(&mut self, id: StudyId, mut found: Vec<Found>, suspected: &[Suspicion]) -> Result<()> {
        let Some(study) = self.learned.studies.get(&id).cloned() else { return Ok(()) };
        if !suspected.is_empty() {
            let issuer = self.facility(&study.facility).await?.issuer;
            for suspicion in suspected {
                let known = (id, study.patients.as_slice());
                found.extend(look_into(&mut self.tx, known, &issuer, suspicion).await?);
            }
        }
        for one in &found {
            discrepancies::note(&mut self.tx, (&study.uid, &study.facility), one).await?;
        }
        if !found.is_empty() {
            discrepancies::flag(&mut self.tx, &study.uid).await?;
        }
        if let Some(study) = self.learned.studies.get_mut(&id) {
            study.noted.extend(suspected.iter().map(|suspicion| (suspicion.kind, suspicion.key.clone())));
        }
        Ok(())
    }

    async fn key_of(&mut self, patient: PatientId) -> Result<String> {
        let sql =
            "select p.identifier, i.code from patient p join issuer i on i.id = p.issuer_id where p.id = $1";
        let row = self.tx.fetch_one(sql, params![patient]).await?;
        Ok(format!("{}^^^{}", row.get::<String>("identifier")?, row.get::<String>("code")?))
    }
}
