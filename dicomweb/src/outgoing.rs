//! Bodies made while they are sent.

use crate::error::Error;
use axum::body::Body;
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt, TryStreamExt};
use std::future::Future;
use std::pin::pin;
use tokio::sync::mpsc;

/// Pieces made ahead of the one that is being sent: enough that reading and sending overlap. A client that does not read
/// holds them, and there may be thousands of those.
const PIECES_AHEAD: usize = 1;

/// Where the maker of a body puts its pieces.
#[derive(Debug)]
pub struct Outgoing(mpsc::Sender<Result<Bytes, Error>>);

/// The client went away; there is nobody left to make anything for.
#[derive(Debug)]
pub struct Gone;

/// Why a body was not finished.
#[derive(Debug)]
pub enum Stopped {
    /// The client went away.
    Gone,
    /// The rest could not be made.
    Failed(Error),
}

impl From<Gone> for Stopped {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

impl<E: Into<Error>> From<E> for Stopped {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Outgoing {
    /// Sends a piece, waiting while the client is slower than the archive.
    pub async fn send(&self, piece: Bytes) -> Result<(), Gone> {
        if piece.is_empty() {
            return Ok(());
        }
        self.0.send(Ok(piece)).await.map_err(|_| Gone)
    }

    /// Sends the pieces of a stream.
    pub async fn send_all<E: Into<Error>>(
        &self,
        pieces: impl Stream<Item = Result<Bytes, E>>,
    ) -> Result<(), Stopped> {
        let mut pieces = pin!(pieces);
        loop {
            // Nothing is read before there is room for it.
            let room = self.0.reserve().await.map_err(|_| Gone)?;
            match pieces.try_next().await.map_err(|error| Stopped::Failed(error.into()))? {
                Some(piece) if piece.is_empty() => {}
                Some(piece) => room.send(Ok(piece)),
                None => return Ok(()),
            }
        }
    }
}

/// The pieces that `make` sends, made ahead of whoever takes them. When nobody takes them any more, `make` is told by its
/// next piece.
pub fn pieces<F, M>(make: M) -> BoxStream<'static, Result<Bytes, Error>>
where
    M: FnOnce(Outgoing) -> F,
    F: Future<Output = Result<(), Stopped>> + Send + 'static,
{
    let (sender, mut receiver) = mpsc::channel(PIECES_AHEAD);
    let making = make(Outgoing(sender.clone()));
    tokio::spawn(async move {
        // Waiting on a codec or a disk is given up as well once nobody listens.
        let outcome = tokio::select! {
            outcome = making => outcome,
            () = sender.closed() => Err(Stopped::Gone),
        };
        if let Err(Stopped::Failed(error)) = outcome {
            let _ = sender.send(Err(error)).await;
        }
    });
    stream::poll_fn(move |context| receiver.poll_recv(context)).boxed()
}

/// A body of `prefix` and the pieces that `make` sends. It is returned once the first of these pieces is made: what
/// fails until then can still be answered with a status. What fails later cuts the connection short of the body's end,
/// so that the client does not take a part for the whole.
pub async fn body<F, M>(prefix: Bytes, make: M) -> Result<Body, Error>
where
    M: FnOnce(Outgoing) -> F,
    F: Future<Output = Result<(), Stopped>> + Send + 'static,
{
    let mut pieces = pieces(make);
    let first = pieces.try_next().await?.unwrap_or_default();
    let begun = [prefix, first].into_iter().filter(|piece| !piece.is_empty()).map(Ok);
    let rest = pieces.inspect_err(|error| tracing::warn!(%error, "an answer was cut short"));
    Ok(Body::from_stream(stream::iter(begun).chain(rest)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn pieces_arrive_in_order() {
        let body = body(Bytes::from("<"), |out| async move {
            for piece in ["a", "", "b", "c", "d", "e", "f"] {
                out.send(Bytes::from(piece)).await?;
            }
            Ok(())
        });
        assert_eq!(body.await.unwrap().collect().await.unwrap().to_bytes(), "<abcdef");
        let empty = body_of_nothing().await.unwrap();
        assert_eq!(empty.collect().await.unwrap().to_bytes(), "<");
    }

    async fn body_of_nothing() -> Result<Body, Error> {
        body(Bytes::from("<"), |_out| async { Ok(()) }).await
    }

    #[tokio::test]
    async fn what_fails_before_the_first_piece_is_no_answer() {
        let body = body(Bytes::from("<"), |_out| async { Err(Stopped::Failed(Error::NotFound("it"))) });
        assert!(matches!(body.await, Err(Error::NotFound("it"))));
    }

    #[tokio::test]
    async fn a_failure_is_no_end() {
        let body = body(Bytes::new(), |out| async move {
            out.send(Bytes::from("a")).await?;
            Err(Stopped::Failed(Error::Internal("broken".into())))
        });
        assert!(body.await.unwrap().collect().await.is_err());
    }

    #[tokio::test]
    async fn the_maker_stops_when_the_client_goes() {
        let (stopped, seen) = oneshot::channel::<()>();
        let body = body(Bytes::new(), |out| async move {
            let _stopped = stopped;
            out.send(Bytes::from("a")).await?;
            std::future::pending().await
        });
        drop(body.await.unwrap());
        assert!(seen.await.is_err(), "the maker was dropped with what it held");
    }
}
