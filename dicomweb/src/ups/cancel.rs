//! `POST /workitems/{workitem}/cancelrequest` (PS3.18 11.8): asks that a step be cancelled.

use super::refusal::Transaction;
use super::{Request, WorkitemPath, named, payload};
use crate::error::Error;
use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
use pacs_core::audit::AuditAct;
use storage::ups::Cancelled;

/// Cancels a step that nobody has claimed, and tells the performer of another one.
pub async fn answer(path: WorkitemPath, request: Request, body: Body) -> Result<Response, Error> {
    request.doing(named(&path.0), "request to cancel").await?;
    let asked = payload::optional(&request.headers, body).await?.unwrap_or_default();
    let asking = storage::ups::request_cancel(request.database(), &request.asker(), &path.0, &asked).await;
    let warning = match asking.map_err(|error| request.refused(Transaction::Cancel, error))? {
        Cancelled::Done => {
            request.record(AuditAct::Step, named(&path.0), Some("CANCELED")).await;
            None
        }
        Cancelled::Asked => {
            request.record(AuditAct::Step, named(&path.0), Some("request to cancel")).await;
            None
        }
        Cancelled::Already => Some("The UPS is already in the requested state of CANCELED."),
    };
    Ok(request.done(StatusCode::ACCEPTED, warning))
}
