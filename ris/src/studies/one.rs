//! `GET /api/v1/studies/{studyUid}`: a study with its patient's others.

use axum::Json;
use axum::extract::State as Has;
use pacs_core::access::Act;
use pacs_core::uid::Uid;
use serde::Serialize;
use storage::exams::search;
use utoipa::ToSchema;

use super::Study;
use crate::caller::Caller;
use crate::request::Segments;
use crate::state::State;
use crate::{Error, Result};

/// A study and what can be compared with it.
#[derive(Debug, Serialize, ToSchema)]
pub struct StudyWithPriors {
    #[serde(flatten)]
    study: Study,
    /// The patient's other studies, newest first.
    priors: Vec<Study>,
}

/// One study and the patient's other studies that the caller may see.
#[utoipa::path(
    get,
    path = "/api/v1/studies/{studyUid}",
    tag = "studies",
    params(("studyUid" = String, Path, description = "Study Instance UID")),
    responses((status = 200, body = StudyWithPriors), (status = 404, body = crate::error::Problem))
)]
pub async fn one(
    Has(state): Has<State>,
    caller: Caller,
    Segments(uid): Segments<Uid>,
) -> Result<Json<StudyWithPriors>> {
    caller.needs(Act::ReadImages)?;
    let (database, scope) = (state.archive.database(), caller.scope());
    let study = search::study(database, &scope, &uid).await?.ok_or(Error::NotFound)?;
    let priors = search::priors(database, &scope, &study).await?;
    Ok(Json(StudyWithPriors { study: study.into(), priors: priors.into_iter().map(Study::from).collect() }))
}
