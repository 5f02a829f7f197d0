//! Sweeping: what nobody needs any more leaves the spool and the object store.
//!
//! Rows go first. The objects of a pack follow an hour later, a segment of the spool once nothing lies in it; both wait
//! for a backup that is under way. What a crash leaves between two steps is found by its mark in the rows.

use std::collections::BTreeSet;

use object_store::ObjectStoreExt;
use tokio::task::spawn_blocking;

use crate::archive::Archive;
use crate::backup::runs;
use crate::database::Durability;
use crate::error::{Error, Result};
use crate::index::{PackId, SegmentId, packs as pack_rows, segments};
use crate::packs::{self, store};

/// Objects outlive their rows by so much: whoever has just read a row still finds them.
const OBJECTS_OUTLIVE_ROWS_MS: i64 = 3_600_000;
/// Packs removed in one turn.
const TURN: i64 = 1000;

impl Archive {
    /// Removes the objects of packs whose rows went an hour ago. One that cannot be removed now is
    /// named in the log and does not hold up the others.
    pub(crate) async fn sweep_packs(&self) -> Result<()> {
        let before_ms = self.0.config.clock.now_ms().saturating_sub(OBJECTS_OUTLIVE_ROWS_MS);
        let mut outcome = Ok(());
        for pack in pack_rows::deleted_before(&self.0.database, before_ms, TURN).await? {
            // Asked behind the row: a backup that begins later does not find it any more.
            if runs::holds_objects(&self.0.database, self.0.config.clock.now_ms()).await? {
                return outcome;
            }
            if let Err(error) = self.remove_pack(pack.id, &pack.object_key).await {
                tracing::warn!(%error, key = pack.object_key, "a pack was not removed");
                outcome = Err(error);
            }
        }
        outcome
    }

    /// Undoes a pack that came to nothing, unless its rows were moved after all (the answer of a
    /// commit can be lost): the row is marked first, under the lock that a commit under way holds.
    pub(crate) async fn undo_pack(&self, pack: PackId, key: &str) -> Result<()> {
        let mut tx = self.0.database.begin(Durability::Synced).await?;
        let marked = pack_rows::mark_undone(&mut tx, pack, self.0.config.clock.now_ms()).await?;
        tx.commit().await?;
        if marked { self.remove_pack(pack, key).await } else { Ok(()) }
    }

    /// Undoes a pack if that is possible now; else the sweep comes to it.
    pub(crate) async fn undo_quietly(&self, pack: PackId, key: &str) {
        if let Err(error) = self.undo_pack(pack, key).await {
            tracing::warn!(%error, key, "a pack that came to nothing is left for later");
        }
    }

    /// Removes the objects of a pack whose row is marked, companion first, then the row.
    async fn remove_pack(&self, pack: PackId, key: &str) -> Result<()> {
        for object in [packs::companion_key(key), key.to_owned()] {
            match self.0.objects.delete(&packs::path(&object)).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
            let url = self.0.config.storage_url.clone();
            spawn_blocking(move || store::remove_leftovers(&url, &object))
                .await
                .map_err(Error::thread)?
                .map_err(|error| Error::io("remove what an upload left", error))?;
        }
        let mut tx = self.0.database.begin(Durability::Synced).await?;
        pack_rows::remove(&mut tx, pack).await?;
        tx.commit().await?;
        self.0.caches.forget_pack(pack);
        Ok(())
    }

    /// Removes the segments that nothing lies in.
    pub(crate) async fn free_unused_segments(&self) -> Result<()> {
        let spool = self.0.spool.clone();
        let on_disk = spawn_blocking(move || spool.segments()).await.map_err(Error::thread)??;
        self.free_segments(on_disk.into_iter().map(SegmentId).collect()).await;
        Ok(())
    }

    /// Removes the segments among these that nothing lies in any more.
    pub(crate) async fn free_segments(&self, ids: BTreeSet<SegmentId>) {
        // One at a time, so that none is looked through while another removes it.
        let _turn = self.0.freeing.lock().await;
        for id in ids {
            if let Err(error) = self.free_segment(id).await {
                tracing::warn!(%error, segment = id.0, "a segment was not freed");
            }
        }
    }

    async fn free_segment(&self, id: SegmentId) -> Result<()> {
        let inner = &self.0;
        if !segments::is_unused(&inner.database, id).await? || !inner.spool.retire(id.0) {
            return Ok(());
        }
        // Whoever was still writing to it when the rows were counted has its rows now. But rows of
        // arriving instances are committed without a sync of their own, and a database server that
        // broke down meanwhile has lost the last of them: each entry is looked for once more, and
        // what is not kept elsewhere gets its row again.
        match self.recover_segment(id).await {
            Ok(_) | Err(Error::NotFound) => {}
            Err(error) => return Err(error),
        }
        if !segments::is_unused(&inner.database, id).await? || !inner.spool.retire(id.0) {
            return Ok(());
        }
        // Asked last: a backup that begins later finds nothing in it by the rows.
        if runs::holds_segments(&inner.database, inner.config.clock.now_ms()).await? {
            return Ok(());
        }
        let spool = inner.spool.clone();
        spawn_blocking(move || spool.remove(id.0)).await.map_err(Error::thread)??;
        segments::remove(&inner.database, id).await
    }
}
