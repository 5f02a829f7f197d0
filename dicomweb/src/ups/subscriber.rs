//! Who is told: `/workitems/{workitem}/subscribers/{subscriber}`.

use super::{WorkitemPath, step_of_path};
use crate::error::Error;
use axum::extract::FromRequestParts;
use http::request::Parts;
use pacs_core::uid::AeTitle;
use storage::ups::Subject;

/// The AE title at the end of the path.
pub struct Subscriber(pub AeTitle);

impl<S: Send + Sync> FromRequestParts<S> for Subscriber {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let text = step_of_path(parts, state, "subscriber").await?;
        let title = AeTitle::parse(&text);
        Ok(Self(title.map_err(|error| Error::BadRequest(format!("the subscriber: {error}").into()))?))
    }
}

impl From<WorkitemPath> for Subject {
    fn from(path: WorkitemPath) -> Self {
        path.0.into()
    }
}
