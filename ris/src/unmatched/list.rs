//! `GET /api/v1/unmatched`: images that wait for somebody to say where they belong.

use axum::Json;
use axum::extract::State as Has;
use pacs_core::access::Act;
use serde::Serialize;
use storage::exams::unmatched;
use utoipa::ToSchema;

use crate::Result;
use crate::caller::Caller;
use crate::state::State;
use crate::studies::Study;
use crate::worklist::WorklistRow;

/// A page's worth; the newest arrivals matter most, the rest is found by the study list.
const MOST: u32 = 100;

/// The newest studies without an exam.
#[derive(Debug, Serialize, ToSchema)]
pub struct Unmatched {
    items: Vec<UnmatchedStudy>,
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
#[utoipa::path(get, path = "/api/v1/unmatched", tag = "unmatched", responses((status = 200, body = Unmatched)))]
pub async fn list(Has(state): Has<State>, caller: Caller) -> Result<Json<Unmatched>> {
    caller.needs(Act::MatchImages)?;
    let waiting = unmatched::list(state.archive.database(), &caller.scope(), MOST).await?;
    let items = waiting
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
    Ok(Json(Unmatched { items }))
}
