//! One object or file from one place to another, hashed on the way.

use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::stream::{BoxStream, Fuse, StreamExt as _};
use object_store::buffered::BufWriter;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::manifest::Part;
use crate::error::{Error, Outage, Result};

/// Size of a part of a multipart upload; smaller objects are put at once. S3 takes 10,000 parts.
pub(super) const PART_BYTES: usize = 8 << 20;
pub(super) const PARTS_AT_ONCE: usize = 2;
/// Gathered before it is hashed and sent on: a network gives a few kilobytes at a time.
const CHUNK_BYTES: usize = 1 << 20;

/// On which side a copy has failed.
#[derive(Debug)]
pub(crate) enum Failed {
    /// The content could not be read.
    From(Error),
    /// It could not be put where it was to go.
    To(Error),
}

impl From<Failed> for Error {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::From(error) | Failed::To(error) => error,
        }
    }
}

/// What passes through a copy.
pub(crate) type Content = BoxStream<'static, Result<Bytes>>;

/// The content of an object.
pub(super) async fn object(from: &Arc<dyn ObjectStore>, path: &Path) -> Result<Content> {
    let found = from.get(path).await?;
    Ok(found.into_stream().map(|chunk| Ok(chunk?)).boxed())
}

/// The first `length_bytes` of a file; corrupt when it is shorter, not found when there is none.
pub(super) async fn file(path: PathBuf, length_bytes: u64) -> Result<Content> {
    const CONTEXT: &str = "read a segment";
    let opened = spawn_blocking(move || File::open(path)).await.map_err(Error::thread)?;
    let file = opened.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Error::NotFound,
        _ => Error::io(CONTEXT, error),
    })?;
    let (chunks, receiver) = mpsc::channel(1);
    spawn_blocking(move || {
        let mut file = file.take(length_bytes);
        let mut left = length_bytes;
        while left > 0 {
            let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(CHUNK_BYTES);
            let mut chunk = vec![0; wanted];
            let read = file.read_exact(&mut chunk).map(|()| Bytes::from(chunk)).map_err(|error| match error
                .kind()
            {
                std::io::ErrorKind::UnexpectedEof => Error::Corrupt("it ends early".to_owned()),
                _ => Error::io(CONTEXT, error),
            });
            let failed = read.is_err();
            if chunks.blocking_send(read).is_err() || failed {
                return;
            }
            left -= wanted as u64;
        }
    });
    let content =
        futures::stream::unfold(receiver, |mut receiver| async { Some((receiver.recv().await?, receiver)) });
    Ok(content.boxed())
}

/// Hashes a content and throws it away.
pub(super) async fn hash(content: Content) -> Result<Part> {
    let mut passing = Passing::new(content);
    while passing.next().await?.is_some() {}
    Ok(passing.part())
}

/// Puts a content into the object at `path`, which is there only once it is whole.
pub(crate) async fn put(content: Content, to: &Arc<dyn ObjectStore>, path: Path) -> Result<Part, Failed> {
    let mut upload =
        BufWriter::with_capacity(Arc::clone(to), path, PART_BYTES).with_max_concurrency(PARTS_AT_ONCE);
    let mut passing = Passing::new(content);
    let sent = async {
        while let Some(chunk) = passing.next().await.map_err(Failed::From)? {
            upload.put(chunk).await.map_err(|error| Failed::To(error.into()))?;
        }
        Ok(())
    };
    if let Err(error) = sent.await {
        give_up(&mut upload).await;
        return Err(error);
    }
    end(&mut upload).await.map_err(Failed::To)?;
    Ok(passing.part())
}

/// Ends an upload, whose object is there then. One that could not be ended cannot be given up either.
pub(super) async fn end(upload: &mut BufWriter) -> Result<()> {
    upload.shutdown().await.map_err(|error| Error::Unavailable(Outage::OBJECT_STORE.because(error)))
}

/// Writes a content into a new file, which lasts when this returns; of one that cannot be read to its end, what came
/// before that.
pub(super) async fn write(content: Content, path: PathBuf) -> Result<Part, Failed> {
    const CONTEXT: &str = "write a segment";
    let to = |error| Failed::To(Error::io(CONTEXT, error));
    let mut file = tokio::fs::File::create(&path).await.map_err(to)?;
    let mut passing = Passing::new(content);
    let read = loop {
        match passing.next().await {
            Ok(Some(chunk)) => file.write_all(&chunk).await.map_err(to)?,
            Ok(None) => break Ok(()),
            Err(error) => break Err(Failed::From(error)),
        }
    };
    file.flush().await.map_err(to)?;
    file.sync_all().await.map_err(to)?;
    read?;
    Ok(passing.part())
}

/// A content in large chunks, hashed as it passes.
struct Passing {
    content: Fuse<Content>,
    gathered: BytesMut,
    hasher: blake3::Hasher,
    length_bytes: u64,
}

impl Passing {
    fn new(content: Content) -> Self {
        Self {
            content: content.fuse(),
            gathered: BytesMut::new(),
            hasher: blake3::Hasher::new(),
            length_bytes: 0,
        }
    }

    async fn next(&mut self) -> Result<Option<Bytes>> {
        while self.gathered.len() < CHUNK_BYTES {
            match self.content.next().await.transpose()? {
                Some(chunk) if self.gathered.is_empty() => self.gathered = chunk.into(),
                Some(chunk) => self.gathered.extend_from_slice(&chunk),
                None => break,
            }
        }
        if self.gathered.is_empty() {
            return Ok(None);
        }
        let chunk = self.gathered.split().freeze();
        self.length_bytes += chunk.len() as u64;
        let (mut hasher, hashed) = (std::mem::take(&mut self.hasher), chunk.clone());
        let hashing = spawn_blocking(move || {
            hasher.update(&hashed);
            hasher
        });
        self.hasher = hashing.await.map_err(Error::thread)?;
        Ok(Some(chunk))
    }

    fn part(self) -> Part {
        Part { length_bytes: self.length_bytes, blake3: self.hasher.finalize().to_hex().to_string() }
    }
}

pub(super) async fn give_up(upload: &mut BufWriter) {
    if let Err(error) = upload.abort().await {
        tracing::debug!(%error, "parts of an upload were left behind");
    }
}
