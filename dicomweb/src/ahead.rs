//! Thumbnails made ahead of whoever looks: that of each series once it has settled, as the request for it would make
//! it, so that a study's list of thumbnails is read as files. What is missed (the program ended, the picture failed) is
//! made on demand.

use crate::state::State;
use crate::wado::thumbnail;
use pacs_core::access::Scope;
use pacs_core::uid::Uid;
use std::time::Duration;
use storage::events::{self, Event, EventKind};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// Events read at once.
const BATCH: u32 = 200;
/// Other processes write events without a hint to this one.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Follows the outbox and makes the thumbnail of each series that settles. One at a time, with a rest as long as the
/// work, so that whoever asks for frames meanwhile has the better half of the machine.
pub struct Ahead {
    state: State,
    hints: watch::Receiver<u64>,
    cursor: i64,
}

impl Ahead {
    /// Begins with the series that settle from here on.
    pub async fn open(state: State) -> Result<Self, storage::Error> {
        let database = state.archive.database();
        // Subscribed before the first look, so that nothing falls between the two.
        let hints = database.event_hints();
        let cursor = events::newest(database).await?;
        Ok(Self { state, hints, cursor })
    }

    /// Goes on until `shutdown`.
    pub async fn run(mut self, shutdown: CancellationToken) {
        shutdown.run_until_cancelled(self.follow()).await;
    }

    async fn follow(&mut self) {
        loop {
            self.hints.mark_unchanged();
            let found = events::since(self.state.archive.database(), self.cursor, BATCH).await;
            let found = found.unwrap_or_else(|error| {
                tracing::warn!(%error, "events cannot be read");
                Vec::new()
            });
            if found.is_empty() {
                // Elapsed or hinted, the next look tells.
                let _ = timeout(LOOK_EVERY, self.hints.changed()).await;
            }
            for event in found {
                self.cursor = event.id;
                if event.kind == EventKind::SeriesSettled {
                    let begun = Instant::now();
                    self.make(&event).await;
                    sleep(begun.elapsed()).await;
                }
            }
        }
    }

    async fn make(&self, settled: &Event) {
        let uid = |text: &Option<String>| Uid::parse(text.as_deref()?).ok();
        let (Some(study), Some(series)) = (uid(&settled.study_uid), uid(&settled.series_uid)) else { return };
        let made = match self.state.archive.locate_middle(&Scope::All, &study, Some(&series)).await {
            Ok(places) => thumbnail::make(&self.state, &places).await,
            Err(error) => Err(error.into()),
        };
        // Reports and the like have none; whoever asks for that of a damaged image is told.
        if let Err(error) = made {
            tracing::debug!(%error, %series, "no thumbnail was made");
        }
    }
}
