//! `POST /workitems/{workitem}/subscribers/{subscriber}` (PS3.18 11.10): has a subscriber told of a step, of all, or of
//! those that fit a filter.

use super::subscriber::Subscriber;
use super::{Request, WorkitemPath, named, parameters};
use crate::error::Error;
use axum::response::Response;
use http::header::CONTENT_LOCATION;
use http::{HeaderValue, StatusCode};
use pacs_core::uid::AeTitle;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use storage::ups::Subject;

/// Subscribes, and says where the event channel is.
pub async fn answer(path: WorkitemPath, subscriber: Subscriber, request: Request) -> Result<Response, Error> {
    let (step, what) = (named(&path.0), format!("subscribe {}", subscriber.0));
    request.doing(step.clone(), &what).await?;
    let subscription = parameters::subscription(&request.parameters()?)?;
    let subject = Subject::from(path);
    if subject != Subject::Filtered && !subscription.filter.keys.is_empty() {
        return Err(Error::bad_request("only the filtered subscription has a filter"));
    }
    let (filter, lock) = (&subscription.filter, subscription.deletion_lock);
    let (database, asker) = (request.database(), request.asker());
    let subscribed = storage::ups::subscribe(database, &asker, &subject, filter, &subscriber.0, lock).await;
    request.followed(subscribed, step, &what).await?;
    let mut response = request.done(StatusCode::CREATED, None);
    if let Ok(url) = HeaderValue::try_from(request.channel_url(&subscriber.0)) {
        response.headers_mut().insert(CONTENT_LOCATION, url);
    }
    Ok(response)
}

impl Request {
    /// The absolute URL of a subscriber's event channel.
    fn channel_url(&self, subscriber: &AeTitle) -> String {
        let base = self.base.as_str();
        // `http` becomes `ws`, and `https` `wss`.
        let base = base.strip_prefix("http").map_or_else(|| base.to_owned(), |rest| format!("ws{rest}"));
        let title = utf8_percent_encode(subscriber.as_str(), NON_ALPHANUMERIC);
        format!("{base}/subscribers/{title}")
    }
}
