//! Data sets that are deflated (PS3.5 A.5): made so on their way out, and read from front to back where they lie.

use std::io::Write;
use std::ops::Range;

use bytes::{Buf, Bytes, BytesMut};
use flate2::Compression;
use flate2::write::DeflateEncoder;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use storage::InstanceReader;
use tokio::task::spawn_blocking;

use super::stored::Unsendable;

/// Bytes deflated at a time.
const STEP_BYTES: usize = 256 << 10;

/// A data set as one deflate stream. A receiver waits for it: little is spent on making it small.
pub fn deflated(
    plain: BoxStream<'static, Result<Bytes, Unsendable>>,
) -> BoxStream<'static, Result<Bytes, Unsendable>> {
    let encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    let begun = Deflating { plain, piece: Bytes::new(), encoder, made_bytes: 0 };
    let next = |state: Option<Deflating>| async move {
        match state {
            Some(deflating) => deflating.next().await,
            None => Ok(None),
        }
    };
    stream::try_unfold(Some(begun), next).boxed()
}

struct Deflating {
    plain: BoxStream<'static, Result<Bytes, Unsendable>>,
    /// What is left of the piece that was taken last.
    piece: Bytes,
    encoder: DeflateEncoder<Vec<u8>>,
    made_bytes: usize,
}

impl Deflating {
    /// The next bytes, and what goes on with those that follow them.
    async fn next(mut self) -> Result<Option<(Bytes, Option<Self>)>, Unsendable> {
        loop {
            if self.piece.is_empty() {
                match self.plain.try_next().await? {
                    Some(piece) => self.piece = piece,
                    None => return self.end().await.map(|end| Some((end, None))),
                }
            }
            let step = self.piece.split_to(self.piece.len().min(STEP_BYTES));
            let mut encoder = self.encoder;
            let deflating = spawn_blocking(move || {
                encoder.write_all(&step)?;
                let made = std::mem::take(encoder.get_mut());
                Ok::<_, std::io::Error>((encoder, made))
            });
            let (encoder, made) = deflating.await.map_err(impossible)?.map_err(impossible)?;
            self.encoder = encoder;
            self.made_bytes = self.made_bytes.wrapping_add(made.len());
            if !made.is_empty() {
                return Ok(Some((made.into(), Some(self))));
            }
        }
    }

    async fn end(self) -> Result<Bytes, Unsendable> {
        let ending = spawn_blocking(move || self.encoder.finish());
        let mut made = ending.await.map_err(impossible)?.map_err(impossible)?;
        if !self.made_bytes.wrapping_add(made.len()).is_multiple_of(2) {
            // PS3.5 A.5: an odd stream is padded with one byte.
            made.push(0);
        }
        Ok(made.into())
    }
}

fn impossible(error: impl std::fmt::Display) -> Unsendable {
    Unsendable::NotRewritable(format!("it cannot be deflated: {error}"))
}

/// The plain stream of a deflated instance, which is inflated once as long as what is read follows what was read.
pub struct Inflated {
    reader: InstanceReader,
    stream: BoxStream<'static, storage::Result<Bytes>>,
    piece: Bytes,
    at: u64,
}

impl Inflated {
    /// Of an instance whose data set is deflated.
    pub fn of(reader: &InstanceReader) -> Self {
        Self { reader: reader.clone(), stream: reader.stream_inflated().boxed(), piece: Bytes::new(), at: 0 }
    }

    /// Bytes of the plain data set. The caller bounds how many.
    pub async fn read(&mut self, range: Range<u64>) -> Result<Bytes, Unsendable> {
        if range.start < self.at {
            *self = Self::of(&self.reader);
        }
        let mut read = BytesMut::new();
        while self.at < range.end {
            if self.piece.is_empty() {
                let cut = || storage::Error::Corrupt("a deflated data set ends before its values do".into());
                self.piece = self.stream.try_next().await?.ok_or_else(cut)?;
            }
            let there = self.piece.len() as u64;
            let passed = range.start.saturating_sub(self.at).min(there);
            let taken = range.end.saturating_sub(self.at.max(range.start)).min(there - passed);
            self.piece.advance(usize::try_from(passed).unwrap_or(usize::MAX));
            read.extend_from_slice(&self.piece.split_to(usize::try_from(taken).unwrap_or(usize::MAX)));
            self.at = self.at.saturating_add(passed).saturating_add(taken);
        }
        Ok(read.freeze())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[tokio::test]
    async fn what_was_deflated_inflates() {
        for length in [0usize, 1, 2, 3, 1000, 600_001] {
            let plain: Vec<u8> = (0..length).map(|n| (n * n / 3) as u8).collect();
            let pieces = [plain.clone(), Vec::new(), plain.clone()].map(|piece| Ok(Bytes::from(piece)));
            let made: Vec<Bytes> = deflated(stream::iter(pieces).boxed()).try_collect().await.unwrap();
            let made = made.concat();
            assert_eq!(made.len() % 2, 0);
            let mut inflated = Vec::new();
            flate2::read::DeflateDecoder::new(&made[..]).read_to_end(&mut inflated).unwrap();
            assert!(inflated == plain.repeat(2), "{length} bytes");
        }
    }

    #[tokio::test]
    async fn what_fails_in_between_fails() {
        let pieces = [Ok(Bytes::from_static(b"P")), Err(Unsendable::NotRewritable("broken".to_owned()))];
        let made: Result<Vec<Bytes>, _> = deflated(stream::iter(pieces).boxed()).try_collect().await;
        assert!(matches!(made, Err(Unsendable::NotRewritable(why)) if why == "broken"));
    }
}
