//! Bodies made while they are sent.

use crate::error::Error;
use axum::body::Body;
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt, TryStreamExt};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio::sync::{Notify, Semaphore, SemaphorePermit};

/// Most that is made ahead of what is being sent, of one answer: enough that reading and sending overlap without waking
/// each other for each piece.
const AHEAD_OF_ONE_BYTES: usize = 512 << 10;
/// The same of all answers, beside one piece of each. A client that does not read holds what was made for it, and there
/// may be thousands of those.
const AHEAD_OF_ALL_BYTES: usize = 4 << 20;
/// What waits of an answer is at most this part of what is left for all, so that whoever comes later finds some.
const PART_OF_WHAT_IS_LEFT: usize = 4;
/// So much of an answer goes out before more than one piece is made ahead: as much as the system's buffers take of one
/// that nobody reads.
const UNREAD_BYTES: usize = 1 << 20;
/// Room for a piece whose length is not known yet: what is read at a time from a file that lies here.
const ROOM_BYTES: usize = 128 << 10;
/// What a piece counts at least.
const PIECE_MIN_BYTES: usize = 1 << 10;

/// What is left for all answers.
static AHEAD: Semaphore = Semaphore::const_new(AHEAD_OF_ALL_BYTES);

/// Where the maker of a body puts its pieces.
#[derive(Debug)]
pub struct Outgoing {
    sender: UnboundedSender<Piece>,
    queue: Arc<Queue>,
}

/// A piece that waits to be sent.
#[derive(Debug)]
struct Piece {
    /// An error is large, and a channel has room for 32 of whatever it carries.
    content: Result<Bytes, Box<Error>>,
    counted_bytes: usize,
    /// Its part of what is made ahead; none of one that waits alone.
    _share: Option<SemaphorePermit<'static>>,
}

/// What waits to be sent.
#[derive(Debug, Default)]
struct Queue {
    pieces: AtomicUsize,
    counted_bytes: AtomicUsize,
    /// What has gone out before.
    taken_bytes: AtomicUsize,
    /// Told when there may be room.
    taken: Notify,
}

/// Room for a piece of some length.
struct Room(Option<SemaphorePermit<'static>>);

impl Queue {
    /// Waits for room: there is some when nothing else waits, or when all that is made ahead leaves some.
    async fn room(&self, bytes: usize) -> Room {
        loop {
            if self.pieces.load(Ordering::Acquire) == 0 {
                return Room(None);
            }
            let is_read = self.taken_bytes.load(Ordering::Acquire) >= UNREAD_BYTES;
            let most = AHEAD_OF_ONE_BYTES.min(AHEAD.available_permits() / PART_OF_WHAT_IS_LEFT);
            let fits = is_read && self.counted_bytes.load(Ordering::Acquire).saturating_add(bytes) <= most;
            let share =
                u32::try_from(bytes).ok().filter(|_| fits).and_then(|n| AHEAD.try_acquire_many(n).ok());
            if share.is_some() {
                return Room(share);
            }
            self.taken.notified().await;
        }
    }

    fn put(&self, counted_bytes: usize) {
        self.pieces.fetch_add(1, Ordering::AcqRel);
        self.counted_bytes.fetch_add(counted_bytes, Ordering::AcqRel);
    }

    /// Half of what may wait is left before the maker is woken, so that it makes several pieces at a time.
    fn take(&self, counted_bytes: usize) {
        self.taken_bytes.fetch_add(counted_bytes, Ordering::AcqRel);
        self.pieces.fetch_sub(1, Ordering::AcqRel);
        let before = self.counted_bytes.fetch_sub(counted_bytes, Ordering::AcqRel);
        if before.saturating_sub(counted_bytes) <= AHEAD_OF_ONE_BYTES / 2 {
            self.taken.notify_one();
        }
    }
}

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
        let room = self.queue.room(counted(&piece)).await;
        self.put(piece, room)
    }

    /// Sends the pieces of a stream.
    pub async fn send_all<E: Into<Error>>(
        &self,
        pieces: impl Stream<Item = Result<Bytes, E>>,
    ) -> Result<(), Stopped> {
        let mut pieces = pin!(pieces);
        loop {
            // Nothing is read before there is room for it.
            let room = self.queue.room(ROOM_BYTES).await;
            match pieces.try_next().await.map_err(|error| Stopped::Failed(error.into()))? {
                Some(piece) if piece.is_empty() => {}
                Some(piece) if piece.len() > ROOM_BYTES && room.0.is_some() => {
                    drop(room);
                    self.send(piece).await?;
                }
                Some(piece) => self.put(piece, room)?,
                None => return Ok(()),
            }
        }
    }

    fn put(&self, piece: Bytes, Room(share): Room) -> Result<(), Gone> {
        let counted_bytes = counted(&piece);
        // Of the room that was waited for, what the piece needs.
        let share = share.and_then(|mut share| {
            let needed = counted_bytes.min(share.num_permits());
            share.split(needed)
        });
        self.queue.put(counted_bytes);
        let piece = Piece { content: Ok(piece), counted_bytes, _share: share };
        self.sender.send(piece).map_err(|_| Gone)
    }
}

fn counted(piece: &Bytes) -> usize {
    piece.len().max(PIECE_MIN_BYTES)
}

/// The pieces that `make` sends, made ahead of whoever takes them. When nobody takes them any more, `make` is given up.
pub fn pieces<F, M>(make: M) -> BoxStream<'static, Result<Bytes, Error>>
where
    M: FnOnce(Outgoing) -> F,
    F: Future<Output = Result<(), Stopped>> + Send + 'static,
{
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let queue = Arc::new(Queue::default());
    let making = make(Outgoing { sender: sender.clone(), queue: Arc::clone(&queue) });
    tokio::spawn(async move {
        // Waiting on a client, a codec or a disk is given up as well once nobody listens.
        let outcome = tokio::select! {
            outcome = making => outcome,
            () = sender.closed() => Err(Stopped::Gone),
        };
        if let Err(Stopped::Failed(error)) = outcome {
            let _ = sender.send(Piece { content: Err(Box::new(error)), counted_bytes: 0, _share: None });
        }
    });
    stream::poll_fn(move |context| {
        receiver.poll_recv(context).map(|piece| {
            let Piece { content, counted_bytes, _share } = piece?;
            if content.is_ok() {
                queue.take(counted_bytes);
            }
            Some(content.map_err(|error| *error))
        })
    })
    .boxed()
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

    /// An answer that has pieces for as long as somebody takes them, and how many were made.
    fn endless(piece_bytes: usize) -> (BoxStream<'static, Result<Bytes, Error>>, Arc<AtomicUsize>) {
        let made = Arc::new(AtomicUsize::new(0));
        let counting = Arc::clone(&made);
        let source = stream::repeat_with(move || {
            counting.fetch_add(1, Ordering::Relaxed);
            Ok::<_, Error>(Bytes::from(vec![0; piece_bytes]))
        });
        (pieces(move |out| async move { out.send_all(source).await }), made)
    }

    /// Lets all makers go on until none can.
    async fn rest() {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }

    /// Takes so many pieces.
    async fn take(pieces: &mut BoxStream<'static, Result<Bytes, Error>>, count: usize) {
        for _ in 0..count {
            pieces.try_next().await.unwrap().unwrap();
        }
    }

    #[tokio::test]
    async fn what_nobody_reads_is_bounded_for_one_and_for_all() {
        const READ: usize = UNREAD_BYTES / ROOM_BYTES;
        let (mut reader, made) = endless(ROOM_BYTES);
        take(&mut reader, READ).await;
        rest().await;
        assert_eq!(made.load(Ordering::Relaxed), READ + AHEAD_OF_ONE_BYTES / ROOM_BYTES);

        let silent: Vec<_> = (0..300).map(|_| endless(ROOM_BYTES)).collect();
        rest().await;
        assert!(silent.iter().all(|(_, made)| made.load(Ordering::Relaxed) == 1), "each has begun");

        let mut stopped: Vec<_> = (0..50).map(|_| endless(ROOM_BYTES)).collect();
        for (pieces, _) in &mut stopped {
            take(pieces, READ).await;
        }
        rest().await;
        let held: usize = stopped.iter().map(|(_, made)| made.load(Ordering::Relaxed) - READ).sum();
        assert!((50..50 + AHEAD_OF_ALL_BYTES / ROOM_BYTES).contains(&held), "{held}");

        // Who reads goes on among all of them.
        take(&mut reader, READ).await;
        assert!(made.load(Ordering::Relaxed) >= 2 * READ);
        drop((reader, silent, stopped));
        rest().await;
        assert_eq!(AHEAD.available_permits(), AHEAD_OF_ALL_BYTES);
    }

    /// Pieces that are larger than all that may be ahead go one at a time.
    #[tokio::test]
    async fn large_pieces_wait_for_the_one_before() {
        let (mut read, made) = endless(AHEAD_OF_ONE_BYTES * 2);
        rest().await;
        assert!(made.load(Ordering::Relaxed) <= 2);
        for _ in 0..5 {
            assert_eq!(read.try_next().await.unwrap().unwrap().len(), AHEAD_OF_ONE_BYTES * 2);
        }
        rest().await;
        assert!(made.load(Ordering::Relaxed) <= 7);
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
