//! `POST /workitems/{worklist}/subscribers/{subscriber}/suspend` (PS3.18 11.12): no new steps, those that are followed
//! stay so.

use super::subscriber::Subscriber;
use super::{Request, WorkitemPath, named};
use crate::error::Error;
use axum::response::Response;
use http::StatusCode;

/// Ends a subscription to steps to come.
pub async fn answer(path: WorkitemPath, subscriber: Subscriber, request: Request) -> Result<Response, Error> {
    let (step, what) = (named(&path.0), format!("suspend {}", subscriber.0));
    request.doing(step.clone(), &what).await?;
    let (database, asker) = (request.database(), request.asker());
    let suspended = storage::ups::suspend(database, &asker, &path.into(), &subscriber.0).await;
    request.followed(suspended, step, &what).await?;
    Ok(request.done(StatusCode::OK, None))
}
