//! What waits of a study whose images were moved out: once no image is left that names the other patient, nothing
//! waits.

use std::collections::HashMap;

use futures::StreamExt;
use pacs_core::access::Scope;
use pacs_core::attributes::{PatientAttributes, lift_patient};
use pacs_core::uid::Uid;

use crate::archive::Archive;
use crate::database::{Transaction, params};
use crate::error::Result;
use crate::index::arrivals::doubts;
use crate::index::instances::{self, InstancePlace};
use crate::index::{StudyId, grounds};
use crate::read::HEADERS_AT_ONCE;

/// Whom each image of a study names that stays in it, by its UID.
pub(super) type Naming = HashMap<String, PatientAttributes>;

impl Archive {
    /// Whom the images of a study name of which none is to go, read before anything is moved; `None` when nothing waits
    /// that rests on it, or not all of them can be read.
    pub(super) async fn naming(
        &self,
        study: &Uid,
        goes: impl Fn(&InstancePlace) -> bool,
    ) -> Result<Option<Naming>> {
        let sql = "select 1 from discrepancy where study_uid = $1 and answer_act_id is null and sent is not null limit 1";
        if self.0.database.fetch_optional(sql, params![study]).await?.is_none() {
            return Ok(None);
        }
        let mut staying = instances::of_study(&self.0.database, &Scope::All, study).await?;
        staying.retain(|place| !goes(place));
        let mut naming = Naming::new();
        let mut headers = futures::stream::iter(staying)
            .map(|place| async move { (self.parsed(&place).await, place) })
            .buffered(HEADERS_AT_ONCE);
        while let Some((header, place)) = headers.next().await {
            match header {
                Ok(header) => drop(naming.insert(place.uid.to_string(), lift_patient(&header.set))),
                // Of what cannot be read nobody knows whom it names: what waits goes on to wait.
                Err(error) if error.of_reading().is_some() => return Ok(None),
                Err(error) => {
                    if self.unread(&place, error).await?.is_some() {
                        return Ok(None);
                    }
                }
            }
        }
        Ok(Some(naming))
    }
}

/// Notes that a move has answered what images said against a study that are in it no more. As long as it has an image
/// that nobody has looked at, since it came meanwhile or was rejected, what waits goes on to wait.
pub(super) async fn answer(
    tx: &mut Transaction,
    (study, uid): (StudyId, &str),
    naming: &Naming,
    act: i64,
    now_ms: i64,
) -> Result<()> {
    let sql = "select i.uid from instance i join series s on s.id = i.series_id
         where s.study_id = $1 and s.sent_study_uid is null and s.sent_series_uid is null";
    let mut named: Vec<PatientAttributes> = Vec::new();
    for row in tx.fetch(sql, params![study]).await? {
        let Some(patient) = naming.get(&row.get::<String>("uid")?) else { return Ok(()) };
        if !named.contains(patient) {
            named.push(patient.clone());
        }
    }
    let still = doubts::of_all(tx, study, &named, now_ms).await?;
    grounds::lose(tx, uid, &still, false, Some(act)).await.map(drop)
}
