//! How what is kept is kept: backups, and reading it back.

use std::time::Duration;

use jiff::civil::Time;
use storage::backup::{Credentials, schedule::Plan, target_url};
use storage::verify::background;

use super::ConfigError;
use super::keys::Keys;

/// How many good backups are kept.
pub const DEFAULT_BACKUP_KEEP: &str = "14";

/// Within how many days everything is read back once.
pub const DEFAULT_VERIFY_EVERY_DAYS: &str = "90";
/// How fast that may go.
pub const DEFAULT_VERIFY_MIB_PER_SECOND: &str = "16";

/// Backups and verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keeping {
    /// Where backups go to; `None`: there are none unless a command says where.
    pub backup_url: Option<String>,
    /// Of the bucket that they go to, where it is not the archive's user's.
    pub backup_credentials: Option<Credentials>,
    /// At which times of the day one is taken, on the wall of the default facility.
    pub backup_at: Vec<Time>,
    /// How many good ones are kept.
    pub backup_keep: u32,
    /// How stored instances are read back while the archive is served; `None`: not at all.
    pub verification: Option<background::Plan>,
}

impl Keeping {
    pub(super) fn from_keys(keys: &Keys) -> Result<Self, ConfigError> {
        let backup_url = keys.backup_url.as_deref().map(target_url).transpose();
        let backup_url = backup_url.map_err(|error| ConfigError::value("backup_url", error.to_string()))?;
        let times = keys.backup_at.iter().flat_map(|list| list.items());
        let backup_at = times
            .map(|text| {
                Time::strptime("%H:%M", text).map_err(|_| {
                    ConfigError::value("backup_at", format!("{text:?} is no time such as 02:00"))
                })
            })
            .collect::<Result<Vec<_>, _>>()?;
        if backup_url.is_none() && !backup_at.is_empty() {
            return Err(ConfigError::value("backup_at", "needs backup_url to say where backups go to"));
        }
        let backup_keep = keys.backup_keep.value().and_then(|number| u32::try_from(number).ok());
        let backup_keep = backup_keep
            .filter(|number| *number > 0)
            .ok_or_else(|| ConfigError::value("backup_keep", "must be a whole number from 1"))?;
        let days = keys.verify_every_days.value().filter(|days| *days < 1 << 20).ok_or_else(|| {
            ConfigError::value("verify_every_days", "must be a number of days; 0 turns verification off")
        })?;
        let mib =
            keys.verify_mib_per_second.value().filter(|mib| (1..1 << 20).contains(mib)).ok_or_else(|| {
                ConfigError::value("verify_mib_per_second", "must be a whole number from 1")
            })?;
        let verification = (days > 0).then(|| background::Plan {
            every: Duration::from_secs(days * 24 * 3600),
            bytes_per_second: mib << 20,
        });
        let backup_credentials = credentials(keys)?;
        Ok(Self { backup_url, backup_credentials, backup_at, backup_keep, verification })
    }

    /// What the running server does of it by the clock.
    pub fn plan(&self) -> Option<Plan> {
        let target = self.backup_url.clone()?;
        let credentials = self.backup_credentials.clone();
        Some(Plan { target, credentials, at: self.backup_at.clone(), keep: self.backup_keep })
    }
}

/// The credentials of the backups' bucket: both keys or neither.
fn credentials(keys: &Keys) -> Result<Option<Credentials>, ConfigError> {
    let (region, endpoint) = (keys.backup_aws_region.clone(), keys.backup_aws_endpoint.clone());
    match (&keys.backup_aws_access_key_id, &keys.backup_aws_secret_access_key) {
        (Some(id), Some(secret)) => {
            let (access_key_id, secret_access_key) = (id.clone(), secret.clone());
            Ok(Some(Credentials { access_key_id, secret_access_key, region, endpoint }))
        }
        (None, None) if region.is_none() && endpoint.is_none() => Ok(None),
        (None, _) => {
            Err(ConfigError::value("backup_aws_access_key_id", "is missing beside the other backup_aws keys"))
        }
        (Some(_), None) => Err(ConfigError::value("backup_aws_secret_access_key", "is missing")),
    }
}
