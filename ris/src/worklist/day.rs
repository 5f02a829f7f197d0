//! `GET /api/v1/worklist`: the exams of a day.

use axum::Json;
use axum::extract::State as Has;
use pacs_core::access::Act;
use pacs_core::clock;
use serde::{Deserialize, Serialize};
use storage::schedule::{self, Day};
use utoipa::{IntoParams, ToSchema};

use super::WorklistRow;
use crate::caller::Caller;
use crate::request::Params;
use crate::state::State;
use crate::{Error, Result, dates};

/// Which exams.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// `YYYY-MM-DD` on the facilities' walls; today where the caller works when left out.
    date: Option<String>,
    /// Only this modality.
    modality: Option<String>,
    /// Only the room of this code.
    room: Option<String>,
}

/// The exams of a day: emergencies first, then by time.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Worklist {
    items: Vec<WorklistRow>,
    /// When this was so; RFC 3339, on the wall where the caller works.
    as_of: String,
}

/// The exams of a day that the caller may see.
#[utoipa::path(
    get,
    path = "/api/v1/worklist",
    tag = "worklist",
    params(Wanted),
    responses((status = 200, body = Worklist), (status = 400, body = crate::error::Problem))
)]
pub async fn day(
    Has(state): Has<State>,
    caller: Caller,
    Params(wanted): Params<Wanted>,
) -> Result<Json<Worklist>> {
    caller.needs(Act::SeeWorklist)?;
    let (now_ms, zone) = (state.clock.now_ms(), state.home_zone(&caller).await?);
    let date = match wanted.date.as_deref() {
        None | Some("") => dates::today(now_ms, &zone),
        Some(date) => dates::dicom_date(date)
            .ok_or_else(|| Error::BadRequest("date is a date such as 2026-11-23".into()))?,
    };
    let day = Day { date, modality: wanted.modality, room: wanted.room };
    let exams = schedule::day(state.archive.database(), &caller.scope(), &day).await?;
    let items = exams.into_iter().map(|exam| WorklistRow::of(exam, &caller.actor)).collect();
    Ok(Json(Worklist { items, as_of: clock::rfc3339_on(now_ms, &zone) }))
}
