//! The answer that the images of one study are of two patients.

use futures::StreamExt;
use pacs_core::attributes::{PatientAttributes, STUDY_TAGS, excerpt, lift_patient};
use pacs_core::dataset::DataSet;
use pacs_core::json;
use pacs_core::reconciliation::{Answer, Kind};
use pacs_core::uid::Uid;

use super::DiscrepancyId;
use super::acts::{By, check, lock, tell};
use super::list::kind;
use crate::Archive;
use crate::corrections::{Parting, part};
use crate::database::{Durability, Transaction, params};
use crate::deletion::rows::Collisions;
use crate::error::{Error, Result};
use crate::index::arrivals::clip;
use crate::index::discrepancies::{self, Said};
use crate::index::{facilities, instances, issuers};
use crate::read::HEADERS_AT_ONCE;

/// An instance of the study that has the other's number.
struct Named {
    instance: Uid,
    series: Uid,
    patient: PatientAttributes,
    /// What it says of patient and study.
    header: DataSet,
}

impl Archive {
    /// Parts the study of a discrepancy.
    pub(super) async fn part_study(&self, by: By<'_>, id: DiscrepancyId) -> Result<()> {
        let sql = "select kind, other, study_uid, sent from discrepancy where id = $1";
        let row = self.0.database.fetch_optional(sql, params![id]).await?.ok_or(Error::NotFound)?;
        let said = discrepancies::read_said(row.get("sent")?)?;
        let said = said.ok_or_else(|| Error::Conflict("that is no answer to this".into()))?;
        let study = instances::uid(&row, "study_uid")?;
        let mut named = self.with_number(by, &study, &said.identifier).await?;
        if kind(&row)? == Kind::DemographicsDiffer {
            // Both have the number: it is the name, the birth date or the sex that tells them apart.
            let other: String = row.get("other")?;
            named.retain(|one| discrepancies::gist(&one.patient) == other);
        }
        let mut collisions = Collisions::default();
        loop {
            match self.try_part(by, id, &said, &named).await {
                Err(Error::Conflict(why)) if collisions.again(&why) => {}
                done => break done?,
            }
        }
        self.keep_in_journal().await;
        Ok(())
    }

    async fn try_part(&self, by: By<'_>, id: DiscrepancyId, said: &Said, named: &[Named]) -> Result<()> {
        let mut tx = self.0.database.begin(Durability::Synced).await?;
        let found = lock(&mut tx, by.scope, id).await?;
        check(&found, Answer::Part)?;
        let mut going = Vec::new();
        let mut header = None;
        for one in named {
            if issuer_of(&mut tx, &one.patient, &found.facility).await? == said.issuer {
                going.push((one.instance.clone(), one.series.clone()));
                header = header.or(Some(&one.header));
            }
        }
        let header = header.ok_or_else(|| Error::Conflict("no image names that patient any more".into()))?;
        let attributes = serde_json::from_str(&json::to_string(header))
            .map_err(|error| Error::internal("write attributes down", error))?;
        let parting = Parting {
            scope: by.scope,
            actor: by.actor,
            reason: by.reason,
            study: &found.study,
            kind: found.kind,
            other: &found.other,
            named: said,
            instances: &going,
            attributes,
        };
        // Whoever stores from here on waits for this transaction, and must not remember its rows.
        self.0.arrivals.forget();
        let act = part(&mut tx, &parting, by.now_ms).await?;
        let study = found.study.as_str();
        discrepancies::answer(&mut tx, study, found.kind, Some(&found.other), act).await?;
        tell(&mut tx, &found, by.now_ms).await?;
        tx.commit().await?;
        self.0.arrivals.forget();
        Ok(())
    }

    /// The instances of a study that were sent with that Patient ID, as they were sent. Whose number cannot be read
    /// any more is left where it is.
    async fn with_number(&self, by: By<'_>, study: &Uid, number: &str) -> Result<Vec<Named>> {
        let mut named = Vec::new();
        let places = instances::of_study(&self.0.database, by.scope, study).await?;
        let mut headers = futures::stream::iter(places)
            .map(|place| async move { (self.parsed(&place).await, place) })
            .buffered(HEADERS_AT_ONCE);
        while let Some((header, place)) = headers.next().await {
            let header = match header {
                Ok(header) => header,
                Err(error) => {
                    if let Some(why) = self.unread(&place, error).await? {
                        tracing::warn!(instance = %place.uid, why, "a damaged instance stays in a study that is parted");
                    }
                    continue;
                }
            };
            let header = &header.set;
            let patient = lift_patient(header);
            if clip(&patient.id) == number {
                let header = excerpt(header, STUDY_TAGS);
                named.push(Named { instance: place.uid, series: place.series_uid, patient, header });
            }
        }
        Ok(named)
    }
}

/// Code of who gave the number that an image names.
async fn issuer_of(tx: &mut Transaction, patient: &PatientAttributes, facility: &str) -> Result<String> {
    let (named, universal_id) = (patient.issuer.as_deref(), patient.issuer_universal_id.as_deref());
    match issuers::of_sender(tx, named.map(clip), universal_id.map(clip)).await? {
        Some(issuer) => Ok(issuer.code),
        None => Ok(facilities::ensure(tx, facility).await?.issuer.code),
    }
}
