//! Parsed headers and the frame indexes that go with them.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::sync::Arc;

use bytes::Bytes;
use object_store::ObjectStoreExt;
use pacs_core::dataset::{DataSet, Element, Fragment, Incremental, Limits, Progress, Reading, Until, Value};
use pacs_core::transfer_syntax::{self, TransferSyntax};
use tokio::task::spawn_blocking;

use super::describe::{self, Described};
use super::header_bytes;
use super::instance::InstanceReader;
use super::pixels::PixelIndex;
use crate::archive::Archive;
use crate::error::{Error, Result};
use crate::index::PackId;
use crate::index::instances::InstancePlace;
use crate::index::place::Kept;
use crate::packs;
use crate::packs::companion::CompanionReader;
use crate::spool::region::Region;

/// Size of the first read of a header: it holds nearly all of them whole.
const FIRST_BYTES: u64 = 64 << 10;
/// Size of further reads.
const NEXT_BYTES: u64 = 256 << 10;

/// A parsed header with the index of its pixels.
pub(crate) struct Header {
    pub set: Arc<DataSet>,
    pub pixels: PixelIndex,
}

/// Of a companion, where the pixels of each instance lie, by where the instance begins.
pub(crate) struct Companion {
    pixels: HashMap<u64, PixelIndex>,
}

impl Archive {
    /// All elements of an instance, as corrected; large values are left where they lie, as
    /// [`pacs_core::dataset::Value::Elsewhere`] or fragments within the stored data set.
    pub async fn header(&self, place: &InstancePlace) -> Result<Arc<DataSet>> {
        let stored = Arc::clone(&self.parsed(place).await?.set);
        let Some(overlay) = self.overlay(place).await? else { return Ok(stored) };
        Ok(overlay.lay_over(&stored).map_or(stored, Arc::new))
    }

    /// The header as stored, with the index of its pixels.
    pub(crate) async fn parsed(&self, place: &InstancePlace) -> Result<Arc<Header>> {
        let key = (place.id, place.hash);
        if let Some(header) = self.0.caches.headers.get(&key) {
            return Ok(header);
        }
        let reader = self.open_instance(place).await?;
        let header = Arc::new(self.parse(&reader, place).await?);
        let bytes = header_bytes(&header.set) + header.pixels.size_bytes();
        self.0.caches.headers.put(key, Arc::clone(&header), bytes);
        Ok(header)
    }

    async fn parse(&self, reader: &InstanceReader, place: &InstancePlace) -> Result<Header> {
        if let Some((file, start, length)) = reader.spooled() {
            let syntax = place.transfer_syntax.clone();
            let described =
                spawn_blocking(move || describe::read(&mut Region::new(&file, start, length), &syntax));
            let Described { header, pixels } = described.await.map_err(Error::thread)?.map_err(damaged)?;
            return Ok(Header { set: Arc::new(header), pixels });
        }
        let syntax = transfer_syntax::of(&place.transfer_syntax);
        // Walking thousands of fragments would be as many reads; the companion knows them.
        let until = if syntax.encapsulated { Until::PixelData } else { Until::End };
        let reading = read(reader, &syntax, until).await?;
        let Some(found) = reading.pixel_data else {
            return Ok(Header { set: Arc::new(reading.data_set), pixels: PixelIndex::None });
        };
        let mut set = reading.data_set;
        let pixels = if syntax.encapsulated {
            // What is of no patient has no frames.
            let Kept::Pack(pack) = reader.place().kept else { return Err(Error::NotFound) };
            let companion = self.companion(pack).await?;
            companion.pixels.get(&reader.place().offset_bytes).cloned().unwrap_or_default()
        } else {
            match set.get(found.tag).map(|element| &element.value) {
                Some(Value::Elsewhere { offset, length }) => PixelIndex::native(*offset, *length, &syntax),
                Some(Value::Bytes(bytes)) => {
                    PixelIndex::native(found.value_offset, bytes.len() as u64, &syntax)
                }
                _ => PixelIndex::None,
            }
        };
        let value = match &pixels {
            PixelIndex::Encapsulated { fragments, .. } => {
                let listed =
                    fragments.iter().map(|(offset, length)| Fragment { offset: *offset, length: *length });
                Some(Value::Fragments(listed.collect()))
            }
            PixelIndex::Native { offset, length } if syntax.encapsulated => {
                Some(Value::Elsewhere { offset: *offset, length: *length })
            }
            _ => None,
        };
        if let Some(value) = value {
            set.put(Element { tag: found.tag, vr: found.vr, value });
        }
        Ok(Header { set: Arc::new(set), pixels })
    }

    /// The companion of a pack, for what it says of pixels.
    async fn companion(&self, pack: PackId) -> Result<Arc<Companion>> {
        if let Some(companion) = self.0.caches.companions.get(&pack) {
            return Ok(companion);
        }
        let companion = match self.read_companion(pack).await {
            Err(Error::Corrupt(_) | Error::NotFound)
                if Box::pin(self.keep_companion(pack)).await?.is_none() =>
            {
                self.read_companion(pack).await?
            }
            read => read?,
        };
        let companion = Arc::new(companion);
        let size = companion.pixels.values().map(|pixels| 32 + pixels.size_bytes()).sum();
        self.0.caches.companions.put(pack, Arc::clone(&companion), size);
        Ok(companion)
    }

    async fn read_companion(&self, pack: PackId) -> Result<Companion> {
        let bytes = self.companion_bytes(pack).await?;
        spawn_blocking(move || Companion::read(&bytes)).await.map_err(Error::thread)?
    }

    /// The companion of a pack as it lies in the object store.
    pub(crate) async fn companion_bytes(&self, pack: PackId) -> Result<Bytes> {
        let key = self.pack_key(pack).await?;
        let object = self.0.objects.get(&packs::path(&packs::companion_key(&key))).await?;
        Ok(object.bytes().await?)
    }
}

impl Companion {
    fn read(compressed: &[u8]) -> Result<Self> {
        let mut reader = CompanionReader::new(compressed)?;
        let mut pixels = HashMap::new();
        while let Some((entry, _)) = reader.next_entry()? {
            pixels.insert(entry.offset_bytes, entry.pixels);
        }
        Ok(Self { pixels })
    }
}

/// Parses a data set by ranges, passing over values that are not held.
pub(crate) async fn read(reader: &InstanceReader, syntax: &TransferSyntax, until: Until) -> Result<Reading> {
    let total = reader.dataset_bytes();
    let mut parser = Incremental::new(syntax, &Limits::default(), until, Some(total));
    let mut at = 0u64;
    let mut size = FIRST_BYTES;
    while at < total {
        let from = reader.head_bytes().saturating_add(at);
        let chunk = reader.read(from..from.saturating_add(size)).await?;
        at = at.saturating_add(chunk.len() as u64);
        if parser.push(&chunk).map_err(damaged)? == Progress::Done {
            break;
        }
        let skip = parser.skippable_bytes().min(total.saturating_sub(at));
        parser.skip(skip);
        at = at.saturating_add(skip);
        size = NEXT_BYTES;
    }
    parser.finish().map_err(damaged)
}

/// What was parsed when it was taken in must parse again.
pub(super) fn damaged(error: pacs_core::dataset::ReadError) -> Error {
    match error {
        pacs_core::dataset::ReadError::Source(error) if error.kind() == ErrorKind::UnexpectedEof => {
            Error::Corrupt("a file ends before an instance in it does".to_owned())
        }
        pacs_core::dataset::ReadError::Source(error) => Error::io("read an instance", error),
        other => Error::Corrupt(other.to_string()),
    }
}
