//! `GET /api/v1/reconciliation`: what does not go together and waits for somebody to say which is true.

use axum::Json;
use axum::extract::State as Has;
use pacs_core::access::Act;
use pacs_core::reconciliation::Kind;
use serde::{Deserialize, Serialize};
use storage::reconciliation::{self, List, State as Which};
use utoipa::{IntoParams, ToSchema};

use super::wire::Row;
use crate::caller::Caller;
use crate::request::Params;
use crate::state::State;
use crate::{Error, Result};

/// Rows of a page when the caller does not say.
const DEFAULT_LIMIT: u32 = 50;

/// Which part of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// `open`, which is also meant when nothing is said, or `answered`.
    state: Option<String>,
    /// Of this kind alone.
    kind: Option<String>,
    /// At most so many; 100 are given at once.
    limit: Option<u32>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

/// A page of the list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Discrepancies {
    items: Vec<Row>,
    /// What to ask for the next page with; null at the end.
    next: Option<String>,
}

/// What waits to be reconciled of the caller's facilities, the newest first; or what was, the newest
/// answer first.
#[utoipa::path(
    get,
    path = "/api/v1/reconciliation",
    tag = "reconciliation",
    params(Wanted),
    responses((status = 200, body = Discrepancies), (status = 400, body = crate::error::Problem))
)]
pub async fn list(
    Has(state): Has<State>,
    caller: Caller,
    Params(wanted): Params<Wanted>,
) -> Result<Json<Discrepancies>> {
    caller.needs(Act::Reconcile)?;
    let which = match wanted.state.as_deref() {
        None | Some("" | "open") => Which::Open,
        Some("answered") => Which::Answered,
        Some(_) => return Err(Error::BadRequest("state is open or answered".into())),
    };
    let kinds = match wanted.kind.as_deref() {
        None | Some("") => Vec::new(),
        Some(word) => {
            vec![Kind::parse(word).ok_or_else(|| Error::BadRequest("there is no such kind".into()))?]
        }
    };
    let list =
        List { state: which, kinds, limit: wanted.limit.unwrap_or(DEFAULT_LIMIT), cursor: wanted.cursor };
    let page = reconciliation::list(state.archive.database(), &caller.scope(), &list).await?;
    Ok(Json(Discrepancies { items: page.items.into_iter().map(Row::from).collect(), next: page.next }))
}
