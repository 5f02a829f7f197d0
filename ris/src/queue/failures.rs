//! `GET /api/v1/queue/{id}/failures`: which instances did not arrive, and why.

use axum::Json;
use axum::extract::State as Has;
use pacs_core::access::Act;
use serde::Serialize;
use storage::jobs::JobId;
use storage::transfers;
use utoipa::ToSchema;

use crate::Result;
use crate::caller::Caller;
use crate::reason::Reason;
use crate::request::Segments;
use crate::state::State;

/// Enough to see what is wrong.
const MOST: u32 = 500;

/// The instances that did not arrive.
#[derive(Debug, Serialize, ToSchema)]
pub struct Failures {
    items: Vec<FailedInstance>,
}

/// An instance that did not arrive.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FailedInstance {
    /// SOP Instance UID.
    instance_uid: String,
    reason: Reason,
}

/// The instances of a transfer that did not arrive, at most 500.
#[utoipa::path(
    get,
    path = "/api/v1/queue/{id}/failures",
    tag = "queue",
    params(("id" = i64, Path, description = "The transfer")),
    responses((status = 200, body = Failures))
)]
pub async fn failures(
    Has(state): Has<State>,
    caller: Caller,
    Segments(id): Segments<i64>,
) -> Result<Json<Failures>> {
    caller.needs(Act::SeeDevices)?;
    let failures = transfers::failures(state.archive.database(), &caller.scope(), JobId(id), MOST).await?;
    let items = failures
        .into_iter()
        .map(|failure| FailedInstance { instance_uid: failure.instance, reason: Reason::of(&failure.reason) })
        .collect();
    Ok(Json(Failures { items }))
}
