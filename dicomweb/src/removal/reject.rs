//! `POST …/reject/{code}^{scheme}`: hides a study, a series or an instance (IHE RAD TF-3 4.66). It is kept, is shown and
//! given by no door from then on, and the same images sent again stay rejected.

use super::{Request, Target, counted, reason};
use crate::error::Error;
use crate::resource::{InstancePath, SeriesPath, StudyPath};
use axum::extract::{FromRequestParts, RawPathParams};
use axum::response::Response;
use http::request::Parts;
use pacs_core::access::Act;
use pacs_core::audit::AuditAct;
use pacs_core::rejection::Rejection;

/// `POST /studies/{study}/reject/{reason}`
pub async fn study(path: StudyPath, reason: Reason, request: Request) -> Result<Response, Error> {
    request.reject(path.into(), reason.0).await
}

/// `POST /studies/{study}/series/{series}/reject/{reason}`
pub async fn series(path: SeriesPath, reason: Reason, request: Request) -> Result<Response, Error> {
    request.reject(path.into(), reason.0).await
}

/// `POST /studies/{study}/series/{series}/instances/{instance}/reject/{reason}`
pub async fn instance(path: InstancePath, reason: Reason, request: Request) -> Result<Response, Error> {
    request.reject(path.into(), reason.0).await
}

/// The last step of the path.
pub struct Reason(Rejection);

impl<S: Send + Sync> FromRequestParts<S> for Reason {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let parameters = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|_| Error::bad_request("the path is not UTF-8"))?;
        let named = parameters.iter().find(|(name, _)| *name == "reason");
        Ok(Self(reason(named.map(|(_, value)| value).unwrap_or_default())?))
    }
}

impl Request {
    async fn reject(self, target: Target, reason: Rejection) -> Result<Response, Error> {
        let scope = self.scope(&target, Act::RejectImages, AuditAct::Reject, "reject images").await?;
        let rejected = self.state.archive.reject(&scope, &self.caller.actor, &target.subject, reason).await;
        let rejected = rejected.map_err(|error| Error::or_not_found(error, target.what()))?;
        self.record(&target, AuditAct::Reject, Some(reason)).await;
        Ok(counted(rejected.instances))
    }
}
