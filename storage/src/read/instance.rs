//! The bytes of one instance, wherever they lie.

use std::fs::File;
use std::io::ErrorKind;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt, stream};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use tokio::task::spawn_blocking;

use crate::archive::Archive;
use crate::error::{Error, Result};
use crate::index::instances::{self, InstancePlace};
use crate::index::place::{Kept, Place};
use crate::index::{PackId, packs as pack_rows};
use crate::packs;

/// Most that a stream reads at a time.
const CHUNK_MAX_BYTES: u64 = 1 << 20;
/// Least that it reads at a time.
const CHUNK_MIN_BYTES: u64 = 64 << 10;
/// What the next chunks of all streams take together, as long as none is smaller than the least. A
/// client that does not read holds several of them.
const CHUNKS_BYTES: u64 = 8 << 20;

/// Reads a Part 10 file: its head as it was kept, then the data set exactly as it was sent.
///
/// Holds the file open when the instance lies in the spool, so settling does not disturb it.
#[derive(Clone)]
pub struct InstanceReader {
    source: Source,
    place: Place,
}

#[derive(Clone)]
enum Source {
    Segment(Arc<File>),
    Pack(Arc<dyn ObjectStore>, Path),
}

impl Archive {
    /// Opens an instance for reading. When it has moved since its row was read, the row is read
    /// once more; not found when it is gone.
    pub async fn open_instance(&self, place: &InstancePlace) -> Result<InstanceReader> {
        match self.open_place(place.place).await {
            Err(Error::NotFound) => {
                let again = instances::place_again(&self.0.database, place).await?.ok_or(Error::NotFound)?;
                self.open_place(again).await.map_err(|error| match error {
                    Error::NotFound => {
                        Error::Corrupt(format!("the bytes of instance {} are gone", place.uid))
                    }
                    other => other,
                })
            }
            opened => opened,
        }
    }

    async fn open_place(&self, place: Place) -> Result<InstanceReader> {
        let source = match place.kept {
            Kept::Segment(segment) => {
                let path = self.0.spool.path(segment.0);
                let opened = spawn_blocking(move || File::open(path)).await.map_err(Error::thread)?;
                Source::Segment(Arc::new(opened.map_err(|error| match error.kind() {
                    ErrorKind::NotFound => Error::NotFound,
                    _ => Error::io("open a segment", error),
                })?))
            }
            Kept::Pack(pack) => {
                let key = self.pack_key(pack).await?;
                Source::Pack(Arc::clone(&self.0.objects), packs::path(&key))
            }
        };
        Ok(InstanceReader { source, place })
    }

    /// The object key of a pack.
    pub(crate) async fn pack_key(&self, pack: PackId) -> Result<Arc<str>> {
        if let Some(key) = self.0.caches.keys.get(&pack) {
            return Ok(key);
        }
        let found = pack_rows::by_id(&self.0.database, pack).await?.ok_or(Error::NotFound)?;
        let key: Arc<str> = found.object_key.into();
        // One that is being written may come to nothing, and its number be the next one's.
        if found.finished && !found.deleted {
            self.0.caches.keys.put(pack, Arc::clone(&key), key.len() + 64);
        }
        Ok(key)
    }
}

/// One of the streams that there are.
struct Streaming;

/// How many there are.
static STREAMS: AtomicU64 = AtomicU64::new(0);

impl Streaming {
    fn begin() -> Self {
        STREAMS.fetch_add(1, Ordering::Relaxed);
        Self
    }

    /// Its part of what all take.
    fn chunk_bytes(&self) -> u64 {
        let streams = STREAMS.load(Ordering::Relaxed).max(1);
        (CHUNKS_BYTES / streams).clamp(CHUNK_MIN_BYTES, CHUNK_MAX_BYTES)
    }
}

impl Drop for Streaming {
    fn drop(&mut self) {
        STREAMS.fetch_sub(1, Ordering::Relaxed);
    }
}

impl InstanceReader {
    /// Size of the Part 10 file.
    pub fn length_bytes(&self) -> u64 {
        self.place.length_bytes
    }

    /// Size of the Part 10 head; the data set begins there.
    pub fn head_bytes(&self) -> u64 {
        self.place.head_bytes
    }

    /// Size of the data set.
    pub fn dataset_bytes(&self) -> u64 {
        self.place.length_bytes.saturating_sub(self.place.head_bytes)
    }

    /// Where the data set lies in the Part 10 file.
    pub fn dataset_range(&self) -> Range<u64> {
        self.place.head_bytes.min(self.place.length_bytes)..self.place.length_bytes
    }

    /// Bytes of the Part 10 file, in one read. The range is cut to the file. The caller bounds its
    /// size; [`InstanceReader::stream`] is for more.
    pub async fn read(&self, range: Range<u64>) -> Result<Bytes> {
        let end = range.end.min(self.place.length_bytes);
        let length = end.saturating_sub(range.start);
        if length == 0 {
            return Ok(Bytes::new());
        }
        let start = self.place.offset_bytes.saturating_add(range.start);
        match &self.source {
            Source::Segment(file) => {
                let file = Arc::clone(file);
                let length =
                    usize::try_from(length).map_err(|_| Error::TooLarge("the range is too long".into()))?;
                // Given from here, not from the reading thread, where it would stay while that
                // waits for its next read.
                let mut bytes = BytesMut::zeroed(length);
                spawn_blocking(move || match file.read_exact_at(&mut bytes, start) {
                    Ok(()) => Ok(bytes.freeze()),
                    Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                        Err(Error::Corrupt("a segment is shorter than its rows say".to_owned()))
                    }
                    Err(error) => Err(Error::io("read a segment", error)),
                })
                .await
                .map_err(Error::thread)?
            }
            Source::Pack(store, path) => {
                // Of a local folder `get_ranges` reads in one visit to a thread, `get_range` in two.
                let range = start..start.saturating_add(length);
                let read = match store.get_ranges(path, std::slice::from_ref(&range)).await {
                    Err(error) if !matches!(error, object_store::Error::NotFound { .. }) => {
                        // Stores differ in what they say of a range past the end.
                        if store.head(path).await?.size < range.end {
                            Vec::new()
                        } else {
                            return Err(error.into());
                        }
                    }
                    read => read?,
                };
                match read.into_iter().next() {
                    Some(bytes) if bytes.len() as u64 == length => Ok(bytes),
                    _ => Err(Error::Corrupt("a pack is shorter than its rows say".to_owned())),
                }
            }
        }
    }

    /// Bytes of the Part 10 file in chunks of at most 1 MiB, the next one read while one is sent. The
    /// more streams there are, the smaller are their chunks.
    pub fn stream(&self, range: Range<u64>) -> impl Stream<Item = Result<Bytes>> + Send + 'static + use<> {
        let end = range.end.min(self.place.length_bytes);
        let (reader, streaming) = (self.clone(), Streaming::begin());
        let mut start = range.start;
        let chunks = std::iter::from_fn(move || {
            let chunk = start..end.min(start.saturating_add(streaming.chunk_bytes()));
            start = chunk.end;
            (!chunk.is_empty()).then_some(chunk)
        });
        stream::iter(chunks)
            .map(move |chunk| {
                let reader = reader.clone();
                async move { reader.read(chunk).await }
            })
            .buffered(2)
    }

    /// The open segment and where the data set lies in it, when the instance lies in the spool.
    pub(crate) fn spooled(&self) -> Option<(Arc<File>, u64, u64)> {
        match &self.source {
            Source::Segment(file) => {
                let start = self.place.offset_bytes.saturating_add(self.place.head_bytes);
                Some((Arc::clone(file), start, self.dataset_bytes()))
            }
            Source::Pack(..) => None,
        }
    }

    /// Which file the instance was found in.
    pub(crate) fn place(&self) -> &Place {
        &self.place
    }
}
