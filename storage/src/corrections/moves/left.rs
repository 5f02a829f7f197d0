//! What waits of a study whose images were moved out: where none is left that names the other patient, nothing does.

use std::collections::HashMap;

use pacs_core::access::Scope;
use pacs_core::attributes::{PatientAttributes, lift_patient};
use pacs_core::uid::Uid;

use crate::archive::Archive;
use crate::database::{Transaction, params};
use crate::error::{Error, Result};
use crate::index::arrivals::doubts;
use crate::index::{StudyId, grounds, instances};

/// Whom each image of a study names, by its UID.
pub(super) type Naming = HashMap<String, PatientAttributes>;

impl Archive {
    /// Whom the images of a study name, read before anything is moved; `None` when nothing waits that rests on it.
    pub(super) async fn naming(&self, study: &Uid) -> Result<Option<Naming>> {
        let sql = "select 1 from discrepancy where study_uid = $1 and answer_act_id is null and sent is not null limit 1";
        if self.0.database.fetch_optional(sql, params![study]).await?.is_none() {
            return Ok(None);
        }
        let mut naming = Naming::new();
        for place in instances::of_study(&self.0.database, &Scope::All, study).await? {
            match self.parsed(&place).await {
                Ok(header) => naming.insert(place.uid.to_string(), lift_patient(&header.set)),
                // Of what cannot be read nobody knows whom it names: what waits goes on to wait.
                Err(Error::Corrupt(_)) => return Ok(None),
                Err(error) => return Err(error),
            };
        }
        Ok(Some(naming))
    }
}

/// Notes that a move has answered what images said against a study that are in it no more.
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
        if let Some(patient) = naming.get(&row.get::<String>("uid")?)
            && !named.contains(patient)
        {
            named.push(patient.clone());
        }
    }
    let still = doubts::of_all(tx, study, &named, now_ms).await?;
    grounds::lose(tx, uid, &still, false, Some(act)).await.map(drop)
}
