//! `GET /api/v1/devices`: who may push and query, and where images can be sent.

use axum::Json;
use axum::extract::State as Has;
use jiff::tz::TimeZone;
use pacs_core::access::Act;
use pacs_core::clock;
use serde::Serialize;
use storage::devices::{self, Device as Row};
use utoipa::ToSchema;

use crate::Result;
use crate::caller::Caller;
use crate::state::State;

/// All devices.
#[derive(Debug, Serialize, ToSchema)]
pub struct Devices {
    /// By AE title.
    items: Vec<Device>,
}

/// A device.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Device {
    ae_title: String,
    host: Option<String>,
    port: Option<u16>,
    facility: Option<String>,
    description: String,
    /// Modality, when it is a station of the worklist.
    modality: Option<String>,
    room: Option<String>,
    /// What its console can read: defined terms of Specific Character Set, `ISO_IR 6` for ASCII; null
    /// where its queries say so.
    character_set: Option<String>,
    /// When it last opened an association; RFC 3339, on the wall where the caller works.
    last_seen_at: Option<String>,
    /// `file`: read-only here; `rows`: may be changed.
    source: &'static str,
}

impl Device {
    fn of(row: Row, zone: &TimeZone) -> Self {
        Self {
            ae_title: row.ae_title.to_string(),
            host: row.host,
            port: row.port,
            facility: row.facility,
            description: row.description,
            modality: row.modality,
            room: row.room,
            character_set: row.character_set.map(|set| set.to_string()),
            last_seen_at: row.last_seen_ms.map(|ms| clock::rfc3339_on(ms, zone)),
            source: row.source.as_str(),
        }
    }
}

/// All devices, by AE title.
#[utoipa::path(get, path = "/api/v1/devices", tag = "system", responses((status = 200, body = Devices)))]
pub async fn list(Has(state): Has<State>, caller: Caller) -> Result<Json<Devices>> {
    caller.needs(Act::SeeDevices)?;
    let zone = state.home_zone(&caller).await?;
    let rows = devices::list(state.archive.database()).await?;
    let items = rows.into_iter().map(|row| Device::of(row, &zone)).collect();
    Ok(Json(Devices { items }))
}
