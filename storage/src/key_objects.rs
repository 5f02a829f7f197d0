//! Key object documents that reject images (IHE RAD TF-2 4.66): noted when they arrive, obeyed by a job. What has not
//! come yet of what they name is kept in mind for [`AWAITED_MS`], for each document by itself, and rejected when it
//! comes, unless that document was rejected or deleted meanwhile.

use std::collections::{BTreeMap, HashSet};

use pacs_core::access::{Actor, Scope};
use pacs_core::rejection::{Rejection, RejectionNote};
use pacs_core::uid::Uid;
use pacs_core::uids;
use serde::{Deserialize, Serialize};

use crate::archive::Archive;
use crate::database::{Database, Durability, Param, Transaction, params, placeholders};
use crate::error::{Error, Result};
use crate::index::arrivals::NewInstance;
use crate::index::instances;
use crate::index::place::Kept;
use crate::jobs::{self, NewJob};
use crate::rejection::decided::Followed;

const KIND: &str = "reject.noted";
/// How long a document may take until another try is made.
const LEASE_MS: i64 = 10 * 60_000;
const MAX_ATTEMPTS: u32 = 8;
/// When what was missing is looked for once more: an image may have been on its way while it was.
const AGAIN_MS: i64 = 60_000;
/// How long after a document what it rejects may come. What was sent together comes within hours, from a device that
/// was cut off within days.
pub(crate) const AWAITED_MS: i64 = 30 * 86_400_000;
/// Instances of a document of which it is asked at a time whether somebody has decided on them.
const DECIDED_AT_ONCE: usize = 16;

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
    /// The document; those that were noted by an older program do not tell.
    #[serde(default)]
    document: Option<Uid>,
    /// Whether these were missing before.
    #[serde(default)]
    again: bool,
}

impl Noted {
    /// The document as the rows name it that await what it rejects.
    fn key(&self) -> &str {
        self.document.as_ref().map_or("", Uid::as_str)
    }

    async fn enqueue(&self, tx: &mut Transaction, due_ms: i64, now_ms: i64) -> Result<()> {
        let payload =
            serde_json::to_value(self).map_err(|error| Error::internal("note a rejection", error))?;
        let job = NewJob {
            kind: KIND,
            payload,
            dedupe: None,
            due_ms,
            max_attempts: MAX_ATTEMPTS,
            created_by: None,
        };
        jobs::enqueue_in(tx, &job, now_ms).await.map(drop)
    }
}

/// Notes that a document has come that rejects; in the transaction of its row. One whose row is made anew has been
/// obeyed, and its acts, which are in the journal, keep it from being obeyed twice: it is noted for what it still
/// awaits.
pub(crate) async fn arrived(tx: &mut Transaction, instance: &NewInstance, now_ms: i64) -> Result<()> {
    let is_document = instance.lifted.instance.class == uids::KEY_OBJECT_SELECTION_DOCUMENT_STORAGE;
    let is_made_anew = matches!(instance.place.kept, Kept::Pack(_));
    if !is_document || is_made_anew && instance.received_ms < now_ms.saturating_sub(AWAITED_MS) {
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
        document: Some(instance.lifted.instance.uid.clone()),
        again: false,
    };
    noted.enqueue(tx, now_ms, now_ms).await
}

/// What is alike in the rows of one document: facility, code, sender, when it was noted, and its UID.
type Awaited = (String, String, Option<String>, i64, String);

/// Notes that instances have come which documents had rejected before.
pub(crate) async fn came_late(tx: &mut Transaction, uids: &HashSet<String>, now_ms: i64) -> Result<()> {
    if uids.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "delete from awaited_rejection where uid in ({})
         returning uid, facility, code, calling_ae, noted_ms, document",
        placeholders(1, uids.len())
    );
    let mut notes = BTreeMap::<Awaited, Vec<Uid>>::new();
    for row in tx.fetch(sqlx::AssertSqlSafe(sql), uids.iter().map(Param::from).collect()).await? {
        let sender = (row.get("facility")?, row.get("code")?, row.get("calling_ae")?);
        let note = (sender.0, sender.1, sender.2, row.get("noted_ms")?, row.get("document")?);
        notes.entry(note).or_default().push(instances::uid(&row, "uid")?);
    }
    for ((facility, code, calling_ae, received_ms, document), instances) in notes {
        let document = Uid::parse(&document).ok();
        let noted = Noted { code, instances, facility, calling_ae, received_ms, document, again: false };
        noted.enqueue(tx, now_ms, now_ms).await?;
    }
    Ok(())
}

/// Forgets what documents from before then have awaited and has not come.
pub(crate) async fn prune(database: &Database, before_ms: i64) -> Result<()> {
    let sql = "delete from awaited_rejection where noted_ms < $1";
    database.execute(sql, params![before_ms]).await.map(drop)
}

impl Archive {
    /// Rejects what documents reject that have come; answers how many instances.
    pub async fn reject_noted(&self) -> Result<u64> {
        let (database, clock) = (&self.0.database, &self.0.config.clock);
        let worker = self.0.config.node.as_str();
        self.look_for_rejected().await?;
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
        if let Some(document) = &noted.document
            && !self.is_shown(document).await?
        {
            return Ok(0);
        }
        let title = noted.calling_ae.clone().unwrap_or_default();
        let actor = Actor { id: format!("device:{title}"), name: title, ..Actor::system() };
        let scope = Scope::Facilities(vec![noted.facility.clone()]);
        let mut rejected = 0;
        let mut missing = Vec::new();
        // What somebody has decided since the document came stands; it is asked a few at a time, as people go on.
        let (mut followed, mut decided) = (Followed::default(), HashSet::new());
        for (at, instance) in noted.instances.iter().enumerate() {
            if at % DECIDED_AT_ONCE == 0 {
                let few = noted.instances.get(at..).unwrap_or_default();
                let few = few.get(..DECIDED_AT_ONCE).unwrap_or(few);
                decided = self.decided(&mut followed, few, noted.received_ms).await?;
            }
            let is_decided = decided.contains(instance);
            let done = !is_decided && self.reject_for(&scope, &actor, instance, reason).await?;
            rejected += u64::from(done);
            if !done && !self.is_here(instance).await? {
                missing.push(instance.clone());
            } else if noted.again {
                let sql = "delete from awaited_rejection where uid = $1 and facility = $2 and document = $3";
                self.0.database.execute(sql, params![instance, &noted.facility, noted.key()]).await?;
            }
        }
        if !noted.again && !missing.is_empty() {
            self.await_missing(Noted { instances: missing, again: true, ..noted }).await?;
        }
        Ok(rejected)
    }

    async fn is_shown(&self, document: &Uid) -> Result<bool> {
        let sql = "select 1 from instance where uid = $1 and rejection_id is null";
        Ok(self.0.database.fetch_optional(sql, params![document]).await?.is_some())
    }

    async fn is_here(&self, instance: &Uid) -> Result<bool> {
        let sql = "select 1 from instance where uid = $1";
        Ok(self.0.database.fetch_optional(sql, params![instance]).await?.is_some())
    }

    /// Keeps in mind what a document rejects that has not come yet. Images come in parallel, and whole studies in the
    /// order of their files.
    async fn await_missing(&self, noted: Noted) -> Result<()> {
        let now_ms = self.0.config.clock.now_ms();
        self.0.arrivals.await_rejected(true);
        let mut tx = self.0.database.begin(Durability::Synced).await?;
        for instance in &noted.instances {
            tx.execute(
                "insert into awaited_rejection (uid, facility, code, calling_ae, noted_ms, document)
                 values ($1, $2, $3, $4, $5, $6) on conflict (uid, facility, document) do update set
                     code = excluded.code, calling_ae = excluded.calling_ae, noted_ms = excluded.noted_ms
                 where awaited_rejection.noted_ms <= excluded.noted_ms",
                params![
                    instance,
                    &noted.facility,
                    &noted.code,
                    &noted.calling_ae,
                    noted.received_ms,
                    noted.key()
                ],
            )
            .await?;
        }
        noted.enqueue(&mut tx, now_ms.saturating_add(AGAIN_MS), now_ms).await?;
        tx.commit().await
    }

    /// Learns whether anything is awaited that documents have rejected, this node's or another's.
    pub(crate) async fn look_for_rejected(&self) -> Result<()> {
        let sql = "select 1 from awaited_rejection limit 1";
        let awaits = self.0.database.fetch_optional(sql, params![]).await?.is_some();
        self.0.arrivals.await_rejected(awaits);
        Ok(())
    }
}
