//! Renditions: answers that were costly to make, kept as files until room is needed.
//!
//! A cache and nothing more: whatever is in it can be made again. It is emptied after a process
//! that did not close the archive in order, because a crash may leave files that are not whole and
//! may give a revision's number to another state of the series.

mod key;

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use bytes::Bytes;
use tokio::task::spawn_blocking;

pub use key::RenditionKey;

use crate::archive::Archive;
use crate::error::{Error, Result};
use crate::keyed::KeyedLocks;

/// Folder of what is being written.
const DRAFTS: &str = "drafts";
/// Names a folder that is on its way out.
const ASIDE: &str = "old";

/// The renditions on disk.
pub(crate) struct Renditions {
    shelf: Arc<Shelf>,
    making: KeyedLocks<String>,
}

struct Shelf {
    dir: PathBuf,
    limit_bytes: u64,
    used_bytes: AtomicU64,
}

impl Archive {
    /// The rendition of that key, made by `make` when it is not there. However many ask at once,
    /// it is made once.
    /// Failures of `make` are handed on as they are.
    pub async fn rendition<F, E>(&self, key: &RenditionKey, make: impl FnOnce() -> F) -> Result<Bytes, E>
    where
        F: Future<Output = Result<Bytes, E>>,
        E: From<Error>,
    {
        let renditions = &self.0.renditions;
        let name = key.file_name();
        if let Some(bytes) = renditions.read(&name).await? {
            return Ok(bytes);
        }
        let turn = renditions.making.of(name.clone());
        let _turn = turn.lock().await;
        if let Some(bytes) = renditions.read(&name).await? {
            return Ok(bytes);
        }
        let bytes = make().await?;
        renditions.keep(name, bytes.clone()).await;
        Ok(bytes)
    }
}

impl Renditions {
    /// Opens the renditions in `dir`, emptied unless `keep`.
    pub async fn open(dir: PathBuf, limit_bytes: u64, keep: bool) -> Result<Self> {
        let shelf =
            spawn_blocking(move || Shelf::open(dir, limit_bytes, keep)).await.map_err(Error::thread)??;
        Ok(Self { shelf, making: KeyedLocks::default() })
    }

    /// The lock under which a rendition is made.
    pub fn making(&self, name: String) -> Arc<tokio::sync::Mutex<()>> {
        self.making.of(name)
    }

    /// The file of a rendition, whether it is there or not.
    pub fn path(&self, name: &str) -> PathBuf {
        self.shelf.path(name)
    }

    /// Empties the cache.
    pub async fn clear(&self) -> Result<()> {
        let shelf = Arc::clone(&self.shelf);
        spawn_blocking(move || shelf.clear()).await.map_err(Error::thread)?
    }

    async fn read(&self, name: &str) -> Result<Option<Bytes>> {
        let path = self.path(name);
        spawn_blocking(move || match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes.into())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("read a rendition", error)),
        })
        .await
        .map_err(Error::thread)?
    }

    /// Keeps what was made. A failure costs only that it is made again.
    async fn keep(&self, name: String, bytes: Bytes) {
        let shelf = Arc::clone(&self.shelf);
        let kept = spawn_blocking(move || {
            let mut draft = shelf.draft()?;
            draft.write(&bytes)?;
            draft.publish(&name)
        });
        if let Ok(Err(error)) = kept.await {
            tracing::warn!(%error, "a rendition was not kept");
        }
    }

    /// A file to write a rendition into. Blocks.
    pub fn draft(&self) -> Result<Draft> {
        self.shelf.draft()
    }
}

/// A rendition being written; it appears under its name whole or not at all.
pub(crate) struct Draft {
    shelf: Arc<Shelf>,
    file: std::io::BufWriter<fs::File>,
    path: PathBuf,
    bytes: u64,
    published: bool,
}

impl Draft {
    /// Appends bytes. Blocks.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        self.file.write_all(bytes).map_err(|error| Error::io("write a rendition", error))
    }

    /// Puts the rendition under its name. Blocks.
    pub fn publish(mut self, name: &str) -> Result<()> {
        let context = "keep a rendition";
        self.file.flush().map_err(|error| Error::io(context, error))?;
        let path = self.shelf.path(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| Error::io(context, error))?;
        }
        fs::rename(&self.path, &path).map_err(|error| Error::io(context, error))?;
        self.published = true;
        let used = self.shelf.used_bytes.fetch_add(self.bytes, Ordering::Relaxed).saturating_add(self.bytes);
        if used > self.shelf.limit_bytes {
            self.shelf.make_room()?;
        }
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.published
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!(%error, "an unfinished rendition was left behind");
        }
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        Self::write(self, bytes).map_err(std::io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

impl Shelf {
    /// Opens the folder. What is to go is put aside and removed in the background, where the rest
    /// is counted too: a start does not wait for a cache.
    fn open(dir: PathBuf, limit_bytes: u64, keep: bool) -> Result<Arc<Self>> {
        let context = |error| Error::io("make the folder of renditions", error);
        if !keep && dir.exists() {
            let aside = dir.with_extension(format!("{ASIDE}-{:016x}", rand::random::<u64>()));
            fs::rename(&dir, &aside).map_err(context)?;
        }
        let drafts = dir.join(DRAFTS);
        match fs::remove_dir_all(&drafts) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(context(error)),
            _ => fs::create_dir_all(&drafts).map_err(context)?,
        }
        let shelf = Arc::new(Self { dir, limit_bytes, used_bytes: AtomicU64::new(0) });
        let counting = Arc::clone(&shelf);
        drop(spawn_blocking(move || {
            if let Err(error) = counting.count().and_then(|()| counting.remove_aside()) {
                tracing::warn!(%error, "the renditions could not be counted");
            }
        }));
        Ok(shelf)
    }

    fn count(&self) -> Result<()> {
        let used = self.files()?.iter().map(|file| file.bytes).sum();
        self.used_bytes.fetch_max(used, Ordering::Relaxed);
        Ok(())
    }

    fn remove_aside(&self) -> Result<()> {
        let (Some(parent), Some(stem)) =
            (self.dir.parent(), self.dir.file_name().and_then(|name| name.to_str()))
        else {
            return Ok(());
        };
        let aside = format!("{stem}.{ASIDE}-");
        for path in list(parent)? {
            if path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(&aside)) {
                fs::remove_dir_all(&path).map_err(|error| Error::io("remove renditions", error))?;
            }
        }
        Ok(())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name.get(..2).unwrap_or("00")).join(name)
    }

    fn draft(self: &Arc<Self>) -> Result<Draft> {
        let path = self.dir.join(DRAFTS).join(format!("{:032x}", rand::random::<u128>()));
        let file = fs::File::create_new(&path).map_err(|error| Error::io("write a rendition", error))?;
        let file = std::io::BufWriter::with_capacity(64 << 10, file);
        Ok(Draft { shelf: Arc::clone(self), file, path, bytes: 0, published: false })
    }

    fn clear(&self) -> Result<()> {
        for file in self.files()? {
            remove(&file.path)?;
        }
        self.used_bytes.store(0, Ordering::Relaxed);
        Ok(())
    }

    /// Lets the oldest go until a fifth of the room is free.
    fn make_room(&self) -> Result<()> {
        let mut files = self.files()?;
        files.sort_unstable_by_key(|file| file.made);
        let mut used: u64 = files.iter().map(|file| file.bytes).sum();
        for file in &files {
            if used <= self.limit_bytes / 5 * 4 {
                break;
            }
            remove(&file.path)?;
            used = used.saturating_sub(file.bytes);
        }
        self.used_bytes.store(used, Ordering::Relaxed);
        Ok(())
    }

    fn files(&self) -> Result<Vec<Kept>> {
        let mut found = Vec::new();
        for folder in list(&self.dir)? {
            if folder.file_name().is_some_and(|name| name.len() == 2) {
                for path in list(&folder)? {
                    if let Ok(known) = fs::metadata(&path) {
                        let made = known.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                        found.push(Kept { path, bytes: known.len(), made });
                    }
                }
            }
        }
        Ok(found)
    }
}

struct Kept {
    path: PathBuf,
    bytes: u64,
    made: SystemTime,
}

fn list(dir: &Path) -> Result<Vec<PathBuf>> {
    let context = |error| Error::io("list the renditions", error);
    match fs::read_dir(dir) {
        Ok(entries) => entries.map(|entry| entry.map(|entry| entry.path()).map_err(context)).collect(),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(context(error)),
    }
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io("remove a rendition", error)),
        _ => Ok(()),
    }
}
