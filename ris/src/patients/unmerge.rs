//! `POST /api/v1/patients/{recordId}/unmerge`: a merge is taken back.

use axum::extract::State as Has;
use http::StatusCode;
use pacs_core::access::Act;
use pacs_core::audit::AuditAct;
use storage::identity::merging;
use storage::index::PatientId;

use crate::Result;
use crate::caller::Caller;
use crate::reason_form::{ReasonForm, optional_reason};
use crate::request::{Body, Segments};
use crate::state::State;

/// Makes the merged record one of its own again, with what is its own by its numbers, also what came since.
#[utoipa::path(
    post,
    path = "/api/v1/patients/{recordId}/unmerge",
    tag = "patients",
    params(("recordId" = i64, Path, description = "Key of the record that was merged away")),
    request_body = Option<ReasonForm>,
    responses((status = 204), (status = 400, body = crate::error::Problem), (status = 404, body = crate::error::Problem), (status = 409, description = "It is not merged into another", body = crate::error::Problem))
)]
pub async fn unmerge(
    Has(state): Has<State>,
    caller: Caller,
    Segments(from): Segments<i64>,
    form: Option<Body<ReasonForm>>,
) -> Result<StatusCode> {
    caller.needs(Act::Reconcile)?;
    let reason = optional_reason(form)?;
    let (database, scope, now_ms) = (state.archive.database(), caller.scope(), state.clock.now_ms());
    merging::unmerge(database, &scope, &caller.actor, PatientId(from), reason.as_deref(), now_ms).await?;
    let done = caller.did(AuditAct::Reconcile, format!("patient:{from}")).because(Some("unmerge"));
    state.audit_log.record(done).await;
    Ok(StatusCode::NO_CONTENT)
}
