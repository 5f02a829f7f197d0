//! The syncs that the rows of a batch wait for.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::error::{Error, Result};
use crate::spool::Undecided;

/// Whether an instance's bytes are on stable storage.
pub(crate) enum Synced {
    /// Tells it when it is so, or why it never will be.
    Awaited(oneshot::Receiver<Result<Undecided>>),
    /// What came of it.
    Ended(Result<Undecided>),
}

impl Synced {
    /// Looks without waiting.
    pub fn has_ended(&mut self) -> bool {
        if let Self::Awaited(synced) = self {
            match synced.try_recv() {
                Ok(ended) => *self = Self::Ended(ended),
                Err(oneshot::error::TryRecvError::Closed) => *self = Self::Ended(Err(never_synced())),
                Err(oneshot::error::TryRecvError::Empty) => return false,
            }
        }
        true
    }

    /// Whether it has ended, asked while somebody waits for that.
    pub fn poll_ended(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if let Self::Awaited(synced) = self {
            let ended = ready!(Pin::new(synced).poll(context));
            *self = Self::Ended(ended.unwrap_or_else(|_| Err(never_synced())));
        }
        Poll::Ready(())
    }
}

/// Of a batch, in the order of its instances; none by default.
#[derive(Default)]
pub(super) struct Syncs(pub Vec<Synced>);

impl Syncs {
    /// Waits for all of them, for so long; says whether all have ended. An error when one failed: then rows must not
    /// be committed.
    pub async fn all_within(&mut self, limit: Duration) -> Result<bool> {
        let ended = timeout(limit, async {
            for sync in &mut self.0 {
                std::future::poll_fn(|context| sync.poll_ended(context)).await;
            }
        });
        let have_ended = ended.await.is_ok();
        if self.0.iter().any(|sync| matches!(sync, Synced::Ended(Err(_)))) {
            return Err(Error::internal("write the rows of a batch", "not all of its bytes were synced"));
        }
        Ok(have_ended)
    }
}

fn never_synced() -> Error {
    Error::internal("sync the spool", "the thread that was to do it has gone")
}
