//! The spool: where an instance lies from its arrival until its series is settled.
//!
//! A pool of tar files on local disk, the *segments*. Each is leased to one instance at a time, so
//! an entry is written by one thread from header to padding and synced by one `fdatasync`; as many
//! segments are open as instances arrive at once. Appending to an open file costs about half of
//! what a new file with its fsync and rename does.
//!
//! A segment that has grown to [`SEGMENT_BYTES`] is sealed. After a restart every segment is: what
//! is open is known to this process alone. A segment is removed once no row points into it and no
//! instance in it waits for its rows ([`Spool::retire`]).

pub mod entry;
mod lease;
pub mod region;
pub mod scan;
mod writeback;

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pacs_core::clock::Clock;

use crate::error::{Error, Outage, Result};
use crate::folders::{make_folder, sync_folder};
use crate::space::Space;
pub use lease::{Lease, Undecided};

/// Size beyond which a segment takes no further instance.
const SEGMENT_BYTES: u64 = 128 << 20;
/// Instances beyond this size get a segment of their own, which is free again when they are settled.
pub const OWN_SEGMENT_BYTES: u64 = 64 << 20;

/// The spool of this process. Cheap to clone. Every method that touches files blocks.
#[derive(Clone)]
pub struct Spool(Arc<Inner>);

struct Inner {
    dir: PathBuf,
    limit_bytes: u64,
    space: Space,
    used_bytes: AtomicU64,
    pool: Mutex<Pool>,
    clock: Clock,
}

#[derive(Default)]
struct Pool {
    /// Open segments that wait for the next instance.
    idle: Vec<Segment>,
    /// How many instances are being written to a segment or wait for their rows.
    busy: HashMap<i64, u32>,
}

/// An open segment, owned by the pool or by the one lease that writes it.
struct Segment {
    id: i64,
    file: File,
    /// Where the next entry begins: everything before is whole and synced.
    end: u64,
}

impl Spool {
    /// Opens the spool in `dir`, which is made if missing, and counts what lies there.
    pub fn open(dir: &Path, limit_bytes: u64, space: Space, clock: Clock) -> Result<Self> {
        make_folder(dir).map_err(|error| Error::io("make the spool's folder", error))?;
        let spool = Self(Arc::new(Inner {
            dir: dir.to_owned(),
            limit_bytes,
            space,
            used_bytes: AtomicU64::new(0),
            pool: Mutex::default(),
            clock,
        }));
        let mut used = 0u64;
        for id in spool.segments()? {
            let size = fs::metadata(spool.path(id)).map_err(|e| Error::io("size a segment", e))?;
            used = used.saturating_add(size.len());
        }
        spool.0.used_bytes.store(used, Ordering::Relaxed);
        Ok(spool)
    }

    /// The file of a segment.
    pub fn path(&self, segment: i64) -> PathBuf {
        self.0.dir.join(format!("{segment:020}.tar"))
    }

    /// The segments on disk, oldest first.
    pub fn segments(&self) -> Result<Vec<i64>> {
        let context = "list the spool";
        let mut found = Vec::new();
        for file in fs::read_dir(&self.0.dir).map_err(|error| Error::io(context, error))? {
            let name = file.map_err(|error| Error::io(context, error))?.file_name();
            let id = name.to_str().and_then(|name| name.strip_suffix(".tar"));
            found.extend(id.and_then(|digits| digits.parse::<i64>().ok()));
        }
        found.sort_unstable();
        Ok(found)
    }

    /// Bytes in all segments.
    pub fn used_bytes(&self) -> u64 {
        self.0.used_bytes.load(Ordering::Relaxed)
    }

    /// Says whether `bytes` more stay below the watermark, and leave the reserve of the disk.
    pub fn check_room(&self, bytes: u64) -> Result<()> {
        let used = self.used_bytes();
        if used.saturating_add(bytes) > self.0.limit_bytes {
            return Err(Error::Unavailable(Outage::SPOOL_FULL));
        }
        self.0.space.check_arrival(used, bytes)
    }

    /// A segment for one instance of a size not known to be large.
    pub fn lease(&self) -> Result<Lease> {
        let idle = {
            let mut pool = self.pool();
            let idle = pool.idle.pop();
            if let Some(segment) = &idle {
                *pool.busy.entry(segment.id).or_default() += 1;
            }
            idle
        };
        match idle {
            Some(segment) => Ok(Lease::new(self.clone(), segment)),
            None => self.lease_new(),
        }
    }

    /// A fresh segment.
    pub fn lease_new(&self) -> Result<Lease> {
        let context = "make a segment";
        // Time first: ids sort by age, and never come back after a restart or a restored database.
        let id = (self.0.clock.now_ms().max(0) << 20) | i64::from(rand::random::<u32>() >> 12);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(self.path(id))
            .map_err(|error| Error::io(context, error))?;
        sync_folder(&self.0.dir).map_err(|error| Error::io(context, error))?;
        *self.pool().busy.entry(id).or_default() += 1;
        Ok(Lease::new(self.clone(), Segment { id, file, end: 0 }))
    }

    /// Takes a segment out of use for good. False while an instance is written to it or waits for
    /// its rows; once true, every row that will ever point into it is committed.
    pub fn retire(&self, segment: i64) -> bool {
        let mut pool = self.pool();
        if pool.busy.contains_key(&segment) {
            return false;
        }
        pool.idle.retain(|idle| idle.id != segment);
        true
    }

    /// Keeps a segment for the life of this process, whatever the rows say.
    pub fn pin(&self, segment: i64) {
        *self.pool().busy.entry(segment).or_default() += 1;
    }

    /// Removes a retired segment that no row points into.
    ///
    /// The folder is not synced: should a loss of power bring the file back, recovery finds its
    /// instances to be duplicates and it is removed again.
    pub fn remove(&self, segment: i64) -> Result<()> {
        let path = self.path(segment);
        let size = match fs::metadata(&path) {
            Ok(found) => found.len(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(Error::io("size a segment", error)),
        };
        fs::remove_file(&path).map_err(|error| Error::io("remove a segment", error))?;
        self.uncount(size);
        Ok(())
    }

    /// Cuts a sealed segment behind its last whole entry.
    pub fn cut(&self, segment: i64, end: u64) -> Result<()> {
        let context = "cut a segment";
        let file = OpenOptions::new().write(true).open(self.path(segment));
        let file = file.map_err(|error| Error::io(context, error))?;
        let size = file.metadata().map_err(|error| Error::io(context, error))?.len();
        file.set_len(end).map_err(|error| Error::io(context, error))?;
        self.uncount(size.saturating_sub(end));
        Ok(())
    }

    /// Cuts or removes the entry from `start` to `end` of a segment if nothing stands behind it.
    /// The caller holds the only mark of undecided rows on it.
    fn discard(&self, id: i64, start: u64, end: u64) -> Result<()> {
        let last = {
            let mut pool = self.pool();
            if pool.busy.get(&id) != Some(&1) {
                return Ok(());
            }
            let at = pool.idle.iter().position(|idle| idle.id == id);
            match at {
                Some(at) if pool.idle.get(at).is_some_and(|idle| idle.end == end) => {
                    Some(pool.idle.swap_remove(at))
                }
                Some(_) => return Ok(()),
                None => None,
            }
        };
        match last {
            Some(mut segment) => {
                segment.file.set_len(start).map_err(|error| Error::io("cut a segment", error))?;
                segment.end = start;
                self.uncount(end.saturating_sub(start));
                self.give_back(segment);
                Ok(())
            }
            None if start == 0 && fs::metadata(self.path(id)).is_ok_and(|found| found.len() == end) => {
                self.remove(id)
            }
            None => Ok(()),
        }
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.0.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, bytes: u64) {
        self.0.used_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    fn uncount(&self, bytes: u64) {
        let less = |used: u64| Some(used.saturating_sub(bytes));
        let _ = self.0.used_bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    /// Puts a segment back after its lease, unless it is full.
    fn give_back(&self, segment: Segment) {
        if segment.end < SEGMENT_BYTES {
            self.pool().idle.push(segment);
        }
    }

    fn no_longer_busy(&self, segment: i64) {
        let mut pool = self.pool();
        if let Some(count) = pool.busy.get_mut(&segment) {
            *count -= 1;
            if *count == 0 {
                pool.busy.remove(&segment);
            }
        }
    }
}
