//! `POST /api/v1/reconciliation/{discrepancyId}/reopen`: an answer is taken back.

use axum::extract::State as Has;
use http::StatusCode;
use pacs_core::access::Act;
use pacs_core::audit::AuditAct;
use storage::reconciliation::DiscrepancyId;

use crate::Result;
use crate::caller::Caller;
use crate::reason_form::{ReasonForm, optional_reason};
use crate::request::{Body, Segments};
use crate::state::State;

/// Undoes what the answer did; the row waits again.
#[utoipa::path(
    post,
    path = "/api/v1/reconciliation/{discrepancyId}/reopen",
    tag = "reconciliation",
    params(("discrepancyId" = i64, Path, description = "Key of the row")),
    request_body = Option<ReasonForm>,
    responses((status = 204), (status = 400, body = crate::error::Problem), (status = 404, body = crate::error::Problem), (status = 409, description = "Nobody has answered it", body = crate::error::Problem))
)]
pub async fn reopen(
    Has(state): Has<State>,
    caller: Caller,
    Segments(id): Segments<i64>,
    form: Option<Body<ReasonForm>>,
) -> Result<StatusCode> {
    caller.needs(Act::Reconcile)?;
    let reason = optional_reason(form)?;
    state.archive.reopen((&caller.scope(), &caller.actor), DiscrepancyId(id), reason.as_deref()).await?;
    let done = caller.did(AuditAct::Reconcile, format!("discrepancy:{id}")).because(Some("reopen"));
    state.audit_log.record(done).await;
    Ok(StatusCode::NO_CONTENT)
}
