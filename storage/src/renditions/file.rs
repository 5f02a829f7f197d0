//! A rendition to be sent.

use std::io::ErrorKind;
use std::ops::Range;
use std::path::PathBuf;

use bytes::Bytes;
use futures::stream::{self, Stream, StreamExt};

use crate::error::{Error, Result};
use crate::read::local_file::LocalFile;

/// A rendition: sent as it lies, in memory that does not depend on its size.
#[derive(Clone)]
pub struct Rendition(Content);

#[derive(Clone)]
enum Content {
    Held(Bytes),
    Lying { file: LocalFile, length_bytes: u64 },
}

impl Rendition {
    /// One that is held, because it is small or could not be kept.
    pub(super) fn held(bytes: Bytes) -> Self {
        Self(Content::Held(bytes))
    }

    /// Opens the file of a rendition; `None` when there is none.
    pub(crate) async fn open(path: PathBuf) -> Result<Option<Self>> {
        let opened = async {
            let file = LocalFile::open(path).await?;
            let length_bytes = file.file().metadata()?.len();
            Ok::<_, std::io::Error>(Content::Lying { file, length_bytes })
        };
        match opened.await {
            Ok(content) => Ok(Some(Self(content))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("open a rendition", error)),
        }
    }

    /// Whether it is still among the renditions.
    pub(super) fn is_kept(&self) -> bool {
        matches!(&self.0, Content::Lying { file, .. } if file.is_linked())
    }

    /// The file it lies in; `None` when it is held.
    pub(crate) fn file(&self) -> Option<&LocalFile> {
        match &self.0 {
            Content::Held(_) => None,
            Content::Lying { file, .. } => Some(file),
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
                let chunks = file.stream(start..end);
                chunks.map(|chunk| chunk.map_err(|error| Error::io("read a rendition", error))).right_stream()
            }
        }
    }
}
