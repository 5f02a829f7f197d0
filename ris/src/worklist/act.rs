//! `POST /api/v1/exams/{examId}/acts`: moving an exam along.

use axum::Json;
use axum::extract::State as Has;
use pacs_core::access::Act;
use pacs_core::audit::AuditAct;
use pacs_core::exam::StepAct;
use serde::Deserialize;
use storage::exams::{ExamId, moves};
use utoipa::ToSchema;

use super::WorklistRow;
use crate::caller::Caller;
use crate::field::reason;
use crate::request::{Body, Segments};
use crate::state::State;
use crate::{Error, Result};

/// What is to be done with an exam.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ActForm {
    /// One of the row's `acts`.
    act: String,
    /// Everything that goes back or ends an exam early needs one.
    reason: Option<String>,
}

/// Does an act and answers the row after it.
#[utoipa::path(
    post,
    path = "/api/v1/exams/{examId}/acts",
    tag = "worklist",
    params(("examId" = i64, Path, description = "Key of the exam")),
    request_body = ActForm,
    responses(
        (status = 200, body = WorklistRow),
        (status = 400, description = "There is no such act, or its reason is missing", body = crate::error::Problem),
        (status = 404, body = crate::error::Problem),
        (status = 409, description = "The exam's laws do not allow it now; the detail says why", body = crate::error::Problem),
    )
)]
pub async fn act(
    Has(state): Has<State>,
    caller: Caller,
    Segments(exam): Segments<i64>,
    Body(form): Body<ActForm>,
) -> Result<Json<WorklistRow>> {
    caller.needs(Act::MoveExams)?;
    let act = StepAct::parse(&form.act).ok_or_else(|| Error::BadRequest("there is no such act".into()))?;
    let reason = reason(form.reason, act.needs_reason())?;
    let database = state.archive.database();
    let now_ms = state.clock.now_ms();
    let exam =
        moves::act(database, &caller.scope(), &caller.actor, ExamId(exam), act, reason.as_deref(), now_ms)
            .await?;
    let done = caller.did(AuditAct::Exam, format!("exam:{}", exam.step_id)).because(Some(act.as_str()));
    state.audit_log.record(done).await;
    Ok(Json(WorklistRow::of(exam, &caller.actor)))
}
