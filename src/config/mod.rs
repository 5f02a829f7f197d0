//! Configuration: defaults, then `sen.toml`, then variables named `SEN_…`.
//!
//! Every key of the file is also a variable (`http_listen` is `SEN_HTTP_LISTEN`), except the lists of tables
//! (`[[device]]`, `[[ae]]`, `[[route]]`, `[[facility]]`). A key that is not known is an error of the file, because a
//! misspelt key that is silently ignored is found too late. An unknown *variable* is only reported: container platforms
//! inject their own (`SEN_SERVICE_HOST`, for a service named `sen`).

mod devices;
mod dimse;
mod facilities;
mod http;
mod keeping;
mod keys;
mod routes;
mod sign_in;
mod store;

use std::path::{Path, PathBuf};

use storage::index::facilities::Entry as Facility;
use storage::routes::Route;
use thiserror::Error;

pub use devices::Device;
pub use dimse::Dimse;
pub use http::{Http, Tls};
pub use keeping::Keeping;
pub use keys::Overrides;
pub use sign_in::SignIn;
pub use store::{DEFAULT_FACILITY, Store};

/// Everything the program is told from outside, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where bytes and rows lie.
    pub store: Store,
    /// How what is kept is kept.
    pub keeping: Keeping,
    /// The door of the modalities.
    pub dimse: Dimse,
    /// The door of browsers and programs.
    pub http: Http,
    /// Whether callers must say who they are.
    pub sign_in: SignIn,
    /// Devices named in the file; rows of the database add to these and never override them.
    pub devices: Vec<Device>,
    /// Routes named in the file, as devices are.
    pub routes: Vec<Route>,
    /// Facilities named in the file; what it says of one wins over its row.
    pub facilities: Vec<Facility>,
    /// The file that was read, if any.
    pub file: Option<PathBuf>,
    /// Oddities that do not stop the program but that somebody should read.
    pub warnings: Vec<String>,
}

/// What is wrong with the configuration.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file that was named does not exist or cannot be read.
    #[error("cannot read the configuration file {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no TOML, has an unknown key, or a value of the wrong kind.
    #[error("{0}")]
    Malformed(String),
    /// A value that cannot be used.
    #[error("{key}: {reason}")]
    Value {
        /// The key as it is written in the file.
        key: &'static str,
        /// What is wrong and what would be right.
        reason: String,
    },
}

impl ConfigError {
    fn value(key: &'static str, reason: impl Into<String>) -> Self {
        Self::Value { key, reason: reason.into() }
    }
}

impl Config {
    /// Reads the configuration of this process: the file `named`, else that of `SEN_CONFIG`, else
    /// `./sen.toml` if it is there; then the variables.
    pub fn load(named: Option<&Path>, overrides: &Overrides) -> Result<Self, ConfigError> {
        let variables: Vec<(String, String)> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| name.starts_with(keys::PREFIX))
            .collect();
        let by_variable = variables.iter().find(|(name, path)| name == "SEN_CONFIG" && !path.is_empty());
        let file =
            match named.map(Path::to_path_buf).or_else(|| by_variable.map(|(_, path)| PathBuf::from(path))) {
                Some(path) => Some(path),
                None if overrides.ignore_working_directory => None,
                None => Some(PathBuf::from("sen.toml")).filter(|path| path.exists()),
            };
        Self::from_sources(file.as_deref(), &variables, overrides)
    }

    /// Whether anything but devices, routes and facilities differs.
    pub fn needs_restart(&self, in_force: &Self) -> bool {
        (&self.store, &self.keeping, &self.dimse, &self.http, self.sign_in)
            != (&in_force.store, &in_force.keeping, &in_force.dimse, &in_force.http, in_force.sign_in)
    }

    /// Reads the configuration from a file and a list of variables.
    pub fn from_sources(
        file: Option<&Path>,
        variables: &[(String, String)],
        overrides: &Overrides,
    ) -> Result<Self, ConfigError> {
        let (keys, warnings) = keys::Keys::gather(file, variables, overrides)?;
        let http = Http::from_keys(&keys)?;
        Ok(Self {
            store: Store::from_keys(&keys)?,
            keeping: Keeping::from_keys(&keys)?,
            dimse: Dimse::from_keys(&keys)?,
            sign_in: SignIn::from_keys(&keys, &http)?,
            http,
            devices: devices::from_keys(&keys)?,
            routes: routes::from_keys(&keys)?,
            facilities: facilities::from_keys(&keys)?,
            file: file.map(Path::to_path_buf),
            warnings,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(toml: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sen.toml");
        std::fs::write(&path, toml).unwrap();
        let variables: Vec<_> = variables.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        Config::from_sources(Some(&path), &variables, &Overrides::default())
    }

    #[test]
    fn defaults_are_those_of_the_contract() {
        let config = read("", &[]).unwrap();
        assert_eq!(config.store.data_dir, Path::new("./sen-data"));
        assert_eq!(config.store.spool_dir, Path::new("./sen-data/spool"));
        assert_eq!(config.dimse.listen.to_string(), "0.0.0.0:11112");
        assert_eq!(config.http.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(config.dimse.ae_title.as_str(), "SEN");
        assert!(!config.dimse.accept_unknown_callers);
        assert_eq!(config.sign_in, SignIn::Required);
    }

    #[test]
    fn variables_win_over_the_file_and_the_file_over_defaults() {
        let config =
            read("ae_title = 'FILE'\nhttp_listen = '127.0.0.1:9000'", &[("SEN_AE_TITLE", "4711")]).unwrap();
        assert_eq!(config.dimse.ae_title.as_str(), "4711");
        assert_eq!(config.http.listen.port(), 9000);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_key() {
        type Variables = &'static [(&'static str, &'static str)];
        let cases: &[(&str, Variables, &str)] = &[
            ("htp_listen = '127.0.0.1:1'", &[], "htp_listen"),
            ("http_listen = 'nowhere'", &[], "http_listen"),
            ("ae_title = 'MORE THAN SIXTEEN'", &[], "ae_title"),
            ("", &[("SEN_UNKNOWN_AE", "perhaps")], "unknown_ae"),
            ("", &[("SEN_AUTH", "off"), ("SEN_HTTP_LISTEN", "0.0.0.0:8080")], "auth"),
            ("", &[("SEN_HL7_LISTEN", "0.0.0.0:2575")], "hl7_listen"),
            ("", &[("SEN_STORAGE_URL", "ftp://x")], "storage_url"),
            ("", &[("SEN_DATABASE_URL", "mysql://x")], "database_url"),
            ("", &[("SEN_PUBLIC_URL", "pacs.example")], "public_url"),
            ("served_version = 'both'", &[], "served_version"),
            ("", &[("SEN_DEFAULT_FACILITY", "MORE THAN SIXTEEN")], "default_facility"),
            ("[[facility]]\ncode = ' '", &[], "facility"),
            ("[[facility]]\ncode = 'A'\n[[facility]]\ncode = ' A'", &[], "twice"),
            ("[[facility]]\ncode = 'A'\ntime_zone = 'Asia/Hanoy'", &[], "Asia/Hanoy"),
            ("[[facility]]\ncode = 'A'\nzone = 'Asia/Tokyo'", &[], "zone"),
            ("backup_url = 'ftp://x'", &[], "backup_url"),
            ("backup_url = '/b'\nbackup_at = '26:00'", &[], "backup_at"),
            ("backup_at = '02:00'", &[], "backup_url"),
            ("backup_keep = 0", &[], "backup_keep"),
            ("backup_aws_access_key_id = 'a'", &[], "backup_aws_secret_access_key"),
            ("backup_aws_region = 'b'", &[], "backup_aws_access_key_id"),
            ("", &[("SEN_CORS_ORIGINS", "*")], "cors_origins"),
            ("cors_origins = ['https://a.example/path']", &[], "cors_origins"),
            ("[[device]]\nae_title = 'CT1'\nhost = 'x'\nport = 104\ncolour = 'red'", &[], "colour"),
            ("[[device]]\nae_title = ''\nhost = 'x'\nport = 104", &[], "device"),
            ("[[device]]\nae_title = 'A'\nhost = 'x'\nport = 1\nmodality = 'ct'", &[], "modality"),
            ("[[device]]\nae_title = 'A'\nhost = 'x'\nport = 1\nroom = ' '", &[], "room"),
            ("[[device]]\nae_title = 'A'\nhost = 'x'\nport = 1\ncharacter_set = 'latin'", &[], "ISO_IR 100"),
            ("[[device]]\nae_title = 'A'\nhost = 'x'\nport = 1\nsend_limit = 0", &[], "send_limit"),
            ("[[device]]\nae_title = 'A'\nhost = 'x'\nport = 1\nretrieve_by = 'fax'", &[], "move or get"),
            ("[[route]]\nname = 'n'\nto = ''", &[], "route"),
            ("[[route]]\nname = ' '\nto = 'A'", &[], "name"),
            ("[[route]]\nname = 'n'\nto = 'A'\n[[route]]\nname = 'n'\nto = 'B'", &[], "twice"),
            ("[[route]]\nname = 'n'\nto = 'A'\nhours = 'night'", &[], "18:00-06:00"),
            ("[[route]]\nname = 'n'\nto = 'A'\npriority = 'soon'", &[], "priority"),
            (
                "[[device]]\nae_title = 'A'\nhost = 'x'\nport = 1\n[[device]]\nae_title = 'A'\nhost = 'y'\nport = 1",
                &[],
                "twice",
            ),
        ];
        for (toml, variables, expected) in cases {
            let message = read(toml, variables).expect_err(toml).to_string();
            assert!(message.contains(expected), "{message:?} does not name {expected:?}");
        }
    }

    #[test]
    fn origins_are_written_as_browsers_write_them() {
        let config = read("", &[("SEN_CORS_ORIGINS", "https://Viewer.example:443/, http://10.0.0.7:3000")]);
        assert_eq!(config.unwrap().http.cors_origins, ["https://viewer.example", "http://10.0.0.7:3000"]);
        assert!(read("", &[]).unwrap().http.cors_origins.is_empty());
    }

    #[test]
    fn sign_in_may_be_off_on_a_loopback_listener_only() {
        let config = read("", &[("SEN_AUTH", "off"), ("SEN_HTTP_LISTEN", "[::1]:0")]).unwrap();
        assert_eq!(config.sign_in, SignIn::Off);
    }

    #[test]
    fn an_unknown_variable_is_reported_and_harmless() {
        let config = read("", &[("SEN_SERVICE_PORT", "80"), ("SEN_DATABSE_URL", "sqlite://x")]).unwrap();
        assert_eq!(config.warnings.len(), 2, "{:?}", config.warnings);
    }

    #[test]
    fn a_facility_is_named_by_its_code_and_lies_in_vietnam_unless_said() {
        let config = read(
            "[[facility]]\ncode = 'A'\n[[facility]]\ncode = 'B'\nname = 'Viêng Chăn'\ntime_zone = 'asia/vientiane'",
            &[],
        )
        .unwrap();
        let found: Vec<_> = config
            .facilities
            .iter()
            .map(|facility| (facility.name.as_str(), facility.time_zone.as_str()))
            .collect();
        assert_eq!(found, [("A", "Asia/Ho_Chi_Minh"), ("Viêng Chăn", "Asia/Vientiane")]);
    }

    #[test]
    fn devices_and_further_called_titles_carry_their_facility() {
        let config = read(
            "[[device]]\nae_title = 'CT1'\nhost = '10.0.0.5'\nport = 11112\nfacility = 'BVTW'\n[[ae]]\nae_title = 'SEN_TW'\nfacility = 'BVTW'",
            &[],
        )
        .unwrap();
        assert_eq!(config.devices.first().unwrap().facility.as_deref(), Some("BVTW"));
        assert_eq!(config.dimse.further.first().unwrap().facility.as_deref(), Some("BVTW"));
    }
}
