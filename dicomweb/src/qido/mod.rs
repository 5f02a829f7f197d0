//! QIDO-RS (PS3.18 10.6): searches for studies, series and instances.

pub(crate) mod again;
mod answer;
pub(crate) mod attribute;
pub mod count;
mod defaults;
mod held_back;
mod narrow;
pub(crate) mod next;
pub(crate) mod parameters;

pub use answer::ANSWERS_MAX;

use crate::accept::Accept;
use crate::base_url::BaseUrl;
use crate::caller::Caller;
use crate::coding::Coding;
use crate::error::Error;
use crate::query_string;
use crate::resource::{SeriesPath, StudyPath};
use crate::state::State;
use again::Asked;
use axum::extract;
use axum::response::Response;
use http::{HeaderMap, Uri};
use next::Here;
use pacs_core::query::Level;
use parameters::Within;

/// `GET /studies`
pub async fn studies(request: Request) -> Result<Response, Error> {
    request.search(Level::Study, Within::default()).await
}

/// `GET /series`
pub async fn series(request: Request) -> Result<Response, Error> {
    request.search(Level::Series, Within::default()).await
}

/// `GET /instances`
pub async fn instances(request: Request) -> Result<Response, Error> {
    request.search(Level::Instance, Within::default()).await
}

/// `GET /studies/{study}/series`
pub async fn series_of_study(path: StudyPath, request: Request) -> Result<Response, Error> {
    request.search(Level::Series, Within::study(path)).await
}

/// `GET /studies/{study}/instances`
pub async fn instances_of_study(path: StudyPath, request: Request) -> Result<Response, Error> {
    request.search(Level::Instance, Within::study(path)).await
}

/// `GET /studies/{study}/series/{series}/instances`
pub async fn instances_of_series(path: SeriesPath, request: Request) -> Result<Response, Error> {
    request.search(Level::Instance, Within::series(path)).await
}

/// What every search needs of its request.
#[derive(axum::extract::FromRequestParts)]
#[from_request(state(State))]
pub struct Request {
    caller: Caller,
    base: BaseUrl,
    state: extract::State<State>,
    uri: Uri,
    headers: HeaderMap,
}

impl Request {
    async fn search(self, level: Level, within: Within) -> Result<Response, Error> {
        let scope = self.caller.reading()?;
        let parameters = query_string::parameters(self.uri.query())?;
        let search = parameters::read(level, &within, &parameters)?;
        let name = Accept::read(&self.headers, search.accept.as_deref())?.json()?;
        // Made anew each time, so the faster coding comes first.
        let coding = Coding::choose(&self.headers, &[Coding::Zstd, Coding::Gzip]);
        let here = Here { base: self.base, path: self.uri.path().to_owned(), parameters };
        let asked = Asked { scope, search: self.uri.to_string(), base: here.base.clone(), name, coding };
        if let Some(whole) = self.state.answers.get(self.state.archive.database(), &asked) {
            return Ok(answer::of_whole(whole, &asked));
        }
        answer::respond(&self.state, search, here, asked).await
    }
}
