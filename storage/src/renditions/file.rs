//! A rendition to be sent.

use std::io::ErrorKind;
use std::ops::Range;
use std::path::PathBuf;

use bytes::Bytes;
use futures::stream::{self, Stream, StreamExt};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::error::{Error, Result};
use crate::read::local_file::LocalFile;

/// What is held of files in memory, of those too that have been let go and are still being sent.
const HELD_OF_ALL_BYTES: usize = 16 << 20;
/// The longest file that is held.
const HELD_OF_ONE_BYTES: u64 = 4 << 20;

/// What is left for all.
static LEFT: Semaphore = Semaphore::const_new(HELD_OF_ALL_BYTES);

/// A rendition: sent as it lies, in memory that does not depend on its size.
#[derive(Clone)]
pub struct Rendition(Content);

#[derive(Clone)]
enum Content {
    Held(Bytes),
    Lying { file: LocalFile, length_bytes: u64, held: Option<Bytes> },
}

/// All bytes of a file, with their part of what is held.
struct Shared {
    bytes: Bytes,
    _share: SemaphorePermit<'static>,
}

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Rendition {
    /// One that is held, because it is small or could not be kept.
    pub(super) fn held(bytes: Bytes) -> Self {
        Self(Content::Held(bytes))
    }

    /// What lies in a file.
    pub(super) fn lying(file: LocalFile, length_bytes: u64) -> Self {
        Self(Content::Lying { file, length_bytes, held: None })
    }

    /// Opens the file of a rendition; `None` when there is none.
    pub(crate) async fn open(path: PathBuf) -> Result<Option<Self>> {
        let opened = async {
            let file = LocalFile::open(path).await?;
            let length_bytes = file.file().metadata()?.len();
            Ok::<_, std::io::Error>(Self::lying(file, length_bytes))
        };
        match opened.await {
            Ok(rendition) => Ok(Some(rendition)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("open a rendition", error)),
        }
    }

    /// The same with its bytes in memory, where they are sent from faster than they are read and sent; `None` when they
    /// are there already, when it is long, or when there is no room for it. It is there for as long as its file is.
    pub(super) async fn hold(&self) -> Option<Self> {
        let Content::Lying { file, length_bytes, held: None } = &self.0 else { return None };
        let length = u32::try_from(*length_bytes).ok().filter(|_| *length_bytes <= HELD_OF_ONE_BYTES)?;
        let share = LEFT.try_acquire_many(length).ok()?;
        // What is wrong with it is said when it is read to be sent.
        let bytes = file.read(0..*length_bytes).await.ok()?;
        let held = Some(Bytes::from_owner(Shared { bytes, _share: share }));
        Some(Self(Content::Lying { file: file.clone(), length_bytes: *length_bytes, held }))
    }

    /// All of it, when it is in memory.
    pub fn held_bytes(&self) -> Option<&Bytes> {
        match &self.0 {
            Content::Held(bytes) => Some(bytes),
            Content::Lying { held, .. } => held.as_ref(),
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
        if let Some(bytes) = self.held_bytes() {
            let at = |place: u64| usize::try_from(place).unwrap_or(bytes.len());
            return stream::iter([Ok(bytes.slice(at(start)..at(end)))]).left_stream();
        }
        let chunks = self.file().map(|file| file.stream(start..end));
        let chunks = stream::iter(chunks).flatten();
        chunks.map(|chunk| chunk.map_err(|error| Error::io("read a rendition", error))).right_stream()
    }
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt as _;

    use super::*;

    async fn lying(folder: &std::path::Path, name: &str, length_bytes: u64) -> Rendition {
        let path = folder.join(name);
        std::fs::write(&path, vec![7; usize::try_from(length_bytes).unwrap()]).unwrap();
        Rendition::open(path).await.unwrap().unwrap()
    }

    async fn sent(rendition: &Rendition, range: Range<u64>) -> Vec<u8> {
        rendition.part(range).try_collect::<Vec<Bytes>>().await.unwrap().concat()
    }

    #[tokio::test]
    async fn what_is_held_is_sent_from_memory_within_a_bound_for_all() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let lies = lying(folder, "a", HELD_OF_ONE_BYTES).await;
        let held = lies.hold().await.unwrap();
        assert!(held.hold().await.is_none(), "it is held already");
        std::fs::write(folder.join("a"), "other").unwrap();
        assert_eq!(sent(&held, 5..9).await, [7; 4]);
        assert_eq!(sent(&lies, 0..5).await, b"other");
        assert!(held.is_kept());
        std::fs::remove_file(folder.join("a")).unwrap();
        assert!(!held.is_kept(), "it goes with its file");

        assert!(lying(folder, "long", HELD_OF_ONE_BYTES + 1).await.hold().await.is_none());
        let mut all = vec![held];
        for name in ["b", "c", "d"] {
            all.push(lying(folder, name, HELD_OF_ONE_BYTES).await.hold().await.unwrap());
        }
        let next = lying(folder, "next", 1).await;
        assert!(next.hold().await.is_none(), "there is no room");
        // Whoever still sends it holds it.
        let sending = all[0].held_bytes().unwrap().slice(0..1);
        drop(all.remove(0));
        assert!(next.hold().await.is_none());
        drop(sending);
        assert!(next.hold().await.is_some());
    }
}
