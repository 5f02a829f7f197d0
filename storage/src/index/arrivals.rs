//! The row transaction of arriving instances: one for all stores that wait.
//!
//! Whether an instance is accepted, a duplicate or a conflict is decided here, by unique constraint
//! and hash. Demographics never refuse; what is doubtful is kept and flagged. A store of a known
//! series costs three statements.

mod batch;
mod decide;
mod deleted;
pub(crate) mod doubts;
mod growth;
mod home;
mod known;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use pacs_core::attributes::Lifted;
use pacs_core::clock::Clock;
use pacs_core::dataset::DataSet;
use pacs_core::reconciliation::Serve;
use pacs_core::uid::{AeTitle, Uid};

use super::StudyId;
use super::place::Place;
use crate::database::{Database, Durability};
use crate::events::{self, EventKind, NewEvent};
use crate::{Error, Result};
use batch::Batch;
use known::{Known, KnownStudy};

pub(crate) use decide::moves_exams;
pub(crate) use home::clip;

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
    /// Its UID has other content; this one is a version that is flagged and not served.
    Conflict(Version),
}

/// What became of an instance whose UID has other content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// It is kept as a version now.
    New,
    /// A version's row already tells of this very place.
    Present,
    /// A version with the same content lies elsewhere; these bytes are not needed.
    Duplicate,
}

/// Takes instances into the index; one handle an archive, shared by everything that stores.
#[derive(Debug)]
pub struct Arrivals {
    database: Database,
    clock: Clock,
    serve: Serve,
    known: Mutex<Known>,
}

/// A batch whose rows are written and not committed. Dropped, it never was.
pub(crate) struct Prepared<'a> {
    batch: Batch<'a>,
    generation: u64,
    decisions: Vec<Option<Decision>>,
}

impl Prepared<'_> {
    /// Commits; answers the decisions in the order of the instances.
    pub async fn commit(self) -> Result<Vec<Option<Decision>>> {
        let known = self.batch.known_to_all();
        let learned = self.batch.commit().await?;
        known.lock().unwrap_or_else(PoisonError::into_inner).learn(learned, self.generation);
        Ok(self.decisions)
    }
}

/// A study that grows tells its followers so at most this often; the rest waits for
/// [`Arrivals::announce`].
const ANNOUNCE_EVERY_MS: i64 = 1000;

impl Arrivals {
    /// Over that database.
    pub fn new(database: Database, clock: Clock) -> Self {
        Self { database, clock, serve: Serve::default(), known: Mutex::default() }
    }

    /// Serves that one of several contents that come under one SOP Instance UID; without it the first.
    pub fn serving(self, serve: Serve) -> Self {
        Self { serve, ..self }
    }

    /// Decides on a batch and commits; the decisions are in the order of the instances. There is
    /// none on an instance that was received before it was deleted: nothing is kept of it. After an
    /// error no instance has a row, and the whole batch may be given again.
    pub async fn store_batch(&self, instances: &[NewInstance]) -> Result<Vec<Option<Decision>>> {
        self.prepare(instances).await?.commit().await
    }

    /// As [`Arrivals::store_batch`], up to the commit: what has to be true of the bytes before
    /// their rows may be seen can still be waited for.
    pub(crate) async fn prepare(&self, instances: &[NewInstance]) -> Result<Prepared<'_>> {
        const ATTEMPTS: u32 = 4;
        for _ in 0..ATTEMPTS {
            let tx = self.database.begin(Durability::Batched).await?;
            let generation = self.known().generation();
            let mut batch = Batch::new(tx, &self.known, self.serve, self.clock.now_ms());
            match batch.store(instances).await {
                Ok(Some(decisions)) => return Ok(Prepared { batch, generation, decisions }),
                // Rows that were remembered have moved or gone, or a person's act was in the way.
                Ok(None) | Err(Error::Conflict(_)) => self.forget(),
                Err(error) => return Err(error),
            }
        }
        Err(Error::Unavailable("rows kept moving below a batch of instances".into()))
    }

    /// Writes the events that studies still owe because they grew too quickly to tell each time.
    /// Call it about once a second.
    pub async fn announce(&self) -> Result<()> {
        let now_ms = self.clock.now_ms();
        let owed = self.known().take_owed(now_ms);
        let told = self.tell(&owed, now_ms).await;
        if told.is_err() {
            self.known().owe(owed.into_keys());
        }
        told
    }

    async fn tell(&self, owed: &BTreeMap<StudyId, KnownStudy>, now_ms: i64) -> Result<()> {
        if owed.is_empty() {
            return Ok(());
        }
        let events: Vec<NewEvent<'_>> = owed
            .values()
            .map(|study| NewEvent {
                facility: Some(&study.facility),
                study_uid: Some(&study.uid),
                exam_id: study.step_id,
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

    /// Forgets as [`Arrivals::forget`] does, and knows that what was received up to that time may be
    /// deleted.
    pub(crate) fn forget_deleted(&self, until_ms: i64) {
        self.known().forget_deleted(until_ms);
    }

    /// Whether arriving images have to be looked up among those that documents have rejected before they came.
    pub(crate) fn await_rejected(&self, awaits: bool) {
        self.known().await_rejected(awaits);
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
