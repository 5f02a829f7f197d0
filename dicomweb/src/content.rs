//! Bytes of a known length that can be sent from any place on.

use crate::error::Error;
use axum::body::Body;
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt, TryStreamExt};
use std::ops::Range;
use storage::Rendition;

/// Gives the bytes of a range.
type Open = Box<dyn FnOnce(Range<u64>) -> BoxStream<'static, Result<Bytes, Error>> + Send>;

/// What a body holds.
pub enum Content {
    /// Here.
    Held(Bytes),
    /// Read while it is sent.
    Read {
        /// How long it is.
        length_bytes: u64,
        /// Reads it.
        open: Open,
    },
}

impl Content {
    /// Content of that length which `open` reads by ranges.
    pub fn read<S, E>(length_bytes: u64, open: impl FnOnce(Range<u64>) -> S + Send + 'static) -> Self
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<Error> + 'static,
    {
        Self::Read { length_bytes, open: Box::new(move |range| open(range).map_err(Into::into).boxed()) }
    }

    /// What was made once and is kept.
    pub fn rendition(rendition: Rendition) -> Self {
        match rendition.held_bytes() {
            Some(bytes) => Self::Held(bytes.clone()),
            None => Self::read(rendition.length_bytes(), move |part| rendition.part(part)),
        }
    }

    /// How long it is.
    pub fn length_bytes(&self) -> u64 {
        match self {
            Self::Held(bytes) => bytes.len() as u64,
            Self::Read { length_bytes, .. } => *length_bytes,
        }
    }

    /// The bytes of a part.
    pub fn pieces(self, part: Range<u64>) -> BoxStream<'static, Result<Bytes, Error>> {
        match self {
            Self::Held(bytes) => stream::iter([Ok(cut(&bytes, &part))]).boxed(),
            Self::Read { open, .. } => open(part),
        }
    }

    /// All bytes.
    pub fn all(self) -> BoxStream<'static, Result<Bytes, Error>> {
        let whole = 0..self.length_bytes();
        self.pieces(whole)
    }

    /// A body of a part. What fails before its first piece is there is no answer, what fails later cuts it.
    pub async fn body(self, part: Range<u64>) -> Result<Body, Error> {
        match self {
            Self::Held(bytes) => Ok(Body::from(cut(&bytes, &part))),
            read => read.between(Bytes::new(), part, Bytes::new()).await,
        }
    }

    /// The same with something before and behind it: all of it as the one part of a multipart body.
    pub async fn framed(self, head: Bytes, close: Bytes) -> Result<Body, Error> {
        let whole = 0..self.length_bytes();
        self.between(head, whole, close).await
    }

    async fn between(self, head: Bytes, part: Range<u64>, close: Bytes) -> Result<Body, Error> {
        let mut pieces = self.pieces(part);
        let first = pieces.try_next().await?.unwrap_or_default();
        let rest = pieces.inspect_err(|error| tracing::warn!(%error, "an answer was cut short"));
        let begun = [head, first].into_iter().filter(|piece| !piece.is_empty()).map(Ok);
        Ok(Body::from_stream(stream::iter(begun).chain(rest).chain(stream::iter([Ok(close)]))))
    }
}

fn cut(bytes: &Bytes, part: &Range<u64>) -> Bytes {
    let at = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
    bytes.slice(at(part.start)..at(part.end).max(at(part.start)))
}
