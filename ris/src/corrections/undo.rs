//! `POST /api/v1/acts/{actId}/undo`: the one door by which what was done to a study is taken back.

use axum::extract::State as Has;
use http::StatusCode;
use pacs_core::audit::AuditAct;
use storage::corrections;

use crate::caller::Caller;
use crate::reason_form::{ReasonForm, optional_reason};
use crate::request::{Body, Segments};
use crate::state::State;
use crate::{Error, Result};

/// Takes a correction, a move, a matching, a rejection or an answer of the reconciliation list back.
#[utoipa::path(
    post,
    path = "/api/v1/acts/{actId}/undo",
    tag = "corrections",
    params(("actId" = i64, Path, description = "Number of the act")),
    request_body = Option<ReasonForm>,
    responses((status = 204), (status = 400, body = crate::error::Problem), (status = 404, body = crate::error::Problem), (status = 409, body = crate::error::Problem))
)]
pub async fn undo(
    Has(state): Has<State>,
    caller: Caller,
    Segments(act): Segments<i64>,
    form: Option<Body<ReasonForm>>,
) -> Result<StatusCode> {
    let act = state.archive.act(act).await?;
    let cannot = || Error::Conflict("it cannot be taken back".into());
    caller.needs(corrections::right_to_undo(&act.kind).ok_or_else(cannot)?)?;
    let reason = optional_reason(form)?;
    state.archive.undo(&caller.scope(), &caller.actor, &act, reason.as_deref()).await?;
    let subject = format!("{}:{}", act.subject_kind, act.subject_uid);
    let word = format!("undo {}", act.kind);
    state.audit_log.record(caller.did(AuditAct::Correct, subject).because(Some(word))).await;
    Ok(StatusCode::NO_CONTENT)
}
