//! `POST /api/v1/devices/{aeTitle}/echo`: asks the DICOM side to call the device, and `GET …/echo/{jobId}`: what came of
//! it.

use axum::Json;
use axum::extract::State as Has;
use http::StatusCode;
use pacs_core::access::Act;
use pacs_core::uid::AeTitle;
use serde::Serialize;
use serde_json::json;
use storage::devices;
use storage::jobs::lanes::{self, Priority};
use storage::jobs::{self, Job, JobId, JobState, NewJob};
use utoipa::ToSchema;

use crate::caller::Caller;
use crate::reason::Reason;
use crate::request::Segments;
use crate::state::State;
use crate::{Error, Result};

/// An echo test that is under way or has ended.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Echo {
    /// To ask by.
    job_id: i64,
    /// Whether it has ended.
    done: bool,
    /// Whether the device answered well.
    ok: bool,
    /// Milliseconds from the connection to the answer.
    took_ms: Option<u64>,
    /// Why not.
    reason: Option<Reason>,
}

impl Echo {
    fn of(job: &Job) -> Self {
        let result = job.result.as_ref();
        let text = |name: &str| result?.get(name)?.as_str().map(str::to_owned);
        let ended = matches!(job.state, JobState::Done | JobState::Failed);
        Self {
            job_id: job.id.0,
            done: ended,
            ok: result.and_then(|result| result.get("ok")?.as_bool()).unwrap_or(false),
            took_ms: result.and_then(|result| result.get("tookMs")?.as_u64()),
            // A test that has no result was cut off.
            reason: text("reason").or_else(|| job.error.clone()).map(|reason| Reason::of(&reason)),
        }
    }
}

/// Begins an echo test. 409 while one of this device is under way.
#[utoipa::path(
    post,
    path = "/api/v1/devices/{aeTitle}/echo",
    tag = "system",
    params(("aeTitle" = String, Path, description = "AE title")),
    responses((status = 202, body = Echo), (status = 404, body = crate::error::Problem), (status = 409, body = crate::error::Problem))
)]
pub async fn begin_echo(
    Has(state): Has<State>,
    caller: Caller,
    Segments(title): Segments<AeTitle>,
) -> Result<(StatusCode, Json<Echo>)> {
    caller.needs(Act::SeeDevices)?;
    let database = state.archive.database();
    if devices::by_ae(database, &title).await?.is_none() {
        return Err(Error::NotFound);
    }
    let (now_ms, dedupe) = (state.clock.now_ms(), format!("echo:{title}"));
    let job = NewJob {
        kind: jobs::ECHO,
        payload: json!({ "aeTitle": title.as_str() }),
        dedupe: Some(&dedupe),
        due_ms: now_ms,
        max_attempts: 1,
        created_by: Some(&caller.actor.id),
    };
    // Of a lane, so that it is forgotten with the other jobs for devices.
    let id = lanes::enqueue(database, &job, title.as_str(), Priority::Normal, now_ms).await?;
    let id = id.ok_or_else(|| Error::Conflict("an echo test of this device is under way".into()))?;
    let begun = Echo { job_id: id.0, done: false, ok: false, took_ms: None, reason: None };
    Ok((StatusCode::ACCEPTED, Json(begun)))
}

/// What came of an echo test.
#[utoipa::path(
    get,
    path = "/api/v1/devices/{aeTitle}/echo/{jobId}",
    tag = "system",
    params(("aeTitle" = String, Path, description = "AE title"), ("jobId" = i64, Path, description = "As begun")),
    responses((status = 200, body = Echo), (status = 404, body = crate::error::Problem))
)]
pub async fn echo(
    Has(state): Has<State>,
    caller: Caller,
    Segments((title, id)): Segments<(AeTitle, i64)>,
) -> Result<Json<Echo>> {
    caller.needs(Act::SeeDevices)?;
    let job = jobs::by_id(state.archive.database(), JobId(id)).await?;
    let its = |job: &Job| {
        let of = job.payload.get("aeTitle").and_then(|title| title.as_str());
        job.kind == jobs::ECHO && of == Some(title.as_str())
    };
    let job = job.filter(its).ok_or(Error::NotFound)?;
    Ok(Json(Echo::of(&job)))
}
