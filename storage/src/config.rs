//! Where an archive keeps its things, and how long it waits.

use std::path::{Path, PathBuf};
use std::time::Duration;

use pacs_core::clock::Clock;
use pacs_core::reconciliation::Serve;

use crate::backup::schedule::Plan;
use crate::verify;

/// Everything that [`crate::Archive::open`] needs to know.
#[derive(Clone, Debug)]
pub struct Config {
    /// `sqlite:///path/sen.db` or `postgres://…`.
    pub database_url: String,
    /// `file:///path/objects` or `s3://bucket/prefix`; credentials of S3 come from `AWS_*`.
    pub storage_url: String,
    /// Folder of the spool: fast local disk.
    pub spool_dir: PathBuf,
    /// Folder of everything else that lies beside the program, such as renditions.
    pub data_dir: PathBuf,
    /// How long a series must rest before it is settled into a pack.
    pub settle_after: Duration,
    /// How long a device must be quiet before the exam it was making waits to be verified.
    pub quiet_after: Duration,
    /// The spool's watermark: beyond it arriving instances are told to come later.
    pub spool_limit_bytes: u64,
    /// What of a disk stays free: below it arriving instances are told to come later.
    pub space_reserve_bytes: u64,
    /// Bound of the renditions kept on disk.
    pub rendition_limit_bytes: u64,
    /// Bound of the parsed headers kept in memory.
    pub header_cache_bytes: usize,
    /// Which of several contents that come under one SOP Instance UID is served; the others are kept.
    pub serve: Serve,
    /// Facility of instances whose device and called AE title name none.
    pub default_facility: String,
    /// Backups that are taken by the clock.
    pub backup: Option<Plan>,
    /// How stored instances are read back by a server.
    pub verification: Option<verify::background::Plan>,
    /// Name under which this process holds the archive's lease: another for another spool.
    pub node: String,
    /// The time.
    pub clock: Clock,
}

impl Config {
    /// An archive that lies whole under one folder: SQLite, local objects, local spool.
    pub fn embedded(dir: &Path) -> Self {
        Self {
            database_url: format!("sqlite://{}", dir.join("sen.db").display()),
            storage_url: format!("file://{}", dir.join("objects").display()),
            spool_dir: dir.join("spool"),
            data_dir: dir.to_owned(),
            settle_after: Duration::from_secs(60),
            quiet_after: Duration::from_secs(600),
            spool_limit_bytes: 64 << 30,
            space_reserve_bytes: 64 << 20,
            rendition_limit_bytes: 8 << 30,
            header_cache_bytes: 24 << 20,
            serve: Serve::First,
            default_facility: "DEFAULT".to_owned(),
            backup: None,
            verification: None,
            node: "1".to_owned(),
            clock: Clock::system(),
        }
    }

    /// Folder of the renditions.
    pub fn renditions_dir(&self) -> PathBuf {
        self.data_dir.join("renditions")
    }
}
