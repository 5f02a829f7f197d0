//! What a start does before the first door opens: the rows and the bytes are made to agree.
//!
//! Only headers of entries are read, and contents only where a row is missing: a spool of
//! thousands of instances that are all indexed costs a look at each header. After this every whole
//! entry has its row, every torn one is cut away, and packs that a crash left half-way are
//! finished or undone.

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::sync::Arc;

use object_store::ObjectStoreExt;
use pacs_core::ingest::Announced;
use pacs_core::uid::Uid;
use tokio::task::spawn_blocking;

use crate::archive::Archive;
use crate::error::{Error, Result};
use crate::index::arrivals::NewInstance;
use crate::index::place::{Kept, Place};
use crate::index::series;
use crate::index::spooled;
use crate::index::{PackId, SegmentId, SeriesId, instances, packs as pack_rows, segments};
use crate::ingest::{examine_file, new_instance};
use crate::packs;
use crate::packs::companion::CompanionReader;
use crate::spool::Spool;
use crate::spool::region::Region;
use crate::spool::scan::{self, Entry, Tail};

/// Entries indexed in one transaction.
const CHUNK: usize = 64;
/// More rows than a series ever has in the spool at once.
const ALL: i64 = 1 << 40;

/// A whole entry that was found without a row, or what is wrong with it.
enum Found {
    Whole(Box<NewInstance>),
    /// Its content is not what its header says: its writing was cut short.
    Torn,
    /// It is whole and cannot be indexed.
    Refused(String),
}

impl Archive {
    /// Makes rows and bytes agree, see the module.
    pub(crate) async fn recover(&self) -> Result<()> {
        let spool = self.0.spool.clone();
        let on_disk = spawn_blocking(move || spool.segments()).await.map_err(Error::thread)??;
        let mut indexed = 0;
        for id in &on_disk {
            indexed += self.recover_segment(SegmentId(*id)).await?;
        }
        let on_disk: BTreeSet<SegmentId> = on_disk.into_iter().map(SegmentId).collect();
        for id in segments::all(&self.0.database).await? {
            if !on_disk.contains(&id) {
                self.miss_segment(id).await?;
            }
        }
        self.free_segments(on_disk).await;
        if indexed > 0 {
            tracing::info!(instances = indexed, "instances without rows were indexed from the spool");
        }
        self.finish_packs().await
    }

    /// A segment that rows tell of and the disk does not have.
    async fn miss_segment(&self, id: SegmentId) -> Result<()> {
        let lost = self.note_segment_gone(id).await?;
        if lost == 0 {
            return segments::remove(&self.0.database, id).await;
        }
        tracing::error!(
            segment = id.0,
            instances = lost,
            "a segment of the spool is gone with instances in it"
        );
        Ok(())
    }

    /// Gives rows to the whole entries of a segment that have none and cuts its torn tail away;
    /// answers how many got one. Nobody may be writing to the segment. Not found when it is gone.
    pub(crate) async fn recover_segment(&self, id: SegmentId) -> Result<usize> {
        let path = self.0.spool.path(id.0);
        let scan = spawn_blocking(move || scan::walk(&path)).await.map_err(Error::thread)??;
        for at in scan.damaged {
            self.keep_damaged(id, at, "a header before whole entries is damaged");
        }
        let known = segments::offsets(&self.0.database, id).await?;
        if let Tail::Torn(at) = scan.tail {
            self.cut(id, at, known.iter().any(|offset| *offset >= at)).await?;
        }
        let last = scan.entries.last().map(Entry::start);
        let mut indexed = 0;
        let without_place = scan.entries.into_iter().filter(|entry| !known.contains(&entry.offset));
        let mut left = without_place.peekable();
        while left.peek().is_some() {
            let mut chunk: Vec<Entry> = left.by_ref().take(CHUNK).collect();
            // What lies elsewhere too, in a pack as a rule, needs no second look.
            let uids: Vec<_> = chunk.iter().map(|entry| entry.header.instance.clone()).collect();
            let kept = instances::contents(&self.0.database, &uids).await?;
            chunk.retain(|entry| !kept.contains(&(entry.header.instance.clone(), entry.header.dataset_hash)));
            indexed += self.index_entries(id, chunk, last).await?;
        }
        Ok(indexed)
    }

    /// Indexes entries without rows; `last` is where the last entry of the segment begins.
    async fn index_entries(&self, id: SegmentId, entries: Vec<Entry>, last: Option<u64>) -> Result<usize> {
        if entries.is_empty() {
            return Ok(0);
        }
        let spool = self.0.spool.clone();
        let looked = spawn_blocking(move || look(&spool, id, entries)).await.map_err(Error::thread)??;
        let mut whole = Vec::new();
        for (start, found) in looked {
            match found {
                Found::Whole(instance) => whole.push(*instance),
                Found::Torn if Some(start) == last => self.cut(id, start, false).await?,
                // What stands behind it was written when it was whole.
                Found::Torn => self.keep_damaged(id, start, "an entry without a row is not what it was"),
                Found::Refused(why) => self.keep_damaged(id, start, &why),
            }
        }
        if whole.is_empty() {
            return Ok(0);
        }
        segments::ensure(&self.0.database, &self.0.config.node, &[id], self.0.config.clock.now_ms()).await?;
        let decisions = self.0.arrivals.store_batch(&whole).await?;
        // The others were deleted, and their bytes go with the segment.
        Ok(decisions.into_iter().flatten().count())
    }

    /// Bytes that cannot be indexed may be the only ones of an instance: their segment stays.
    fn keep_damaged(&self, id: SegmentId, at: u64, why: &str) {
        tracing::error!(segment = id.0, at, why, "a segment is damaged; it is kept");
        metrics::counter!("sen_damaged_instances_total").increment(1);
        self.0.spool.pin(id.0);
    }

    /// Cuts a torn tail away, unless rows say that there is something in it.
    async fn cut(&self, id: SegmentId, at: u64, has_rows: bool) -> Result<()> {
        if has_rows {
            // Which of them are is found and counted when they are settled.
            tracing::error!(segment = id.0, at, "a segment is damaged before instances that have rows");
            return Ok(());
        }
        tracing::info!(segment = id.0, at, "an entry that was not finished is cut away");
        let spool = self.0.spool.clone();
        spawn_blocking(move || spool.cut(id.0, at)).await.map_err(Error::thread)?
    }

    /// Finishes or undoes the packs that a crash or an outage left half-way. A store that is away
    /// leaves them for the next time.
    pub(crate) async fn finish_packs(&self) -> Result<()> {
        for (series, pack) in pack_rows::unfinished(&self.0.database).await? {
            if self.0.settling.is_writing(pack.id) {
                continue;
            }
            if let Err(error) = self.finish_pack(series, pack.id, &pack.object_key).await {
                tracing::warn!(%error, key = pack.object_key, "a pack is left half-way");
            }
        }
        Ok(())
    }

    async fn finish_pack(&self, series: SeriesId, pack: PackId, key: &str) -> Result<()> {
        let companion = match self.companion_bytes(pack).await {
            Err(Error::NotFound) => return self.undo_pack(pack, key).await,
            found => found?,
        };
        let length_bytes = self.0.objects.head(&packs::path(key)).await?.size;
        let companion_bytes = companion.len() as u64;
        let listed = match spawn_blocking(move || list(&companion)).await.map_err(Error::thread)? {
            // Until the rows are moved the spool has everything that is in the pack.
            Err(Error::Corrupt(why)) => {
                tracing::warn!(key, why, "a pack left half-way has a damaged companion");
                return self.undo_pack(pack, key).await;
            }
            listed => listed?,
        };
        let resting = series::resting_by_id(&self.0.database, series).await?.ok_or(Error::NotFound)?;
        let spooled = spooled::of_series(&self.0.database, series, ALL).await?;
        let moves: Vec<_> = spooled
            .iter()
            .filter_map(|spooled| Some((spooled, *listed.get(&(spooled.uid.clone(), spooled.hash))?)))
            .collect();
        self.move_rows(&resting, pack, length_bytes, companion_bytes, &moves).await?;
        // One with several contents keeps its mark: the study says what is served of it once it is settled again.
        if !self.has_versions(series).await? {
            self.note_settled(series).await?;
        }
        let used = moves.iter().filter_map(|(spooled, _)| match spooled.place.kept {
            Kept::Segment(id) => Some(id),
            Kept::Pack(_) | Kept::Apart(_) => None,
        });
        self.free_segments(used.collect()).await;
        Ok(())
    }
}

/// Where each instance of a companion begins, by UID and hash.
fn list(companion: &[u8]) -> Result<HashMap<(Uid, [u8; 32]), u64>> {
    let mut reader = CompanionReader::new(companion)?;
    let mut listed = HashMap::new();
    while let Some((entry, _)) = reader.next_entry()? {
        let hash = entry.hash()?;
        listed.insert((entry.instance, hash), entry.offset_bytes);
    }
    Ok(listed)
}

/// Checks and parses entries. Blocks.
fn look(spool: &Spool, id: SegmentId, entries: Vec<Entry>) -> Result<Vec<(u64, Found)>> {
    let context = "read a segment";
    let file = File::open(spool.path(id.0)).map_err(|error| Error::io(context, error))?;
    // The process that wrote them may have died before its sync. Whoever sends one of them again is
    // told that it is there, so from now on it must last.
    file.sync_all().map_err(|error| Error::io(context, error))?;
    let file = Arc::new(file);
    entries
        .into_iter()
        .map(|entry| {
            let (start, header) = (entry.start(), entry.header);
            if !scan::content_is_whole(&file, entry.offset, &header)
                .map_err(|error| Error::io(context, error))?
            {
                return Ok((start, Found::Torn));
            }
            let dataset = entry.offset.saturating_add(header.head_bytes);
            let mut source = Region::new(&file, dataset, header.dataset_bytes());
            let found = match examine_file(&mut source, &header.transfer_syntax, &Announced::default()) {
                Ok(examined) => {
                    let place = Place {
                        kept: Kept::Segment(id),
                        offset_bytes: entry.offset,
                        length_bytes: header.content_bytes,
                        head_bytes: header.head_bytes,
                    };
                    Found::Whole(Box::new(new_instance(examined, &header, place)))
                }
                Err(Error::Refused(refusal)) => Found::Refused(refusal.reason),
                Err(error) => return Err(error),
            };
            Ok((start, found))
        })
        .collect()
}
