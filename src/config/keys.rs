//! The keys of `sen.toml` and the variables of the same names, before they are checked.

use std::path::Path;

use figment::Figment;
use figment::providers::{Format, Serialized, Toml};
use serde::Deserialize;

use super::ConfigError;

/// What every variable's name begins with.
pub const PREFIX: &str = "SEN_";

/// Variables that are read elsewhere and are no keys of the file.
const OTHER_VARIABLES: &[&str] = &["SEN_BENCH_TOKEN", "SEN_CONFIG", "SEN_LOG"];

/// Keys that can be given as a variable.
const SCALARS: &[&str] = &[
    "data_dir",
    "database_url",
    "storage_url",
    "spool_dir",
    "spool_limit_gib",
    "space_reserve_mib",
    "settle_after_seconds",
    "quiet_after_seconds",
    "served_version",
    "backup_url",
    "backup_at",
    "backup_keep",
    "backup_aws_access_key_id",
    "backup_aws_secret_access_key",
    "backup_aws_region",
    "backup_aws_endpoint",
    "verify_every_days",
    "verify_mib_per_second",
    "default_facility",
    "dimse_listen",
    "dimse_tls_listen",
    "dimse_tls_certificate",
    "dimse_tls_key",
    "dimse_tls_authorities",
    "ae_title",
    "unknown_ae",
    "storage_sop_classes",
    "http_listen",
    "share_listen",
    "hl7_listen",
    "public_url",
    "trusted_proxies",
    "cors_origins",
    "tls_certificate",
    "tls_key",
    "auth",
];

/// What a command changes before file and variables are read.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `sen demo` must not pick up the `sen.toml` of a real archive by standing in its folder.
    pub ignore_working_directory: bool,
    /// Defaults that differ from the contract's, by key; file and variables still win.
    pub defaults: Vec<(&'static str, String)>,
    /// Values given on the command line; these win over everything.
    pub arguments: Vec<(&'static str, String)>,
}

/// The keys as written. Scalars are text here, so that `SEN_AE_TITLE=4711` is a title and no number.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    pub data_dir: String,
    pub database_url: Option<String>,
    pub storage_url: Option<String>,
    pub spool_dir: Option<String>,
    pub spool_limit_gib: Number,
    pub space_reserve_mib: Number,
    pub settle_after_seconds: Number,
    pub quiet_after_seconds: Number,
    pub served_version: String,
    pub backup_url: Option<String>,
    pub backup_at: Option<List>,
    pub backup_keep: Number,
    pub backup_aws_access_key_id: Option<String>,
    pub backup_aws_secret_access_key: Option<String>,
    pub backup_aws_region: Option<String>,
    pub backup_aws_endpoint: Option<String>,
    pub verify_every_days: Number,
    pub verify_mib_per_second: Number,
    pub default_facility: String,
    pub dimse_listen: String,
    pub dimse_tls_listen: Option<String>,
    pub dimse_tls_certificate: Option<String>,
    pub dimse_tls_key: Option<String>,
    pub dimse_tls_authorities: Option<String>,
    pub ae_title: String,
    pub unknown_ae: String,
    pub storage_sop_classes: Option<List>,
    pub http_listen: String,
    pub share_listen: Option<String>,
    pub hl7_listen: Option<String>,
    pub public_url: Option<String>,
    pub trusted_proxies: Option<List>,
    pub cors_origins: Option<List>,
    pub tls_certificate: Option<String>,
    pub tls_key: Option<String>,
    pub auth: String,
    #[serde(default)]
    pub ae: Vec<AeKeys>,
    #[serde(default)]
    pub facility: Vec<FacilityKeys>,
    #[serde(default)]
    pub device: Vec<DeviceKeys>,
    #[serde(default)]
    pub route: Vec<RouteKeys>,
    #[serde(default)]
    pub hl7_destination: Vec<Hl7DestinationKeys>,
}

/// One `[[ae]]`: a further called AE title.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AeKeys {
    pub ae_title: String,
    pub facility: Option<String>,
}

/// One `[[facility]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FacilityKeys {
    pub code: String,
    pub name: Option<String>,
    pub time_zone: Option<String>,
}

/// One `[[device]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceKeys {
    pub ae_title: String,
    pub host: String,
    pub port: u16,
    pub facility: Option<String>,
    pub description: Option<String>,
    pub modality: Option<String>,
    pub room: Option<String>,
    pub character_set: Option<String>,
    pub send_limit: Option<u8>,
    pub retrieve_by: Option<String>,
    #[serde(default)]
    pub priors: bool,
    #[serde(default)]
    pub commitment: bool,
    #[serde(default)]
    pub performed_steps: bool,
    #[serde(default)]
    pub availability: bool,
    pub called_ae: Option<List>,
    pub max_associations: Option<Number>,
    pub max_answers: Option<Number>,
    pub tls: Option<String>,
    pub certificate: Option<String>,
    pub user: Option<String>,
    pub worklist: Option<String>,
    pub worklist_days: Option<Number>,
}

/// One `[[route]]`: which images go to which device by themselves.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteKeys {
    pub name: String,
    pub to: String,
    pub calling_ae: Option<List>,
    pub modality: Option<List>,
    pub body_part: Option<List>,
    pub facility: Option<List>,
    pub hours: Option<String>,
    pub priority: Option<String>,
    pub after_corrections: Option<bool>,
}

/// One `[[hl7_destination]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read so that a good file is told apart from a misspelt one")]
pub struct Hl7DestinationKeys {
    host: String,
    port: u16,
}

/// A whole number: a number in the file, text in a variable.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Number {
    /// As in the file.
    Written(u64),
    /// As in a variable.
    Text(String),
}

impl Number {
    /// The number, unless the text is none.
    pub fn value(&self) -> Option<u64> {
        match self {
            Self::Written(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok(),
        }
    }
}

/// A list: an array in the file, separated by commas in a variable.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum List {
    /// As in a variable.
    Text(String),
    /// As in the file.
    Items(Vec<String>),
}

impl List {
    /// The items, trimmed, without empty ones.
    pub fn items(&self) -> Vec<&str> {
        let items: Vec<&str> = match self {
            Self::Text(text) => text.split(',').collect(),
            Self::Items(items) => items.iter().map(String::as_str).collect(),
        };
        items.into_iter().map(str::trim).filter(|item| !item.is_empty()).collect()
    }
}

impl Keys {
    /// Lays defaults, file, variables and arguments over each other.
    ///
    /// Returns the keys and what is odd about the variables.
    pub fn gather(
        file: Option<&Path>,
        variables: &[(String, String)],
        overrides: &Overrides,
    ) -> Result<(Self, Vec<String>), ConfigError> {
        let mut figment = Figment::new();
        for (key, value) in [
            ("data_dir", "./sen-data"),
            ("spool_limit_gib", super::store::DEFAULT_SPOOL_LIMIT_GIB),
            ("space_reserve_mib", super::store::DEFAULT_SPACE_RESERVE_MIB),
            ("settle_after_seconds", super::store::DEFAULT_SETTLE_AFTER_SECONDS),
            ("quiet_after_seconds", super::store::DEFAULT_QUIET_AFTER_SECONDS),
            ("served_version", "first"),
            ("backup_keep", super::keeping::DEFAULT_BACKUP_KEEP),
            ("verify_every_days", super::keeping::DEFAULT_VERIFY_EVERY_DAYS),
            ("verify_mib_per_second", super::keeping::DEFAULT_VERIFY_MIB_PER_SECOND),
            ("default_facility", super::store::DEFAULT_FACILITY),
            ("dimse_listen", "0.0.0.0:11112"),
            ("ae_title", "SEN"),
            ("unknown_ae", "reject"),
            ("http_listen", "127.0.0.1:8080"),
            ("auth", "on"),
        ] {
            figment = figment.merge(Serialized::default(key, value));
        }
        for (key, value) in &overrides.defaults {
            figment = figment.merge(Serialized::default(key, value));
        }
        if let Some(path) = file {
            let text = std::fs::read_to_string(path)
                .map_err(|source| ConfigError::Unreadable { path: path.to_path_buf(), source })?;
            figment = figment.merge(Toml::string(&text));
        }
        let mut warnings = Vec::new();
        for (name, value) in variables {
            let key = name.strip_prefix(PREFIX).unwrap_or(name).to_ascii_lowercase();
            if SCALARS.contains(&key.as_str()) {
                // An empty variable is how a compose file says "not set".
                if !value.is_empty() {
                    figment = figment.merge(Serialized::default(&key, value));
                }
            } else if !OTHER_VARIABLES.contains(&name.as_str()) {
                warnings.push(format!("the variable {name} is not known and does nothing"));
            }
        }
        for (key, value) in &overrides.arguments {
            figment = figment.merge(Serialized::default(key, value));
        }
        let keys = figment.extract::<Self>().map_err(|error| {
            let place = file.map_or_else(|| "configuration".to_owned(), |path| path.display().to_string());
            ConfigError::Malformed(format!("{place}: {error}"))
        })?;
        keys.refuse_what_is_not_built()?;
        Ok((keys, warnings))
    }

    /// A listener that is asked for and never opens would be found out by the first lost message.
    fn refuse_what_is_not_built(&self) -> Result<(), ConfigError> {
        for (key, value, what) in [
            ("hl7_listen", &self.hl7_listen, "HL7 v2 over MLLP"),
            ("share_listen", &self.share_listen, "a listener for patients' links"),
        ] {
            if value.as_deref().is_some_and(|value| value != "off") {
                return Err(ConfigError::value(
                    key,
                    format!("{what} is not part of this version; leave it out or write off"),
                ));
            }
        }
        if !self.hl7_destination.is_empty() {
            return Err(ConfigError::value(
                "hl7_destination",
                "sending HL7 v2 is not part of this version; leave it out",
            ));
        }
        Ok(())
    }
}
