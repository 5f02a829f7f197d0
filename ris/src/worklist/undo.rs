//! `POST /api/v1/exams/{examId}/undo`: taking back what was just done.

use axum::Json;
use axum::extract::State as Has;
use pacs_core::access::Act;
use pacs_core::audit::AuditAct;
use pacs_core::exam::StepAct;
use serde::Deserialize;
use storage::exams::{ExamId, undo as taking_back};
use utoipa::ToSchema;

use super::WorklistRow;
use crate::caller::Caller;
use crate::request::{Body, Segments};
use crate::state::State;
use crate::{Error, Result};

/// What is to be taken back.
#[derive(Debug, Deserialize, ToSchema)]
pub struct UndoForm {
    /// The act, as it was done.
    act: String,
}

/// Takes an act back, if nothing has happened to the exam since, and answers the row after it.
#[utoipa::path(
    post,
    path = "/api/v1/exams/{examId}/undo",
    tag = "worklist",
    params(("examId" = i64, Path, description = "Key of the exam")),
    request_body = UndoForm,
    responses(
        (status = 200, body = WorklistRow),
        (status = 400, body = crate::error::Problem),
        (status = 404, body = crate::error::Problem),
        (status = 409, description = "Something has happened to the exam since", body = crate::error::Problem),
    )
)]
pub async fn undo(
    Has(state): Has<State>,
    caller: Caller,
    Segments(exam): Segments<i64>,
    Body(form): Body<UndoForm>,
) -> Result<Json<WorklistRow>> {
    caller.needs(Act::MoveExams)?;
    let act = StepAct::parse(&form.act).ok_or_else(|| Error::BadRequest("there is no such act".into()))?;
    let (database, scope, now_ms) = (state.archive.database(), caller.scope(), state.clock.now_ms());
    let exam = taking_back::undo(database, &scope, &caller.actor, ExamId(exam), act, now_ms).await?;
    let undone = format!("undo {}", act.as_str());
    let done = caller.did(AuditAct::Exam, format!("exam:{}", exam.step_id)).because(Some(undone));
    state.audit_log.record(done).await;
    Ok(Json(WorklistRow::of(exam, &caller.actor)))
}
