//! `DELETE` of a study, a series or an instance: for good, with the kept versions of each instance.

use super::{Request, Target, query_string, reason};
use crate::error::Error;
use crate::resource::{InstancePath, SeriesPath, StudyPath};
use http::StatusCode;
use pacs_core::access::Act;
use pacs_core::audit::AuditAct;
use pacs_core::rejection::Rejection;

/// `DELETE /studies/{study}`
pub async fn study(path: StudyPath, request: Request) -> Result<StatusCode, Error> {
    request.delete(path.into()).await
}

/// `DELETE /studies/{study}/series/{series}`
pub async fn series(path: SeriesPath, request: Request) -> Result<StatusCode, Error> {
    request.delete(path.into()).await
}

/// `DELETE /studies/{study}/series/{series}/instances/{instance}`
pub async fn instance(path: InstancePath, request: Request) -> Result<StatusCode, Error> {
    request.delete(path.into()).await
}

impl Request {
    /// What has been rejected goes for the reason that it was rejected for; what has not, for the one that the
    /// request names.
    async fn delete(self, target: Target) -> Result<StatusCode, Error> {
        let scope = self.scope(&target, Act::DeleteImages, AuditAct::Delete, "delete images").await?;
        let reason = self.reason()?;
        let (archive, actor) = (&self.state.archive, &self.caller.actor);
        let deleted = match reason {
            Some(reason) => archive.delete(&scope, actor, &target.subject, reason.meaning()).await,
            None => archive.delete_rejected(&scope, actor, &target.subject).await,
        };
        deleted.map_err(|error| Error::or_not_found(error, target.what()))?;
        self.record(&target, AuditAct::Delete, reason).await;
        Ok(StatusCode::NO_CONTENT)
    }

    fn reason(&self) -> Result<Option<Rejection>, Error> {
        let mut named = None;
        for (name, value) in query_string::parameters(self.query.0.as_deref())? {
            if name != "reason" || named.is_some() {
                return Err(Error::bad_request("a deletion has one parameter, reason"));
            }
            named = Some(reason(&value)?);
        }
        Ok(named)
    }
}
