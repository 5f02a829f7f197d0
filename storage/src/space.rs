//! Room on the disks: arrivals are told to come later before a disk is full, so that what is being written can be
//! ended, rows can be changed by people, and series can be settled.
//!
//! A disk that has become low is told. The renditions on it, which can be made again, give way first. Below the
//! reserve of the disks that arrivals go to, the spool's and the rows', nothing new is taken in; what lies there is
//! read as ever. A series is settled only while its pack leaves a quarter of the reserve; until then it stays in the
//! spool. Nothing has to be done when there is room again: it is looked for every second.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::config::Config;
use crate::error::{Error, Outage, Result};
use crate::packs::store;

/// A disk is low when it has less than so many times the reserve.
const LOW: u64 = 5;

/// What lies on a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// What has just arrived.
    Spool,
    /// Packs, when the object store is a folder.
    Objects,
    /// The database, when it is SQLite.
    Rows,
    /// Renditions and what else lies in the data folder.
    Data,
}

impl Use {
    /// Its word in metrics and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Spool => "spool",
            Self::Objects => "objects",
            Self::Rows => "rows",
            Self::Data => "data",
        }
    }
}

/// How much room there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Enough.
    Enough,
    /// Somebody should see to it soon.
    Low,
    /// Less than the reserve.
    Full,
}

impl Level {
    /// Its word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enough => "enough",
            Self::Low => "low",
            Self::Full => "full",
        }
    }
}

/// A disk as it was a moment ago.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    /// What lies on it.
    pub used_for: Use,
    /// Where.
    pub folder: PathBuf,
    /// Bytes that may still be written.
    pub free_bytes: u64,
    /// Size of its file system.
    pub total_bytes: u64,
    /// What that means.
    pub level: Level,
}

/// The watch over all disks. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Space(Arc<Inner>);

struct Inner {
    disks: Vec<Watched>,
    reserve_bytes: u64,
    /// Bytes in the spool when the disks were last looked at.
    spool_bytes: AtomicU64,
}

struct Watched {
    used_for: Use,
    folder: PathBuf,
    /// As last seen; all there can be while nobody has looked.
    free_bytes: AtomicU64,
    total_bytes: AtomicU64,
}

impl Space {
    /// The disks of an archive. Nobody has looked at them yet.
    pub fn of(config: &Config) -> Self {
        let rows = config.database_url.strip_prefix("sqlite://").map(|path| {
            let path = Path::new(path.split('?').next().unwrap_or(path));
            path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
        });
        let places = [
            (Use::Spool, Some(config.spool_dir.clone())),
            (Use::Objects, store::local_folder(&config.storage_url)),
            (Use::Rows, rows),
            (Use::Data, Some(config.data_dir.clone())),
        ];
        let watched = |(used_for, folder): (Use, Option<PathBuf>)| {
            Some(Watched {
                used_for,
                folder: folder?,
                free_bytes: AtomicU64::new(u64::MAX),
                total_bytes: AtomicU64::new(u64::MAX),
            })
        };
        Self(Arc::new(Inner {
            disks: places.into_iter().filter_map(watched).collect(),
            reserve_bytes: config.space_reserve_bytes,
            spool_bytes: AtomicU64::new(0),
        }))
    }

    /// One without an end, for a spool that nobody fills.
    pub fn endless() -> Self {
        Self(Arc::new(Inner { disks: Vec::new(), reserve_bytes: 0, spool_bytes: AtomicU64::new(0) }))
    }

    /// Looks at the disks; the spool has so many bytes now. What has changed is told. Blocks, also for long where a
    /// folder lies on another machine.
    pub fn look(&self, spool_bytes: u64) {
        for disk in &self.0.disks {
            let before = self.level(disk);
            match rustix::fs::statvfs(&disk.folder) {
                Ok(found) => {
                    let free = found.f_bavail.saturating_mul(found.f_frsize);
                    disk.free_bytes.store(free, Ordering::Relaxed);
                    disk.total_bytes.store(found.f_blocks.saturating_mul(found.f_frsize), Ordering::Relaxed);
                    metrics::gauge!("sen_disk_free_bytes", "use" => disk.used_for.as_str()).set(free as f64);
                }
                Err(error) => {
                    tracing::debug!(%error, disk = disk.used_for.as_str(), "free space cannot be told")
                }
            }
            let now = self.level(disk);
            let (disk, free_bytes) = (disk.used_for.as_str(), disk.free_bytes.load(Ordering::Relaxed));
            match now {
                now if now == before => {}
                Level::Enough => tracing::info!(disk, free_bytes, "there is room on the disk again"),
                Level::Low => tracing::warn!(disk, free_bytes, "the disk is getting full"),
                Level::Full => tracing::error!(disk, free_bytes, "the disk is full up to its reserve"),
            }
        }
        self.0.spool_bytes.store(spool_bytes, Ordering::Relaxed);
    }

    fn level(&self, disk: &Watched) -> Level {
        match disk.free_bytes.load(Ordering::Relaxed) {
            free if free < self.0.reserve_bytes => Level::Full,
            free if free < self.0.reserve_bytes.saturating_mul(LOW) => Level::Low,
            _ => Level::Enough,
        }
    }

    /// The disks as they were a moment ago.
    pub fn disks(&self) -> Vec<Disk> {
        let disk = |watched: &Watched| Disk {
            used_for: watched.used_for,
            folder: watched.folder.clone(),
            free_bytes: watched.free_bytes.load(Ordering::Relaxed),
            total_bytes: watched.total_bytes.load(Ordering::Relaxed),
            level: self.level(watched),
        };
        self.0.disks.iter().map(disk).collect()
    }

    /// Fails when `bytes` more in the spool, which has `spool_bytes` now, would leave less than the reserve.
    pub fn check_arrival(&self, spool_bytes: u64, bytes: u64) -> Result<()> {
        let written = spool_bytes.saturating_sub(self.0.spool_bytes.load(Ordering::Relaxed));
        let wanted = self.0.reserve_bytes.saturating_add(written).saturating_add(bytes);
        for disk in &self.0.disks {
            let wanted = match disk.used_for {
                Use::Spool => wanted,
                Use::Rows => self.0.reserve_bytes,
                Use::Objects | Use::Data => continue,
            };
            if disk.free_bytes.load(Ordering::Relaxed) < wanted {
                return Err(Error::Unavailable(Outage::NEARLY_FULL.because(disk.folder.display())));
            }
        }
        Ok(())
    }

    /// Fails when a pack of `bytes` would leave less than a quarter of the reserve.
    pub fn check_pack(&self, bytes: u64) -> Result<()> {
        let wanted = (self.0.reserve_bytes / 4).saturating_add(bytes);
        let objects = self.0.disks.iter().find(|disk| disk.used_for == Use::Objects);
        if objects.is_some_and(|disk| disk.free_bytes.load(Ordering::Relaxed) < wanted) {
            return Err(Error::Unavailable(Outage::STORE_NEARLY_FULL));
        }
        Ok(())
    }

    /// How much of what can be made again has to give way: what the disk of the data folder lacks to be no longer low.
    pub fn lacking_bytes(&self) -> u64 {
        let low = self.0.reserve_bytes.saturating_mul(LOW);
        let data = self.0.disks.iter().find(|disk| disk.used_for == Use::Data);
        data.map_or(0, |disk| low.saturating_sub(disk.free_bytes.load(Ordering::Relaxed)))
    }
}
