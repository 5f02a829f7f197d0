//! What every route is given.

use jiff::tz::TimeZone;
use pacs_core::clock::Clock;
use storage::Archive;
use storage::index::facilities;
use tokio_util::sync::CancellationToken;

use crate::Result;

/// Shared by all routes; cheap to clone.
#[derive(Clone)]
pub struct State {
    /// The archive.
    pub archive: Archive,
    /// The present time.
    pub clock: Clock,
    /// What `GET /system` tells.
    pub system: SystemFacts,
    /// Ends streams that would otherwise hold up a stop.
    pub shutdown: CancellationToken,
}

impl State {
    /// The zone of the default facility's clocks: which day it is for a caller who does not say.
    pub(crate) async fn default_zone(&self) -> Result<TimeZone> {
        let default = &self.archive.config().default_facility;
        let all = facilities::all(self.archive.database()).await?;
        let zone = all.iter().find(|facility| facility.code == *default).map(facilities::Facility::zone);
        Ok(zone.unwrap_or_else(|| facilities::zone(facilities::DEFAULT_ZONE)))
    }
}

/// What the program knows of itself.
#[derive(Debug, Clone)]
pub struct SystemFacts {
    /// Version of the program.
    pub version: &'static str,
    /// The archive's own AE title.
    pub ae_title: String,
    /// Port of the DIMSE listener.
    pub dimse_port: u16,
}
