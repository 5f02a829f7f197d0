//! `GET /api/v1/devices`: who may push and query, where images can be sent, and whose associations failed last.

use axum::Json;
use axum::extract::State as Has;
use jiff::tz::TimeZone;
use pacs_core::access::Act;
use pacs_core::clock;
use serde::Serialize;
use storage::association_failures::{self, LastFailure};
use storage::devices::{self, Binding, Device as Row};
use storage::index::facilities;
use utoipa::ToSchema;

use super::dealings::Dealings;
use crate::Result;
use crate::caller::Caller;
use crate::reason::Reason;
use crate::state::State;

/// All devices.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Devices {
    /// By AE title.
    items: Vec<Device>,
    /// The last failures of peers that are no device, the newest first. Those that never said their AE title have an
    /// empty one.
    strangers: Vec<Stranger>,
    /// Codes of the facilities that a device may be given.
    facilities: Vec<String>,
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
    /// AE titles of this archive that it may call; empty: all.
    called_ae: Vec<String>,
    /// Associations at a time; null: the listener's limit.
    max_associations: Option<u32>,
    /// Answers to one query; null: no limit.
    max_answers: Option<u32>,
    /// Whether associations with it have to be encrypted.
    requires_tls: bool,
    /// The certificate it has to show over TLS: its SHA-256 fingerprint, or its subject.
    certificate: Option<String>,
    /// Whether it has to name an account with its password.
    requires_user: bool,
    /// Whether its worklist holds only what it has or could do.
    worklist_own: bool,
    /// How many days ahead its worklist reaches.
    worklist_days: Option<u32>,
    #[serde(flatten)]
    dealings: Dealings,
    /// When it last opened an association; RFC 3339, on the wall where the caller works.
    last_seen_at: Option<String>,
    /// `file`: read-only here; `rows`: may be changed.
    source: &'static str,
    /// Its last association that failed or was refused.
    last_failure: Option<Failure>,
}

/// An association that failed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// Whether it was opened here.
    outgoing: bool,
    /// The peer's address.
    peer: String,
    /// The AE title that was called.
    called_ae: String,
    /// Why.
    reason: Reason,
    /// When; RFC 3339, on the wall where the caller works.
    at: String,
    /// How often in a row for this reason.
    times: i64,
}

/// A peer that is no device.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Stranger {
    ae_title: String,
    last_failure: Failure,
}

impl Device {
    pub(super) fn of(row: Row, last: Option<LastFailure>, zone: &TimeZone) -> Self {
        let rules = row.rules;
        Self {
            ae_title: row.ae_title.to_string(),
            host: row.host,
            port: row.port,
            facility: row.facility,
            description: row.description,
            modality: row.modality,
            room: row.room,
            character_set: row.character_set.map(|set| set.to_string()),
            called_ae: rules.called.iter().map(ToString::to_string).collect(),
            max_associations: rules.max_associations,
            max_answers: rules.max_answers,
            requires_tls: rules.requires_tls,
            certificate: rules.certificate.as_ref().map(|binding: &Binding| binding.as_str().to_owned()),
            requires_user: rules.requires_user,
            worklist_own: rules.worklist_own,
            worklist_days: rules.worklist_days,
            dealings: row.dealings.into(),
            last_seen_at: row.last_seen_ms.map(|ms| clock::rfc3339_on(ms, zone)),
            source: row.source.as_str(),
            last_failure: last.map(|last| Failure::of(last, zone)),
        }
    }
}

impl Failure {
    fn of(last: LastFailure, zone: &TimeZone) -> Self {
        let failure = last.failure;
        Self {
            outgoing: failure.outgoing,
            peer: failure.peer,
            called_ae: failure.called_ae,
            reason: failure.why.into(),
            at: clock::rfc3339_on(last.at_ms, zone),
            times: last.times,
        }
    }
}

/// All devices by AE title, and who else was refused.
#[utoipa::path(get, path = "/api/v1/devices", tag = "system", responses((status = 200, body = Devices)))]
pub async fn list(Has(state): Has<State>, caller: Caller) -> Result<Json<Devices>> {
    caller.needs(Act::SeeDevices)?;
    let (database, zone) = (state.archive.database(), state.home_zone(&caller).await?);
    let rows = devices::list(database).await?;
    let mut failures = association_failures::list(database).await?;
    let items = rows
        .into_iter()
        .map(|row| {
            let its = |last: &LastFailure| last.failure.ae_title == row.ae_title.as_str();
            let last = failures.iter().find(|last| its(last)).cloned();
            failures.retain(|last| !its(last));
            Device::of(row, last, &zone)
        })
        .collect();
    let strangers = failures.into_iter().map(|last| Stranger {
        ae_title: last.failure.ae_title.clone(),
        last_failure: Failure::of(last, &zone),
    });
    let facilities = facilities::all(database).await?.into_iter().map(|facility| facility.code).collect();
    Ok(Json(Devices { items, strangers: strangers.collect(), facilities }))
}
