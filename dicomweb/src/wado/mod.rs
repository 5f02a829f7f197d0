//! WADO-RS (PS3.18 10.4): studies, series and instances, and what can be taken out of them; and WADO-URI (9).

pub mod bulkdata;
pub mod bulkdata_all;
mod captions;
pub mod frames;
mod icon;
mod inflated;
pub mod instance;
mod instances;
pub mod metadata;
pub mod pixeldata;
mod pixels;
mod plan;
mod planned;
mod presented;
mod reencoded;
pub mod rendered;
pub mod rendered_all;
pub mod rendered_frames;
mod rendered_parts;
mod rendering;
pub mod series;
mod stored;
pub mod study;
pub mod thumbnail;
mod unread;
pub mod uri;
mod value;
mod values;
mod walk;
mod zip;

use crate::accept::Accept;
use crate::answer::{BY_ACCEPT, Head};
use crate::base_url::BaseUrl;
use crate::caller::Caller;
use crate::content::Content;
use crate::error::Error;
use crate::query_string;
use crate::resource::{InstancePath, SeriesPath};
use crate::state::State;
use crate::validators::Validators;
use axum::extract::{self, RawQuery};
use axum::response::Response;
use http::{HeaderMap, Method};
use pacs_core::access::Scope;
use pacs_core::audit::AuditAct;
use pacs_core::uid::Uid;
use std::sync::Arc;
use storage::InstancePlace;

/// What every retrieval needs of its request.
#[derive(axum::extract::FromRequestParts)]
#[from_request(state(State))]
pub struct Request {
    caller: Caller,
    base: BaseUrl,
    state: extract::State<State>,
    query: RawQuery,
    method: Method,
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
        let accept = parameters.iter().find(|(name, _)| name.eq_ignore_ascii_case("accept"));
        Ok(Accept::read(&self.headers, accept.map(|(_, value)| value.as_str()))?)
    }

    /// The answer to a client that holds the representation already.
    fn held(&self, validators: &Validators) -> Result<Option<Response>, Error> {
        validators.held(&self.headers, BY_ACCEPT)
    }

    /// Answers with content of which a byte range may be asked.
    async fn ranged(&self, head: Head, content: Content) -> Result<Response, Error> {
        head.with_ranges(&self.method, &self.headers, content).await
    }

    /// Where the instances of a study lie, if the caller may see it.
    async fn locate_study(&self, study: &Uid) -> Result<Vec<InstancePlace>, Error> {
        let places = self.state.archive.locate_study(&self.scope()?, study).await?;
        self.found(study, places, "the study").await
    }

    /// Where the instances of a series lie, if the caller may see it.
    async fn locate_series(&self, path: &SeriesPath) -> Result<Vec<InstancePlace>, Error> {
        let places = self.state.archive.locate_series(&self.scope()?, &path.study, &path.series).await?;
        self.found(&path.study, places, "the series").await
    }

    /// The series of a study that have instances, in order, if the caller may see it.
    async fn locate_series_of(&self, study: &Uid) -> Result<Vec<Uid>, Error> {
        let series = self.state.archive.locate_series_of(&self.scope()?, study).await?;
        self.found(study, series, "the study").await
    }

    /// What may stand for the series of a study, or for one of them, in a picture, if the caller may see it.
    async fn locate_middle(&self, study: &Uid, series: Option<&Uid>) -> Result<Arc<[InstancePlace]>, Error> {
        let places = self.state.archive.locate_middle(&self.scope()?, study, series).await?;
        self.found(study, places, if series.is_some() { "the series" } else { "the study" }).await
    }

    async fn found<T, A: AsRef<[T]>>(&self, study: &Uid, all: A, what: &'static str) -> Result<A, Error> {
        if all.as_ref().is_empty() {
            return Err(Error::NotFound(what));
        }
        self.viewed(study).await;
        Ok(all)
    }

    /// Where the instance of the path lies, if the caller may see it.
    async fn locate(&self, path: &InstancePath) -> Result<InstancePlace, Error> {
        let scope = self.scope()?;
        let archive = &self.state.archive;
        let place =
            archive.locate_instance(&scope, Some(&path.study), Some(&path.series), &path.instance).await?;
        let place = place.ok_or(Error::NotFound("the instance"))?;
        self.viewed(&path.study).await;
        Ok(place)
    }

    /// Records that the caller looked at the study; the log keeps one such record for ten minutes.
    async fn viewed(&self, study: &Uid) {
        self.state.audit_log.record(self.caller.did(AuditAct::View, study)).await;
    }
}
