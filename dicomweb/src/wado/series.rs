//! `GET /studies/{study}/series/{series}`: all instances of a series.

use super::{Request, instances};
use crate::error::Error;
use crate::resource::SeriesPath;
use axum::response::Response;

/// Answers with the instances of the series by instance number.
pub async fn retrieve(path: SeriesPath, request: Request) -> Result<Response, Error> {
    let places = request.locate_series(&path).await?;
    instances::several(&request, &path.series, places).await
}
