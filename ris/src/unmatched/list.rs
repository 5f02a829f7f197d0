//! `GET /api/v1/unmatched`: images that wait for somebody to say where they belong.

use axum::Json;
use axum::extract::State as Has;
use pacs_core::access::Act;
use serde::Serialize;
use storage::exams::unmatched;
use utoipa::ToSchema;

use crate::Result;
use crate::caller::Caller;
use crate::paging::Paging;
use crate::request::Params;
use crate::state::State;
use crate::studies::Study;
use crate::worklist::WorklistRow;

/// A page of studies without an exam.
#[derive(Debug, Serialize, ToSchema)]
pub struct Unmatched {
    items: Vec<UnmatchedStudy>,
    /// What to ask for the next page with; null at the end.
    next: Option<String>,
}

/// A study without an exam.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnmatchedStudy {
    #[serde(flatten)]
    study: Study,
    /// AE title that sent it.
    calling_ae: Option<String>,
    /// `noAccession`, `noOrder`, `facilityDiffers`, `patientDiffers` or `wrongEntry`.
    reason: Option<String>,
    /// Exams without images that it may belong to, the likeliest first.
    candidates: Vec<WorklistRow>,
}

/// Studies without an exam that the caller may see, the newest arrivals first.
#[utoipa::path(
    get,
    path = "/api/v1/unmatched",
    tag = "unmatched",
    params(Paging),
    responses((status = 200, body = Unmatched), (status = 400, body = crate::error::Problem), (status = 409, description = "The cursor is not one of this list", body = crate::error::Problem))
)]
pub async fn list(
    Has(state): Has<State>,
    caller: Caller,
    Params(paging): Params<Paging>,
) -> Result<Json<Unmatched>> {
    caller.needs(Act::MatchImages)?;
    let (cursor, limit) = (paging.cursor.as_deref(), paging.limit());
    let page = unmatched::list(state.archive.database(), &caller.scope(), cursor, limit).await?;
    let items = page
        .items
        .into_iter()
        .map(|waiting| UnmatchedStudy {
            calling_ae: waiting.study.calling_ae.clone(),
            reason: waiting.study.unmatched_reason.clone(),
            study: waiting.study.into(),
            candidates: waiting
                .candidates
                .into_iter()
                .map(|exam| WorklistRow::of(exam, &caller.actor))
                .collect(),
        })
        .collect();
    Ok(Json(Unmatched { items, next: page.next }))
}
