//! WADO-RS (PS3.18 10.4): studies, series and instances, and what can be taken out of them.

pub mod bulkdata;
mod explicit;
pub mod frames;
mod inflated;
pub mod instance;
mod instances;
pub mod metadata;
mod pixels;
pub mod rendered;
mod rendering;
pub mod series;
pub mod study;
pub mod thumbnail;
mod uncompressed;

use crate::accept::Accept;
use crate::base_url::BaseUrl;
use crate::caller::Caller;
use crate::error::Error;
use crate::query_string;
use crate::resource::InstancePath;
use crate::state::State;
use axum::extract::{self, RawQuery};
use http::{HeaderMap, HeaderValue};
use pacs_core::access::Scope;
use storage::InstancePlace;

/// What is retrieved may be kept by the client alone, and only used after asking whether it still holds: rights and
/// corrections change.
const CACHE: HeaderValue = HeaderValue::from_static("private, no-cache");

/// What every retrieval needs of its request.
#[derive(axum::extract::FromRequestParts)]
#[from_request(state(State))]
pub struct Request {
    caller: Caller,
    base: BaseUrl,
    state: extract::State<State>,
    query: RawQuery,
    headers: HeaderMap,
}

impl Request {
    /// The caller's scope; refused when the caller may not read images at all.
    fn scope(&self) -> Result<Scope, Error> {
        self.caller.reading()
    }

    /// The query parameters.
    fn parameters(&self) -> Result<Vec<(String, String)>, Error> {
        query_string::parameters(self.query.0.as_deref())
    }

    /// What is accepted.
    fn accept(&self) -> Result<Accept, Error> {
        let parameters = self.parameters()?;
        let parameter = parameters.iter().find(|(name, _)| name == "accept").map(|(_, value)| value.as_str());
        Ok(Accept::read(&self.headers, parameter)?)
    }

    /// Where the instance of the path lies, if the caller may see it.
    async fn locate(&self, path: &InstancePath) -> Result<InstancePlace, Error> {
        let scope = self.scope()?;
        let archive = &self.state.archive;
        let place =
            archive.locate_instance(&scope, Some(&path.study), Some(&path.series), &path.instance).await?;
        place.ok_or(Error::NotFound("the instance"))
    }
}
