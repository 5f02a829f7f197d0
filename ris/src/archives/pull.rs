//! `POST /api/v1/archives/{aeTitle}/pull`: a study of another archive is wanted here.

use axum::Json;
use axum::extract::State as Has;
use http::StatusCode;
use pacs_core::access::Act;
use pacs_core::audit::AuditAct;
use pacs_core::uid::{AeTitle, Uid};
use serde::Deserialize;
use storage::transfers::{self, Selection, Task};
use utoipa::ToSchema;

use crate::caller::Caller;
use crate::queue::Queued;
use crate::request::{Body, Segments};
use crate::state::State;
use crate::{Error, Result};

/// What is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PullForm {
    /// Study Instance UID.
    study_uid: String,
}

/// Puts a study of another archive into the queue of what comes here.
#[utoipa::path(
    post,
    path = "/api/v1/archives/{aeTitle}/pull",
    tag = "archives",
    params(("aeTitle" = String, Path, description = "AE title of the archive")),
    request_body = PullForm,
    responses(
        (status = 202, body = Queued),
        (status = 400, body = crate::error::Problem),
        (status = 409, description = "It is no configured device with an address, or the study is on its way already", body = crate::error::Problem)
    )
)]
pub async fn pull(
    Has(state): Has<State>,
    caller: Caller,
    Segments(archive): Segments<AeTitle>,
    Body(form): Body<PullForm>,
) -> Result<(StatusCode, Json<Queued>)> {
    caller.needs(Act::QueryArchives)?;
    let study = Uid::parse(&form.study_uid).map_err(|_| Error::BadRequest("not a UID".into()))?;
    let task = Task { device: archive, study, selection: Selection::Study };
    let (database, now_ms) = (state.archive.database(), state.clock.now_ms());
    let facility = caller.actor.home(&state.archive.config().default_facility);
    let id = transfers::pull(database, &caller.actor, &task, facility, now_ms).await?;
    let detail = format!("pulled from {}", task.device);
    let done = caller.did(AuditAct::Retrieve, format!("study:{}", task.study)).because(Some(detail));
    state.audit_log.record(done).await;
    Ok((StatusCode::ACCEPTED, Json(Queued { id: id.0 })))
}
