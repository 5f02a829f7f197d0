//! `POST /api/v1/patients/{recordId}/merge`: two records turn out to be one person's.

use axum::extract::State as Has;
use http::StatusCode;
use pacs_core::access::Act;
use pacs_core::audit::AuditAct;
use serde::Deserialize;
use storage::identity::merging;
use storage::index::PatientId;
use utoipa::ToSchema;

use crate::Result;
use crate::caller::Caller;
use crate::field::reason;
use crate::request::{Body, Segments};
use crate::state::State;

/// Into whom.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MergeForm {
    /// Key of the record that stays.
    into: i64,
    /// Why, for the history.
    reason: Option<String>,
}

/// Merges the record into another, which has everything of both from then on. Images keep the demographics
/// that they were sent with.
#[utoipa::path(
    post,
    path = "/api/v1/patients/{recordId}/merge",
    tag = "patients",
    params(("recordId" = i64, Path, description = "Key of the record that is merged away")),
    request_body = MergeForm,
    responses((status = 204), (status = 400, body = crate::error::Problem), (status = 404, body = crate::error::Problem), (status = 409, description = "One of them is merged into another already", body = crate::error::Problem))
)]
pub async fn merge(
    Has(state): Has<State>,
    caller: Caller,
    Segments(from): Segments<i64>,
    Body(form): Body<MergeForm>,
) -> Result<StatusCode> {
    caller.needs(Act::Reconcile)?;
    let reason = reason(form.reason, false)?;
    let (database, scope, now_ms) = (state.archive.database(), caller.scope(), state.clock.now_ms());
    let both = (PatientId(from), PatientId(form.into));
    merging::merge(database, &scope, &caller.actor, both, reason.as_deref(), now_ms).await?;
    let done = caller.did(AuditAct::Reconcile, format!("patient:{from}"));
    state.audit_log.record(done.because(Some(format!("merge into {}", form.into)))).await;
    Ok(StatusCode::NO_CONTENT)
}
