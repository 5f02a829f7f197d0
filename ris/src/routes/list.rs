//! `GET /api/v1/routes`: the rules by which images go to devices by themselves.

use axum::Json;
use axum::extract::State as Has;
use pacs_core::access::Act;
use serde::Serialize;
use utoipa::ToSchema;

use super::wire::Route;
use crate::Result;
use crate::caller::Caller;
use crate::state::State;

/// All routes.
#[derive(Debug, Serialize, ToSchema)]
pub struct Routes {
    /// By name.
    items: Vec<Route>,
}

/// All routes, by name.
#[utoipa::path(get, path = "/api/v1/routes", tag = "queue", responses((status = 200, body = Routes)))]
pub async fn list(Has(state): Has<State>, caller: Caller) -> Result<Json<Routes>> {
    caller.needs(Act::SeeDevices)?;
    let rows = storage::routes::list(state.archive.database()).await?;
    Ok(Json(Routes { items: rows.into_iter().map(Route::from).collect() }))
}
