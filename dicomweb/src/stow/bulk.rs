//! Values that come beside metadata, each in a part of its own. They go to a file without a name until the instances
//! are put together: parts come in any order, and may be larger than memory.

use super::room::Room;
use crate::error::Error;
use crate::media::MediaType;
use crate::multipart::ReadError;
use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt, TryStreamExt, stream};
use std::collections::HashMap;
use std::fs::File;
use std::io::ErrorKind;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::pin::pin;
use std::sync::Arc;
use tokio::task::spawn_blocking;

/// Bytes written or read at a time.
const STEP_BYTES: usize = 256 << 10;
/// Most memory that what is known of the parts may take.
const KNOWN_MAX_BYTES: usize = 4 << 20;
/// What a part, or a location, takes beside its texts, generously.
const ENTRY_BYTES: usize = 64;

/// The values of a request.
pub struct Bulk {
    file: Arc<File>,
    length_bytes: u64,
    room: Room,
    parts: HashMap<String, Vec<Part>>,
    known_bytes: usize,
    /// The media type of the part before: most parts have the same.
    last_media: Option<Arc<MediaType>>,
}

/// One part.
#[derive(Debug, Clone)]
pub struct Part {
    /// Its Content-Type.
    pub media: Option<Arc<MediaType>>,
    /// Where it lies in the file.
    pub range: Range<u64>,
}

impl Bulk {
    /// No values yet.
    pub async fn new(room: Room) -> Result<Self, Error> {
        let folder = room.folder().to_owned();
        let file = spawn_blocking(move || tempfile::tempfile_in(folder)).await.map_err(|_| interrupted())?;
        let file = Arc::new(file.map_err(failed)?);
        Ok(Self { file, length_bytes: 0, room, parts: HashMap::new(), known_bytes: 0, last_media: None })
    }

    /// Takes a value in. Several under one location are the frames of an image, in their order.
    pub async fn take(
        &mut self,
        location: String,
        media: Option<MediaType>,
        content: impl Stream<Item = Result<Bytes, ReadError>> + Send,
    ) -> Result<(), Error> {
        let media = self.shared(media);
        let is_new = !self.parts.contains_key(&location);
        self.known_bytes += ENTRY_BYTES + if is_new { ENTRY_BYTES + location.len() } else { 0 };
        if self.known_bytes > KNOWN_MAX_BYTES {
            return Err(Error::TooLarge("the request has too many parts".into()));
        }
        let range = self.append(content, u64::MAX).await?;
        self.parts.entry(location).or_default().push(Part { media, range });
        Ok(())
    }

    fn shared(&mut self, media: Option<MediaType>) -> Option<Arc<MediaType>> {
        let media = media?;
        match &self.last_media {
            Some(last) if **last == media => {}
            _ => {
                self.known_bytes += media.text_bytes();
                self.last_media = Some(Arc::new(media));
            }
        }
        self.last_media.clone()
    }

    /// Writes what comes to the end of the file, and tells where it lies.
    pub async fn append(
        &mut self,
        content: impl Stream<Item = Result<Bytes, ReadError>> + Send,
        most_bytes: u64,
    ) -> Result<Range<u64>, Error> {
        let start = self.length_bytes;
        let mut content = pin!(content);
        let mut waiting = BytesMut::new();
        while let Some(piece) = content.try_next().await? {
            waiting.extend_from_slice(&piece);
            if self.length_bytes - start + waiting.len() as u64 > most_bytes {
                return Err(Error::TooLarge(format!("a part is longer than {most_bytes} bytes").into()));
            }
            if waiting.len() >= STEP_BYTES {
                self.write(waiting.split().freeze()).await?;
            }
        }
        self.write(waiting.freeze()).await?;
        Ok(start..self.length_bytes)
    }

    async fn write(&mut self, bytes: Bytes) -> Result<(), Error> {
        let (file, at) = (Arc::clone(&self.file), self.length_bytes);
        self.room.hold(bytes.len() as u64)?;
        self.length_bytes = at.saturating_add(bytes.len() as u64);
        let written = spawn_blocking(move || file.write_all_at(&bytes, at));
        written.await.map_err(|_| interrupted())?.map_err(failed)
    }

    /// How much came.
    pub fn length_bytes(&self) -> u64 {
        self.length_bytes
    }

    /// The parts that a BulkDataURI names.
    pub fn named(&self, uri: &str) -> &[Part] {
        self.parts.get(uri).map_or(&[], Vec::as_slice)
    }

    /// The locations of all parts, each once.
    pub fn locations(&self) -> impl Iterator<Item = &str> {
        self.parts.keys().map(String::as_str)
    }

    /// The first bytes of a part.
    pub async fn beginning(&self, part: &Range<u64>) -> Result<Bytes, Error> {
        let end = part.end.min(part.start.saturating_add(STEP_BYTES as u64));
        Ok(pin!(self.stream(part.start..end)).try_next().await?.unwrap_or_default())
    }

    /// The bytes of a range of the file.
    pub fn stream(&self, range: Range<u64>) -> impl Stream<Item = Result<Bytes, Error>> + Send + use<> {
        let file = Arc::clone(&self.file);
        stream::iter((range.start..range.end).step_by(STEP_BYTES)).then(move |start| {
            let file = Arc::clone(&file);
            let length = range.end.saturating_sub(start).min(STEP_BYTES as u64);
            async move {
                // Given from here, not from the reading thread, where it would stay.
                let mut bytes = BytesMut::zeroed(usize::try_from(length).unwrap_or(0));
                let read =
                    spawn_blocking(move || file.read_exact_at(&mut bytes, start).map(|()| bytes.freeze()));
                read.await.map_err(|_| interrupted())?.map_err(failed)
            }
        })
    }
}

fn interrupted() -> Error {
    Error::Internal("holding values was interrupted".into())
}

fn failed(error: std::io::Error) -> Error {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Error::Busy("the disk is full".into()),
        _ => Error::Internal(format!("holding values failed: {error}").into()),
    }
}
