//! Extractors of queries, paths and bodies whose refusals are problems like all others.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, OptionalFromRequest, Request};
use serde::de::DeserializeOwned;

use crate::Error;

/// The query string.
#[derive(Debug, FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(Error))]
pub struct Params<T>(pub T);

/// The variable parts of the path.
#[derive(Debug, FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Error))]
pub struct Segments<T>(pub T);

/// A JSON body.
#[derive(Debug, Default, FromRequest)]
#[from_request(via(axum::Json), rejection(Error))]
pub struct Body<T>(pub T);

/// `None` when there is none, whatever its type is said to be.
impl<T: DeserializeOwned, S: Send + Sync> OptionalFromRequest<S> for Body<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, Error> {
        let bytes = Bytes::from_request(request, state).await.map_err(JsonRejection::from)?;
        if bytes.is_empty() {
            return Ok(None);
        }
        let Json(body) = Json::from_bytes(&bytes)?;
        Ok(Some(Self(body)))
    }
}

impl From<QueryRejection> for Error {
    fn from(_: QueryRejection) -> Self {
        // The rejection's own text repeats the query, which may name a patient.
        Self::BadRequest("the query string has a parameter of the wrong kind".into())
    }
}

impl From<PathRejection> for Error {
    fn from(_: PathRejection) -> Self {
        Self::NotFound
    }
}

impl From<JsonRejection> for Error {
    fn from(rejection: JsonRejection) -> Self {
        Self::BadRequest(match rejection {
            JsonRejection::MissingJsonContentType(_) => "the body must be application/json".into(),
            JsonRejection::JsonSyntaxError(_) => "the body is not JSON".into(),
            JsonRejection::JsonDataError(_) => "the body lacks a field or has one of the wrong kind".into(),
            _ => "the body cannot be read".into(),
        })
    }
}
