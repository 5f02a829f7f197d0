//! `POST /api/v1/queue/{id}/cancel`, `…/retry` and `…/priority`: what people do to the queue.

use axum::extract::State as Has;
use http::StatusCode;
use pacs_core::access::Act;
use pacs_core::audit::AuditAct;
use serde::Deserialize;
use storage::jobs::JobId;
use storage::jobs::lanes::Priority;
use storage::transfers;
use utoipa::ToSchema;

use crate::caller::Caller;
use crate::request::{Body, Segments};
use crate::state::State;
use crate::{Error, Result};

/// How urgent.
#[derive(Debug, Deserialize, ToSchema)]
pub struct PriorityForm {
    /// `low`, `normal` or `high`.
    priority: String,
}

/// A priority by its word.
pub(super) fn priority(word: &str) -> Result<Priority> {
    Priority::parse(word).ok_or_else(|| Error::BadRequest("there is no such priority".into()))
}

/// Stops a transfer. What has arrived stays where it is; `retry` takes it up again.
#[utoipa::path(
    post,
    path = "/api/v1/queue/{id}/cancel",
    tag = "queue",
    params(("id" = i64, Path, description = "The transfer")),
    responses((status = 204), (status = 404, body = crate::error::Problem), (status = 409, body = crate::error::Problem))
)]
pub async fn cancel(
    Has(state): Has<State>,
    caller: Caller,
    Segments(id): Segments<i64>,
) -> Result<StatusCode> {
    caller.needs(Act::SendImages)?;
    let (database, now_ms) = (state.archive.database(), state.clock.now_ms());
    transfers::cancel(database, &caller.scope(), JobId(id), now_ms).await?;
    done(&state, &caller, id, "cancel").await
}

/// Has a transfer tried now that waits, has failed or was cancelled.
#[utoipa::path(
    post,
    path = "/api/v1/queue/{id}/retry",
    tag = "queue",
    params(("id" = i64, Path, description = "The transfer")),
    responses((status = 204), (status = 404, body = crate::error::Problem), (status = 409, body = crate::error::Problem))
)]
pub async fn retry(
    Has(state): Has<State>,
    caller: Caller,
    Segments(id): Segments<i64>,
) -> Result<StatusCode> {
    caller.needs(Act::SendImages)?;
    let (database, now_ms) = (state.archive.database(), state.clock.now_ms());
    transfers::again(database, &caller.scope(), JobId(id), now_ms).await?;
    done(&state, &caller, id, "retry").await
}

/// Changes how urgent a transfer is.
#[utoipa::path(
    post,
    path = "/api/v1/queue/{id}/priority",
    tag = "queue",
    params(("id" = i64, Path, description = "The transfer")),
    request_body = PriorityForm,
    responses((status = 204), (status = 404, body = crate::error::Problem), (status = 409, body = crate::error::Problem))
)]
pub async fn prioritise(
    Has(state): Has<State>,
    caller: Caller,
    Segments(id): Segments<i64>,
    Body(form): Body<PriorityForm>,
) -> Result<StatusCode> {
    caller.needs(Act::SendImages)?;
    let (database, now_ms) = (state.archive.database(), state.clock.now_ms());
    let priority = priority(&form.priority)?;
    transfers::prioritise(database, &caller.scope(), JobId(id), priority, now_ms).await?;
    done(&state, &caller, id, priority.as_str()).await
}

async fn done(state: &State, caller: &Caller, id: i64, what: &'static str) -> Result<StatusCode> {
    state.audit_log.record(caller.did(AuditAct::Send, format!("queue:{id}")).because(Some(what))).await;
    Ok(StatusCode::NO_CONTENT)
}
