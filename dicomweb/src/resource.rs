//! What the path of a request names: a study, a series, an instance.

use crate::error::Error;
use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;
use pacs_core::uid::Uid;

/// `/studies/{study}`
#[derive(Debug, Clone)]
pub struct StudyPath {
    /// Study Instance UID.
    pub study: Uid,
}

/// `/studies/{study}/series/{series}`
#[derive(Debug, Clone)]
pub struct SeriesPath {
    /// Study Instance UID.
    pub study: Uid,
    /// Series Instance UID.
    pub series: Uid,
}

/// `/studies/{study}/series/{series}/instances/{instance}`
#[derive(Debug, Clone)]
pub struct InstancePath {
    /// Study Instance UID.
    pub study: Uid,
    /// Series Instance UID.
    pub series: Uid,
    /// SOP Instance UID.
    pub instance: Uid,
}

async fn parameters<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<RawPathParams, Error> {
    RawPathParams::from_request_parts(parts, state)
        .await
        .map_err(|_| Error::bad_request("the path is not UTF-8"))
}

fn uid(parameters: &RawPathParams, name: &'static str) -> Result<Uid, Error> {
    let text =
        parameters.iter().find(|(known, _)| *known == name).map(|(_, value)| value).unwrap_or_default();
    Uid::parse(text).map_err(|error| Error::BadRequest(format!("the {name} of the path: {error}").into()))
}

impl<S: Send + Sync> FromRequestParts<S> for StudyPath {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let parameters = parameters(parts, state).await?;
        Ok(Self { study: uid(&parameters, "study")? })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for SeriesPath {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let parameters = parameters(parts, state).await?;
        Ok(Self { study: uid(&parameters, "study")?, series: uid(&parameters, "series")? })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for InstancePath {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let parameters = parameters(parts, state).await?;
        Ok(Self {
            study: uid(&parameters, "study")?,
            series: uid(&parameters, "series")?,
            instance: uid(&parameters, "instance")?,
        })
    }
}
