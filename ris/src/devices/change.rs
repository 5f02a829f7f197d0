//! `POST /api/v1/devices`, `PUT` and `DELETE /api/v1/devices/{aeTitle}`, and forgetting failures: live at once.

use axum::extract::State as Has;
use http::StatusCode;
use pacs_core::access::Act;
use pacs_core::audit::AuditAct;
use pacs_core::uid::AeTitle;
use serde::Deserialize;
use storage::association_failures;
use storage::devices;
use utoipa::ToSchema;

use super::form::{DeviceForm, NewDevice};
use crate::caller::Caller;
use crate::request::{Body, Segments};
use crate::state::State;
use crate::{Error, Result};

/// Adds a device. 409 when there is one of its title.
#[utoipa::path(
    post,
    path = "/api/v1/devices",
    tag = "system",
    request_body = NewDevice,
    responses((status = 204), (status = 400, body = crate::error::Problem), (status = 409, body = crate::error::Problem))
)]
pub async fn add(Has(state): Has<State>, caller: Caller, Body(form): Body<NewDevice>) -> Result<StatusCode> {
    caller.needs(Act::ManageDevices)?;
    let device = form.checked()?;
    devices::add(state.archive.database(), &device).await?;
    record(&state, &caller, &device.ae_title, "add").await;
    Ok(StatusCode::NO_CONTENT)
}

/// Changes a device. 409 when it is set in the configuration file.
#[utoipa::path(
    put,
    path = "/api/v1/devices/{aeTitle}",
    tag = "system",
    params(("aeTitle" = String, Path, description = "AE title")),
    request_body = DeviceForm,
    responses((status = 204), (status = 400, body = crate::error::Problem), (status = 404, body = crate::error::Problem), (status = 409, body = crate::error::Problem))
)]
pub async fn change(
    Has(state): Has<State>,
    caller: Caller,
    Segments(title): Segments<AeTitle>,
    Body(form): Body<DeviceForm>,
) -> Result<StatusCode> {
    caller.needs(Act::ManageDevices)?;
    let known = devices::by_ae(state.archive.database(), &title).await?.ok_or(Error::NotFound)?;
    let device = form.checked(known)?;
    devices::change(state.archive.database(), &device).await?;
    record(&state, &caller, &title, "change").await;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes a device. 409 when it is set in the configuration file.
#[utoipa::path(
    delete,
    path = "/api/v1/devices/{aeTitle}",
    tag = "system",
    params(("aeTitle" = String, Path, description = "AE title")),
    responses((status = 204), (status = 404, body = crate::error::Problem), (status = 409, body = crate::error::Problem))
)]
pub async fn remove(
    Has(state): Has<State>,
    caller: Caller,
    Segments(title): Segments<AeTitle>,
) -> Result<StatusCode> {
    caller.needs(Act::ManageDevices)?;
    devices::remove(state.archive.database(), &title).await?;
    record(&state, &caller, &title, "remove").await;
    Ok(StatusCode::NO_CONTENT)
}

/// Whose failures are forgotten.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Forgotten {
    /// The AE title; empty for a peer that never said its own.
    ae_title: String,
    /// Only those of this peer.
    peer: Option<Peer>,
}

/// A peer, and who called whom.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Peer {
    /// Its address.
    address: String,
    /// Whether it was called from here.
    outgoing: bool,
}

/// Forgets the failed associations of a title, or of one peer that calls itself that.
#[utoipa::path(
    post,
    path = "/api/v1/devices/failures/forget",
    tag = "system",
    request_body = Forgotten,
    responses((status = 204))
)]
pub async fn forget_failures(
    Has(state): Has<State>,
    caller: Caller,
    Body(form): Body<Forgotten>,
) -> Result<StatusCode> {
    caller.needs(Act::ManageDevices)?;
    let database = state.archive.database();
    match &form.peer {
        Some(Peer { address, outgoing }) => {
            association_failures::forget_peer(database, &form.ae_title, address, *outgoing).await?;
        }
        None => association_failures::forget(database, &form.ae_title).await?,
    }
    Ok(StatusCode::NO_CONTENT)
}

async fn record(state: &State, caller: &Caller, title: &AeTitle, what: &'static str) {
    let done = caller.did(AuditAct::Administer, format!("device:{title}")).because(Some(what));
    state.audit_log.record(done).await;
}
