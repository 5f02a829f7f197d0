//! Rebuilding the index from what is kept: the journal of acts, companions, the spool, then objects that are of no
//! patient. A companion that is damaged or gone is made anew from its pack.
//!
//! Acts come first, so that what was deleted is not indexed and a study that is made anew obeys who linked it.
//! Corrections are laid over and what was rejected is hidden once all is there. Adds what is missing, moves rows that
//! were not told of their settling to the pack that has them, and changes nothing else, so it may run on an empty
//! database, on one restored from an older backup, and twice.

use std::sync::Arc;

use futures::TryStreamExt;
use object_store::ObjectStoreExt;
use pacs_core::attributes;
use pacs_core::json::{self, JsonLimits};
use pacs_core::uid::Uid;
use tokio::task::spawn_blocking;

use crate::archive::{Archive, gives_others};
use crate::database::{Durability, params};
use crate::error::{Error, Result};
use crate::index::arrivals::{Decision, NewInstance, Version};
use crate::index::place::{Kept, Place};
use crate::index::{PackId, packs as pack_rows, series};
use crate::packs;
use crate::packs::companion::{CompanionEntry, CompanionReader};
use crate::verify::damage;

/// Instances indexed in one transaction.
const CHUNK: usize = 256;

/// How far a reindexing is, and in the end what it has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReindexReport {
    /// Companions read.
    pub packs: u64,
    /// Companions that were damaged or gone, and were made anew from their packs.
    pub made_anew: u64,
    /// Instances that had no row.
    pub added: u64,
    /// Instances that had one.
    pub present: u64,
    /// Packs, acts of the journal, objects of no patient and lines of what routes handed over that could not be read,
    /// named in the log.
    pub damaged: u64,
    /// Instances found that stay deleted.
    pub deleted: u64,
    /// Acts taken back from the journal.
    pub acts: u64,
}

impl Archive {
    /// Rebuilds what the index lacks; `progress` hears after each pack.
    pub async fn reindex(&self, progress: impl FnMut(&ReindexReport)) -> Result<ReindexReport> {
        self.rebuild(false, progress).await
    }

    /// Indexes what the rows do not know at all: acts of the journal and packs that are newer than a backup which was
    /// restored. Packs that have their row are not read again.
    pub async fn index_newer(&self, progress: impl FnMut(&ReindexReport)) -> Result<ReindexReport> {
        self.rebuild(true, progress).await
    }

    async fn rebuild(
        &self,
        only_unknown: bool,
        mut progress: impl FnMut(&ReindexReport),
    ) -> Result<ReindexReport> {
        self.finish_packs().await?;
        let played = self.replay_journal().await?;
        let mut report =
            ReindexReport { acts: played.acts, damaged: played.damaged, ..ReindexReport::default() };
        let prefix = packs::path(packs::PREFIX);
        let mut objects = self.0.objects.list(Some(&prefix));
        while let Some(object) = objects.try_next().await? {
            let location = object.location.as_ref();
            let key = match packs::pack_key(location) {
                Some(key) => key,
                None if packs::is_pack(location) && self.lacks_companion(location).await? => {
                    location.to_owned()
                }
                None => continue,
            };
            if only_unknown && pack_rows::by_key(&self.0.database, &key).await?.is_some() {
                continue;
            }
            match self.reindex_pack(&key, &mut report).await {
                Ok(()) => {}
                Err(error) => {
                    if !matches!(error, Error::Corrupt(_)) && !self.is_unreadable(&key, &error).await? {
                        return Err(error);
                    }
                    tracing::error!(key, %error, "a pack is damaged");
                    report.damaged += 1;
                }
            }
            report.packs += 1;
            progress(&report);
        }
        self.note_reindexed().await?;
        self.recover().await?;
        damage::forget_found(&self.0.database).await?;
        report.damaged += self.move_again().await?;
        // What fails of it is told of after the rest, which needs no bytes.
        let said = self.say_what_is_served_everywhere().await;
        self.correct_again().await?;
        self.reject_again().await?;
        // Whatever may go wrong from here on, images are shown as people have left them.
        report.damaged += said?;
        self.reindex_non_patient(&mut report).await?;
        report.damaged += self.hand_again().await?;
        self.0.renditions.clear().await?;
        Ok(report)
    }

    /// Indexes a pack by its companion, which is made anew when it cannot be read.
    async fn reindex_pack(&self, key: &str, report: &mut ReindexReport) -> Result<()> {
        let mut indexed = *report;
        let failed = match self.index_companion(key, &mut indexed).await {
            Ok(()) => {
                *report = indexed;
                return Ok(());
            }
            Err(error) => error,
        };
        if !matches!(failed, Error::Corrupt(_) | Error::NotFound) && !self.is_unreadable(key, &failed).await?
        {
            return Err(failed);
        }
        match self.companion_anew(key).await {
            Ok(()) => report.made_anew += 1,
            Err(Error::NotFound) => {
                return Err(Error::Corrupt("the pack of this companion is gone".to_owned()));
            }
            Err(error) => return Err(error),
        }
        self.index_companion(key, report).await
    }

    /// Whether an object cannot be read, and others can.
    pub(crate) async fn is_unreadable(&self, key: &str, error: &Error) -> Result<bool> {
        Ok(error.of_reading().is_some() && gives_others(&self.0.database, &self.0.objects, key).await?)
    }

    /// Whether a pack has no companion beside it: it was lost, or its writing was cut short. All that is in it was
    /// acknowledged.
    async fn lacks_companion(&self, key: &str) -> Result<bool> {
        match self.0.objects.head(&packs::path(&packs::companion_key(key))).await {
            Ok(_) => Ok(false),
            Err(object_store::Error::NotFound { .. }) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    async fn index_companion(&self, key: &str, report: &mut ReindexReport) -> Result<()> {
        let companion = packs::path(&packs::companion_key(key));
        let compressed = self.0.objects.get(&companion).await?.bytes().await?;
        let companion_bytes = compressed.len() as u64;
        let Some((pack, series)) = self.pack_row(key, companion_bytes).await? else { return Ok(()) };
        let before = report.added + report.present;
        let mut reader = Reader::open(compressed).await?;
        let series_uid = reader.series.clone();
        loop {
            let (next, chunk) = reader.chunk(pack).await?;
            reader = next;
            if chunk.is_empty() {
                break;
            }
            for decision in self.0.arrivals.store_batch(&chunk).await? {
                match decision {
                    Some(Decision::Accepted { .. } | Decision::Conflict(Version::New)) => report.added += 1,
                    Some(_) => report.present += 1,
                    None => report.deleted += 1,
                }
            }
        }
        if report.added + report.present == before {
            return self.leave_deleted(pack).await;
        }
        let series = match series {
            Some(series) => Some(series),
            None => series::id_of(&self.0.database, &series_uid).await?,
        };
        if let Some(series) = series {
            let mut tx = self.0.database.begin(Durability::Batched).await?;
            pack_rows::belongs_to(&mut tx, pack, series).await?;
            tx.commit().await?;
            self.note_settled(series).await?;
        }
        Ok(())
    }

    /// Has a pack removed of which everything is deleted.
    async fn leave_deleted(&self, pack: PackId) -> Result<()> {
        let mut tx = self.0.database.begin(Durability::Batched).await?;
        if pack_rows::is_unused(&mut tx, pack).await? {
            pack_rows::mark_deleted(&mut tx, pack, self.0.config.clock.now_ms()).await?;
        }
        tx.commit().await
    }

    /// A commit with a sync, before segments are freed from which rows have moved to packs.
    async fn note_reindexed(&self) -> Result<()> {
        let sql = "insert into setting (key, value) values ($1, $2)
             on conflict (key) do update set value = excluded.value";
        let now_ms = self.0.config.clock.now_ms().to_string();
        self.0.database.execute(sql, params!["archive.reindexed_ms", now_ms]).await.map(drop)
    }

    /// The row of a pack, made when there is none. `None` for a pack on its way out.
    async fn pack_row(
        &self,
        key: &str,
        companion_bytes: u64,
    ) -> Result<Option<(PackId, Option<crate::index::SeriesId>)>> {
        if let Some(found) = pack_rows::by_key(&self.0.database, key).await? {
            return Ok((!found.deleted).then_some((found.id, found.series)));
        }
        let tar = match self.0.objects.head(&packs::path(key)).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => {
                return Err(Error::Corrupt("the pack of this companion is gone".to_owned()));
            }
            Err(error) => return Err(error.into()),
        };
        let signed = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        let sizes = pack_rows::Sizes {
            length_bytes: signed(tar.size),
            companion_bytes: signed(companion_bytes),
            instance_count: 0,
        };
        let mut tx = self.0.database.begin(Durability::Batched).await?;
        let id = pack_rows::adopt(&mut tx, key, sizes, self.0.config.clock.now_ms()).await?;
        tx.commit().await?;
        Ok(Some((id, None)))
    }
}

/// A companion read in chunks on blocking threads.
struct Reader {
    lines: CompanionReader<std::io::Cursor<bytes::Bytes>>,
    series: Uid,
}

impl Reader {
    async fn open(compressed: bytes::Bytes) -> Result<Self> {
        let opened = spawn_blocking(move || CompanionReader::new(std::io::Cursor::new(compressed)));
        let lines = opened.await.map_err(Error::thread)??;
        let series = lines.series().clone();
        Ok(Self { lines, series })
    }

    async fn chunk(mut self, pack: PackId) -> Result<(Self, Vec<NewInstance>)> {
        let read = spawn_blocking(move || {
            let mut chunk = Vec::new();
            while chunk.len() < CHUNK
                && let Some((entry, metadata)) = self.lines.next_entry()?
            {
                chunk.push(instance(pack, &entry, metadata)?);
            }
            Ok::<_, Error>((self, chunk))
        });
        read.await.map_err(Error::thread)?
    }
}

/// What the rows hold of an instance, from what its companion says.
fn instance(pack: PackId, entry: &CompanionEntry, metadata: &[u8]) -> Result<NewInstance> {
    let odd = |why: String| Error::Corrupt(format!("the metadata of instance {}: {why}", entry.instance));
    // Written by us of a header that was within the limits of the reader.
    let limits = JsonLimits { document_bytes: metadata.len(), retained_bytes: usize::MAX };
    let mut sets = json::parse(metadata, &limits).map_err(|error| odd(error.to_string()))?;
    let header = sets.pop().ok_or_else(|| odd("there is none".to_owned()))?;
    let lifted = attributes::lift(&header).map_err(|refusal| odd(refusal.reason))?;
    Ok(NewInstance {
        lifted,
        header: Arc::new(header),
        place: Place {
            kept: Kept::Pack(pack),
            offset_bytes: entry.offset_bytes,
            length_bytes: entry.length_bytes,
            head_bytes: entry.head_bytes,
        },
        hash: entry.hash()?,
        transfer_syntax: entry.transfer_syntax.clone(),
        received_ms: entry.received_ms,
        facility: entry.facility.clone(),
        calling_ae: entry.calling_ae.clone(),
    })
}
