//! `GET /api/v1/rejections`: studies of which something is rejected.

use axum::Json;
use axum::extract::State as Has;
use pacs_core::access::Act;
use serde::Serialize;
use storage::rejection::listing;
use utoipa::ToSchema;

use super::wire::Rejected;
use crate::caller::Caller;
use crate::paging::Paging;
use crate::request::Params;
use crate::state::State;
use crate::studies::Study;
use crate::{Error, Result};

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
    params(Paging),
    responses((status = 200, body = Rejections), (status = 400, body = crate::error::Problem), (status = 409, description = "The cursor is not one of this list", body = crate::error::Problem))
)]
pub async fn list(
    Has(state): Has<State>,
    caller: Caller,
    Params(paging): Params<Paging>,
) -> Result<Json<Rejections>> {
    caller.needs(Act::RejectImages)?;
    let zone = state.home_zone(&caller).await?;
    let before = paging.cursor.as_deref().map(str::parse).transpose();
    let before = before.map_err(|_| Error::Conflict("the cursor is not one of this list".into()))?;
    let page = listing::studies(state.archive.database(), &caller.scope(), before, paging.limit()).await?;
    let items = page.items.into_iter().map(|found| RejectedStudy {
        study: found.study.into(),
        rejected_count: found.instances,
        rejected: Rejected::of(found.newest, &zone),
    });
    Ok(Json(Rejections { items: items.collect(), next: page.next.map(|id| id.to_string()) }))
}
