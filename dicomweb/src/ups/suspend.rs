//! `POST /workitems/{worklist}/subscribers/{subscriber}/suspend` (PS3.18 11.12): no new steps, those that are followed
//! stay so.

use super::subscriber::Subscriber;
use super::{Request, WorkitemPath, named};
use crate::error::Error;
use axum::response::Response;
use http::StatusCode;
use storage::ups::Subject;

/// Ends a subscription to steps to come.
pub async fn answer(path: WorkitemPath, subscriber: Subscriber, request: Request) -> Result<Response, Error> {
    let (step, what) = (named(&path.0), format!("suspend {}", subscriber.0));
    request.doing(step.clone(), &what).await?;
    let subject = Subject::from(path);
    if matches!(subject, Subject::Step(_)) {
        return Err(Error::bad_request("only the subscriptions to all steps and by a filter are suspended"));
    }
    let (database, asker) = (request.database(), request.asker());
    let suspended = storage::ups::suspend(database, &asker, &subject, &subscriber.0).await;
    request.followed(suspended, step, &what).await?;
    Ok(request.done(StatusCode::OK, None))
}
