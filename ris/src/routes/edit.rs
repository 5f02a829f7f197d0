//! `PUT` and `DELETE /api/v1/routes/{name}`: rules made, changed and taken away.

use axum::Json;
use axum::extract::State as Has;
use http::StatusCode;
use pacs_core::access::Act;
use pacs_core::audit::AuditAct;

use super::wire::{Route, Rule};
use crate::Result;
use crate::caller::Caller;
use crate::request::{Body, Segments};
use crate::state::State;

/// Makes or changes a route. It counts for what settles from now on.
#[utoipa::path(
    put,
    path = "/api/v1/routes/{name}",
    tag = "queue",
    params(("name" = String, Path, description = "What people call it")),
    request_body = Rule,
    responses(
        (status = 200, body = Route),
        (status = 400, body = crate::error::Problem),
        (status = 409, description = "The configuration file has a route of this name", body = crate::error::Problem)
    )
)]
pub async fn put(
    Has(state): Has<State>,
    caller: Caller,
    Segments(name): Segments<String>,
    Body(rule): Body<Rule>,
) -> Result<Json<Route>> {
    caller.needs(Act::ManageDevices)?;
    let route = rule.named(&name)?;
    storage::routes::upsert(state.archive.database(), &route).await?;
    state.audit_log.record(caller.did(AuditAct::Administer, subject(&name)).because(Some("route"))).await;
    Ok(Json(route.into()))
}

/// Takes a route away. What it has queued stays there.
#[utoipa::path(
    delete,
    path = "/api/v1/routes/{name}",
    tag = "queue",
    params(("name" = String, Path, description = "What people call it")),
    responses((status = 204), (status = 404, body = crate::error::Problem), (status = 409, body = crate::error::Problem))
)]
pub async fn remove(
    Has(state): Has<State>,
    caller: Caller,
    Segments(name): Segments<String>,
) -> Result<StatusCode> {
    caller.needs(Act::ManageDevices)?;
    storage::routes::remove(state.archive.database(), &name).await?;
    state.audit_log.record(caller.did(AuditAct::Administer, subject(&name)).because(Some("no route"))).await;
    Ok(StatusCode::NO_CONTENT)
}

fn subject(name: &str) -> String {
    format!("route:{name}")
}
