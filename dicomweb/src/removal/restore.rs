//! `POST …/restore`: takes rejections back.

use super::{Request, Target, counted};
use crate::error::Error;
use crate::resource::{InstancePath, SeriesPath, StudyPath};
use axum::response::Response;
use pacs_core::access::Act;
use pacs_core::audit::AuditAct;

/// `POST /studies/{study}/restore`
pub async fn study(path: StudyPath, request: Request) -> Result<Response, Error> {
    request.restore(path.into()).await
}

/// `POST /studies/{study}/series/{series}/restore`
pub async fn series(path: SeriesPath, request: Request) -> Result<Response, Error> {
    request.restore(path.into()).await
}

/// `POST /studies/{study}/series/{series}/instances/{instance}/restore`
pub async fn instance(path: InstancePath, request: Request) -> Result<Response, Error> {
    request.restore(path.into()).await
}

impl Request {
    async fn restore(self, target: Target) -> Result<Response, Error> {
        let scope = self.scope(&target, Act::RejectImages, AuditAct::Restore, "restore images").await?;
        let restored = self.state.archive.restore(&scope, &self.caller.actor, &target.subject).await;
        let restored = restored.map_err(|error| match error {
            storage::Error::NotFound => Error::NotFound("a rejection of it"),
            other => Error::Storage(other),
        })?;
        self.record(&target, AuditAct::Restore, None).await;
        Ok(counted(restored.instances))
    }
}
