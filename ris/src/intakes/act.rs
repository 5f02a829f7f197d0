//! `POST /api/v1/intakes/{id}/stop` and `…/resume`: an import or a migration rests, and is gone on with where it was.

use axum::extract::State as Has;
use http::StatusCode;
use pacs_core::access::Act;
use pacs_core::audit::AuditAct;
use storage::intake::{self, IntakeId};

use crate::Result;
use crate::caller::Caller;
use crate::request::Segments;
use crate::state::State;

/// Ends an import or a migration where it is. 409 when it has ended already.
#[utoipa::path(
    post,
    path = "/api/v1/intakes/{id}/stop",
    tag = "system",
    params(("id" = i64, Path, description = "The import or migration")),
    responses((status = 204), (status = 409, body = crate::error::Problem))
)]
pub async fn stop(Has(state): Has<State>, caller: Caller, Segments(id): Segments<i64>) -> Result<StatusCode> {
    caller.needs(Act::ManageDevices)?;
    intake::end(state.archive.database(), IntakeId(id), state.clock.now_ms()).await?;
    done(&state, &caller, id, "stop").await
}

/// Has the server go on with one that was ended, where it was. 409 when it cannot.
#[utoipa::path(
    post,
    path = "/api/v1/intakes/{id}/resume",
    tag = "system",
    params(("id" = i64, Path, description = "The import or migration")),
    responses((status = 204), (status = 409, body = crate::error::Problem))
)]
pub async fn resume(
    Has(state): Has<State>,
    caller: Caller,
    Segments(id): Segments<i64>,
) -> Result<StatusCode> {
    caller.needs(Act::ManageDevices)?;
    intake::resume(state.archive.database(), IntakeId(id), state.clock.now_ms()).await?;
    done(&state, &caller, id, "resume").await
}

async fn done(state: &State, caller: &Caller, id: i64, what: &'static str) -> Result<StatusCode> {
    state
        .audit_log
        .record(caller.did(AuditAct::Administer, format!("intake:{id}")).because(Some(what)))
        .await;
    Ok(StatusCode::NO_CONTENT)
}
