//! `DELETE /workitems/{workitem}/subscribers/{subscriber}` (PS3.18 11.11).

use super::refusal::Transaction;
use super::subscriber::Subscriber;
use super::{Request, WorkitemPath};
use crate::error::Error;
use axum::response::Response;
use http::StatusCode;

/// Takes a subscription back.
pub async fn answer(path: WorkitemPath, subscriber: Subscriber, request: Request) -> Result<Response, Error> {
    request.doing()?;
    let (database, asker) = (request.database(), request.asker());
    let gone = storage::ups::unsubscribe(database, &asker, &path.into(), &subscriber.0).await;
    gone.map_err(|error| request.refused(Transaction::Subscribe, error))?;
    Ok(request.done(StatusCode::OK, None))
}
