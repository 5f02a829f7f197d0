//! `POST /api/v1/patients/{recordId}/numbers`: a number turns out to be a patient's.

use axum::extract::State as Has;
use http::StatusCode;
use pacs_core::access::Act;
use pacs_core::audit::AuditAct;
use storage::identity::identifiers::{self, Number};
use storage::index::PatientId;

use super::NumberForm;
use crate::Result;
use crate::caller::Caller;
use crate::request::{Body, Segments};
use crate::state::State;

/// Adds a number: what comes under it is this patient's from then on.
#[utoipa::path(
    post,
    path = "/api/v1/patients/{recordId}/numbers",
    tag = "patients",
    params(("recordId" = i64, Path, description = "Key of the record")),
    request_body = NumberForm,
    responses((status = 204), (status = 400, body = crate::error::Problem), (status = 404, body = crate::error::Problem), (status = 409, description = "It is another patient's, or nobody issues such", body = crate::error::Problem))
)]
pub async fn add(
    Has(state): Has<State>,
    caller: Caller,
    Segments(id): Segments<i64>,
    Body(form): Body<NumberForm>,
) -> Result<StatusCode> {
    caller.needs(Act::Reconcile)?;
    let (identifier, issuer, reason) = form.check()?;
    let (database, scope, now_ms) = (state.archive.database(), caller.scope(), state.clock.now_ms());
    let number = Number { identifier: &identifier, issuer: &issuer };
    identifiers::link(database, &scope, &caller.actor, PatientId(id), number, reason.as_deref(), now_ms)
        .await?;
    let done = caller.did(AuditAct::Reconcile, format!("patient:{id}")).because(Some("add a number"));
    state.audit_log.record(done).await;
    Ok(StatusCode::NO_CONTENT)
}
