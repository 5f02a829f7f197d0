//! `DELETE /workitems/{workitem}/subscribers/{subscriber}` (PS3.18 11.11).

use super::subscriber::Subscriber;
use super::{Request, WorkitemPath, named};
use crate::error::Error;
use axum::response::Response;
use http::StatusCode;

/// Takes a subscription back.
pub async fn answer(path: WorkitemPath, subscriber: Subscriber, request: Request) -> Result<Response, Error> {
    let (step, what) = (named(&path.0), format!("unsubscribe {}", subscriber.0));
    request.doing(step.clone(), &what).await?;
    let (database, asker) = (request.database(), request.asker());
    let gone = storage::ups::unsubscribe(database, &asker, &path.into(), &subscriber.0).await;
    request.followed(gone, step, &what).await?;
    Ok(request.done(StatusCode::OK, None))
}
