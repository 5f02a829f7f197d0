//! The syncs that the rows of a batch wait for.

use tokio::sync::oneshot;

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
}

/// Of a batch, in the order of its instances; none by default.
#[derive(Default)]
pub(super) struct Syncs(pub Vec<Synced>);

impl Syncs {
    /// Waits for all of them. An error when one failed: then rows must not be committed.
    pub async fn all(&mut self) -> Result<()> {
        for sync in &mut self.0 {
            if let Synced::Awaited(synced) = sync {
                let ended = synced.await.unwrap_or_else(|_| Err(never_synced()));
                *sync = Synced::Ended(ended);
            }
        }
        if self.0.iter().any(|sync| matches!(sync, Synced::Ended(Err(_)))) {
            return Err(Error::internal("write the rows of a batch", "not all of its bytes were synced"));
        }
        Ok(())
    }

    /// What came of each.
    pub async fn ended(mut self) -> Vec<Result<Undecided>> {
        // Each failure is told to the one that it belongs to.
        let _ = self.all().await;
        let ended = |sync| match sync {
            Synced::Ended(ended) => ended,
            Synced::Awaited(_) => Err(never_synced()),
        };
        self.0.into_iter().map(ended).collect()
    }
}

fn never_synced() -> Error {
    Error::internal("sync the spool", "the thread that was to do it has gone")
}
