//! Notes when devices were last heard of, beside the associations: one writer, which lets go what comes faster than it
//! can be written. An association waits for no database to begin.

use pacs_core::clock::Clock;
use pacs_core::uid::AeTitle;
use storage::database::Database;
use storage::devices;
use tokio::sync::mpsc::{self, Receiver, Sender};

/// Titles that wait to be noted: as many as associations may begin while the database is busy.
const WAITING: usize = 256;

/// Where it is told who has called.
#[derive(Debug, Clone)]
pub(crate) struct Seen(Sender<AeTitle>);

impl Seen {
    /// The teller, and what [`write`] reads.
    pub fn new() -> (Self, Receiver<AeTitle>) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (Self(sender), receiver)
    }

    /// Notes that an application entity has opened an association.
    pub fn note(&self, title: &AeTitle) {
        if self.0.try_send(title.clone()).is_err() {
            tracing::debug!(%title, "a device is not noted as seen: too many at once");
        }
    }
}

/// Writes until all tellers have gone.
pub(crate) async fn write(mut seen: Receiver<AeTitle>, database: Database, clock: Clock) {
    while let Some(title) = seen.recv().await {
        if let Err(error) = devices::seen(&database, &title, clock.now_ms()).await {
            tracing::warn!(%error, "a device could not be noted as seen");
        }
    }
}
