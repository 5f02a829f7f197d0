//! Verifying: every kept instance is read and its data set hashed again.

use bytes::Bytes;
use futures::StreamExt;
use pacs_core::uid::Uid;
use tokio::task::spawn_blocking;

use crate::archive::Archive;
use crate::error::{Error, Result};
use crate::index::InstanceId;
use crate::index::instances::{self, InstancePlace};

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

impl Archive {
    /// Reads and hashes every instance and kept version; `progress` hears after each page. Fails
    /// only when the rows or the object store are away.
    pub async fn verify(&self, mut progress: impl FnMut(&VerifyReport)) -> Result<VerifyReport> {
        let mut report = VerifyReport::default();
        let mut after = InstanceId(0);
        loop {
            let page = instances::after(&self.0.database, after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(report) };
            after = last.id;
            let mut all = page.clone();
            for place in &page {
                all.extend(instances::versions_of(&self.0.database, place).await?);
            }
            let mut checks = futures::stream::iter(all)
                .map(|place| async move { (self.check(&place).await, place) })
                .buffer_unordered(AT_ONCE);
            while let Some((checked, place)) = checks.next().await {
                report.instances += 1;
                report.bytes = report.bytes.saturating_add(place.place.length_bytes);
                let Some(why) = checked? else { continue };
                report.damaged += 1;
                if report.named.len() < NAMED {
                    report.named.push((place.uid, why));
                }
            }
            drop(checks);
            progress(&report);
        }
    }

    /// What is wrong with an instance, `None` when it is whole.
    async fn check(&self, place: &InstancePlace) -> Result<Option<String>> {
        match self.hash(place).await {
            Ok(hash) if hash == place.hash => Ok(None),
            Ok(_) => Ok(Some("its content has another hash".to_owned())),
            Err(Error::NotFound) => Ok(Some("its bytes are gone".to_owned())),
            Err(Error::Corrupt(why)) => Ok(Some(why)),
            Err(error) => Err(error),
        }
    }

    async fn hash(&self, place: &InstancePlace) -> Result<[u8; 32]> {
        let reader = self.open_instance(place).await?;
        let mut chunks = std::pin::pin!(reader.stream(reader.dataset_range()));
        let mut hasher = blake3::Hasher::new();
        while let Some(chunk) = chunks.next().await {
            hasher = hash_on(hasher, chunk?).await?;
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
