//! `PUT /workitems/{workitem}/state` (PS3.18 11.7): claims, completes or cancels a step.

use super::refusal::Transaction;
use super::{Request, WorkitemPath, named, payload, update};
use crate::error::Error;
use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
use pacs_core::audit::AuditAct;
use pacs_core::tags;
use pacs_core::ups::state::State;

/// Changes the state to that of the payload.
pub async fn answer(path: WorkitemPath, request: Request, body: Body) -> Result<Response, Error> {
    request.doing(named(&path.0), "change of state").await?;
    let wanted = payload::one(&request.headers, body).await?;
    let key = update::of_set(&wanted)?;
    let to = wanted.text(tags::PROCEDURE_STEP_STATE).as_deref().and_then(State::parse);
    let to = to.ok_or(Error::bad_request("ProcedureStepState is IN PROGRESS, COMPLETED or CANCELED"))?;
    let (database, asker) = (request.database(), request.asker());
    let already = storage::ups::change_state(database, &asker, &path.0, to, key.as_ref()).await;
    let already = already.map_err(|error| request.refused(Transaction::ChangeState, error))?;
    if already.is_none() {
        request.record(AuditAct::Step, named(&path.0), Some(to.as_str())).await;
    }
    let warning = already.map(|state| match state {
        State::Canceled => "The UPS is already in the requested state of CANCELED.",
        _ => "The UPS is already in the requested state of COMPLETED.",
    });
    Ok(request.done(StatusCode::OK, warning))
}
