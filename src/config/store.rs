//! Where bytes and rows lie.

use std::path::{Path, PathBuf};
use std::time::Duration;

use pacs_core::reconciliation::Serve;
use url::Url;

use super::keys::{Keys, Number};
use super::{ConfigError, facilities};

/// Facility of images whose device and called AE title name none, unless configured.
pub const DEFAULT_FACILITY: &str = "SEN";
/// How much the spool holds before senders are told to come later.
pub const DEFAULT_SPOOL_LIMIT_GIB: &str = "64";
/// What of a disk stays free: below it senders are told to come later.
pub const DEFAULT_SPACE_RESERVE_MIB: &str = "2048";
/// How long a series rests before it moves into the object store.
pub const DEFAULT_SETTLE_AFTER_SECONDS: &str = "60";

/// How long a device must be quiet before the exam it was making waits to be verified.
pub const DEFAULT_QUIET_AFTER_SECONDS: &str = "600";

/// Folders, database and object store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// Everything embedded lies here.
    pub data_dir: PathBuf,
    /// `sqlite://…` or `postgres://…`.
    pub database_url: String,
    /// `file://…` or `s3://bucket/prefix`.
    pub storage_url: String,
    /// Fast local disk for instances that have just arrived.
    pub spool_dir: PathBuf,
    /// How much the spool holds before senders are told to come later.
    pub spool_limit_bytes: u64,
    /// What of a disk stays free: below it senders are told to come later.
    pub space_reserve_bytes: u64,
    /// How long a series rests before it moves into the object store.
    pub settle_after: Duration,
    /// How long a device must be quiet before the exam it was making waits to be verified.
    pub quiet_after: Duration,
    /// Which of several contents that come under one SOP Instance UID is served; the others are kept.
    pub served_version: Serve,
    /// Facility of images whose device and called AE title name none.
    pub default_facility: String,
}

impl Store {
    pub(super) fn from_keys(keys: &Keys) -> Result<Self, ConfigError> {
        let data_dir = PathBuf::from(&keys.data_dir);
        if keys.data_dir.is_empty() {
            return Err(ConfigError::value("data_dir", "must name a folder"));
        }
        let database_url = match &keys.database_url {
            Some(url) => url.clone(),
            None => format!("sqlite://{}", data_dir.join("sen.db").display()),
        };
        if !["sqlite:", "postgres:", "postgresql:"].iter().any(|scheme| database_url.starts_with(scheme)) {
            return Err(ConfigError::value("database_url", "must begin with sqlite:// or postgres://"));
        }
        let storage_url = match &keys.storage_url {
            Some(url) => url.clone(),
            None => format!("file://{}", absolute(&data_dir.join("objects"))?.display()),
        };
        if !["file://", "s3://"].iter().any(|scheme| storage_url.starts_with(scheme)) {
            return Err(ConfigError::value("storage_url", "must begin with file:// or s3://"));
        }
        let spool_limit_gib = keys.spool_limit_gib.value().filter(|gib| (1..1 << 24).contains(gib));
        let spool_limit_gib = spool_limit_gib
            .ok_or_else(|| ConfigError::value("spool_limit_gib", "must be a whole number from 1"))?;
        let reserve_mib = keys.space_reserve_mib.value().filter(|mib| *mib < 1 << 34);
        let reserve_mib =
            reserve_mib.ok_or_else(|| ConfigError::value("space_reserve_mib", "must be a whole number"))?;
        let seconds = |key, number: &Number| match number.value() {
            Some(seconds) => Ok(Duration::from_secs(seconds)),
            None => Err(ConfigError::value(key, "must be a whole number")),
        };
        Ok(Self {
            spool_limit_bytes: spool_limit_gib << 30,
            space_reserve_bytes: reserve_mib << 20,
            settle_after: seconds("settle_after_seconds", &keys.settle_after_seconds)?,
            quiet_after: seconds("quiet_after_seconds", &keys.quiet_after_seconds)?,
            spool_dir: keys.spool_dir.as_ref().map_or_else(|| data_dir.join("spool"), PathBuf::from),
            served_version: match keys.served_version.as_str() {
                "first" => Serve::First,
                "newest" => Serve::Newest,
                _ => return Err(ConfigError::value("served_version", "must be first or newest")),
            },
            data_dir,
            database_url,
            storage_url,
            default_facility: facilities::code("default_facility", &keys.default_facility)?,
        })
    }

    /// The same in the words of the storage crate.
    pub fn to_storage(&self) -> storage::Config {
        storage::Config {
            database_url: self.database_url.clone(),
            storage_url: self.storage_url.clone(),
            spool_dir: self.spool_dir.clone(),
            spool_limit_bytes: self.spool_limit_bytes,
            space_reserve_bytes: self.space_reserve_bytes,
            settle_after: self.settle_after,
            quiet_after: self.quiet_after,
            serve: self.served_version,
            data_dir: self.data_dir.clone(),
            default_facility: self.default_facility.clone(),
            ..storage::Config::embedded(&self.data_dir)
        }
    }

    /// Where it lies, for a message: a password in the database's URL is left out.
    pub fn describe(&self) -> String {
        let database = match Url::parse(&self.database_url) {
            Ok(mut url) if url.password().is_some() => {
                // Fails only for URLs that cannot have a password.
                let _ = url.set_password(Some("…"));
                url.to_string()
            }
            _ => self.database_url.clone(),
        };
        format!("database {database}, objects {}, spool {}", self.storage_url, self.spool_dir.display())
    }
}

/// `file://` needs a full path; the folder need not exist yet.
fn absolute(path: &Path) -> Result<PathBuf, ConfigError> {
    std::path::absolute(path).map_err(|error| ConfigError::value("data_dir", error.to_string()))
}
