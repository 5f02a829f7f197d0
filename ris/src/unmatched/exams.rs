//! `POST /api/v1/exams/search`: any exam that images may belong to. Names and numbers of patients come in a body:
//! addresses are written down by proxies and browsers.

use axum::Json;
use axum::extract::State as Has;
use pacs_core::access::Act;
use serde::{Deserialize, Serialize};
use storage::exams::finding;
use utoipa::ToSchema;

use crate::Result;
use crate::caller::Caller;
use crate::request::Body;
use crate::state::State;
use crate::worklist::WorklistRow;

/// What was typed or scanned.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = ExamSearch)]
pub struct Wanted {
    /// The beginning of an accession number or of a patient's number, words of the patient's name, or both.
    q: String,
}

/// Exams found.
#[derive(Debug, Serialize, ToSchema)]
pub struct Exams {
    items: Vec<WorklistRow>,
}

/// Exams of the caller's facilities by order number or patient, of any day, with images or without; the latest in the
/// schedule first, at most 20. Called-off ones are left out: they take no images.
#[utoipa::path(
    post,
    path = "/api/v1/exams/search",
    tag = "unmatched",
    request_body = Wanted,
    responses((status = 200, body = Exams), (status = 400, body = crate::error::Problem))
)]
pub async fn exams(
    Has(state): Has<State>,
    caller: Caller,
    Body(wanted): Body<Wanted>,
) -> Result<Json<Exams>> {
    caller.needs(Act::MatchImages)?;
    let found = finding::find(state.archive.database(), &caller.scope(), &wanted.q).await?;
    Ok(Json(Exams { items: found.into_iter().map(|exam| WorklistRow::of(exam, &caller.actor)).collect() }))
}
