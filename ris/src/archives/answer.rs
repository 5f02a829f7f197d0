//! `GET /api/v1/archives/queries/{id}`: what another archive answered.

use axum::Json;
use axum::extract::State as Has;
use pacs_core::access::Act;
use pacs_core::text::display_name;
use serde::Serialize;
use storage::jobs::JobId;
use storage::remote_queries::{self, Match};
use utoipa::ToSchema;

use crate::caller::Caller;
use crate::dates;
use crate::patients::Patient;
use crate::reason::Reason;
use crate::request::Segments;
use crate::state::State;
use crate::{Error, Result};

/// What came of a question.
#[derive(Debug, Serialize, ToSchema)]
pub struct ArchiveAnswer {
    /// `waiting`, `running`, `done` or `failed`.
    state: &'static str,
    /// At most 200, in the archive's order.
    items: Vec<RemoteStudy>,
    /// Whether the archive has more that match.
    more: bool,
    /// Why there is no answer.
    error: Option<Reason>,
}

/// A study that another archive has.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RemoteStudy {
    /// Study Instance UID.
    study_uid: String,
    patient: Patient,
    /// `YYYY-MM-DD` as the archive tells it.
    study_date: Option<String>,
    accession_number: Option<String>,
    description: Option<String>,
    modalities: Vec<String>,
    /// Instances there, where the archive says so.
    instance_count: Option<i64>,
    /// Instances of it that are here.
    here_count: i64,
}

impl RemoteStudy {
    fn of(found: Match, here: i64) -> Self {
        Self {
            study_uid: found.study.to_string(),
            patient: Patient {
                id: found.patient_id,
                issuer: found.issuer,
                name: display_name(&found.patient_name),
                birth_date: found.birth_date.as_deref().and_then(dates::iso_date),
                sex: found.sex.filter(|sex| matches!(sex.as_str(), "M" | "F" | "O")),
            },
            study_date: found.date.as_deref().and_then(dates::iso_date),
            accession_number: found.accession_number,
            description: found.description,
            modalities: found.modalities,
            instance_count: found.instances,
            here_count: here,
        }
    }
}

/// What came of one's own question so far. It is forgotten after an hour.
#[utoipa::path(
    get,
    path = "/api/v1/archives/queries/{id}",
    tag = "archives",
    params(("id" = i64, Path, description = "The question")),
    responses((status = 200, body = ArchiveAnswer), (status = 404, body = crate::error::Problem))
)]
pub async fn answer(
    Has(state): Has<State>,
    caller: Caller,
    Segments(id): Segments<i64>,
) -> Result<Json<ArchiveAnswer>> {
    caller.needs(Act::QueryArchives)?;
    let answer = remote_queries::by_id(state.archive.database(), &caller.actor, JobId(id)).await?;
    let answer = answer.ok_or(Error::NotFound)?;
    let here = |found: &Match| answer.here.get(&found.study).copied().unwrap_or_default();
    let items = answer.matches.iter().map(|found| RemoteStudy::of(found.clone(), here(found))).collect();
    Ok(Json(ArchiveAnswer {
        state: answer.state.as_str(),
        items,
        more: answer.more,
        error: answer.error.as_deref().map(Reason::of),
    }))
}
