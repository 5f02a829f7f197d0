//! `POST /workitems/{worklist}/subscribers/{subscriber}/suspend` (PS3.18 11.12): no new steps, those that are followed
//! stay so.

use super::refusal::Transaction;
use super::subscriber::Subscriber;
use super::{Request, WorkitemPath};
use crate::error::Error;
use axum::response::Response;
use http::StatusCode;
use storage::ups::Subject;

/// Ends a subscription to steps to come.
pub async fn answer(path: WorkitemPath, subscriber: Subscriber, request: Request) -> Result<Response, Error> {
    request.doing()?;
    let subject = Subject::from(path);
    if matches!(subject, Subject::Step(_)) {
        return Err(Error::bad_request("only the subscriptions to all steps and by a filter are suspended"));
    }
    let (database, asker) = (request.database(), request.asker());
    let suspended = storage::ups::suspend(database, &asker, &subject, &subscriber.0).await;
    suspended.map_err(|error| request.refused(Transaction::Subscribe, error))?;
    Ok(request.done(StatusCode::OK, None))
}
