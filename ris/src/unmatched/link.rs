//! `POST /api/v1/unmatched/{studyUid}/link`: a person says which exam a study fulfils.

use axum::extract::State as Has;
use http::StatusCode;
use pacs_core::access::Act;
use pacs_core::audit::AuditAct;
use pacs_core::uid::Uid;
use serde::Deserialize;
use storage::exams::{ExamId, linking};
use utoipa::ToSchema;

use crate::Result;
use crate::caller::Caller;
use crate::field::reason;
use crate::request::{Body, Segments};
use crate::state::State;

/// Which exam.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LinkForm {
    /// Key of the exam.
    exam_id: i64,
    /// Why, for the history.
    reason: Option<String>,
}

/// Links the study to the exam and moves the exam as its images would have.
#[utoipa::path(
    post,
    path = "/api/v1/unmatched/{studyUid}/link",
    tag = "unmatched",
    params(("studyUid" = String, Path, description = "Study Instance UID")),
    request_body = LinkForm,
    responses((status = 204), (status = 400, body = crate::error::Problem), (status = 404, body = crate::error::Problem), (status = 409, body = crate::error::Problem))
)]
pub async fn link(
    Has(state): Has<State>,
    caller: Caller,
    Segments(study): Segments<Uid>,
    Body(form): Body<LinkForm>,
) -> Result<StatusCode> {
    caller.needs(Act::MatchImages)?;
    let reason = reason(form.reason, false)?;
    let (database, scope, now_ms) = (state.archive.database(), caller.scope(), state.clock.now_ms());
    let exam = ExamId(form.exam_id);
    linking::link(database, &scope, &caller.actor, &study, exam, reason.as_deref(), now_ms).await?;
    let done = caller.did(AuditAct::Match, format!("study:{study}")).because(Some("link"));
    state.audit_log.record(done).await;
    Ok(StatusCode::NO_CONTENT)
}
