//! Verifying: every kept instance is read and its data set hashed again, all at once when somebody asks, and bit by bit
//! by a server ([`background`]). What is damaged is remembered ([`damage`]) until it is whole again or deleted, and so
//! is what turns out to be damaged on its way out of the spool.

pub mod background;
pub mod damage;
mod news;
mod non_patient;
mod spooled;
mod wrong;

use bytes::Bytes;
use futures::StreamExt;
use pacs_core::uid::Uid;
use tokio::task::spawn_blocking;

use crate::archive::{Archive, gives_others};
use crate::error::{Error, Result};
use crate::index::instances::{self, InstancePlace};
use crate::index::place::Kept;
use crate::index::{InstanceId, PackId};
use crate::pace::Pace;

use news::News;
pub(crate) use spooled::segment_gone;
pub use wrong::Wrong;

/// Instances asked for at a time.
const PAGE: i64 = 500;
/// Instances read at once.
const AT_ONCE: usize = 2;
/// Damaged instances that are named; more are only counted.
const NAMED: usize = 1000;

/// How far a verification is, and in the end what it has found.
#[derive(Debug, Clone, Default)]
pub struct VerifyReport {
    /// Instances read.
    pub instances: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Instances that are not what was stored.
    pub damaged: u64,
    /// The first thousand of them, with what is wrong.
    pub named: Vec<(Uid, String)>,
}

impl VerifyReport {
    fn add(&mut self, place: &InstancePlace, wrong: Option<String>) {
        self.instances += 1;
        self.bytes = self.bytes.saturating_add(place.place.length_bytes);
        let Some(why) = wrong else { return };
        self.damaged += 1;
        if self.named.len() < NAMED {
            self.named.push((place.uid.clone(), why));
        }
    }
}

impl Archive {
    /// Reads and hashes every instance and kept version, and what is of no patient, and reads every companion;
    /// `progress` hears after each page. Fails only when the rows or the object store are away: one that cannot be read
    /// is damaged.
    pub async fn verify(&self, mut progress: impl FnMut(&VerifyReport)) -> Result<VerifyReport> {
        let mut report = VerifyReport::default();
        let companions = self.keep_companions().await?;
        let mut after = InstanceId(0);
        loop {
            let page = instances::after(&self.0.database, after, PAGE).await?;
            let Some(last) = page.last() else {
                self.verify_non_patient(&mut report).await?;
                progress(&report);
                return Ok(report);
            };
            after = last.id;
            let mut all = page.clone();
            for place in &page {
                all.extend(instances::versions_of(&self.0.database, place).await?);
            }
            let mut checks = futures::stream::iter(all)
                .map(|place| async move { (self.check(&place, &mut Pace::free()).await, place) })
                .buffer_unordered(AT_ONCE);
            let mut news = News::default();
            let mut failed = None;
            while let Some((checked, place)) = checks.next().await {
                let noted = match checked {
                    Ok(wrong) => {
                        let of_pack = || match place.place.kept {
                            Kept::Pack(pack) => companions.get(&pack).cloned(),
                            Kept::Segment(_) | Kept::Apart(_) => None,
                        };
                        self.note(&place, wrong.or_else(of_pack), &mut news, &mut report).await
                    }
                    Err(error) => Err(error),
                };
                if let Err(error) = noted {
                    failed = Some(error);
                    break;
                }
            }
            drop(checks);
            news.tell(self).await;
            failed.map_or(Ok(()), Err)?;
            progress(&report);
        }
    }

    /// Notes how an instance was found.
    async fn note(
        &self,
        place: &InstancePlace,
        wrong: Option<String>,
        news: &mut News,
        report: &mut VerifyReport,
    ) -> Result<()> {
        if wrong.is_some() && instances::place_again(&self.0.database, place).await?.is_none() {
            // Deleted meanwhile.
            return Ok(());
        }
        let noted = self.note_verified(place, wrong.as_deref()).await?;
        news.add(place, noted, wrong.as_deref());
        report.add(place, wrong);
        Ok(())
    }

    /// What is wrong with an instance, `None` when it is whole.
    async fn check(&self, place: &InstancePlace, pace: &mut Pace) -> Result<Option<String>> {
        match self.hash(place, pace).await {
            Ok(hash) if hash == place.hash => Ok(None),
            Ok(_) => Ok(Some(Wrong::Differs.because("its content has another hash"))),
            Err(Error::NotFound) => {
                // As slowly as if they were read: where a whole store has gone, its instances are not told at once.
                pace.passed(place.place.length_bytes).await;
                Ok(Some(Wrong::Gone.because("its bytes are gone")))
            }
            Err(Error::Corrupt(why)) => Ok(Some(Wrong::Unreadable.because(why))),
            Err(error) => match error.of_reading() {
                Some(why) if self.is_damage(place, &error).await? => Ok(Some(Wrong::Unreadable.because(why))),
                _ => Err(error),
            },
        }
    }

    /// Whether that an instance cannot be read means this one alone, and not that the object store is away.
    pub(crate) async fn is_damage(&self, place: &InstancePlace, error: &Error) -> Result<bool> {
        match (place.place.kept, error) {
            (Kept::Segment(_), Error::Internal { .. }) => Ok(true),
            // It was settled meanwhile.
            (Kept::Segment(_) | Kept::Apart(_), _) => {
                gives_others(&self.0.database, &self.0.objects, "").await
            }
            (Kept::Pack(pack), _) => self.gives_others_than(pack).await,
        }
    }

    /// Whether the object store gives anything but this pack.
    pub(crate) async fn gives_others_than(&self, pack: PackId) -> Result<bool> {
        match self.pack_key(pack).await {
            Ok(key) => gives_others(&self.0.database, &self.0.objects, &key).await,
            // Deleted meanwhile.
            Err(Error::NotFound) => Ok(true),
            Err(error) => Err(error),
        }
    }

    async fn hash(&self, place: &InstancePlace, pace: &mut Pace) -> Result<[u8; 32]> {
        let reader = self.open_instance(place).await?;
        let mut chunks = std::pin::pin!(reader.stream(reader.dataset_range()));
        let mut hasher = blake3::Hasher::new();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk?;
            let length_bytes = chunk.len() as u64;
            hasher = hash_on(hasher, chunk).await?;
            pace.passed(length_bytes).await;
        }
        Ok(*hasher.finalize().as_bytes())
    }
}

async fn hash_on(mut hasher: blake3::Hasher, chunk: Bytes) -> Result<blake3::Hasher> {
    let hashed = spawn_blocking(move || {
        hasher.update(&chunk);
        hasher
    });
    hashed.await.map_err(Error::thread)
}
