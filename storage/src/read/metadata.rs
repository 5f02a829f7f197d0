//! The metadata of a series as DICOM JSON (PS3.18 10.4.1.1.2), kept as renditions.
//!
//! For settled instances it is copied from the companions, for spooled ones made from their
//! headers. Neither the series nor a companion is held in memory whole.

use std::collections::HashSet;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::sync::Arc;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::{Stream, StreamExt, stream};
use pacs_core::access::Scope;
use pacs_core::uid::Uid;
use std::os::unix::fs::FileExt;
use tokio::task::spawn_blocking;

use super::describe;
use super::header::damaged;
use crate::archive::Archive;
use crate::error::{Error, Result};
use crate::index::instances::{self, InstancePlace};
use crate::index::place::Kept;
use crate::index::series::{self, Stamp};
use crate::packs::companion::{BULK_MARK, CompanionReader};
use crate::renditions::{Draft, RenditionKey};
use crate::spool::region::Region;

/// Instances described in one visit to a blocking thread.
const CHUNK: usize = 64;
const CHUNK_BYTES: u64 = 256 << 10;

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

/// A file to be sent.
pub struct MetadataFile {
    file: Arc<File>,
    length_bytes: u64,
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
        let stamp = series::stamp(&self.0.database, scope, study, series).await?.ok_or(Error::NotFound)?;
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
    pub async fn open(&self, encoding: Encoding) -> Result<MetadataFile> {
        let name = self.key(encoding).file_name();
        if let Some(file) = self.try_open(&name).await? {
            return Ok(file);
        }
        let turn = self.archive.0.renditions.making(self.key(Encoding::Identity).file_name());
        let _turn = turn.lock().await;
        if let Some(file) = self.try_open(&name).await? {
            return Ok(file);
        }
        match self.make().await {
            // Instances moved into a pack while they were read: their places are read anew.
            Err(Error::NotFound) => self.make().await?,
            made => made?,
        }
        self.try_open(&name)
            .await?
            .ok_or_else(|| Error::Unavailable("the rendition is gone again".to_owned()))
    }

    fn key(&self, encoding: Encoding) -> RenditionKey {
        let encoding = match encoding {
            Encoding::Identity => "identity",
            Encoding::Gzip => "gzip",
        };
        let Stamp { revision, instance_count, updated_ms } = self.stamp;
        let state = format!("{instance_count} {updated_ms}");
        RenditionKey::new(
            &self.series,
            revision,
            &["metadata", &state, self.study.as_str(), &self.base_url, encoding],
        )
    }

    async fn try_open(&self, name: &str) -> Result<Option<MetadataFile>> {
        let path = self.archive.0.renditions.path(name);
        let opened = spawn_blocking(move || {
            let file = File::open(path)?;
            let length_bytes = file.metadata()?.len();
            Ok::<_, std::io::Error>(MetadataFile { file: Arc::new(file), length_bytes })
        });
        match opened.await.map_err(Error::thread)? {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("open a rendition", error)),
        }
    }

    async fn make(&self) -> Result<()> {
        let inner = &self.archive.0;
        let places = instances::of_series(&inner.database, &Scope::All, &self.study, &self.series).await?;
        let mut packs = Vec::new();
        for place in &places {
            if let Kept::Pack(pack) = place.place.kept
                && !packs.contains(&pack)
            {
                packs.push(pack);
            }
        }
        let bulk = serde_json::to_string(&format!(
            "{}/studies/{}/series/{}/instances/",
            self.base_url, self.study, self.series
        ))
        .map_err(|error| Error::internal("write a URL", error))?;
        let drafts = (inner.renditions.draft()?, inner.renditions.draft()?);
        let mut sheet = Sheet::new(drafts, bulk.trim_end_matches('"').to_owned())?;
        for pack in packs {
            let companion = self.archive.companion_bytes(pack).await?;
            let of_pack = places.iter().filter(|place| place.place.kept == Kept::Pack(pack));
            let wanted: HashSet<u64> = of_pack.map(|place| place.place.offset_bytes).collect();
            let filled = spawn_blocking(move || sheet.add_companion(&companion, &wanted));
            sheet = filled.await.map_err(Error::thread)??;
        }
        let spooled: Vec<InstancePlace> =
            places.into_iter().filter(|place| matches!(place.place.kept, Kept::Segment(_))).collect();
        for chunk in spooled.chunks(CHUNK) {
            let chunk = chunk.to_vec();
            let spool = inner.spool.clone();
            let filled = spawn_blocking(move || {
                for place in &chunk {
                    if let Kept::Segment(segment) = place.place.kept {
                        sheet.add_spooled(spool.path(segment.0), place)?;
                    }
                }
                Ok::<_, Error>(sheet)
            });
            sheet = filled.await.map_err(Error::thread)??;
        }
        let (plain, gzip) = (self.key(Encoding::Identity).file_name(), self.key(Encoding::Gzip).file_name());
        spawn_blocking(move || sheet.publish(&plain, &gzip)).await.map_err(Error::thread)?
    }
}

impl MetadataFile {
    /// Size of the answer.
    pub fn length_bytes(&self) -> u64 {
        self.length_bytes
    }

    /// The answer in chunks.
    pub fn stream(&self) -> impl Stream<Item = Result<Bytes>> + Send + 'static + use<> {
        let (file, length) = (Arc::clone(&self.file), self.length_bytes);
        stream::iter((0..length).step_by(CHUNK_BYTES as usize)).then(move |start| {
            let file = Arc::clone(&file);
            let size = usize::try_from(length.saturating_sub(start).min(CHUNK_BYTES)).unwrap_or(0);
            async move {
                let read = spawn_blocking(move || {
                    let mut bytes = vec![0; size];
                    file.read_exact_at(&mut bytes, start).map(|()| Bytes::from(bytes))
                });
                read.await.map_err(Error::thread)?.map_err(|error| Error::io("read a rendition", error))
            }
        })
    }
}

/// The array of instances being written, plain and packed at once.
struct Sheet {
    plain: Draft,
    gzip: GzEncoder<Draft>,
    /// What [`BULK_MARK`] becomes, as it stands within JSON text.
    bulk: String,
    empty: bool,
}

impl Sheet {
    fn new((plain, gzip): (Draft, Draft), bulk: String) -> Result<Self> {
        let gzip = GzEncoder::new(gzip, Compression::new(4));
        let mut sheet = Self { plain, gzip, bulk, empty: true };
        sheet.write(b"[")?;
        Ok(sheet)
    }

    fn add_companion(mut self, compressed: &[u8], wanted: &HashSet<u64>) -> Result<Self> {
        let mut reader = CompanionReader::new(compressed)?;
        while let Some((entry, metadata)) = reader.next_entry()? {
            if wanted.contains(&entry.offset_bytes) {
                self.add(metadata)?;
            }
        }
        Ok(self)
    }

    fn add_spooled(&mut self, segment: std::path::PathBuf, place: &InstancePlace) -> Result<()> {
        let file = File::open(segment).map_err(|error| match error.kind() {
            ErrorKind::NotFound => Error::NotFound,
            _ => Error::io("open a segment", error),
        })?;
        let bytes = place.place;
        let start = bytes.offset_bytes.saturating_add(bytes.head_bytes);
        let mut dataset = Region::new(&file, start, bytes.length_bytes.saturating_sub(bytes.head_bytes));
        let described = describe::read(&mut dataset, &place.transfer_syntax).map_err(damaged)?;
        self.add(&describe::metadata(&described.header, &place.uid))
    }

    /// Adds one instance, naming its bulk data. The mark stands where a string begins, which within
    /// a value it cannot: there a quotation mark is escaped.
    fn add(&mut self, metadata: &[u8]) -> Result<()> {
        if !self.empty {
            self.write(b",")?;
        }
        self.empty = false;
        let mark = format!("\"BulkDataURI\":\"{BULK_MARK}");
        let not_text = |error| Error::internal("name bulk data", error);
        let mut rest = std::str::from_utf8(metadata).map_err(not_text)?;
        while let Some((before, after)) = rest.split_once(&mark) {
            self.write(before.as_bytes())?;
            self.write(b"\"BulkDataURI\":")?;
            let bulk = std::mem::take(&mut self.bulk);
            let written = self.write(bulk.as_bytes());
            self.bulk = bulk;
            written?;
            rest = after;
        }
        self.write(rest.as_bytes())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.plain.write(bytes)?;
        self.gzip.write_all(bytes).map_err(|error| Error::io("write a rendition", error))
    }

    fn publish(mut self, plain: &str, gzip: &str) -> Result<()> {
        self.write(b"]")?;
        self.plain.publish(plain)?;
        let packed = self.gzip.finish().map_err(|error| Error::io("write a rendition", error))?;
        packed.publish(gzip)
    }
}
