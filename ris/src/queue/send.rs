//! `POST /api/v1/studies/{studyUid}/send` and `/api/v1/queue/{id}/resend`: images into the queue for a device.

use axum::Json;
use axum::extract::State as Has;
use http::StatusCode;
use pacs_core::access::Act;
use pacs_core::audit::AuditAct;
use pacs_core::uid::{AeTitle, Uid};
use serde::Deserialize;
use storage::jobs::JobId;
use storage::transfers::{self, Selection, Task};
use utoipa::ToSchema;

use super::Queued;
use super::act::priority;
use crate::caller::Caller;
use crate::request::{Body, Segments};
use crate::state::State;
use crate::{Error, Result};

/// As many series or instances as one request may name.
const MOST: usize = 500;

/// What goes where.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SendForm {
    /// AE title of the device.
    device: String,
    /// Only these series, by their UIDs.
    #[serde(default)]
    series: Vec<String>,
    /// Only these instances, by their UIDs.
    #[serde(default)]
    instances: Vec<String>,
    /// `low`, `normal` or `high`; `normal` where it is not said.
    priority: Option<String>,
}

impl SendForm {
    fn task(&self, study: Uid) -> Result<Task> {
        let wrong = |what: &str| Error::BadRequest(what.to_owned());
        let uids = |texts: &[String]| -> Result<Vec<Uid>> {
            if texts.len() > MOST {
                return Err(wrong("more than 500 UIDs"));
            }
            texts.iter().map(|text| Uid::parse(text).map_err(|_| wrong("not a UID"))).collect()
        };
        let selection = match (uids(&self.series)?, uids(&self.instances)?) {
            (series, instances) if series.is_empty() && instances.is_empty() => Selection::Study,
            (series, instances) if instances.is_empty() => Selection::Series(series),
            (series, instances) if series.is_empty() => Selection::Instances(instances),
            _ => return Err(wrong("either series or instances")),
        };
        let device = AeTitle::parse(&self.device).map_err(|_| wrong("not an AE title"))?;
        Ok(Task { device, study, selection })
    }
}

/// Puts a study, series or instances into the queue for a device.
#[utoipa::path(
    post,
    path = "/api/v1/studies/{studyUid}/send",
    tag = "queue",
    params(("studyUid" = String, Path, description = "Study Instance UID")),
    request_body = SendForm,
    responses(
        (status = 202, body = Queued),
        (status = 400, body = crate::error::Problem),
        (status = 404, body = crate::error::Problem),
        (status = 409, description = "The device cannot be sent to, or the same is in the queue already", body = crate::error::Problem)
    )
)]
pub async fn send(
    Has(state): Has<State>,
    caller: Caller,
    Segments(study): Segments<Uid>,
    Body(form): Body<SendForm>,
) -> Result<(StatusCode, Json<Queued>)> {
    caller.needs(Act::SendImages)?;
    let priority = form.priority.as_deref().map_or(Ok(Default::default()), priority)?;
    let task = form.task(study)?;
    let (database, now_ms) = (state.archive.database(), state.clock.now_ms());
    let id = transfers::send(database, &caller.scope(), &caller.actor, &task, priority, now_ms).await?;
    Ok(queued(&state, &caller, &task, id).await)
}

/// Puts into the queue once more what a transfer that is done has sent: that, as it is now, and nothing else.
#[utoipa::path(
    post,
    path = "/api/v1/queue/{id}/resend",
    tag = "queue",
    params(("id" = i64, Path, description = "The transfer")),
    responses(
        (status = 202, body = Queued),
        (status = 404, body = crate::error::Problem),
        (status = 409, description = "It is no send that is done, or the same is in the queue already", body = crate::error::Problem)
    )
)]
pub async fn resend(
    Has(state): Has<State>,
    caller: Caller,
    Segments(id): Segments<i64>,
) -> Result<(StatusCode, Json<Queued>)> {
    caller.needs(Act::SendImages)?;
    let (database, now_ms) = (state.archive.database(), state.clock.now_ms());
    let (task, id) = transfers::resend(database, &caller.scope(), &caller.actor, JobId(id), now_ms).await?;
    Ok(queued(&state, &caller, &task, id).await)
}

async fn queued(state: &State, caller: &Caller, task: &Task, id: JobId) -> (StatusCode, Json<Queued>) {
    let detail = format!("queued for {}", task.device);
    let done = caller.did(AuditAct::Send, format!("study:{}", task.study)).because(Some(detail));
    state.audit_log.record(done).await;
    (StatusCode::ACCEPTED, Json(Queued { id: id.0 }))
}
