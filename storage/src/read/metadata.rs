//! The metadata of a series as DICOM JSON (PS3.18 10.4.1.1.2), kept as renditions.
//!
//! For settled instances it is copied from the companions, for spooled ones made from their
//! headers. Neither the series nor its metadata is held in memory whole.

use std::collections::HashSet;

use pacs_core::access::Scope;
use pacs_core::uid::Uid;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::sheet::{self, Part};
use crate::archive::Archive;
use crate::error::{Error, Result};
use crate::index::PackId;
use crate::index::instances::{self, InstancePlace};
use crate::index::place::Kept;
use crate::index::series::{self, Stamp};
use crate::renditions::{Rendition, RenditionKey};

/// Instances described from one message to the thread that writes.
const CHUNK: usize = 64;

/// How an answer is encoded on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// As it is.
    Identity,
    /// gzip.
    Gzip,
}

/// The metadata of one series in one state, found though perhaps not made yet.
pub struct SeriesMetadata {
    archive: Archive,
    study: Uid,
    series: Uid,
    base_url: String,
    stamp: Stamp,
}

impl Archive {
    /// The metadata of a series; not found when it is not in scope. `base_url` is the root of the
    /// DICOMweb service, without a slash at its end, under which bulk data is named.
    pub async fn series_metadata(
        &self,
        scope: &Scope,
        study: &Uid,
        series: &Uid,
        base_url: &str,
    ) -> Result<SeriesMetadata> {
        let database = &self.0.database;
        let asked = (scope.clone(), study.clone(), series.clone());
        let read = async || series::stamp(database, scope, study, series).await;
        let stamp = self.0.caches.stamps.or_read(database, asked, read).await?.ok_or(Error::NotFound)?;
        Ok(SeriesMetadata {
            archive: self.clone(),
            study: study.clone(),
            series: series.clone(),
            base_url: base_url.to_owned(),
            stamp,
        })
    }
}

impl SeriesMetadata {
    /// The strong ETag of the answer in that encoding.
    pub fn etag(&self, encoding: Encoding) -> String {
        self.key(encoding).etag()
    }

    /// The answer, made when it is not there yet.
    pub async fn open(&self, encoding: Encoding) -> Result<Rendition> {
        let renditions = &self.archive.0.renditions;
        let name = self.key(encoding).file_name();
        if let Some(found) = renditions.find(&name).await? {
            return Ok(found);
        }
        let turn = renditions.making(self.key(Encoding::Identity).file_name());
        let _turn = turn.lock().await;
        if let Some(found) = renditions.find(&name).await? {
            return Ok(found);
        }
        let mut made = self.make().await;
        if matches!(made, Err(Error::NotFound)) {
            // Instances moved into a pack while they were read: their places are read anew.
            made = self.make().await;
        }
        if let Err(error) = made {
            self.mend(error).await?;
            self.make().await?;
        }
        renditions.find(&name).await?.ok_or_else(|| Error::Unavailable("the rendition is gone again".into()))
    }

    fn key(&self, encoding: Encoding) -> RenditionKey {
        let encoding = match encoding {
            Encoding::Identity => "identity",
            Encoding::Gzip => "gzip",
        };
        let Stamp { revision, instance_count, updated_ms, overlay } = &self.stamp;
        let overlay = overlay.as_deref().unwrap_or_default();
        let state = format!("{instance_count} {updated_ms} {overlay}");
        RenditionKey::new(
            &self.series,
            *revision,
            &["metadata", &state, self.study.as_str(), &self.base_url, encoding],
        )
    }

    /// Makes both encodings: one thread writes what is fetched here.
    async fn make(&self) -> Result<()> {
        let inner = &self.archive.0;
        let bulk = serde_json::to_string(&format!(
            "{}/studies/{}/series/{}/instances/",
            self.base_url, self.study, self.series
        ))
        .map_err(|error| Error::internal("write a URL", error))?;
        let bulk = bulk.trim_end_matches('"').to_owned();
        let (renditions, spool) = (inner.renditions.clone(), inner.spool.clone());
        let (plain, gzip) = (self.key(Encoding::Identity).file_name(), self.key(Encoding::Gzip).file_name());
        let overlay = match &self.stamp.overlay {
            Some(key) => Some(self.archive.overlay_of(key).await?),
            None => None,
        };
        let (sender, parts) = mpsc::channel(1);
        let writing =
            spawn_blocking(move || sheet::write(&renditions, &spool, bulk, overlay, (&plain, &gzip), parts));
        let fed = self.feed(sender).await;
        let written = writing.await.map_err(Error::thread)?;
        fed.and(written)
    }

    /// Has companions made anew that cannot be read; the error when that is not what is wrong, or not to be helped.
    async fn mend(&self, error: Error) -> Result<()> {
        if !matches!(error, Error::Corrupt(_) | Error::NotFound) && error.of_reading().is_none() {
            return Err(error);
        }
        let places =
            instances::of_series(&self.archive.0.database, &Scope::All, &self.study, &self.series).await?;
        for pack in packs_of(&places) {
            if Box::pin(self.archive.keep_companion(pack)).await?.is_some() {
                return Err(error);
            }
        }
        Ok(())
    }

    /// Sends what the metadata is written from. A writer that has stopped says by itself why.
    async fn feed(&self, parts: mpsc::Sender<Part>) -> Result<()> {
        let database = &self.archive.0.database;
        let places = instances::of_series(database, &Scope::All, &self.study, &self.series).await?;
        for pack in packs_of(&places) {
            let companion = self.archive.companion_bytes(pack).await?;
            let of_pack = places.iter().filter(|place| place.place.kept == Kept::Pack(pack));
            let wanted: HashSet<u64> = of_pack.map(|place| place.place.offset_bytes).collect();
            if parts.send(Part::Companion(companion, wanted)).await.is_err() {
                return Ok(());
            }
        }
        let spooled: Vec<_> =
            places.into_iter().filter(|place| matches!(place.place.kept, Kept::Segment(_))).collect();
        for chunk in spooled.chunks(CHUNK) {
            if parts.send(Part::Spooled(chunk.to_vec())).await.is_err() {
                return Ok(());
            }
        }
        // A writer that has stopped needs no end.
        parts.send(Part::End).await.or(Ok(()))
    }
}

/// The packs that some of these lie in, each once.
fn packs_of(places: &[InstancePlace]) -> Vec<PackId> {
    let mut packs = Vec::new();
    for place in places {
        if let Kept::Pack(pack) = place.place.kept
            && !packs.contains(&pack)
        {
            packs.push(pack);
        }
    }
    packs
}
