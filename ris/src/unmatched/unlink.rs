//! `POST /api/v1/unmatched/{studyUid}/unlink`: taking a link back, whether a person or the rule had made it.

use axum::Json;
use axum::extract::State as Has;
use pacs_core::access::Act;
use pacs_core::audit::AuditAct;
use pacs_core::uid::Uid;
use serde::Serialize;
use storage::exams::linking;
use utoipa::ToSchema;

use crate::Result;
use crate::caller::Caller;
use crate::reason_form::{ReasonForm, optional_reason};
use crate::request::{Body, Segments};
use crate::state::State;

/// What has been done.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Unlinked {
    /// The number of the act, by which it is taken back.
    act_id: i64,
}

/// Takes the study away from its exam; it waits among the unmatched again.
#[utoipa::path(
    post,
    path = "/api/v1/unmatched/{studyUid}/unlink",
    tag = "unmatched",
    params(("studyUid" = String, Path, description = "Study Instance UID")),
    request_body = Option<ReasonForm>,
    responses((status = 200, body = Unlinked), (status = 400, body = crate::error::Problem), (status = 404, body = crate::error::Problem), (status = 409, body = crate::error::Problem))
)]
pub async fn unlink(
    Has(state): Has<State>,
    caller: Caller,
    Segments(study): Segments<Uid>,
    form: Option<Body<ReasonForm>>,
) -> Result<Json<Unlinked>> {
    caller.needs(Act::MatchImages)?;
    let reason = optional_reason(form)?;
    let (database, scope, now_ms) = (state.archive.database(), caller.scope(), state.clock.now_ms());
    let act_id = linking::unlink(database, &scope, &caller.actor, &study, reason.as_deref(), now_ms).await?;
    let done = caller.did(AuditAct::Match, format!("study:{study}")).because(Some("unlink"));
    state.audit_log.record(done).await;
    Ok(Json(Unlinked { act_id }))
}
