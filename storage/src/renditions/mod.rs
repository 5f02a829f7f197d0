//! Renditions: answers that were costly to make, kept as files until room is needed.
//!
//! A cache and nothing more: whatever is in it can be made again. It is emptied after a process
//! that did not close the archive in order, because a crash may leave files that are not whole and
//! may give a revision's number to another state of the series.

mod draft;
mod file;
mod key;
mod shelf;

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use tokio::task::spawn_blocking;

pub(crate) use draft::Draft;
pub use file::Rendition;
pub use key::RenditionKey;
use shelf::Shelf;

use crate::archive::Archive;
use crate::error::{Error, Result};
use crate::keyed::KeyedLocks;
use crate::read::local_file::LocalFile;

/// The renditions on disk. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Renditions {
    shelf: Arc<Shelf>,
    making: Arc<KeyedLocks<String>>,
}

impl Archive {
    /// The rendition of that key, made by `make` when it is not there. However many ask at once,
    /// it is made once. Failures of `make` are handed on as they are.
    pub async fn rendition<F, E>(&self, key: &RenditionKey, make: impl FnOnce() -> F) -> Result<Rendition, E>
    where
        F: Future<Output = Result<Bytes, E>>,
        E: From<Error>,
    {
        let renditions = &self.0.renditions;
        let name = key.file_name();
        if let Some(found) = renditions.find(&name).await? {
            return Ok(found);
        }
        let turn = renditions.making(name.clone());
        let _turn = turn.lock().await;
        if let Some(found) = renditions.find(&name).await? {
            return Ok(found);
        }
        let bytes = make().await?;
        renditions.keep(name.clone(), bytes.clone()).await;
        // A large one is read from its file even now: who reads it slowly shall hold no memory.
        match renditions.find(&name).await? {
            Some(kept) => Ok(kept),
            None => Ok(Rendition::held(bytes)),
        }
    }

    /// What is made for one answer alone, put into a file without a name: however slowly it is read, it takes no
    /// memory, and it is gone when it has been sent.
    pub async fn aside(&self, bytes: Bytes) -> Result<Rendition> {
        let renditions = self.0.renditions.clone();
        let length_bytes = bytes.len() as u64;
        let written = spawn_blocking(move || {
            let mut draft = renditions.draft()?;
            draft.write_all(&bytes).map_err(|error| Error::io("write a rendition", error))?;
            draft.aside()
        });
        let file = written.await.map_err(Error::thread)??;
        Ok(Rendition::lying(LocalFile::of(file), length_bytes))
    }
}

impl Renditions {
    /// Opens the renditions in `dir`, emptied unless `keep`.
    pub async fn open(dir: PathBuf, limit_bytes: u64, keep: bool) -> Result<Self> {
        let shelf =
            spawn_blocking(move || Shelf::open(dir, limit_bytes, keep)).await.map_err(Error::thread)??;
        Ok(Self { shelf, making: Arc::default() })
    }

    /// The lock under which a rendition is made.
    pub fn making(&self, name: String) -> Arc<tokio::sync::Mutex<()>> {
        self.making.of(name)
    }

    /// The rendition of that name, if it is there.
    pub async fn find(&self, name: &str) -> Result<Option<Rendition>> {
        let open = &self.shelf.open;
        let name = name.to_owned();
        if let Some(found) = open.get(&name).filter(Rendition::is_kept) {
            // What is asked for again is asked for more often.
            let Some(held) = found.hold().await else { return Ok(Some(found)) };
            open.put(name, held.clone(), 1);
            return Ok(Some(held));
        }
        let found = Rendition::open(self.shelf.path(&name)).await?;
        if let Some(found) = &found {
            open.put(name, found.clone(), 1);
        }
        Ok(found)
    }

    /// Gives way to what cannot be made again: so many bytes are lacking on the disk. With none lacking there is room
    /// up to the bound again.
    pub async fn give_way(&self, lacking_bytes: u64) {
        if !self.shelf.bound(lacking_bytes) {
            return;
        }
        let shelf = Arc::clone(&self.shelf);
        match spawn_blocking(move || shelf.make_room()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "renditions could not give way"),
            Err(error) => tracing::warn!(%error, "renditions could not give way"),
        }
    }

    /// Empties the cache.
    pub async fn clear(&self) -> Result<()> {
        let shelf = Arc::clone(&self.shelf);
        spawn_blocking(move || shelf.clear()).await.map_err(Error::thread)?
    }

    /// Keeps what was made. A failure costs only that it is made again.
    async fn keep(&self, name: String, bytes: Bytes) {
        let renditions = self.clone();
        let kept = spawn_blocking(move || {
            let mut draft = renditions.draft()?;
            draft.write_all(&bytes).map_err(|error| Error::io("write a rendition", error))?;
            draft.publish(&name)
        });
        if let Ok(Err(error)) = kept.await {
            tracing::warn!(%error, "a rendition was not kept");
        }
    }

    /// A file to write a rendition into. Blocks.
    pub fn draft(&self) -> Result<Draft> {
        Draft::create(&self.shelf)
    }
}
