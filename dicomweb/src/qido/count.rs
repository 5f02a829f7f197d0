//! `…/count`: how many answers a search has. The standard tells nobody; this is how dcm4chee's clients ask. Nobody pays
//! for it who does not ask, and counting stops at a bound.

use super::Request;
use super::parameters::{self, Within};
use crate::accept::Accept;
use crate::answer::BY_ACCEPT;
use crate::error::Error;
use crate::query_string;
use crate::resource::{SeriesPath, StudyPath};
use crate::validators::CACHE;
use axum::Json;
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, VARY};
use pacs_core::query::Level;
use serde::Serialize;

/// Where counting stops.
const COUNTED_MAX: u32 = 10_000;

/// The answer.
#[derive(Serialize)]
struct Count {
    count: u64,
    /// Whether that is all of them; else there are more.
    exact: bool,
}

/// `GET /studies/count`
pub async fn studies(request: Request) -> Result<Response, Error> {
    request.count(Level::Study, Within::default()).await
}

/// `GET /series/count`
pub async fn series(request: Request) -> Result<Response, Error> {
    request.count(Level::Series, Within::default()).await
}

/// `GET /instances/count`
pub async fn instances(request: Request) -> Result<Response, Error> {
    request.count(Level::Instance, Within::default()).await
}

/// `GET /studies/{study}/series/count`
pub async fn series_of_study(path: StudyPath, request: Request) -> Result<Response, Error> {
    request.count(Level::Series, Within::study(path)).await
}

/// `GET /studies/{study}/instances/count`
pub async fn instances_of_study(path: StudyPath, request: Request) -> Result<Response, Error> {
    request.count(Level::Instance, Within::study(path)).await
}

/// `GET /studies/{study}/series/{series}/instances/count`
pub async fn instances_of_series(path: SeriesPath, request: Request) -> Result<Response, Error> {
    request.count(Level::Instance, Within::series(path)).await
}

impl Request {
    async fn count(self, level: Level, within: Within) -> Result<Response, Error> {
        let scope = self.caller.reading()?;
        let parameters = query_string::parameters(self.uri.query())?;
        let search = parameters::read(level, &within, &parameters)?;
        let accept = Accept::read(&self.headers, search.accept.as_deref())?;
        accept.choose(&[("application", "json", ())], "application/json")?;
        let database = self.state.archive.database();
        let count = storage::query::count(database, &search.query, &scope, COUNTED_MAX).await?;
        let headers = [(CACHE_CONTROL, CACHE), (VARY, HeaderValue::from_static(BY_ACCEPT))];
        Ok((headers, Json(Count { count: count.answers, exact: count.is_all })).into_response())
    }
}
