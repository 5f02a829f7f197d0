//! Senders that stop sending. A connection may be slow, but what it holds of the archive is given back when hardly
//! anything comes any more.

use crate::multipart::ReadError;
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// How fast a body has to come.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// So many bytes
    pub bytes: usize,
    /// within each such time.
    pub within: Duration,
}

/// What an association has to keep to as well.
pub const PACE: Pace = Pace { bytes: 32 << 10, within: Duration::from_secs(60) };

/// The pieces of a body, and an error when they come too slowly. Only time that is spent waiting for the sender counts,
/// not what the receiver takes to deal with what came.
pub fn paced(
    body: impl Stream<Item = Result<Bytes, axum::Error>> + Unpin + Send + 'static,
    pace: Pace,
) -> BoxStream<'static, Result<Bytes, ReadError>> {
    stream::try_unfold((body, pace.within, 0usize), move |(mut body, mut left, mut came)| async move {
        let asked = Instant::now();
        let next = timeout(left, body.next()).await.map_err(|_| ReadError::TooSlow)?;
        let Some(piece) = next.transpose().map_err(ReadError::Body)? else { return Ok(None) };
        left = left.saturating_sub(asked.elapsed());
        came = came.saturating_add(piece.len());
        if came >= pace.bytes {
            (left, came) = (pace.within, 0);
        } else if left.is_zero() {
            return Err(ReadError::TooSlow);
        }
        Ok(Some((piece, (body, left, came))))
    })
    .boxed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::TryStreamExt;

    async fn read(
        body: impl Stream<Item = Result<Bytes, axum::Error>> + Send + 'static,
        bytes: usize,
    ) -> Result<usize, ReadError> {
        let pace = Pace { bytes, within: Duration::from_millis(20) };
        let pieces: Vec<Bytes> = paced(Box::pin(body), pace).try_collect().await?;
        Ok(pieces.iter().map(Bytes::len).sum())
    }

    fn piece() -> Result<Bytes, axum::Error> {
        Ok(Bytes::from_static(b"DICM"))
    }

    #[tokio::test]
    async fn who_sends_is_waited_for_and_who_stops_or_drips_is_not() {
        assert_eq!(read(stream::iter((0..100).map(|_| piece())), 4).await.unwrap(), 400);
        let silent = stream::iter([piece()]).chain(stream::pending());
        assert!(matches!(read(silent, 1 << 20).await, Err(ReadError::TooSlow)));
        let dripping = stream::repeat(()).then(async |()| {
            tokio::task::yield_now().await;
            piece()
        });
        assert!(matches!(read(dripping, usize::MAX).await, Err(ReadError::TooSlow)));
    }
}
