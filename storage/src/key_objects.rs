//! Key object documents that reject images (IHE RAD TF-2 4.66): noted when they arrive, obeyed by a job.

use pacs_core::access::{Actor, Scope};
use pacs_core::rejection::{Rejection, RejectionNote};
use pacs_core::uid::Uid;
use pacs_core::uids;
use serde::{Deserialize, Serialize};

use crate::archive::Archive;
use crate::database::Transaction;
use crate::error::{Error, Result};
use crate::index::arrivals::NewInstance;
use crate::index::place::Kept;
use crate::jobs::{self, NewJob};

const KIND: &str = "reject.noted";
/// How long a document may take until another try is made.
const LEASE_MS: i64 = 10 * 60_000;
const MAX_ATTEMPTS: u32 = 8;

/// What is to be done for a document.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Noted {
    /// The reason's code.
    code: String,
    instances: Vec<Uid>,
    /// Facility that sent the document.
    facility: String,
    /// AE title that did.
    calling_ae: Option<String>,
    received_ms: i64,
}

/// Notes that a document has come that rejects; in the transaction of its row. One whose row is made anew
/// has been obeyed, and its acts are in the journal.
pub(crate) async fn arrived(tx: &mut Transaction, instance: &NewInstance, now_ms: i64) -> Result<()> {
    let is_document = instance.lifted.instance.class == uids::KEY_OBJECT_SELECTION_DOCUMENT_STORAGE;
    if !is_document || matches!(instance.place.kept, Kept::Pack(_)) {
        return Ok(());
    }
    let Some(RejectionNote { reason, instances }) = RejectionNote::of(&instance.header) else {
        return Ok(());
    };
    let noted = Noted {
        code: reason.to_string(),
        instances,
        facility: instance.facility.clone(),
        calling_ae: instance.calling_ae.as_ref().map(ToString::to_string),
        received_ms: instance.received_ms,
    };
    let payload = serde_json::to_value(noted).map_err(|error| Error::internal("note a rejection", error))?;
    let job = NewJob {
        kind: KIND,
        payload,
        dedupe: None,
        due_ms: now_ms,
        max_attempts: MAX_ATTEMPTS,
        created_by: None,
    };
    jobs::enqueue_in(tx, &job, now_ms).await.map(drop)
}

impl Archive {
    /// Rejects what documents reject that have come; answers how many instances.
    pub async fn reject_noted(&self) -> Result<u64> {
        let (database, clock) = (&self.0.database, &self.0.config.clock);
        let worker = self.0.config.node.as_str();
        let mut rejected = 0;
        while let Some(job) = jobs::claim(database, KIND, worker, LEASE_MS, clock.now_ms()).await? {
            match serde_json::from_value(job.payload.clone()) {
                Ok(noted) => match self.obey_note(noted).await {
                    Ok(count) => rejected += count,
                    Err(error) => {
                        jobs::fail(database, &job, worker, &error.to_string(), clock.now_ms()).await?;
                        continue;
                    }
                },
                Err(error) => tracing::error!(%error, job = job.id.0, "a note of a rejection is damaged"),
            }
            jobs::discard(database, job.id, worker).await?;
        }
        if rejected > 0 {
            self.keep_in_journal().await;
        }
        Ok(rejected)
    }

    async fn obey_note(&self, noted: Noted) -> Result<u64> {
        let Some(reason) = Rejection::parse(&noted.code) else { return Ok(0) };
        let title = noted.calling_ae.unwrap_or_default();
        let actor = Actor { id: format!("device:{title}"), name: title, ..Actor::system() };
        let scope = Scope::Facilities(vec![noted.facility]);
        let mut rejected = 0;
        for instance in &noted.instances {
            let done = self.reject_for(&scope, &actor, instance, reason, noted.received_ms).await?;
            rejected += u64::from(done);
        }
        Ok(rejected)
    }
}
