//! The row transaction of arriving instances: one for all stores that wait.
//!
//! Whether an instance is accepted, a duplicate or a conflict is decided here, by unique constraint
//! and hash. Demographics never refuse; what is doubtful is kept and flagged. A store of a known
//! series costs three statements.

mod batch;
mod known;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use pacs_core::attributes::Lifted;
use pacs_core::dataset::DataSet;
use pacs_core::uid::{AeTitle, Uid};

use super::StudyId;
use super::place::Place;
use crate::database::{Database, Durability, Engine};
use crate::events::{self, EventKind, NewEvent};
use crate::{Error, Result};
use batch::Batch;
use known::Known;

/// An instance whose bytes are safe in a segment or pack and that wants a row.
#[derive(Debug, Clone)]
pub struct NewInstance {
    /// What its data set says.
    pub lifted: Lifted,
    /// Its data set up to the pixel data, for the attributes that study and series rows keep whole.
    pub header: Arc<DataSet>,
    /// Where its bytes lie.
    pub place: Place,
    /// Of its content; equal hashes are equal instances.
    pub hash: [u8; 32],
    /// Of the stored data set.
    pub transfer_syntax: Uid,
    /// When it came, in ms.
    pub received_ms: i64,
    /// Code of the facility that made it.
    pub facility: String,
    /// Who sent it.
    pub calling_ae: Option<AeTitle>,
}

/// What became of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It has a row now. `doubt` when somebody should look at the study's demographics.
    Accepted {
        /// Whether its demographics raised a doubt.
        doubt: bool,
    },
    /// Its row already tells of this very place: the store was repeated after a crash.
    Present,
    /// The same content has a row elsewhere; these bytes are not needed.
    Duplicate,
    /// Its UID has other content; kept as a version that is flagged and not served.
    Conflict,
}

/// Takes instances into the index; one handle an archive, shared by everything that stores.
#[derive(Debug)]
pub struct Arrivals {
    database: Database,
    known: Mutex<Known>,
}

/// A study that grows tells its followers so at most this often; the rest waits for
/// [`Arrivals::announce`].
const ANNOUNCE_EVERY_MS: i64 = 1000;

impl Arrivals {
    /// Over that database.
    pub fn new(database: Database) -> Self {
        Self { database, known: Mutex::default() }
    }

    /// Decides on a batch and commits; the decisions are in the order of the instances. After an
    /// error none of them has a row, and the whole batch may be given again.
    pub async fn store_batch(&self, instances: &[NewInstance]) -> Result<Vec<Decision>> {
        const ATTEMPTS: u32 = 4;
        let mut attempt = 1;
        loop {
            // A deadlock with a person's act on PostgreSQL passes when the batch is tried again.
            let may_retry = attempt < ATTEMPTS && self.database.engine() == Engine::Postgres;
            match self.try_store(instances).await {
                Ok(Some(decisions)) => return Ok(decisions),
                Ok(None) if attempt < ATTEMPTS => self.forget(),
                Ok(None) => return Err(Error::Unavailable("rows kept moving below the batch".into())),
                Err(Error::Unavailable(why)) if may_retry => {
                    tracing::debug!(%why, attempt, "a batch of instances is tried again");
                }
                Err(error) => return Err(error),
            }
            attempt += 1;
        }
    }

    /// `None` when what was remembered of a series was no longer so.
    async fn try_store(&self, instances: &[NewInstance]) -> Result<Option<Vec<Decision>>> {
        let tx = self.database.begin(Durability::Batched).await?;
        let mut batch = Batch::new(tx, &self.known);
        match batch.store(instances).await? {
            None => Ok(None),
            Some(decisions) => {
                let learned = batch.commit().await?;
                self.known().learn(learned);
                Ok(Some(decisions))
            }
        }
    }

    /// Writes the events that studies still owe because they grew too quickly to tell each time.
    /// Call it about once a second.
    pub async fn announce(&self, now_ms: i64) -> Result<()> {
        let owed: BTreeSet<StudyId> = self.known().take_owed(now_ms);
        if owed.is_empty() {
            return Ok(());
        }
        let told: Vec<_> = {
            let known = self.known();
            owed.iter()
                .filter_map(|id| known.study(*id))
                .map(|study| (study.uid.clone(), study.facility.clone(), study.step_id))
                .collect()
        };
        let events: Vec<NewEvent<'_>> = told
            .iter()
            .map(|(uid, facility, step_id)| NewEvent {
                facility: Some(facility),
                study_uid: Some(uid),
                exam_id: *step_id,
                ..NewEvent::new(EventKind::StudyChanged)
            })
            .collect();
        let mut tx = self.database.begin(Durability::Batched).await?;
        events::append(&mut tx, now_ms, &events).await?;
        tx.commit().await
    }

    /// Forgets what is remembered of series and studies; acts that move rows call it.
    pub fn forget(&self) {
        self.known().forget();
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
