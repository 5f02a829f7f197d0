//! `GET /studies/{study}`: all instances of a study.

use super::{Request, instances};
use crate::error::Error;
use crate::resource::StudyPath;
use axum::response::Response;

/// Answers with the instances of the study, series by series.
pub async fn retrieve(path: StudyPath, request: Request) -> Result<Response, Error> {
    let places = request.locate_study(&path.study).await?;
    instances::several(&request, &path.study, places).await
}
