//! The syncs that the rows of a batch wait for.

use tokio::sync::oneshot;

use crate::error::{Error, Result};
use crate::spool::Undecided;

/// Tells that an instance's bytes are on stable storage, or why not.
pub(crate) type Synced = oneshot::Receiver<Result<Undecided>>;

/// Of a batch, in the order of its instances; none by default.
#[derive(Default)]
pub(super) struct Syncs(Vec<Sync>);

enum Sync {
    Awaited(Synced),
    Ended(Result<Undecided>),
}

impl Syncs {
    pub fn new(awaited: impl IntoIterator<Item = Synced>) -> Self {
        Self(awaited.into_iter().map(Sync::Awaited).collect())
    }

    /// Waits for all of them. An error when one failed: then rows must not be committed.
    pub async fn all(&mut self) -> Result<()> {
        for sync in &mut self.0 {
            if let Sync::Awaited(synced) = sync {
                let ended = synced.await.unwrap_or_else(|_| Err(never_synced()));
                *sync = Sync::Ended(ended);
            }
        }
        if self.0.iter().any(|sync| matches!(sync, Sync::Ended(Err(_)))) {
            return Err(Error::internal("write the rows of a batch", "not all of its bytes were synced"));
        }
        Ok(())
    }

    /// What came of each.
    pub async fn ended(mut self) -> Vec<Result<Undecided>> {
        // Each failure is told to the one that it belongs to.
        let _ = self.all().await;
        let ended = |sync| match sync {
            Sync::Ended(ended) => ended,
            Sync::Awaited(_) => Err(never_synced()),
        };
        self.0.into_iter().map(ended).collect()
    }
}

fn never_synced() -> Error {
    Error::internal("sync the spool", "the thread that was to do it has gone")
}
