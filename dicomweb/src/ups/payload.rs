//! The data set that a request brings, as DICOM JSON.

use crate::error::Error;
use crate::media::MediaType;
use crate::stow::pace::{PACE, paced};
use axum::body::Body;
use bytes::BytesMut;
use futures::TryStreamExt;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use pacs_core::dataset::DataSet;
use pacs_core::json::{self, JsonError, JsonLimits};

/// The largest data set of a step.
const MOST_BYTES: usize = 1 << 20;
const LIMITS: JsonLimits = JsonLimits { document_bytes: MOST_BYTES, retained_bytes: 8 << 20 };

/// Reads the one data set of the body.
pub async fn one(headers: &HeaderMap, body: Body) -> Result<DataSet, Error> {
    optional(headers, body).await?.ok_or(Error::bad_request("the request has no payload"))
}

/// Reads the data set of the body; `None` when that is empty.
pub async fn optional(headers: &HeaderMap, body: Body) -> Result<Option<DataSet>, Error> {
    let mut pieces = paced(body.into_data_stream(), PACE);
    let mut whole = BytesMut::new();
    while let Some(piece) = pieces.try_next().await? {
        if whole.len() + piece.len() > MOST_BYTES {
            return Err(Error::TooLarge(format!("a workitem has at most {MOST_BYTES} bytes").into()));
        }
        whole.extend_from_slice(&piece);
    }
    if whole.is_empty() {
        return Ok(None);
    }
    check_type(headers)?;
    let mut sets = json::parse(&whole, &LIMITS).map_err(|error| match error {
        JsonError::TooLarge(_) | JsonError::TooMany => Error::TooLarge(error.to_string().into()),
        JsonError::Malformed(_) => Error::BadRequest(error.to_string().into()),
    })?;
    match (sets.pop(), sets.is_empty()) {
        (Some(set), true) => Ok(Some(set)),
        _ => Err(Error::bad_request("the payload has to be one data set")),
    }
}

fn check_type(headers: &HeaderMap) -> Result<(), Error> {
    let unsupported = |what: String| {
        Error::UnsupportedMediaType(format!("{what} is not taken; send application/dicom+json").into())
    };
    let coding = headers.get(CONTENT_ENCODING).map(|coding| coding.as_bytes());
    if coding.is_some_and(|coding| !coding.eq_ignore_ascii_case(b"identity")) {
        return Err(unsupported("a body with a Content-Encoding".to_owned()));
    }
    let text = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let text = text.ok_or_else(|| unsupported("a body without a Content-Type".to_owned()))?;
    let media = MediaType::parse(text)
        .map_err(|error| Error::BadRequest(format!("the Content-Type: {error}").into()))?;
    if media.is("application", "dicom+json") || media.is("application", "json") {
        return Ok(());
    }
    Err(unsupported(media.to_string()))
}
