//! `GET /api/v1/rejections`: studies of which something is rejected.

use axum::Json;
use axum::extract::State as Has;
use pacs_core::access::Act;
use serde::{Deserialize, Serialize};
use storage::rejection::listing;
use utoipa::{IntoParams, ToSchema};

use super::wire::Rejected;
use crate::Result;
use crate::caller::Caller;
use crate::request::Params;
use crate::state::State;
use crate::studies::Study;

/// Studies of a page when the caller does not say.
const DEFAULT_LIMIT: u32 = 50;

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// At most so many; 100 are given at once.
    limit: Option<u32>,
    /// The `next` of the page before.
    cursor: Option<i64>,
}

/// A page of studies of which something is rejected.
#[derive(Debug, Serialize, ToSchema)]
pub struct Rejections {
    items: Vec<RejectedStudy>,
    /// What to ask for the next page with; null at the end.
    next: Option<String>,
}

/// A study of which something is rejected; its counts are of what is shown.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RejectedStudy {
    #[serde(flatten)]
    study: Study,
    /// Instances that are rejected.
    rejected_count: i64,
    /// The newest rejection.
    rejected: Rejected,
}

/// Studies of the caller's facilities of which something is rejected, also such of which nothing is left to be shown;
/// the newest rejection first.
#[utoipa::path(
    get,
    path = "/api/v1/rejections",
    tag = "rejections",
    params(Wanted),
    responses((status = 200, body = Rejections), (status = 400, body = crate::error::Problem))
)]
pub async fn list(
    Has(state): Has<State>,
    caller: Caller,
    Params(wanted): Params<Wanted>,
) -> Result<Json<Rejections>> {
    caller.needs(Act::RejectImages)?;
    let zone = state.home_zone(&caller).await?;
    let limit = wanted.limit.unwrap_or(DEFAULT_LIMIT);
    let page = listing::studies(state.archive.database(), &caller.scope(), wanted.cursor, limit).await?;
    let items = page.items.into_iter().map(|found| RejectedStudy {
        study: found.study.into(),
        rejected_count: found.instances,
        rejected: Rejected::of(found.newest, &zone),
    });
    Ok(Json(Rejections { items: items.collect(), next: page.next.map(|id| id.to_string()) }))
}
