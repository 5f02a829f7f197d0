//! A rendition to be sent.

use std::fs::File;
use std::io::ErrorKind;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::stream::{self, Stream, StreamExt};
use tokio::task::spawn_blocking;

use crate::error::{Error, Result};

/// Read at a time, and up to this size held from the first.
const CHUNK_BYTES: u64 = 128 << 10;

/// A rendition: sent as it lies, in memory that does not depend on its size.
#[derive(Clone)]
pub struct Rendition(Content);

#[derive(Clone)]
enum Content {
    Held(Bytes),
    Lying { file: Arc<File>, length_bytes: u64 },
}

impl Rendition {
    /// One that is held, because it is small or could not be kept.
    pub(super) fn held(bytes: Bytes) -> Self {
        Self(Content::Held(bytes))
    }

    /// Opens the file of a rendition; `None` when there is none.
    pub(crate) async fn open(path: PathBuf) -> Result<Option<Self>> {
        let opened = spawn_blocking(move || {
            let file = File::open(path)?;
            let length_bytes = file.metadata()?.len();
            if length_bytes > CHUNK_BYTES {
                return Ok(Content::Lying { file: Arc::new(file), length_bytes });
            }
            let mut bytes = vec![0; usize::try_from(length_bytes).unwrap_or_default()];
            file.read_exact_at(&mut bytes, 0)?;
            Ok::<_, std::io::Error>(Content::Held(bytes.into()))
        });
        match opened.await.map_err(Error::thread)? {
            Ok(content) => Ok(Some(Self(content))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("open a rendition", error)),
        }
    }

    /// Its size.
    pub fn length_bytes(&self) -> u64 {
        match &self.0 {
            Content::Held(bytes) => bytes.len() as u64,
            Content::Lying { length_bytes, .. } => *length_bytes,
        }
    }

    /// Its bytes in chunks.
    pub fn stream(&self) -> impl Stream<Item = Result<Bytes>> + Send + 'static + use<> {
        self.part(0..self.length_bytes())
    }

    /// The bytes of a range in chunks. The range is cut to the rendition; nothing outside it is read.
    pub fn part(&self, range: Range<u64>) -> impl Stream<Item = Result<Bytes>> + Send + 'static + use<> {
        let end = range.end.min(self.length_bytes());
        let start = range.start.min(end);
        match &self.0 {
            Content::Held(bytes) => {
                let at = |place: u64| usize::try_from(place).unwrap_or(bytes.len());
                stream::iter([Ok(bytes.slice(at(start)..at(end)))]).left_stream()
            }
            Content::Lying { file, .. } => {
                let file = Arc::clone(file);
                stream::iter((start..end).step_by(CHUNK_BYTES as usize))
                    .then(move |start| {
                        let size = usize::try_from(end.saturating_sub(start).min(CHUNK_BYTES));
                        read(Arc::clone(&file), start, size.unwrap_or_default())
                    })
                    .right_stream()
            }
        }
    }
}

/// Reads a chunk. Its memory comes from the thread that serves the socket and goes back there: what
/// a reading thread had given out would stay with it while it waits for its next read.
async fn read(file: Arc<File>, start: u64, size: usize) -> Result<Bytes> {
    let mut chunk = BytesMut::zeroed(size);
    let read = spawn_blocking(move || file.read_exact_at(&mut chunk, start).map(|()| chunk.freeze()));
    read.await.map_err(Error::thread)?.map_err(|error| Error::io("read a rendition", error))
}
