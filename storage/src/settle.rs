//! Settling: a series that has rested moves from the spool into a pack.
//!
//! ```text
//! pack row "being written" (synced) -> pack -> companion -> rows moved (synced) -> segments freed
//! ```
//!
//! The list of what is copied is frozen at the start; what arrives later makes another pack. A
//! crash or an outage between any two steps loses nothing: until the rows are moved the spool
//! serves and keeps the instances, and the pack's row tells the next start to finish the pack if
//! its companion is there, else to undo it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::StreamExt;
use object_store::{ObjectStoreExt, PutPayload};
use pacs_core::uid::Uid;

use crate::archive::Archive;
use crate::backup::lineage;
use crate::database::Durability;
use crate::error::{Error, Result};
use crate::events::{self, EventKind, NewEvent};
use crate::index::place::Kept;
use crate::index::series::{self, Resting};
use crate::index::spooled::{self, Spooled};
use crate::index::{PackId, SeriesId, packs as pack_rows};
use crate::keyed::KeyedLocks;
use crate::packs;
use crate::packs::writer::{self, BuildError, Built};
use crate::spool::entry::entry_bytes;

/// The most entries, and about the most bytes, of one pack; a larger series makes several.
const PACK_ENTRIES: i64 = 4096;
const PACK_BYTES: u64 = 8 << 30;
/// How often one settling of a series begins anew because somebody deletes from it.
const COLLISIONS: u32 = 8;
/// Series settled in one turn, and at once.
const TURN: i64 = 64;
const AT_ONCE: usize = 2;
/// How often a series may fail beside others that are settled, and how long it is then left alone.
const MOST_FAILURES: u32 = 3;
const PARKED_MS: i64 = 3_600_000;
/// How long a series is left alone whose study grows faster than it is read.
const GROWING_MS: i64 = 60_000;

/// What a turn of settling has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SettleReport {
    /// Packs written.
    pub packs: u64,
    /// Instances moved into them.
    pub instances: u64,
    /// Bytes of the packs.
    pub bytes: u64,
    /// Instances left where they are because their bytes are damaged.
    pub damaged: u64,
    /// Whether more series wait that have rested.
    pub more: bool,
}

impl SettleReport {
    fn add(&mut self, other: Self) {
        self.packs += other.packs;
        self.instances += other.instances;
        self.bytes += other.bytes;
        self.damaged += other.damaged;
        self.more |= other.more;
    }
}

/// What is being settled now.
#[derive(Default)]
pub(crate) struct Settling {
    /// One at a time of each series.
    series: KeyedLocks<SeriesId>,
    /// Packs being written now, which no clean-up may touch.
    writing: Mutex<BTreeSet<PackId>>,
    /// Series that fail: looked at again after a while, when somebody asks or after the next start.
    parked: Mutex<BTreeMap<SeriesId, Parked>>,
}

/// How a series fares that fails.
#[derive(Debug, Clone, Copy, Default)]
struct Parked {
    failures: u32,
    /// Until when it is left alone.
    until_ms: i64,
    /// And only for as long as it has not changed since then.
    seen_ms: Option<i64>,
}

impl Parked {
    /// A series with damaged entries, which do not mend.
    fn damaged(series: &Resting) -> Self {
        Self { until_ms: i64::MAX, seen_ms: Some(series.updated_ms), ..Self::default() }
    }

    /// A series whose study grows faster than it is read.
    fn growing(now_ms: i64) -> Self {
        Self { until_ms: now_ms.saturating_add(GROWING_MS), ..Self::default() }
    }

    /// Whether the series is still left alone.
    fn holds(&self, series: &Resting, now_ms: i64) -> bool {
        self.until_ms > now_ms && self.seen_ms.is_none_or(|seen_ms| seen_ms == series.updated_ms)
    }
}

impl Settling {
    fn writing(&self) -> MutexGuard<'_, BTreeSet<PackId>> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn parked(&self) -> MutexGuard<'_, BTreeMap<SeriesId, Parked>> {
        self.parked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a series has failed. `for_itself` is whether that says something of the series, and not of a store
    /// that is away.
    fn failed(&self, series: SeriesId, for_itself: bool, now_ms: i64) {
        let mut parked = self.parked();
        let known = parked.get(&series).copied().unwrap_or_default();
        if for_itself || known.failures >= MOST_FAILURES {
            let failures = known.failures.saturating_add(1);
            let is_enough = failures >= MOST_FAILURES;
            let until_ms = if is_enough { now_ms.saturating_add(PARKED_MS) } else { known.until_ms };
            parked.insert(series, Parked { failures, until_ms, seen_ms: None });
        }
    }

    /// Whether a pack is being written now.
    pub fn is_writing(&self, pack: PackId) -> bool {
        self.writing().contains(&pack)
    }
}

impl Archive {
    /// Settles the series that have rested for [`crate::Config::settle_after`], the longest resting
    /// first, up to a bound. Fails when none was, with what was in the way of the last one that failed. One that fails
    /// again and again while others are settled is left alone for an hour.
    pub async fn settle_due(&self) -> Result<SettleReport> {
        let rest_ms = i64::try_from(self.0.config.settle_after.as_millis()).unwrap_or(i64::MAX);
        let now_ms = self.0.config.clock.now_ms();
        let before_ms = now_ms.saturating_sub(rest_ms);
        let parked = self.0.settling.parked().len();
        let limit = TURN.saturating_add(i64::try_from(parked).unwrap_or(0));
        let mut resting = series::resting(&self.0.database, before_ms, limit).await?;
        let is_parked = |series: &Resting| {
            self.0.settling.parked().get(&series.id).is_some_and(|parked| parked.holds(series, now_ms))
        };
        resting.retain(|series| !is_parked(series));
        let more = i64::try_from(resting.len()).is_ok_and(|found| found == TURN);
        match self.settle_all(resting).await {
            (report, Some(failure)) if report.packs == 0 => Err(failure),
            (report, _) => Ok(SettleReport { more, ..report }),
        }
    }

    /// Settles what of a study lies in the spool, now.
    pub async fn settle_study(&self, study: &Uid) -> Result<SettleReport> {
        let resting = series::unsettled_of(&self.0.database, study).await?;
        let (report, failure) = self.settle_all(resting).await;
        failure.map_or(Ok(report), Err)
    }

    /// Settles these series, now; beside what was done, what was in the way of the last one that failed.
    pub(crate) async fn settle_all(&self, resting: Vec<Resting>) -> (SettleReport, Option<Error>) {
        let mut report = SettleReport::default();
        let (mut failed, mut failure) = (Vec::new(), None);
        let mut settled = futures::stream::iter(resting)
            .map(|series| async move { (self.settle_series(&series).await, series) })
            .buffer_unordered(AT_ONCE);
        while let Some((done, series)) = settled.next().await {
            match done {
                Ok(done) => report.add(done),
                Err(error) => {
                    tracing::warn!(%error, series = %series.uid, "a series was not settled");
                    failed.push((series.id, matches!(error, Error::Unavailable(_))));
                    failure = Some(error);
                }
            }
        }
        let now_ms = self.0.config.clock.now_ms();
        for (series, is_outage) in failed {
            self.0.settling.failed(series, report.packs > 0 || !is_outage, now_ms);
        }
        (report, failure)
    }

    async fn settle_series(&self, series: &Resting) -> Result<SettleReport> {
        let turn = self.0.settling.series.of(series.id);
        let _turn = turn.lock().await;
        let mut report = SettleReport::default();
        let mut damaged = Vec::new();
        let mut collisions = 0;
        loop {
            let frozen = self.freeze(series.id, &damaged).await?;
            if frozen.is_empty() {
                break;
            }
            match self.settle_pack(series, frozen).await {
                Ok(Ok(done)) => report.add(done),
                Ok(Err(spooled)) => {
                    damaged.push(spooled.row);
                    report.damaged += 1;
                }
                // What was frozen was deleted meanwhile: what is left is looked at anew.
                Err(Error::Conflict(why)) if collisions < COLLISIONS => {
                    tracing::info!(why, series = %series.uid, "a series changed while it was settled");
                    collisions += 1;
                }
                Err(error) => return Err(error),
            }
        }
        // Also where nothing is left to be packed: it may have failed after the pack was made.
        let settled = damaged.is_empty().then_some(series.id);
        let said = match (self.has_versions(series.id).await?, settled) {
            (true, settled) => self.say_what_is_served(&series.study_uid, settled).await,
            (false, Some(settled)) => self.note_settled(settled).await,
            (false, None) => Ok(()),
        };
        let parked = match said {
            Ok(()) => settled.is_none().then(|| Parked::damaged(series)),
            Err(Error::Conflict(why)) => {
                tracing::info!(why, study = %series.study_uid, "a study does not say yet what is served of it");
                // Images come faster than they are read: it keeps its mark, and is looked at again in a minute.
                Some(Parked::growing(self.0.config.clock.now_ms()))
            }
            Err(error) => return Err(error),
        };
        match parked {
            Some(parked) => self.0.settling.parked().insert(series.id, parked),
            None => self.0.settling.parked().remove(&series.id),
        };
        Ok(report)
    }

    /// Clears the mark of a series that turned out to have nothing in the spool.
    pub(crate) async fn note_settled(&self, series: SeriesId) -> Result<()> {
        let mut tx = self.0.database.begin(Durability::Batched).await?;
        spooled::settled(&mut tx, series).await?;
        tx.commit().await
    }

    /// The next entries of a series that fit a pack.
    async fn freeze(&self, series: SeriesId, damaged: &[spooled::SpooledRow]) -> Result<Vec<Spooled>> {
        let limit = PACK_ENTRIES.saturating_add(i64::try_from(damaged.len()).unwrap_or(0));
        let mut all = spooled::of_series(&self.0.database, series, limit).await?;
        all.retain(|spooled| !damaged.contains(&spooled.row));
        let mut bytes = 0u64;
        let fitting = all.iter().take_while(|spooled| {
            let fits = bytes < PACK_BYTES;
            bytes = bytes.saturating_add(spooled.place.length_bytes);
            fits
        });
        let count = fitting.count();
        all.truncate(count);
        Ok(all)
    }

    /// Writes one pack and moves its rows. An entry that is damaged is given back, and nothing else
    /// has happened then.
    async fn settle_pack(
        &self,
        series: &Resting,
        frozen: Vec<Spooled>,
    ) -> Result<Result<SettleReport, Spooled>> {
        self.0
            .space
            .check_pack(frozen.iter().map(|spooled| entry_bytes(spooled.place.length_bytes)).sum())?;
        let now_ms = self.0.config.clock.now_ms();
        let tail = lineage::tail(&self.0.database).await?;
        let key = packs::new_key(&series.study_uid, &series.uid, now_ms, &tail);
        let mut tx = self.0.database.begin(Durability::Synced).await?;
        let pack = pack_rows::begin(&mut tx, series.id, &key, now_ms).await?;
        // Before the commit: nobody may find the row and not the mark.
        self.0.settling.writing().insert(pack);
        let written = match tx.commit().await {
            Ok(()) => self.write_pack(series, pack, &key, &frozen).await,
            Err(error) => Err(BuildError::Failed(error)),
        };
        self.0.settling.writing().remove(&pack);
        match written {
            Ok(report) => {
                let used = frozen.iter().filter_map(|spooled| match spooled.place.kept {
                    Kept::Segment(id) => Some(id),
                    Kept::Pack(_) | Kept::Apart(_) => None,
                });
                self.free_segments(used.collect()).await;
                if let Err(error) = self.forget_damage(&frozen).await {
                    tracing::warn!(%error, "that instances are whole again was not noted");
                }
                Ok(Ok(report))
            }
            Err(BuildError::Damaged { at, why }) => {
                self.undo_quietly(pack, &key).await;
                let Some(spooled) = frozen.into_iter().nth(at) else {
                    return Err(Error::internal("settle a series", "the damaged entry is not of it"));
                };
                if !spooled::is_there(&self.0.database, &spooled).await? {
                    // It was deleted meanwhile, and its segment with it.
                    return Ok(Ok(SettleReport::default()));
                }
                self.note_damaged(&spooled.uid, &spooled.hash, &why).await?;
                Ok(Err(spooled))
            }
            Err(BuildError::Failed(error)) => {
                self.undo_quietly(pack, &key).await;
                Err(error)
            }
        }
    }

    async fn write_pack(
        &self,
        series: &Resting,
        pack: PackId,
        key: &str,
        frozen: &[Spooled],
    ) -> Result<SettleReport, BuildError> {
        let inner = &self.0;
        let built = writer::build(&inner.objects, &inner.spool, key, &series.uid, frozen.to_vec()).await?;
        let companion_bytes = built.companion.len() as u64;
        let Built { length_bytes, companion, offsets } = built;
        inner.objects.put(&packs::path(&packs::companion_key(key)), PutPayload::from(companion)).await?;
        let moves: Vec<(&Spooled, u64)> = frozen.iter().zip(offsets).collect();
        let moved = self.move_rows(series, pack, length_bytes, companion_bytes, &moves).await?;
        Ok(SettleReport { packs: 1, instances: moved, bytes: length_bytes, ..SettleReport::default() })
    }

    /// Moves rows into a pack that is safe with its companion. Synced, because segments are freed
    /// after it.
    pub(crate) async fn move_rows(
        &self,
        series: &Resting,
        pack: PackId,
        length_bytes: u64,
        companion_bytes: u64,
        moves: &[(&Spooled, u64)],
    ) -> Result<u64> {
        let signed = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        let now_ms = self.0.config.clock.now_ms();
        let mut tx = self.0.database.begin(Durability::Synced).await?;
        let mut moved = 0;
        for (spooled, offset) in moves {
            moved += u64::from(spooled::move_to_pack(&mut tx, spooled, pack, *offset).await?);
        }
        let sizes = pack_rows::Sizes {
            length_bytes: signed(length_bytes),
            companion_bytes: signed(companion_bytes),
            instance_count: signed(moves.len() as u64),
        };
        pack_rows::finish(&mut tx, pack, sizes).await?;
        if pack_rows::is_unused(&mut tx, pack).await? {
            // Everything in it was deleted meanwhile.
            pack_rows::mark_deleted(&mut tx, pack, now_ms).await?;
        }
        let event = NewEvent {
            facility: Some(&series.facility),
            study_uid: Some(series.study_uid.as_str()),
            series_uid: Some(series.uid.as_str()),
            ..NewEvent::new(EventKind::SeriesSettled)
        };
        events::append(&mut tx, now_ms, &[event]).await?;
        tx.commit().await?;
        Ok(moved)
    }
}
