//! `POST /api/v1/reconciliation/{discrepancyId}/answer`: a person says which of two things is true.

use axum::extract::State as Has;
use http::StatusCode;
use pacs_core::access::Act;
use pacs_core::audit::AuditAct;
use pacs_core::reconciliation::Answer;
use serde::Deserialize;
use storage::index::PatientId;
use storage::reconciliation::DiscrepancyId;
use utoipa::ToSchema;

use crate::Result;
use crate::caller::Caller;
use crate::field::reason;
use crate::request::{Body, Segments};
use crate::state::State;

/// What is true.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AnswerForm {
    /// One of the row's `answers`.
    #[schema(value_type = String)]
    answer: Answer,
    /// Key of the imaging record of whose study it is, for `otherPatient`.
    record_id: Option<i64>,
    /// Why, for the history.
    reason: Option<String>,
}

/// Answers it and does what follows: records are merged, the study is given to its patient, or the other
/// content is served.
#[utoipa::path(
    post,
    path = "/api/v1/reconciliation/{discrepancyId}/answer",
    tag = "reconciliation",
    params(("discrepancyId" = i64, Path, description = "Key of the row")),
    request_body = AnswerForm,
    responses((status = 204), (status = 400, body = crate::error::Problem), (status = 404, body = crate::error::Problem), (status = 409, description = "It is answered already, or that is no answer to it", body = crate::error::Problem))
)]
pub async fn answer(
    Has(state): Has<State>,
    caller: Caller,
    Segments(id): Segments<i64>,
    Body(form): Body<AnswerForm>,
) -> Result<StatusCode> {
    caller.needs(Act::Reconcile)?;
    let reason = reason(form.reason, false)?;
    let scope = caller.scope();
    let said = (form.answer, form.record_id.map(PatientId));
    let by = (&scope, &caller.actor);
    state.archive.reconcile(by, DiscrepancyId(id), said, reason.as_deref()).await?;
    let done = caller.did(AuditAct::Reconcile, format!("discrepancy:{id}"));
    state.audit_log.record(done.because(Some(form.answer.as_str()))).await;
    Ok(StatusCode::NO_CONTENT)
}
