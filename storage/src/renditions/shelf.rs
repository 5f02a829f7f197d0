//! The folder of the renditions, and making room in it.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use tokio::task::spawn_blocking;

use super::file::Rendition;
use crate::error::{Error, Result};
use crate::read::cache::ByteCache;

/// Folder of what is being written.
const DRAFTS: &str = "drafts";
/// Names a folder that is on its way out.
const ASIDE: &str = "old";

/// Every method blocks.
pub(super) struct Shelf {
    dir: PathBuf,
    limit_bytes: u64,
    /// The bound now: less than `limit_bytes` while the disk lacks room.
    bound_bytes: AtomicU64,
    used_bytes: AtomicU64,
    making_room: Mutex<()>,
    /// Renditions that were asked for lately, each counting as one.
    pub open: ByteCache<String, Rendition>,
}

/// What stays when renditions give way: one that was just made is there when it is read.
const LEAST_BYTES: u64 = 64 << 20;
/// Renditions that are kept open.
const OPEN_MAX: usize = 256;

impl Shelf {
    /// Opens the folder. What is to go is put aside and removed in the background, where the rest
    /// is counted too: a start does not wait for a cache.
    pub fn open(dir: PathBuf, limit_bytes: u64, keep: bool) -> Result<Arc<Self>> {
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
        let shelf = Arc::new(Self {
            dir,
            limit_bytes,
            bound_bytes: AtomicU64::new(limit_bytes),
            used_bytes: AtomicU64::new(0),
            making_room: Mutex::default(),
            open: ByteCache::new(OPEN_MAX),
        });
        let counting = Arc::clone(&shelf);
        drop(spawn_blocking(move || {
            // Where all of it was put aside, what lies there now has been counted when it came.
            let counted = if keep { counting.count() } else { Ok(()) };
            if let Err(error) = counted.and_then(|()| counting.remove_aside()) {
                tracing::warn!(%error, "the renditions could not be counted");
            }
        }));
        Ok(shelf)
    }

    /// The file of a rendition, whether it is there or not.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name.get(..2).unwrap_or("00")).join(name)
    }

    /// A file for the next draft.
    pub fn new_draft(&self) -> PathBuf {
        self.dir.join(DRAFTS).join(format!("{:032x}", rand::random::<u128>()))
    }

    /// Empties the folder.
    pub fn clear(&self) -> Result<()> {
        let mut freed = 0u64;
        let cleared = self.each(|path, _, bytes| {
            remove(path)?;
            freed = freed.saturating_add(bytes);
            Ok(())
        });
        self.open.clear();
        self.count_off(freed);
        cleared
    }

    /// Notes that a rendition of that size lies there now, in the place of one of `replaced_bytes`.
    pub fn count_on(&self, bytes: u64, replaced_bytes: u64) {
        self.used_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.count_off(replaced_bytes);
    }

    fn count_off(&self, bytes: u64) {
        let less = |used: u64| Some(used.saturating_sub(bytes));
        // Never fails: there is always a next value.
        let _ = self.used_bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    /// Lowers the bound by what the disk lacks, or raises it again; says whether there is more than it allows.
    pub fn bound(&self, lacking_bytes: u64) -> bool {
        let used = self.used_bytes.load(Ordering::Relaxed);
        let wanted = if lacking_bytes == 0 { self.limit_bytes } else { used.saturating_sub(lacking_bytes) };
        let bound = wanted.max(LEAST_BYTES).min(self.limit_bytes);
        self.bound_bytes.store(bound, Ordering::Relaxed);
        used > bound
    }

    /// When there is more than the bound, lets the oldest go until a fifth of the room is free. Of
    /// a million files only times and sizes are held.
    pub fn make_room(&self) -> Result<()> {
        let bound_bytes = self.bound_bytes.load(Ordering::Relaxed);
        let is_full = || self.used_bytes.load(Ordering::Relaxed) > bound_bytes;
        // Whoever comes while another makes room goes on: room comes.
        let Some(_turn) = is_full().then(|| self.making_room.try_lock().ok()).flatten() else {
            return Ok(());
        };
        let counted = self.used_bytes.load(Ordering::Relaxed);
        let mut kept = Vec::new();
        self.each(|_, made, bytes| {
            kept.push((made, bytes));
            Ok(())
        })?;
        kept.sort_unstable();
        let used: u64 = kept.iter().map(|(_, bytes)| bytes).sum();
        let excess = used.saturating_sub(bound_bytes / 5 * 4);
        let mut freed = 0u64;
        let last = kept.iter().find(|(_, bytes)| {
            freed = freed.saturating_add(*bytes);
            freed >= excess
        });
        let last = last.map_or(SystemTime::UNIX_EPOCH, |(made, _)| *made);
        let mut freed = 0u64;
        self.each(|path, made, bytes| {
            if made < last || (made == last && freed < excess) {
                freed = freed.saturating_add(bytes);
                return remove(path);
            }
            Ok(())
        })?;
        // A file that is open takes its room until it is closed.
        self.open.clear();
        // What was put there since counts by itself.
        self.count_on(used.saturating_sub(freed), counted);
        Ok(())
    }

    fn count(&self) -> Result<()> {
        let mut used = 0u64;
        self.each(|_, _, bytes| {
            used = used.saturating_add(bytes);
            Ok(())
        })?;
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
            let path = path?;
            if path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(&aside)) {
                fs::remove_dir_all(&path).map_err(|error| Error::io("remove renditions", error))?;
            }
        }
        Ok(())
    }

    /// Calls with path, time of making and size of every rendition. One that goes meanwhile is
    /// passed over.
    fn each(&self, mut see: impl FnMut(&Path, SystemTime, u64) -> Result<()>) -> Result<()> {
        for folder in list(&self.dir)? {
            let folder = folder?;
            if folder.file_name().is_none_or(|name| name.len() != 2) {
                continue;
            }
            for path in list(&folder)? {
                let path = path?;
                if let Ok(known) = fs::metadata(&path) {
                    see(&path, known.modified().unwrap_or(SystemTime::UNIX_EPOCH), known.len())?;
                }
            }
        }
        Ok(())
    }
}

fn list(dir: &Path) -> Result<impl Iterator<Item = Result<PathBuf>> + use<>> {
    let context = |error| Error::io("list the renditions", error);
    let entries = match fs::read_dir(dir) {
        Ok(entries) => Some(entries),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(context(error)),
    };
    Ok(entries.into_iter().flatten().map(move |entry| entry.map(|entry| entry.path()).map_err(context)))
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io("remove a rendition", error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::super::draft::Draft;
    use super::*;

    #[tokio::test]
    async fn what_lies_there_is_counted_once() {
        let dir = tempfile::tempdir().unwrap();
        let shelf = Shelf::open(dir.path().join("renditions"), 1 << 30, false).unwrap();
        let keep = |name: &str, bytes: usize| {
            let mut draft = Draft::create(&shelf).unwrap();
            draft.write_all(&vec![7; bytes]).unwrap();
            draft.publish(name).unwrap();
        };
        keep("aa1", 1000);
        keep("aa1", 1500);
        keep("bb1", 500);
        assert_eq!(shelf.used_bytes.load(Ordering::Relaxed), 2000);
        shelf.clear().unwrap();
        assert_eq!(shelf.used_bytes.load(Ordering::Relaxed), 0);
    }
}
