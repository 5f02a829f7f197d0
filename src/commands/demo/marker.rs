//! What a demonstration's folder remembers: that it is one, and how far it was filled.

use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use jiff::civil::Date;
use pacs_core::clock::{self, Clock};
use serde::{Deserialize, Serialize};
use storage::index::facilities;

const FILE_NAME: &str = "demo.json";

/// The file in the folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// Seed of the province.
    pub seed: u64,
    /// The day on which it was made: priors count back from here.
    pub made_on: Date,
    /// Studies that are whole in the archive.
    pub studies: usize,
    /// Whether all studies that were asked for are.
    pub is_filled: bool,
    /// Password of the administrator, printed at every start: nothing here needs to be kept secret.
    pub password: Option<String>,
    #[serde(skip)]
    is_new: bool,
}

impl Marker {
    /// A demonstration that does not exist yet.
    pub fn new(seed: u64, made_on: Date) -> Self {
        Self { seed, made_on, studies: 0, is_filled: false, password: None, is_new: true }
    }

    /// Whether the folder was not a demonstration's before this run.
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// Reads the marker of a folder, if it has one.
    pub fn read(data_dir: &Path) -> anyhow::Result<Option<Self>> {
        let path = data_dir.join(FILE_NAME);
        match std::fs::read(&path) {
            Ok(bytes) => Ok(Some(
                serde_json::from_slice(&bytes).with_context(|| format!("{} is damaged", path.display()))?,
            )),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// Writes it whole or not at all, readable to its owner.
    pub fn write(&self, data_dir: &Path) -> anyhow::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(data_dir)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        file.persist(data_dir.join(FILE_NAME))?;
        Ok(())
    }
}

/// Today at the province's hospitals.
pub fn today(clock: &Clock) -> Date {
    let zone = facilities::zone(facilities::DEFAULT_ZONE);
    clock::local_date_time(clock.now_ms(), &zone).map(|now| now.date()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_reads_back_and_is_new_no_longer() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Marker::read(folder.path()).unwrap(), None);
        let marker = Marker { studies: 3, ..Marker::new(7, jiff::civil::date(2026, 11, 23)) };
        assert!(marker.is_new());
        marker.write(folder.path()).unwrap();
        let read = Marker::read(folder.path()).unwrap().unwrap();
        assert_eq!((read.seed, read.studies, read.is_new()), (7, 3, false));
    }
}
