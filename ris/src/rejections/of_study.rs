//! `GET /api/v1/studies/{studyUid}/rejections`: what of a study is rejected.

use axum::Json;
use axum::extract::State as Has;
use pacs_core::access::{Act, Scope};
use pacs_core::uid::Uid;
use serde::Serialize;
use storage::rejection::listing;
use utoipa::ToSchema;

use super::wire::Rejected;
use crate::caller::Caller;
use crate::request::Segments;
use crate::state::State;
use crate::studies::Study;
use crate::{Error, Result};

/// A study, though nothing of it may be shown, and what of it is rejected.
#[derive(Debug, Serialize, ToSchema)]
pub struct StudyRejections {
    /// The study; its counts are of what is shown.
    study: Study,
    /// Series of which something is rejected.
    series: Vec<RejectedSeries>,
}

/// A series of which something is rejected.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RejectedSeries {
    /// Series Instance UID.
    series_uid: String,
    /// Series Number.
    number: Option<i64>,
    /// Modality.
    modality: Option<String>,
    /// Series Description.
    description: Option<String>,
    /// Instances that are rejected.
    rejected_count: i64,
    /// Instances that are shown.
    instance_count: i64,
    /// The newest rejection.
    rejected: Rejected,
}

/// What of a study is rejected, series by series.
#[utoipa::path(
    get,
    path = "/api/v1/studies/{studyUid}/rejections",
    tag = "rejections",
    params(("studyUid" = String, Path, description = "Study Instance UID")),
    responses((status = 200, body = StudyRejections), (status = 404, body = crate::error::Problem))
)]
pub async fn of_study(
    Has(state): Has<State>,
    caller: Caller,
    Segments(study): Segments<Uid>,
) -> Result<Json<StudyRejections>> {
    caller.needs(Act::RejectImages)?;
    let zone = state.home_zone(&caller).await?;
    let found = listing::of_study(state.archive.database(), &caller.scope(), &study).await?;
    let (study, series) = found.ok_or(Error::NotFound)?;
    let series = series.into_iter().map(|series| RejectedSeries {
        series_uid: series.uid,
        number: series.number,
        modality: series.modality,
        description: series.description,
        rejected_count: series.instances,
        instance_count: series.shown,
        rejected: Rejected::of(series.newest, &zone),
    });
    Ok(Json(StudyRejections { study: study.into(), series: series.collect() }))
}

/// How many instances of a study are shown.
pub(super) async fn shown(state: &State, scope: &Scope, study: &Uid) -> Result<i64> {
    let found = listing::of_study(state.archive.database(), scope, study).await?;
    Ok(found.map_or(0, |(study, _)| study.instance_count))
}
