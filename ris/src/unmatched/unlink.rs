//! `POST /api/v1/unmatched/{studyUid}/unlink`: taking a link back.

use axum::extract::State as Has;
use http::StatusCode;
use pacs_core::access::Act;
use pacs_core::audit::AuditAct;
use pacs_core::uid::Uid;
use storage::exams::linking;

use crate::Result;
use crate::caller::Caller;
use crate::request::Segments;
use crate::state::State;

/// Takes the study away from its exam; it waits among the unmatched again.
#[utoipa::path(
    post,
    path = "/api/v1/unmatched/{studyUid}/unlink",
    tag = "unmatched",
    params(("studyUid" = String, Path, description = "Study Instance UID")),
    responses((status = 204), (status = 404, body = crate::error::Problem), (status = 409, body = crate::error::Problem))
)]
pub async fn unlink(
    Has(state): Has<State>,
    caller: Caller,
    Segments(study): Segments<Uid>,
) -> Result<StatusCode> {
    caller.needs(Act::MatchImages)?;
    let (database, scope, now_ms) = (state.archive.database(), caller.scope(), state.clock.now_ms());
    linking::unlink(database, &scope, &caller.actor, &study, None, now_ms).await?;
    let done = caller.did(AuditAct::Match, format!("study:{study}")).because(Some("unlink"));
    state.audit_log.record(done).await;
    Ok(StatusCode::NO_CONTENT)
}
