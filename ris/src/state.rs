//! What every route is given.

use jiff::tz::TimeZone;
use pacs_core::clock::Clock;
use storage::Archive;
use storage::audit_log::AuditLog;
use storage::index::facilities;
use tokio_util::sync::CancellationToken;

use crate::Result;
use crate::caller::Caller;

/// Shared by all routes; cheap to clone.
#[derive(Clone)]
pub struct State {
    /// The archive.
    pub archive: Archive,
    /// Where acts are recorded.
    pub audit_log: AuditLog,
    /// The present time.
    pub clock: Clock,
    /// What `GET /system` tells.
    pub system: SystemFacts,
    /// Ends streams that would otherwise hold up a stop.
    pub shutdown: CancellationToken,
}

impl State {
    /// The zone of the clocks where the caller works: which day it is for one who does not say.
    pub(crate) async fn home_zone(&self, caller: &Caller) -> Result<TimeZone> {
        let home = caller.actor.home(&self.archive.config().default_facility);
        Ok(facilities::zone(&facilities::time_zone(self.archive.database(), home).await?))
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
