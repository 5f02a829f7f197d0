//! A file of this machine: what the page cache has is read at once, the rest on another thread.
//!
//! Most of what is sent lies in the page cache. To hand such a read to a thread that may block, and to be woken by
//! it, costs more than the read.

use crate::Streaming;
use std::fs::File;
use std::io::{ErrorKind, IoSliceMut, Result};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{self, Stream};
use rustix::fs::{Advice, fadvise, fstat};
use rustix::io::{Errno, ReadWriteFlags, preadv2};
use tokio::task::spawn_blocking;

use super::buffers::{BUFFER_BYTES, Buffer};

/// Most that is copied from the page cache on the thread that serves others as well.
const AT_ONCE_MAX_BYTES: usize = 1 << 20;
/// What the disk is told to have ready when a chunk had to be waited for.
const AHEAD_BYTES: u64 = 2 << 20;
/// Chunks of a stream are as large as the buffers that are kept, or smaller when there are many streams: of those that
/// nobody reads, a connection holds sixteen.
const CHUNK_BYTES: std::ops::RangeInclusive<u64> = 1 << 10..=BUFFER_BYTES as u64;

/// An open file.
#[derive(Clone, Debug)]
pub struct LocalFile(Arc<File>);

impl LocalFile {
    /// Opens a file to read; on another thread, since the disk may have to be asked for it.
    pub async fn open(path: PathBuf) -> Result<Self> {
        Ok(Self::of(spawn_blocking(move || File::open(path)).await??))
    }

    /// A file that is open.
    pub fn of(file: File) -> Self {
        Self(Arc::new(file))
    }

    /// The file itself, for threads that may block.
    pub fn file(&self) -> &Arc<File> {
        &self.0
    }

    /// Whether a folder still has it: one that was removed or replaced stays readable while it is open.
    pub fn is_linked(&self) -> bool {
        fstat(&*self.0).is_ok_and(|status| status.st_nlink > 0)
    }

    /// The bytes of a range in one piece. Fails with `UnexpectedEof` when the file ends before it.
    pub async fn read(&self, range: Range<u64>) -> Result<Bytes> {
        let length = range.end.saturating_sub(range.start);
        let length = usize::try_from(length).map_err(|_| ErrorKind::FileTooLarge)?;
        // Given from here, not from a reading thread, where it would stay while that waits for its next read.
        let mut buffer = Buffer::of(length);
        let got = if length > AT_ONCE_MAX_BYTES { 0 } else { self.at_once(&mut buffer, range.start) };
        if got < length {
            let file = Arc::clone(&self.0);
            buffer = spawn_blocking(move || {
                let start = range.start.saturating_add(got as u64);
                // Only a hint: what can be said against it does not matter.
                let _ = fadvise(&*file, start, std::num::NonZero::new(AHEAD_BYTES), Advice::WillNeed);
                file.read_exact_at(buffer.get_mut(got..).unwrap_or_default(), start)?;
                Ok::<_, std::io::Error>(buffer)
            })
            .await??;
        }
        Ok(buffer.freeze())
    }

    /// The bytes of a range in chunks of at most 128 KiB. The more streams there are, the smaller are their chunks.
    pub fn stream(&self, range: Range<u64>) -> impl Stream<Item = Result<Bytes>> + Send + 'static + use<> {
        let (file, streaming) = (self.clone(), Streaming::begin());
        stream::try_unfold((file, streaming, range), |(file, streaming, left)| async move {
            if left.is_empty() {
                return Ok(None);
            }
            let end = left.end.min(left.start.saturating_add(Streaming::chunk_bytes(CHUNK_BYTES)));
            let chunk = file.read(left.start..end).await?;
            Ok(Some((chunk, (file, streaming, end..left.end))))
        })
    }

    /// Reads as much of the buffer as is there without waiting for the disk; some file systems never say.
    fn at_once(&self, buffer: &mut [u8], start: u64) -> usize {
        let mut got = 0;
        while let Some(rest) = buffer.get_mut(got..).filter(|rest| !rest.is_empty()) {
            let at = start.saturating_add(got as u64);
            match preadv2(&*self.0, &mut [IoSliceMut::new(rest)], at, ReadWriteFlags::NOWAIT) {
                Ok(0) => break,
                Ok(read) => got += read,
                Err(Errno::INTR) => {}
                // What is wrong is said by the read that may wait.
                Err(_) => break,
            }
        }
        got
    }
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt as _;

    use super::*;

    #[tokio::test]
    async fn ranges_are_read_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let content: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
        std::fs::write(&path, &content).unwrap();
        let file = LocalFile::open(path.clone()).await.unwrap();
        for range in [0..0, 0..1, 5..131_077, 7..2_999_999, 0..3_000_000] {
            let wanted = &content[range.start as usize..range.end as usize];
            assert_eq!(file.read(range.clone()).await.unwrap(), wanted);
            let chunks: Vec<Bytes> = file.stream(range).try_collect().await.unwrap();
            assert_eq!(chunks.concat(), wanted);
        }
        // With and without the page cache.
        fadvise(&**file.file(), 0, None, Advice::DontNeed).unwrap();
        assert_eq!(file.read(1_000_000..1_500_000).await.unwrap(), &content[1_000_000..1_500_000]);
        let past = file.read(2_999_990..3_000_001).await.unwrap_err();
        assert_eq!(past.kind(), ErrorKind::UnexpectedEof);

        assert!(file.is_linked());
        std::fs::write(folder.path().join("next"), b"other").unwrap();
        std::fs::rename(folder.path().join("next"), &path).unwrap();
        assert!(!file.is_linked());
        assert_eq!(file.read(0..4).await.unwrap(), &content[..4]);
    }
}
