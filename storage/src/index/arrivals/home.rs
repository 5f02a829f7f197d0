//! The series, study and patient that an arriving instance belongs to: remembered, found or made.

use std::collections::{BTreeSet, HashSet};

use pacs_core::attributes::PatientAttributes;
use pacs_core::identity::{Likeness, PatientIdentifier};
use pacs_core::reconciliation::Kind;

use super::NewInstance;
use super::batch::Batch;
use super::known::{KnownSeries, KnownStudy};
use crate::corrections;
use crate::database::params;
use crate::exams::matching::Arrived;
use crate::identity::assigning;
use crate::index::discrepancies::gist;
use crate::index::facilities::{self, Facility};
use crate::index::issuers::Issuer;
use crate::index::patients::Found;
use crate::index::studies::{self, Coming, listed};
use crate::index::{SeriesId, StudyId, belongings, discrepancies, issuers, patients, redirects, series};
use crate::{Error, Result};

/// The longest value of an indexed column, in bytes: a PostgreSQL index entry holds 2,700.
const MOST_KEY_BYTES: usize = 512;

/// A series that a batch has made.
pub(super) struct Made {
    pub series: SeriesId,
    /// The UID that its instances arrive with.
    pub sent_uid: String,
}

impl Batch<'_> {
    /// The series an instance belongs to, with its study and patient.
    pub async fn home(&mut self, first: &NewInstance) -> Result<KnownSeries> {
        let uid = first.lifted.series.uid.as_str();
        let remembered = {
            let known = self.known();
            known.series(uid).and_then(|series| Some((series.clone(), known.study(series.study)?.clone())))
        };
        if let Some((series, study)) = remembered {
            self.learned.studies.entry(series.study).or_insert(study);
            return Ok(series);
        }
        let sent_study = first.lifted.study.uid.as_str();
        let followed = redirects::follow(&mut self.tx, uid, sent_study).await?;
        let (series_uid, mut study_uid) = followed.clone();
        if study_uid != sent_study && self.find_study(&study_uid).await?.is_none() {
            // Where it was moved to is gone: what comes is new.
            study_uid = sent_study.to_owned();
        }
        let found = match series::find(&mut self.tx, &series_uid).await? {
            Some(found) => found,
            None => {
                let study = self.study(first, &study_uid).await?;
                let sent = &first.lifted.series;
                let sender = first.calling_ae.as_ref().map(|title| title.as_str());
                let came = (sender, first.received_ms);
                series::ensure(&mut self.tx, &series_uid, study, sent, &first.header, came).await?
            }
        };
        self.remember_study(found.study).await?;
        if found.made {
            self.made.push(Made { series: found.id, sent_uid: uid.to_owned() });
            if redirects::follow(&mut self.tx, uid, sent_study).await? != followed
                || self.is_corrected_now(found.study).await?
            {
                // The new row has waited for whoever moved or corrected its study, and that was not seen.
                return Err(Error::Conflict("a study was moved or corrected meanwhile".into()));
            }
            let study = self.learned.studies.get(&found.study);
            if study_uid != sent_study {
                corrections::redirected(&mut self.tx, found.id, sent_study, first.received_ms).await?;
            } else if study.is_some_and(|study| study.is_corrected) {
                corrections::series::obey(&mut self.tx, found.id).await?;
            }
        }
        let served = self.learned.studies.get(&found.study).map_or("", |study| study.uid.as_str());
        // A series keeps the study it came under first; what names another is doubtful.
        let is_expected = study_uid == served || found.is_moved;
        let sent_study_uid = if is_expected { sent_study } else { served }.to_owned();
        let is_moved = found.is_moved || study_uid != sent_study;
        let series =
            KnownSeries { id: found.id, uid: series_uid, study: found.study, sent_study_uid, is_moved };
        self.learned.series.insert(uid.to_owned(), series.clone());
        Ok(series)
    }

    /// The study of an instance, found or made.
    async fn study(&mut self, first: &NewInstance, uid: &str) -> Result<StudyId> {
        if let Some(id) = self.find_study(uid).await? {
            return Ok(id);
        }
        let facility = self.facility(&first.facility).await?;
        let sent = &first.lifted.patient;
        let (named, universal_id) = (sent.issuer.as_deref(), sent.issuer_universal_id.as_deref());
        let issuer = issuers::of_sender(&mut self.tx, named.map(clip), universal_id.map(clip)).await?;
        let issuer = issuer.unwrap_or_else(|| facility.issuer.clone());
        let patient =
            PatientAttributes { id: clip(&sent.id).into(), name: clip(&sent.name).into(), ..sent.clone() };
        // Without an identifier nobody can say that two studies are of one person.
        let nameless = assigning::nameless(uid);
        let identifier = if patient.id.is_empty() { &nameless } else { &patient.id };
        let received_ms = first.received_ms;
        let (found, mut odd) = self.whose(uid, (identifier, &issuer), &patient, received_ms).await?;
        let accession_number = first.lifted.study.accession_number.as_deref().map(clip);
        let here = (facility.code.as_str(), accession_number);
        odd.extend(self.shared(found.id, (identifier, &issuer), here, received_ms).await?);
        let mut study = first.lifted.study.clone();
        study.accession_number = study.accession_number.map(|number| clip(&number).to_owned());
        let coming = Coming {
            uid,
            patient_id: found.id,
            own_patient_id: found.own,
            facility: &facility.code,
            issuer: &issuer.code,
            patient: &patient,
            study: &study,
            header: &first.header,
            calling_ae: first.calling_ae.as_ref().map(|title| title.as_str()),
            received_ms: first.received_ms,
            zone: facility.zone(),
        };
        let Some(id) = studies::insert(&mut self.tx, &coming).await? else {
            return self.find_study(uid).await?.ok_or(Error::NotFound);
        };
        let known = KnownStudy {
            uid: uid.to_owned(),
            facility: facility.code.clone(),
            patients: vec![patient.clone()],
            is_corrected: false,
            modalities: BTreeSet::new(),
            sop_classes: BTreeSet::new(),
            step_id: None,
            noted: HashSet::new(),
            told_ms: 0,
        };
        self.learned.studies.insert(id, known);
        let growth = self.growth.entry(id).or_default();
        growth.doubt = found.likeness == Likeness::Doubtful;
        growth.found = odd;
        growth.made = Some(Arrived {
            study_id: id,
            study_uid: uid.to_owned(),
            series_uid: first.lifted.series.uid.to_string(),
            facility: facility.code,
            accession_number: study.accession_number,
            accession_issuer: study.accession_issuer,
            identifier: PatientIdentifier { value: identifier.clone(), issuer: issuer.code },
            patient,
            modality: first.lifted.series.modality.clone(),
            requested_step: first.lifted.series.scheduled_step_id.clone(),
        });
        Ok(id)
    }

    /// Whose a new study is: as a person has said, else as its identifier says; and what does not go together
    /// with what is known of that patient.
    async fn whose(
        &mut self,
        study_uid: &str,
        (identifier, issuer): (&str, &Issuer),
        sent: &PatientAttributes,
        received_ms: i64,
    ) -> Result<(Found, Vec<discrepancies::Found>)> {
        if let Some(given) = assigning::assigned(&mut self.tx, study_uid, received_ms).await? {
            // Whose number it carries says nothing of that patient then.
            let id = belongings::survivor(&mut self.tx, given).await?;
            let own = (id != given).then_some(given);
            return Ok((Found { id, own, likeness: Likeness::Same }, Vec::new()));
        }
        let found = patients::ensure(&mut self.tx, identifier, issuer, sent, received_ms).await?;
        if found.likeness == Likeness::Same {
            let odd = self.others_of((found.id, found.own), sent, received_ms).await?;
            return Ok((found, odd));
        }
        let odd = discrepancies::Found {
            kind: Kind::DemographicsDiffer,
            other: gist(sent),
            other_patient: Some(found.id),
            sent: None,
            received_ms,
        };
        Ok((found, vec![odd]))
    }

    /// A facility, remembered or ensured.
    pub async fn facility(&mut self, code: &str) -> Result<Facility> {
        let remembered = self.known().facility(code);
        if let Some(facility) = remembered.or_else(|| self.learned.facilities.get(code).cloned()) {
            return Ok(facility);
        }
        let facility = facilities::ensure(&mut self.tx, code).await?;
        self.learned.facilities.insert(code.to_owned(), facility.clone());
        Ok(facility)
    }

    async fn find_study(&mut self, uid: &str) -> Result<Option<StudyId>> {
        let row = self.tx.fetch_optional("select id from study where uid = $1", params![uid]).await?;
        row.map(|row| Ok(StudyId(row.get("id")?))).transpose()
    }

    /// Whether a study is corrected otherwise than when it was read.
    async fn is_corrected_now(&mut self, id: StudyId) -> Result<bool> {
        let known = self.learned.studies.get(&id).is_some_and(|study| study.is_corrected);
        let row = self.tx.fetch_one("select sent_attributes from study where id = $1", params![id]).await?;
        Ok(row.get::<Option<String>>("sent_attributes")?.is_some() != known)
    }

    pub async fn remember_study(&mut self, id: StudyId) -> Result<()> {
        if self.learned.studies.contains_key(&id) {
            return Ok(());
        }
        let row = self
            .tx
            .fetch_one(
                "select uid, facility, modalities, sop_classes, step_id, attributes, sent_attributes
                 from study where id = $1",
                params![id],
            )
            .await?;
        let study = KnownStudy {
            uid: row.get("uid")?,
            facility: row.get("facility")?,
            is_corrected: row.get::<Option<String>>("sent_attributes")?.is_some(),
            patients: corrections::study::patients(&row)?,
            modalities: listed(&row.get::<String>("modalities")?),
            sop_classes: listed(&row.get::<String>("sop_classes")?),
            step_id: row.get("step_id")?,
            noted: HashSet::new(),
            told_ms: 0,
        };
        self.learned.studies.insert(id, study);
        Ok(())
    }

    /// A series that was made for an instance whose UID turned out to be another's goes again with its
    /// study: nobody should open a study to find nothing in it.
    pub async fn settle_made(&mut self) -> Result<()> {
        for made in std::mem::take(&mut self.made) {
            if self.series_growth.contains_key(&made.series) {
                continue;
            }
            series::remove(&mut self.tx, made.series).await?;
            self.learned.series.remove(&made.sent_uid);
        }
        let empty: Vec<StudyId> = self
            .growth
            .iter()
            .filter(|(_, growth)| growth.made.is_some() && growth.instances == 0)
            .map(|(id, _)| *id)
            .collect();
        for id in empty {
            studies::remove(&mut self.tx, id).await?;
            self.growth.remove(&id);
            self.learned.studies.remove(&id);
        }
        Ok(())
    }
}

/// As much of a text as an indexed column holds. Longer ones break the standard's bounds many times
/// over, and an image is never refused for them.
pub(crate) fn clip(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MOST_KEY_BYTES)).unwrap_or(text)
}
