//! `GET /api/v1/queue`: what is on its way, what waits, what failed, what is done.

use axum::Json;
use axum::extract::State as Has;
use pacs_core::access::Act;
use serde::{Deserialize, Serialize};
use storage::transfers::{self, Show};
use utoipa::{IntoParams, ToSchema};

use super::wire::Transfer;
use crate::Result;
use crate::caller::Caller;
use crate::request::Params;
use crate::state::State;

/// A page's worth: whose turn is later is seen later.
pub(super) const MOST: u32 = 200;

/// Which part.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Part {
    /// What is under way, then what waits, in the order of turns.
    #[default]
    Open,
    /// What was given up, the latest first.
    Failed,
    /// What is done or was cancelled, the latest first.
    Ended,
}

/// What is asked for.
#[derive(Debug, Deserialize, IntoParams)]
pub struct Asked {
    /// Which part of the queue.
    #[serde(default)]
    show: Part,
}

impl Asked {
    /// The part in the words of rows.
    pub(super) fn show(&self) -> Show {
        match self.show {
            Part::Open => Show::Open,
            Part::Failed => Show::Failed,
            Part::Ended => Show::Ended,
        }
    }
}

/// A part of the queue.
#[derive(Debug, Serialize, ToSchema)]
pub struct Queue {
    items: Vec<Transfer>,
    /// How many wait or are under way.
    open: i64,
    /// How many were given up.
    failed: i64,
}

/// A part of the queue that the caller may see, at most 200 transfers.
#[utoipa::path(get, path = "/api/v1/queue", tag = "queue", params(Asked), responses((status = 200, body = Queue)))]
pub async fn list(
    Has(state): Has<State>,
    caller: Caller,
    Params(asked): Params<Asked>,
) -> Result<Json<Queue>> {
    caller.needs(Act::SeeDevices)?;
    let (database, scope, zone) = (state.archive.database(), caller.scope(), state.home_zone(&caller).await?);
    let lines = transfers::list(database, &scope, asked.show(), MOST).await?;
    let counts = transfers::counts(database, &scope).await?;
    let items = lines.into_iter().map(|line| Transfer::of(line, &zone)).collect();
    Ok(Json(Queue { items, open: counts.open, failed: counts.failed }))
}
