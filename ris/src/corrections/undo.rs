//! `POST /api/v1/acts/{actId}/undo`: the one door by which what was done to a study is taken back.

use axum::extract::State as Has;
use http::StatusCode;
use pacs_core::audit::AuditAct;
use serde::Deserialize;
use storage::corrections;
use utoipa::ToSchema;

use crate::caller::Caller;
use crate::field::reason;
use crate::request::{Body, Segments};
use crate::state::State;
use crate::{Error, Result};

/// Why something is taken back.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ActUndoForm {
    /// For the history.
    reason: Option<String>,
}

/// Takes a correction, a move, a matching, a rejection or an answer of the reconciliation list back.
#[utoipa::path(
    post,
    path = "/api/v1/acts/{actId}/undo",
    tag = "corrections",
    params(("actId" = i64, Path, description = "Number of the act")),
    request_body = ActUndoForm,
    responses((status = 204), (status = 404, body = crate::error::Problem), (status = 409, body = crate::error::Problem))
)]
pub async fn undo(
    Has(state): Has<State>,
    caller: Caller,
    Segments(act): Segments<i64>,
    Body(form): Body<ActUndoForm>,
) -> Result<StatusCode> {
    let act = state.archive.act(act).await?;
    let cannot = || Error::Conflict("it cannot be taken back".into());
    caller.needs(corrections::right_to_undo(&act.kind).ok_or_else(cannot)?)?;
    let reason = reason(form.reason, false)?;
    state.archive.undo(&caller.scope(), &caller.actor, &act, reason.as_deref()).await?;
    let subject = format!("{}:{}", act.subject_kind, act.subject_uid);
    let word = format!("undo {}", act.kind);
    state.audit_log.record(caller.did(AuditAct::Correct, subject).because(Some(word))).await;
    Ok(StatusCode::NO_CONTENT)
}
