//! What requests that bring metadata and values share: the disk that holds the values until the instances are put
//! together, and the memory that this takes.

use crate::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use storage::Archive;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Requests whose metadata is in memory at a time. All that they bring has come by then, so no sender holds a place.
const PLACES: usize = 2;

/// What all requests share. Clones share it.
#[derive(Debug, Clone)]
pub struct Rooms {
    places: Arc<Semaphore>,
    held_bytes: Arc<AtomicU64>,
}

impl Default for Rooms {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(PLACES)), held_bytes: Arc::default() }
    }
}

impl Rooms {
    /// Room for one request.
    pub fn enter(&self, archive: &Archive) -> Room {
        Room { archive: archive.clone(), shared: self.clone(), held_bytes: 0 }
    }

    /// A place for metadata in memory, once there is one.
    pub async fn place(&self) -> Result<OwnedSemaphorePermit, Error> {
        let place = Arc::clone(&self.places).acquire_owned().await;
        place.map_err(|_| Error::Busy("the archive is stopping".into()))
    }
}

/// What one request holds on the disk of the spool; given back when it is let go.
pub struct Room {
    archive: Archive,
    shared: Rooms,
    held_bytes: u64,
}

impl Room {
    /// The folder of the spool.
    pub fn folder(&self) -> &Path {
        &self.archive.config().spool_dir
    }

    /// Holds so many bytes more, when the spool and what others hold leave room for them.
    pub fn hold(&mut self, bytes: u64) -> Result<(), Error> {
        self.held_bytes = self.held_bytes.saturating_add(bytes);
        let held = self.shared.held_bytes.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        let room = self.archive.check_room(held);
        room.map_err(|_| Error::Busy("the archive has no room for these values now".into()))
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.shared.held_bytes.fetch_sub(self.held_bytes, Ordering::Relaxed);
    }
}
