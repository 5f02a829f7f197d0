//! `POST`, `PUT`, `PATCH` and `DELETE /api/v1/routes/{name}`: rules made, changed, stopped and taken away.

use axum::Json;
use axum::extract::State as Has;
use http::StatusCode;
use pacs_core::access::Act;
use pacs_core::audit::AuditAct;
use serde::Deserialize;
use utoipa::ToSchema;

use super::wire::{Route, Rule};
use crate::Result;
use crate::caller::Caller;
use crate::request::{Body, Segments};
use crate::state::State;

/// Makes a route of a name that none has. It counts for what settles from now on.
#[utoipa::path(
    post,
    path = "/api/v1/routes/{name}",
    tag = "queue",
    params(("name" = String, Path, description = "What people call it")),
    request_body = Rule,
    responses(
        (status = 201, body = Route),
        (status = 400, body = crate::error::Problem),
        (status = 409, description = "There is a route of this name", body = crate::error::Problem)
    )
)]
pub async fn add(
    Has(state): Has<State>,
    caller: Caller,
    Segments(name): Segments<String>,
    Body(rule): Body<Rule>,
) -> Result<(StatusCode, Json<Route>)> {
    caller.needs(Act::ManageDevices)?;
    let route = rule.named(&name)?;
    storage::routes::add(state.archive.database(), &route).await?;
    record(&state, &caller, &name, "route").await;
    Ok((StatusCode::CREATED, Json(route.into())))
}

/// Whether a route is followed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Enabling {
    is_enabled: bool,
}

/// Stops or starts a route, whatever else has become of it.
#[utoipa::path(
    patch,
    path = "/api/v1/routes/{name}",
    tag = "queue",
    params(("name" = String, Path, description = "What people call it")),
    request_body = Enabling,
    responses((status = 204), (status = 404, body = crate::error::Problem), (status = 409, body = crate::error::Problem))
)]
pub async fn enable(
    Has(state): Has<State>,
    caller: Caller,
    Segments(name): Segments<String>,
    Body(Enabling { is_enabled }): Body<Enabling>,
) -> Result<StatusCode> {
    caller.needs(Act::ManageDevices)?;
    storage::routes::enable(state.archive.database(), &name, is_enabled).await?;
    record(&state, &caller, &name, if is_enabled { "route on" } else { "route off" }).await;
    Ok(StatusCode::NO_CONTENT)
}

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
    record(&state, &caller, &name, "route").await;
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
    record(&state, &caller, &name, "no route").await;
    Ok(StatusCode::NO_CONTENT)
}

async fn record(state: &State, caller: &Caller, name: &str, what: &'static str) {
    state
        .audit_log
        .record(caller.did(AuditAct::Administer, format!("route:{name}")).because(Some(what)))
        .await;
}
