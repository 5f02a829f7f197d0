//! Damage that is met before anybody verifies: on the way out of the spool, and by a start that does not find a
//! segment.

use pacs_core::uid::Uid;

use super::news::News;
use super::{Wrong, damage};
use crate::archive::Archive;
use crate::database::{Durability, params};
use crate::error::Result;
use crate::index::SegmentId;
use crate::index::instances::{self, InstancePlace};
use crate::index::spooled::Spooled;

/// Instances noted in one transaction: a start that misses a large segment does not wait for each.
const NOTED_AT_ONCE: usize = 256;

/// What is to be said of an instance whose segment is not on the disk.
pub(crate) fn segment_gone() -> String {
    Wrong::Gone.because("its segment is gone")
}

impl Archive {
    /// Notes that an instance or version in the spool is damaged.
    pub(crate) async fn note_damaged(&self, uid: &Uid, hash: &[u8; 32], why: &str) -> Result<()> {
        let place = instances::with_content(&self.0.database, uid, hash).await?;
        self.note_all(place.into_iter().collect(), why).await
    }

    /// Notes that a segment is gone with everything that lies in it by the rows; answers how much that is.
    pub(crate) async fn note_segment_gone(&self, id: SegmentId) -> Result<usize> {
        let lost = instances::in_segment(&self.0.database, id).await?;
        let count = lost.len();
        self.note_all(lost, &segment_gone()).await?;
        Ok(count)
    }

    /// It is told and counted once, since when it is known.
    async fn note_all(&self, damaged: Vec<InstancePlace>, why: &str) -> Result<()> {
        let now_ms = self.0.config.clock.now_ms();
        for some in damaged.chunks(NOTED_AT_ONCE) {
            let mut news = News::default();
            let mut tx = self.0.database.begin(Durability::Synced).await?;
            for place in some {
                let noted = damage::note(&mut tx, place, why, now_ms).await?;
                news.add(place, noted, Some(why));
            }
            tx.commit().await?;
            news.tell(self).await;
        }
        Ok(())
    }

    /// Forgets what was said of entries that have turned out to be whole: each was hashed on its way into a pack.
    pub(crate) async fn forget_damage(&self, settled: &[Spooled]) -> Result<()> {
        let database = &self.0.database;
        if database.fetch_optional("select 1 from damage limit 1", params![]).await?.is_none() {
            return Ok(());
        }
        let mut tx = database.begin(Durability::Batched).await?;
        for spooled in settled {
            let sql = "delete from damage where uid = $1 and hash = $2";
            tx.execute(sql, params![&spooled.uid, &spooled.hash]).await?;
        }
        tx.commit().await
    }
}
