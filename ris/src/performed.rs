//! `GET /api/v1/exams/{examId}/performed-steps` and `…/studies/{studyUid}/performed-steps`: what consoles reported of
//! their work (MPPS).

use axum::Json;
use axum::extract::State as Has;
use pacs_core::access::Act;
use pacs_core::mpps::State as StepState;
use pacs_core::uid::Uid;
use serde::Serialize;
use storage::exams::ExamId;
use storage::index::facilities;
use storage::performed::{self, Line};
use utoipa::ToSchema;

use crate::caller::Caller;
use crate::request::Segments;
use crate::state::State;
use crate::{Result, dates};

/// What consoles reported.
#[derive(Debug, Serialize, ToSchema)]
pub struct PerformedSteps {
    /// The oldest first.
    items: Vec<PerformedStep>,
}

/// What a console reported of its work.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PerformedStep {
    /// SOP Instance UID.
    uid: String,
    /// `inProgress`, `completed` or `discontinued`.
    state: &'static str,
    /// Whether it was of another worklist entry than the one that was meant.
    is_wrong_entry: bool,
    /// Whether it is for an exam of the worklist.
    has_exam: bool,
    /// AE title of the station.
    station_ae: String,
    station_name: Option<String>,
    modality: String,
    description: Option<String>,
    /// RFC 3339, on the facility's wall.
    started_at: Option<String>,
    ended_at: Option<String>,
    /// Why it was broken off.
    reason: Option<String>,
    /// Comments on Radiation Dose.
    dose: Option<String>,
    /// Series, and instances of them, that it says it made.
    series_count: i64,
    instance_count: i64,
}

impl From<Line> for PerformedStep {
    fn from(line: Line) -> Self {
        let zone = facilities::zone(&line.time_zone);
        let at = |(date, time): &(String, String)| dates::wall_instant(date, time, &zone);
        Self {
            uid: line.uid.to_string(),
            state: match line.state {
                StepState::InProgress => "inProgress",
                StepState::Completed => "completed",
                StepState::Discontinued => "discontinued",
            },
            is_wrong_entry: line.is_wrong_entry,
            has_exam: line.has_exam,
            started_at: at(&line.start),
            ended_at: line.end.as_ref().and_then(at),
            station_ae: line.station_ae,
            station_name: line.station_name,
            modality: line.modality,
            description: line.description,
            reason: line.reason,
            dose: line.dose,
            series_count: line.series,
            instance_count: line.instances,
        }
    }
}

/// What consoles reported of an exam.
#[utoipa::path(
    get,
    path = "/api/v1/exams/{examId}/performed-steps",
    tag = "worklist",
    params(("examId" = i64, Path, description = "The exam")),
    responses((status = 200, body = PerformedSteps))
)]
pub async fn of_exam(
    Has(state): Has<State>,
    caller: Caller,
    Segments(exam): Segments<i64>,
) -> Result<Json<PerformedSteps>> {
    caller.needs(Act::SeeWorklist)?;
    let lines = performed::of_exam(state.archive.database(), &caller.scope(), ExamId(exam)).await?;
    Ok(Json(PerformedSteps { items: lines.into_iter().map(PerformedStep::from).collect() }))
}

/// What consoles reported of a study, whether it belongs to an exam or not.
#[utoipa::path(
    get,
    path = "/api/v1/studies/{studyUid}/performed-steps",
    tag = "studies",
    params(("studyUid" = String, Path, description = "Study Instance UID")),
    responses((status = 200, body = PerformedSteps))
)]
pub async fn of_study(
    Has(state): Has<State>,
    caller: Caller,
    Segments(study): Segments<Uid>,
) -> Result<Json<PerformedSteps>> {
    caller.needs(Act::ReadImages)?;
    let lines = performed::of_study(state.archive.database(), &caller.scope(), &study).await?;
    Ok(Json(PerformedSteps { items: lines.into_iter().map(PerformedStep::from).collect() }))
}
