//! The journal of acts: rows of what people did to the archive, copied to append-only objects, so
//! that they outlive the database.
//!
//! An object holds the acts of one copying, one JSON document a line, under the number of its
//! first act. A crash between copying and noting it copies acts twice; reading goes by number.

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};

use crate::acts::{self, Act};
use crate::archive::{Archive, gives_others};
use crate::backup::lineage;
use crate::database::Durability;
use crate::deletion;
use crate::error::{Error, Result};
use crate::exams::linking;
use crate::identity::{assigning, identifiers, merging};
use crate::index::discrepancies;
use crate::packs;
use crate::reconciliation;

/// Folder of the journal in the object store.
pub(crate) const PREFIX: &str = "journal";
/// Acts in one object.
const ACTS: u32 = 1000;

/// When an object of the journal was written; `None` for any other object.
pub(crate) fn written_ms(key: &str) -> Option<i64> {
    let (_, time) = key.strip_prefix(PREFIX)?.strip_suffix(".jsonl")?.split_once('-')?;
    time.split('-').next()?.parse().ok()
}

/// What became of the journal's acts.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Played {
    /// Brought back.
    pub acts: u64,
    /// Could not be read or done again, named in the log.
    pub damaged: u64,
}

impl Archive {
    /// Copies acts that the journal does not hold yet; answers how many.
    pub async fn copy_journal(&self) -> Result<u64> {
        let _alone = self.0.copying.lock().await;
        let tail = lineage::tail(&self.0.database).await?;
        let mut copied = 0;
        loop {
            let waiting = acts::unjournaled(&self.0.database, ACTS).await?;
            let Some(first) = waiting.first() else { return Ok(copied) };
            let now_ms = self.0.config.clock.now_ms();
            let key = format!("{PREFIX}/{:020}-{now_ms:015}{tail}.jsonl", first.id);
            let mut lines = Vec::new();
            for act in &waiting {
                serde_json::to_writer(&mut lines, act)
                    .map_err(|error| Error::internal("write the journal", error))?;
                lines.push(b'\n');
            }
            self.0.objects.put(&packs::path(&key), PutPayload::from(lines)).await?;
            let ids: Vec<i64> = waiting.iter().map(|act| act.id).collect();
            let mut tx = self.0.database.begin(Durability::Synced).await?;
            acts::journaled(&mut tx, &ids, now_ms).await?;
            tx.commit().await?;
            copied += ids.len() as u64;
        }
    }

    /// Plays the journal's acts whose rows are lost, in the order of their numbers. One that is damaged, or
    /// cannot be done again, is told of and left out.
    pub(crate) async fn replay_journal(&self) -> Result<Played> {
        let prefix = packs::path(PREFIX);
        let mut objects: Vec<_> =
            self.0.objects.list(Some(&prefix)).map_ok(|object| object.location).try_collect().await?;
        objects.sort_unstable();
        let mut played = Played::default();
        for object in objects {
            let lines = match self.read_acts(&object).await {
                Err(error)
                    if error.of_reading().is_some()
                        && gives_others(&self.0.database, &self.0.objects, object.as_ref()).await? =>
                {
                    tracing::error!(%object, %error, "a part of the journal cannot be read");
                    played.damaged += 1;
                    continue;
                }
                lines => lines?,
            };
            for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                let act = serde_json::from_slice::<Act>(line);
                let act = act.map_err(|error| Error::Corrupt(error.to_string()));
                let again = async { self.replay(&act?).await };
                match again.await {
                    Ok(is_new) => played.acts += u64::from(is_new),
                    Err(Error::Corrupt(why) | Error::Conflict(why)) => {
                        tracing::error!(%object, why, "an act of the journal is not done again");
                        played.damaged += 1;
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(played)
    }

    async fn read_acts(&self, object: &Path) -> Result<Bytes> {
        Ok(self.0.objects.get(object).await?.bytes().await?)
    }

    /// Brings back an act and what it did to the rows there are; what is indexed later obeys it by
    /// its row. An act whose row is there is left as it is, whatever has become of it since.
    async fn replay(&self, act: &Act) -> Result<bool> {
        let mut tx = self.0.database.begin(Durability::Synced).await?;
        if !acts::restore(&mut tx, act, self.0.config.clock.now_ms()).await? {
            return Ok(false);
        }
        match act.kind.as_str() {
            linking::LINK | linking::UNLINK => linking::again(&mut tx, act).await?,
            merging::MERGE | merging::UNMERGE => merging::again(&mut tx, act).await?,
            identifiers::IDENTIFY | identifiers::UNIDENTIFY => identifiers::again(&mut tx, act).await?,
            discrepancies::RECONCILE | discrepancies::REOPEN => reconciliation::again(&mut tx, act).await?,
            assigning::ASSIGN => assigning::again(&mut tx, act).await?,
            kind if deletion::ACTS.contains(&kind) => self.delete_again(&mut tx, act).await?,
            _ => {}
        }
        tx.commit().await?;
        if act.kind == discrepancies::SERVE {
            self.follow_choice(&act.subject_uid).await?;
        }
        Ok(true)
    }
}
