//! `GET /studies/{study}`: all instances of a study.

use super::{Request, instances};
use crate::error::Error;
use crate::resource::StudyPath;
use axum::response::Response;

/// Answers with the instances of the study, series by series.
pub async fn retrieve(path: StudyPath, request: Request) -> Result<Response, Error> {
    let scope = request.scope()?;
    let places = request.state.archive.locate_study(&scope, &path.study).await?;
    if places.is_empty() {
        return Err(Error::NotFound("the study"));
    }
    instances::several(&request, places).await
}
