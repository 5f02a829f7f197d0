//! `…/pixeldata` of a study, a series or an instance: the pixels of every instance that has some (PS3.18 10.4.1.1.6).

use super::Request;
use super::values::{self, Which};
use crate::error::Error;
use crate::resource::{InstancePath, SeriesPath, StudyPath};
use axum::response::Response;

/// `/studies/{study}/pixeldata`
pub async fn of_study(path: StudyPath, request: Request) -> Result<Response, Error> {
    let places = request.locate_study(&path.study).await?;
    values::respond(&request, places, Which::Pixels).await
}

/// `/studies/{study}/series/{series}/pixeldata`
pub async fn of_series(path: SeriesPath, request: Request) -> Result<Response, Error> {
    let places = request.locate_series(&path).await?;
    values::respond(&request, places, Which::Pixels).await
}

/// `…/instances/{instance}/pixeldata`
pub async fn of_instance(path: InstancePath, request: Request) -> Result<Response, Error> {
    let place = request.locate(&path).await?;
    values::respond(&request, vec![place], Which::Pixels).await
}
