//! `GET /studies/{study}/series/{series}/instances/{instance}`: one instance.

use super::{Request, instances};
use crate::error::Error;
use crate::resource::InstancePath;
use axum::response::Response;

/// Answers with the instance, as the one part of a multipart body or as the body itself.
pub async fn retrieve(path: InstancePath, request: Request) -> Result<Response, Error> {
    let place = request.locate(&path).await?;
    instances::one(&request, place, &request.accept()?.instances(true)?).await
}
