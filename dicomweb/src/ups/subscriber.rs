//! Who is told: `/workitems/{workitem}/subscribers/{subscriber}`.

use super::{WorkitemPath, step_of_path};
use crate::error::Error;
use axum::extract::FromRequestParts;
use http::request::Parts;
use pacs_core::uid::AeTitle;
use pacs_core::uids;
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
    /// Two UIDs stand for all steps and for those that fit a filter (PS3.18 table 11.10.1-1).
    fn from(path: WorkitemPath) -> Self {
        match path.0.as_str() {
            uids::UPS_GLOBAL_SUBSCRIPTION_INSTANCE => Self::All,
            uids::UPS_FILTERED_GLOBAL_SUBSCRIPTION_INSTANCE => Self::Filtered,
            _ => Self::Step(path.0),
        }
    }
}
