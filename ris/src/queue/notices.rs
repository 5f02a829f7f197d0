//! `GET /api/v1/queue/notices`: what devices are told and asked beside images, and `POST …/{id}/retry` and `…/cancel`.

use axum::Json;
use axum::extract::State as Has;
use http::StatusCode;
use jiff::tz::TimeZone;
use pacs_core::access::Act;
use pacs_core::audit::AuditAct;
use pacs_core::clock;
use serde::Serialize;
use storage::jobs::JobId;
use storage::notices::{self, Kind, Line};
use utoipa::ToSchema;

use super::list::{Asked, MOST};
use super::wire::TransferredStudy;
use crate::Result;
use crate::caller::Caller;
use crate::reason::Reason;
use crate::request::{Params, Segments};
use crate::state::State;

/// What devices are told and asked.
#[derive(Debug, Serialize, ToSchema)]
pub struct Notices {
    items: Vec<Notice>,
}

/// Something that a device is told or asked.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Notice {
    id: i64,
    /// `performedStep`, `availability`, `stepReport`, `commitmentRequest` or `commitment`.
    kind: &'static str,
    /// AE title of the device.
    device: String,
    /// Study Instance UID, where the study is here.
    study_uid: Option<String>,
    /// What is known of the study, or of the exam that is to become it.
    study: Option<TransferredStudy>,
    /// `waiting`, `running`, `done`, `failed` or `cancelled`.
    state: &'static str,
    /// Why the last try ended.
    error: Option<Reason>,
    attempts: i64,
    /// When it is tried next, while it waits; RFC 3339.
    due_at: String,
    created_at: String,
    updated_at: String,
}

impl Notice {
    fn of(line: Line, zone: &TimeZone) -> Self {
        let at = |ms: i64| clock::rfc3339_on(ms, zone);
        Self {
            id: line.job.0,
            kind: match line.kind {
                Kind::PerformedStep => "performedStep",
                Kind::Availability => "availability",
                Kind::StepReport => "stepReport",
                Kind::CommitmentRequest => "commitmentRequest",
                Kind::Commitment => "commitment",
            },
            device: line.device,
            study_uid: line.study_uid,
            study: line.study.map(TransferredStudy::from),
            state: line.state.as_str(),
            error: line.error.as_deref().map(Reason::of),
            attempts: line.attempts,
            due_at: at(line.due_ms),
            created_at: at(line.created_ms),
            updated_at: at(line.updated_ms),
        }
    }
}

/// A part of what devices are told and asked, at most 200.
#[utoipa::path(get, path = "/api/v1/queue/notices", tag = "queue", params(Asked), responses((status = 200, body = Notices)))]
pub async fn list(
    Has(state): Has<State>,
    caller: Caller,
    Params(asked): Params<Asked>,
) -> Result<Json<Notices>> {
    caller.needs(Act::SeeDevices)?;
    let zone = state.home_zone(&caller).await?;
    let lines = notices::list(state.archive.database(), &caller.scope(), asked.show(), MOST).await?;
    Ok(Json(Notices { items: lines.into_iter().map(|line| Notice::of(line, &zone)).collect() }))
}

/// Has one tried now.
#[utoipa::path(
    post,
    path = "/api/v1/queue/notices/{id}/retry",
    tag = "queue",
    params(("id" = i64, Path, description = "The notice")),
    responses((status = 204), (status = 404, body = crate::error::Problem), (status = 409, body = crate::error::Problem))
)]
pub async fn retry(
    Has(state): Has<State>,
    caller: Caller,
    Segments(id): Segments<i64>,
) -> Result<StatusCode> {
    caller.needs(Act::ManageDevices)?;
    notices::again(state.archive.database(), JobId(id), state.clock.now_ms()).await?;
    done(&state, &caller, id, "retry").await
}

/// Stops one: the device is not told.
#[utoipa::path(
    post,
    path = "/api/v1/queue/notices/{id}/cancel",
    tag = "queue",
    params(("id" = i64, Path, description = "The notice")),
    responses((status = 204), (status = 404, body = crate::error::Problem), (status = 409, body = crate::error::Problem))
)]
pub async fn cancel(
    Has(state): Has<State>,
    caller: Caller,
    Segments(id): Segments<i64>,
) -> Result<StatusCode> {
    caller.needs(Act::ManageDevices)?;
    notices::cancel(state.archive.database(), JobId(id), state.clock.now_ms()).await?;
    done(&state, &caller, id, "cancel").await
}

async fn done(state: &State, caller: &Caller, id: i64, what: &'static str) -> Result<StatusCode> {
    state
        .audit_log
        .record(caller.did(AuditAct::Administer, format!("notice:{id}")).because(Some(what)))
        .await;
    Ok(StatusCode::NO_CONTENT)
}
