//! `GET /api/v1/system`: what an administrator has to type into a modality.

use axum::Json;
use axum::extract::State as Has;
use pacs_core::access::Act;
use serde::Serialize;
use utoipa::ToSchema;

use crate::Result;
use crate::caller::Caller;
use crate::state::State;

/// The program about itself.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct System {
    /// Version of the program.
    version: &'static str,
    /// AE title to call.
    ae_title: String,
    /// Port to call.
    dimse_port: u16,
    /// Facility of images whose device and called AE title name none.
    default_facility: String,
    /// Bytes that wait in the spool to be settled.
    spool_bytes: u64,
}

/// Version, AE title and port.
#[utoipa::path(get, path = "/api/v1/system", tag = "system", responses((status = 200, body = System)))]
pub async fn show(Has(state): Has<State>, caller: Caller) -> Result<Json<System>> {
    caller.needs(Act::SeeWorklist)?;
    Ok(Json(System {
        version: state.system.version,
        ae_title: state.system.ae_title.clone(),
        dimse_port: state.system.dimse_port,
        default_facility: state.archive.config().default_facility.clone(),
        spool_bytes: state.archive.spool_bytes(),
    }))
}
