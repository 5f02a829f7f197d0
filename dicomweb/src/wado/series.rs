//! `GET /studies/{study}/series/{series}`: all instances of a series.

use super::{Request, instances};
use crate::error::Error;
use crate::resource::SeriesPath;
use axum::response::Response;

/// Answers with the instances of the series by instance number.
pub async fn retrieve(path: SeriesPath, request: Request) -> Result<Response, Error> {
    let scope = request.scope()?;
    let places = request.state.archive.locate_series(&scope, &path.study, &path.series).await?;
    if places.is_empty() {
        return Err(Error::NotFound("the series"));
    }
    instances::several(&request, places).await
}
