//! `POST …/restore`: takes rejections back, for a reason that the body says: `{"reason": "…"}`. It is free text, which no
//! URL may hold.

use super::{Request, Target, counted};
use crate::error::Error;
use crate::resource::{InstancePath, SeriesPath, StudyPath};
use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::response::Response;
use http::StatusCode;
use pacs_core::access::Act;
use pacs_core::audit::AuditAct;
use serde::Deserialize;

/// `POST /studies/{study}/restore`
pub async fn study(path: StudyPath, request: Request, why: Why) -> Result<Response, Error> {
    request.restore(path.into(), why).await
}

/// `POST /studies/{study}/series/{series}/restore`
pub async fn series(path: SeriesPath, request: Request, why: Why) -> Result<Response, Error> {
    request.restore(path.into(), why).await
}

/// `POST /studies/{study}/series/{series}/instances/{instance}/restore`
pub async fn instance(path: InstancePath, request: Request, why: Why) -> Result<Response, Error> {
    request.restore(path.into(), why).await
}

/// The body of the request.
type Why = Result<Json<Form>, JsonRejection>;

/// Why something is shown again.
#[derive(Deserialize)]
pub struct Form {
    reason: String,
}

/// Characters of a reason at most.
const REASON_CHARS: usize = 1024;
/// Bytes of the body at most, which is read before the right to restore is looked at.
pub const BODY_BYTES: usize = 16 << 10;

fn said(why: Why) -> Result<String, Error> {
    let words = |Json(form): Json<Form>| form.reason.split_whitespace().collect::<Vec<_>>().join(" ");
    let reason = why.map(words).map_err(|refusal| match refusal.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Error::TooLarge("the reason is too long".into()),
        _ => no_reason(),
    })?;
    // As the pages' interface has it: it stands in the same histories.
    let is_plain = !reason.chars().any(|letter| letter == '\\' || letter.is_control());
    match reason.chars().count() {
        1..=REASON_CHARS if is_plain => Ok(reason),
        _ => Err(no_reason()),
    }
}

fn no_reason() -> Error {
    Error::bad_request("the body has to be JSON with a reason of 1 to 1024 characters, without backslashes")
}

impl Request {
    async fn restore(self, target: Target, why: Why) -> Result<Response, Error> {
        let scope = self.scope(&target, Act::RejectImages, AuditAct::Restore, "restore images").await?;
        let (archive, reason) = (&self.state.archive, said(why)?);
        let restored = archive.restore(&scope, &self.caller.actor, &target.subject, &reason).await;
        let restored = restored.map_err(|error| match error {
            storage::Error::NotFound => Error::NotFound("a rejection of it"),
            other => Error::Storage(other),
        })?;
        self.record(&target, AuditAct::Restore, None).await;
        Ok(counted(restored.instances))
    }
}
