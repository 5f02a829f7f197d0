//! Copying spooled entries into a pack: one pass over the spool, hashing, indexing and uploading.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;
use object_store::ObjectStore;
use object_store::buffered::BufWriter;
use pacs_core::uid::Uid;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::companion::{CompanionEntry, CompanionWriter};
use crate::error::{Error, Outage, Result};
use crate::index::place::Kept;
use crate::index::spooled::Spooled;
use crate::read::describe;
use crate::spool::Spool;
use crate::spool::entry::{EntryHeader, HEADER_BYTES, padding_bytes};
use crate::spool::region::Region;
use crate::verify::{self, Wrong};

/// Size of what is read from the spool at a time.
const CHUNK_BYTES: usize = 1 << 20;
/// Chunks read ahead of the upload.
const CHUNKS_AHEAD: usize = 2;
/// Size of a part of a multipart upload; smaller packs are put at once. S3 takes 10,000 parts of
/// at least 5 MiB.
const PART_BYTES: usize = 8 << 20;
const PARTS_AT_ONCE: usize = 2;
/// A tar file ends with two blocks of zeros.
static END: [u8; 1024] = [0; 1024];

/// A pack that was uploaded, and what goes with it.
pub struct Built {
    /// Size of the tar.
    pub length_bytes: u64,
    /// The companion, not yet uploaded.
    pub companion: Vec<u8>,
    /// Where each entry's Part 10 file begins, in the order given.
    pub offsets: Vec<u64>,
}

/// Why a pack was not built.
#[derive(Debug)]
pub enum BuildError {
    /// The entry at this position is not what was stored.
    Damaged {
        /// Position in the list given.
        at: usize,
        /// What is wrong with it, as rows keep it.
        why: String,
    },
    /// Something else is in the way.
    Failed(Error),
}

impl<E: Into<Error>> From<E> for BuildError {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Copies the entries of a series into the object at `key`. Memory does not depend on their size.
pub async fn build(
    objects: &Arc<dyn ObjectStore>,
    spool: &Spool,
    key: &str,
    series: &Uid,
    entries: Vec<Spooled>,
) -> Result<Built, BuildError> {
    let (sender, mut chunks) = mpsc::channel::<Bytes>(CHUNKS_AHEAD);
    let copy = Copy { spool: spool.clone(), sender, length_bytes: 0 };
    let series = series.clone();
    let copying = spawn_blocking(move || copy.run(&series, &entries));
    let mut upload = BufWriter::with_capacity(Arc::clone(objects), super::path(key), PART_BYTES)
        .with_max_concurrency(PARTS_AT_ONCE);
    let mut failure = None;
    while let Some(chunk) = chunks.recv().await {
        if let Err(error) = upload.put(chunk).await {
            failure = Some(error);
            break;
        }
    }
    // Dropped, the channel stops the copying.
    drop(chunks);
    let copied = copying.await.map_err(Error::thread)?;
    let built = match (failure, copied) {
        (None, Ok(built)) => built,
        (Some(error), _) => {
            give_up(&mut upload).await;
            return Err(error.into());
        }
        (None, Err(error)) => {
            give_up(&mut upload).await;
            return Err(error);
        }
    };
    match upload.shutdown().await {
        Ok(()) => Ok(built),
        Err(error) => Err(Error::Unavailable(Outage::OBJECT_STORE.because(error)).into()),
    }
}

async fn give_up(upload: &mut BufWriter) {
    if let Err(error) = upload.abort().await {
        tracing::warn!(%error, "parts of an upload were left behind");
    }
}

struct Copy {
    spool: Spool,
    sender: mpsc::Sender<Bytes>,
    length_bytes: u64,
}

impl Copy {
    fn run(mut self, series: &Uid, entries: &[Spooled]) -> Result<Built, BuildError> {
        let mut companion = CompanionWriter::new(series, entries.len())?;
        let mut offsets = Vec::with_capacity(entries.len());
        let mut open: Option<(Kept, File)> = None;
        for (at, spooled) in entries.iter().enumerate() {
            if open.as_ref().is_none_or(|(kept, _)| *kept != spooled.place.kept) {
                open = Some((spooled.place.kept, self.open(at, spooled)?));
            }
            let Some((_, file)) = &open else { continue };
            let offset = self.entry(at, file, spooled, &mut companion)?;
            offsets.push(offset);
        }
        self.send(Bytes::from_static(&END))?;
        Ok(Built { length_bytes: self.length_bytes, companion: companion.finish()?, offsets })
    }

    fn open(&self, at: usize, spooled: &Spooled) -> Result<File, BuildError> {
        let Kept::Segment(segment) = spooled.place.kept else {
            return Err(Error::internal("settle an instance", "it is not in the spool").into());
        };
        File::open(self.spool.path(segment.0)).map_err(|error| match error.kind() {
            ErrorKind::NotFound => BuildError::Damaged { at, why: verify::segment_gone() },
            _ => Error::io("open a segment", error).into(),
        })
    }

    /// Sends one entry and describes it; answers where its content begins in the pack.
    fn entry(
        &mut self,
        at: usize,
        file: &File,
        spooled: &Spooled,
        companion: &mut CompanionWriter,
    ) -> Result<u64, BuildError> {
        let damaged = |wrong: Wrong, why: String| BuildError::Damaged { at, why: wrong.because(why) };
        let place = &spooled.place;
        let mut head = vec![0; HEADER_BYTES as usize];
        file.read_exact_at(&mut head, place.offset_bytes.saturating_sub(HEADER_BYTES))
            .map_err(|error| damaged(Wrong::Unreadable, format!("its header cannot be read: {error}")))?;
        let header =
            EntryHeader::decode(&head).map_err(|error| damaged(Wrong::Unreadable, error.to_string()))?;
        if header.dataset_hash != spooled.hash || header.content_bytes != place.length_bytes {
            return Err(damaged(Wrong::Differs, "its header is of another instance".to_owned()));
        }
        let start = place.offset_bytes.saturating_add(header.head_bytes);
        let mut dataset = Region::new(file, start, header.dataset_bytes());
        let described = describe::read(&mut dataset, &header.transfer_syntax)
            .map_err(|error| damaged(Wrong::Unreadable, error.to_string()))?;
        self.send(head.into())?;
        let offset = self.length_bytes;
        let hash = self.content(file, place.offset_bytes, &header).map_err(|error| match error {
            CopyError::Read(error) => damaged(Wrong::Unreadable, format!("it cannot be read: {error}")),
            CopyError::Stopped(error) => error.into(),
        })?;
        if hash != spooled.hash {
            return Err(damaged(Wrong::Differs, "its content has another hash".to_owned()));
        }
        let entry = CompanionEntry {
            instance: header.instance.clone(),
            offset_bytes: offset,
            length_bytes: header.content_bytes,
            head_bytes: header.head_bytes,
            dataset_blake3: blake3::Hash::from_bytes(spooled.hash).to_hex().to_string(),
            transfer_syntax: header.transfer_syntax.clone(),
            received_ms: header.received_ms,
            facility: header.facility.clone(),
            calling_ae: header.calling_ae.clone(),
            pixels: described.pixels,
        };
        companion.add(&entry, &describe::metadata(&described.header, &header.instance))?;
        Ok(offset)
    }

    /// Sends the content with its padding; answers the hash of the data set in it.
    fn content(&mut self, file: &File, offset: u64, header: &EntryHeader) -> Result<[u8; 32], CopyError> {
        let mut hasher = blake3::Hasher::new();
        let mut head_left = usize::try_from(header.head_bytes).unwrap_or(usize::MAX);
        let mut left = header.content_bytes;
        let mut content = Region::new(file, offset, left);
        while left > 0 {
            let size = usize::try_from(left).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES);
            let mut chunk = vec![0; size];
            content.read_exact(&mut chunk).map_err(CopyError::Read)?;
            let of_head = head_left.min(size);
            hasher.update(chunk.get(of_head..).unwrap_or_default());
            head_left -= of_head;
            left -= size as u64;
            self.send(chunk.into()).map_err(CopyError::Stopped)?;
        }
        let padding = END.get(..padding_bytes(header.content_bytes) as usize).unwrap_or_default();
        self.send(Bytes::from_static(padding)).map_err(CopyError::Stopped)?;
        Ok(*hasher.finalize().as_bytes())
    }

    fn send(&mut self, chunk: Bytes) -> Result<()> {
        self.length_bytes = self.length_bytes.saturating_add(chunk.len() as u64);
        let stopped = |_| Error::Unavailable("the upload has stopped".into());
        if chunk.is_empty() { Ok(()) } else { self.sender.blocking_send(chunk).map_err(stopped) }
    }
}

/// Why a content was not copied: it cannot be read, or nobody takes it any more.
enum CopyError {
    Read(std::io::Error),
    Stopped(Error),
}
