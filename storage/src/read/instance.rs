//! The bytes of one instance, wherever they lie.

use crate::Streaming;
use std::fs::File;
use std::io::ErrorKind;
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt, stream};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use super::laid::{Laid, Part};
use super::local_file::LocalFile;
use crate::archive::Archive;
use crate::error::{Error, Result};
use crate::index::instances::{self, InstancePlace};
use crate::index::place::{Kept, Place};
use crate::index::{NonPatientId, PackId, packs as pack_rows};
use crate::non_patient;
use crate::packs;
use crate::renditions::Rendition;

/// Least and most that a stream from an object store reads at a time.
const CHUNK_BYTES: RangeInclusive<u64> = 16 << 10..=1 << 20;

/// Reads a Part 10 file: its head as it was kept, then the data set exactly as it was sent, or as it leaves
/// when it was corrected ([`Archive::open_leaving`]).
///
/// Holds the file open when the instance lies on this machine, so settling does not disturb it.
#[derive(Clone)]
pub struct InstanceReader {
    source: Source,
    place: Place,
    /// What it is read as, when it is not as it was sent.
    laid: Option<Arc<Laid>>,
}

#[derive(Clone)]
enum Source {
    File(LocalFile),
    Object(Arc<dyn ObjectStore>, Path),
}

impl Archive {
    /// Opens an instance for reading, as it was sent. When it has moved since its row was read, the row is read
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
                let opened = LocalFile::open(self.0.spool.path(segment.0)).await;
                Source::File(opened.map_err(|error| not_opened("open a segment", error))?)
            }
            Kept::Pack(pack) => self.pack_source(pack).await?,
            Kept::Apart(id) => self.apart_source(&non_patient::key_of(&self.0.database, id).await?).await?,
        };
        Ok(InstanceReader { source, place, laid: None })
    }

    /// Where an object of no patient is read.
    async fn apart_source(&self, key: &str) -> Result<Source> {
        let Some(folder) = &self.0.objects_folder else {
            return Ok(Source::Object(Arc::clone(&self.0.objects), packs::path(key)));
        };
        let file = LocalFile::open(folder.join(key)).await;
        Ok(Source::File(file.map_err(|error| not_opened("open an object", error))?))
    }

    /// Opens an object of no patient that may have no row.
    pub(crate) async fn apart_reader(
        &self,
        key: &str,
        length_bytes: u64,
        head_bytes: u64,
    ) -> Result<InstanceReader> {
        let kept = Kept::Apart(NonPatientId(0));
        let place = Place { kept, offset_bytes: 0, length_bytes, head_bytes };
        Ok(InstanceReader { source: self.apart_source(key).await?, place, laid: None })
    }

    /// Where a pack is read: its file when it lies on this machine, kept open for those who come after.
    async fn pack_source(&self, pack: PackId) -> Result<Source> {
        let caches = &self.0.caches;
        if let Some(file) = caches.files.get(&pack).filter(LocalFile::is_linked) {
            return Ok(Source::File(file));
        }
        let key = self.pack_key(pack).await?;
        let Some(folder) = &self.0.objects_folder else {
            return Ok(Source::Object(Arc::clone(&self.0.objects), packs::path(&key)));
        };
        let file = LocalFile::open(folder.join(&*key)).await;
        let file = file.map_err(|error| not_opened("open a pack", error))?;
        // Only of one that is finished the key is kept, and the file too.
        if caches.keys.get(&pack).is_some() {
            caches.files.put(pack, file.clone(), 1);
        }
        Ok(Source::File(file))
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

fn not_opened(what: &'static str, error: std::io::Error) -> Error {
    match error.kind() {
        ErrorKind::NotFound => Error::NotFound,
        _ => Error::io(what, error),
    }
}

fn not_read(error: std::io::Error) -> Error {
    match error.kind() {
        ErrorKind::UnexpectedEof => Error::Corrupt("a segment or pack is shorter than its rows say".into()),
        ErrorKind::FileTooLarge => Error::TooLarge("the range is too long".into()),
        _ => Error::io("read a segment or pack", error),
    }
}

impl InstanceReader {
    /// The same instance, read as it is laid out anew.
    pub(super) fn laid_out(self, laid: Laid) -> Self {
        Self { laid: Some(Arc::new(laid)), ..self }
    }

    /// The same instance, read from a rendition that is a Part 10 file with the same head. `None` when the
    /// rendition is no file.
    pub(super) fn read_from(&self, rendition: &Rendition) -> Option<Self> {
        let place = Place { offset_bytes: 0, length_bytes: rendition.length_bytes(), ..self.place };
        Some(Self { source: Source::File(rendition.file()?.clone()), place, laid: None })
    }

    /// Size of the Part 10 file.
    pub fn length_bytes(&self) -> u64 {
        self.laid.as_ref().map_or(self.place.length_bytes, |laid| laid.length_bytes())
    }

    /// Size of the Part 10 head; the data set begins there.
    pub fn head_bytes(&self) -> u64 {
        self.place.head_bytes
    }

    /// Size of the data set.
    pub fn dataset_bytes(&self) -> u64 {
        self.length_bytes().saturating_sub(self.place.head_bytes)
    }

    /// Where the data set lies in the Part 10 file.
    pub fn dataset_range(&self) -> Range<u64> {
        self.place.head_bytes.min(self.length_bytes())..self.length_bytes()
    }

    /// Bytes of the Part 10 file, in one read. The range is cut to the file. The caller bounds its
    /// size; [`InstanceReader::stream`] is for more.
    pub async fn read(&self, range: Range<u64>) -> Result<Bytes> {
        let Some(laid) = &self.laid else { return self.read_stored(range).await };
        let mut whole = BytesMut::new();
        for part in laid.parts(range) {
            let bytes = match part {
                Part::Made(bytes) => bytes,
                Part::Stored(range) => self.read_stored(range).await?,
            };
            whole.extend_from_slice(&bytes);
        }
        Ok(whole.freeze())
    }

    /// Bytes of the stored file.
    async fn read_stored(&self, range: Range<u64>) -> Result<Bytes> {
        let end = range.end.min(self.place.length_bytes);
        let length = end.saturating_sub(range.start);
        if length == 0 {
            return Ok(Bytes::new());
        }
        let start = self.place.offset_bytes.saturating_add(range.start);
        match &self.source {
            Source::File(file) => file.read(start..start.saturating_add(length)).await.map_err(not_read),
            Source::Object(store, path) => {
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

    /// Bytes of the Part 10 file in chunks of at most 1 MiB. The range is cut to the file. The more streams there
    /// are, the smaller are their chunks.
    pub fn stream(&self, range: Range<u64>) -> impl Stream<Item = Result<Bytes>> + Send + 'static + use<> {
        let Some(laid) = &self.laid else { return self.stream_stored(range).left_stream() };
        let reader = self.clone();
        let parts = stream::iter(laid.parts(range)).flat_map(move |part| match part {
            Part::Made(bytes) => stream::iter([Ok(bytes)]).left_stream(),
            Part::Stored(range) => reader.stream_stored(range).right_stream(),
        });
        parts.right_stream()
    }

    /// Bytes of the stored file in chunks.
    fn stream_stored(&self, range: Range<u64>) -> impl Stream<Item = Result<Bytes>> + Send + 'static + use<> {
        let end = range.end.min(self.place.length_bytes);
        let start = range.start.min(end);
        match &self.source {
            Source::File(file) => {
                let offset = self.place.offset_bytes;
                let chunks = file.stream(offset.saturating_add(start)..offset.saturating_add(end));
                chunks.map(|chunk| chunk.map_err(not_read)).left_stream()
            }
            Source::Object(..) => self.stream_object(start..end).right_stream(),
        }
    }

    /// The next chunk is read while one is sent.
    fn stream_object(&self, range: Range<u64>) -> impl Stream<Item = Result<Bytes>> + Send + 'static + use<> {
        let (reader, streaming) = (self.clone(), Streaming::begin());
        let (mut start, end) = (range.start, range.end);
        let chunks = std::iter::from_fn(move || {
            let _counted = &streaming;
            let chunk = start..end.min(start.saturating_add(Streaming::chunk_bytes(CHUNK_BYTES)));
            start = chunk.end;
            (!chunk.is_empty()).then_some(chunk)
        });
        stream::iter(chunks)
            .map(move |chunk| {
                let reader = reader.clone();
                async move { reader.read_stored(chunk).await }
            })
            .buffered(2)
    }

    /// The open segment and where the stored data set lies in it, when the instance lies in the spool.
    pub(crate) fn spooled(&self) -> Option<(Arc<File>, u64, u64)> {
        matches!(self.place.kept, Kept::Segment(_)).then(|| self.local()).flatten()
    }

    /// The open file and where the stored data set lies in it, when the instance lies on this machine.
    pub(crate) fn local(&self) -> Option<(Arc<File>, u64, u64)> {
        let Source::File(file) = &self.source else { return None };
        let start = self.place.offset_bytes.saturating_add(self.place.head_bytes);
        let length = self.place.length_bytes.saturating_sub(self.place.head_bytes);
        Some((Arc::clone(file.file()), start, length))
    }

    /// Which file the instance was found in.
    pub(crate) fn place(&self) -> &Place {
        &self.place
    }
}
