//! Lines of a compressed object of a target, whose hash is compared at the end.

use std::io::{BufRead as _, BufReader, Read};

use bytes::{Buf as _, Bytes};
use flate2::read::GzDecoder;
use futures::{StreamExt as _, TryStreamExt as _};
use object_store::path::Path;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::manifest::{Object, Part};
use super::{Target, copy};
use crate::error::{Error, Result};

/// Lines that are handed on at once, and about how many bytes of them.
const BATCH: usize = 512;
const BATCH_BYTES: usize = 1 << 20;

/// The lines, parsed on a thread that may take its time.
pub(super) struct Input<T> {
    batches: mpsc::Receiver<Result<Vec<T>>>,
    batch: std::vec::IntoIter<T>,
}

impl<T: Send + 'static> Input<T> {
    /// Begins to read. After the last line comes corrupt when the object is not the one that is expected: only then is
    /// it known.
    pub async fn begin(
        target: &Target,
        path: &Path,
        expected: Part,
        parse: impl FnMut(&[u8]) -> Result<T> + Send + 'static,
    ) -> Result<Self> {
        let mut content = copy::object(&target.objects, path).await?;
        let (chunks, receiver) = mpsc::channel(2);
        tokio::spawn(async move {
            while let Some(chunk) = content.next().await {
                if chunks.send(chunk).await.is_err() {
                    return;
                }
            }
        });
        let (sender, batches) = mpsc::channel(2);
        let pipe = Pipe {
            receiver,
            chunk: Bytes::new(),
            hasher: blake3::Hasher::new(),
            length_bytes: 0,
            failure: None,
        };
        spawn_blocking(move || {
            if let Err(error) = read(pipe, &expected, parse, &sender) {
                // Nobody hears it when the reader has gone.
                let _ = sender.blocking_send(Err(error));
            }
        });
        Ok(Self { batches, batch: Vec::new().into_iter() })
    }

    /// The next line; `None` once all has come and is what was expected.
    pub async fn next(&mut self) -> Result<Option<T>> {
        loop {
            if let Some(line) = self.batch.next() {
                return Ok(Some(line));
            }
            match self.batches.recv().await {
                Some(batch) => self.batch = batch?.into_iter(),
                None => return Ok(None),
            }
        }
    }
}

impl<T: Send + 'static> Input<T> {
    /// The lines as a stream.
    pub fn stream(self) -> impl futures::Stream<Item = Result<T>> {
        futures::stream::try_unfold(self, |mut input| async {
            let next = input.next().await?;
            Ok(next.map(|line| (line, input)))
        })
    }
}

/// Reads a list of objects.
pub(super) async fn objects(target: &Target, path: &Path, expected: Part) -> Result<Input<Object>> {
    let parse = |line: &[u8]| {
        serde_json::from_slice(line).map_err(|error| Error::Corrupt(format!("the list of a backup: {error}")))
    };
    Input::begin(target, path, expected, parse).await
}

/// The objects of a list, up to where it cannot be read any more.
pub(super) fn listed(
    target: &Target,
    path: &Path,
    expected: Part,
) -> impl futures::Stream<Item = Result<Object>> {
    futures::stream::once(objects(target, path, expected)).map_ok(Input::stream).try_flatten()
}

fn read<T>(
    pipe: Pipe,
    expected: &Part,
    mut parse: impl FnMut(&[u8]) -> Result<T>,
    sender: &mpsc::Sender<Result<Vec<T>>>,
) -> Result<()> {
    let mut lines = BufReader::with_capacity(64 << 10, GzDecoder::new(pipe));
    let (mut line, mut batch, mut batch_bytes) = (Vec::new(), Vec::new(), 0);
    loop {
        line.clear();
        match lines.read_until(b'\n', &mut line) {
            Ok(0) => break,
            Ok(read) => batch_bytes += read,
            Err(error) => {
                let failure = lines.get_mut().get_mut().failure.take();
                return Err(
                    failure.unwrap_or_else(|| Error::Corrupt(format!("it cannot be unpacked: {error}")))
                );
            }
        }
        batch.push(parse(line.strip_suffix(b"\n").unwrap_or(&line))?);
        if batch.len() >= BATCH || batch_bytes >= BATCH_BYTES {
            batch_bytes = 0;
            if sender.blocking_send(Ok(std::mem::take(&mut batch))).is_err() {
                return Ok(());
            }
        }
    }
    let mut pipe = lines.into_inner().into_inner();
    let drained = std::io::copy(&mut pipe, &mut std::io::sink());
    if let Some(failure) = pipe.failure.take() {
        return Err(failure);
    }
    drained.map_err(|error| Error::internal("read a backup", error))?;
    let found = Part { length_bytes: pipe.length_bytes, blake3: pipe.hasher.finalize().to_hex().to_string() };
    if found != *expected {
        return Err(Error::Corrupt("it has another hash than its manifest says".to_owned()));
    }
    // The last lines only now: whoever has heard them knows that they are right.
    let _ = sender.blocking_send(Ok(batch));
    Ok(())
}

/// A content as a thread reads it.
struct Pipe {
    receiver: mpsc::Receiver<Result<Bytes>>,
    chunk: Bytes,
    hasher: blake3::Hasher,
    length_bytes: u64,
    failure: Option<Error>,
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while self.chunk.is_empty() {
            match self.receiver.blocking_recv() {
                Some(Ok(chunk)) => {
                    self.hasher.update(&chunk);
                    self.length_bytes += chunk.len() as u64;
                    self.chunk = chunk;
                }
                Some(Err(error)) => {
                    self.failure = Some(error);
                    return Err(std::io::Error::other("the backup cannot be read"));
                }
                None => return Ok(0),
            }
        }
        let read = self.chunk.len().min(buffer.len());
        self.chunk.copy_to_slice(buffer.get_mut(..read).unwrap_or_default());
        Ok(read)
    }
}
