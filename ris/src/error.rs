//! What went wrong, and the one place that turns it into HTTP.

use std::collections::BTreeMap;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody is signed in.
    #[error("nobody is signed in")]
    Unauthorized,
    /// The caller's role does not allow it.
    #[error("the role does not allow it")]
    Forbidden,
    /// There is no such thing, or it lies outside the caller's scope: the two look alike.
    #[error("not found")]
    NotFound,
    /// Things stand differently from what the caller assumed.
    #[error("{0}")]
    Conflict(String),
    /// The request cannot be understood.
    #[error("{0}")]
    BadRequest(String),
    /// Fields of a form that need another look, each with the key of its message.
    #[error("{} fields need another look", .0.len())]
    Fields(FieldErrors),
    /// The archive cannot answer now.
    #[error("{0}")]
    Unavailable(String),
    /// A fault of ours.
    #[error("{0}")]
    Internal(String),
}

/// Message keys by field name; the pages have the words in both languages.
pub type FieldErrors = BTreeMap<&'static str, &'static str>;

impl From<storage::Error> for Error {
    fn from(error: storage::Error) -> Self {
        use storage::Error as S;
        match error {
            S::NotFound => Self::NotFound,
            S::Conflict(why) => Self::Conflict(why),
            S::Refused(refusal) => Self::BadRequest(refusal.reason),
            S::TooLarge(why) => Self::BadRequest(why),
            S::Unavailable(outage) => {
                tracing::warn!(%outage, "a request has to wait");
                Self::Unavailable(outage.what.into_owned())
            }
            error @ (S::Corrupt(_) | S::Internal { .. }) => Self::Internal(error.to_string()),
        }
    }
}

/// The body of every error (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// Always `about:blank`: the status says what kind it is.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The kind in words.
    title: &'static str,
    /// The HTTP status again.
    status: u16,
    /// What happened this time, for a person.
    detail: String,
    /// The kind as a key of the language files.
    code: &'static str,
    /// Message keys by field, for forms.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = Object)]
    errors: FieldErrors,
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (status, code, title) = match &self {
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "unauthorized", "Sign-in needed"),
            Self::Forbidden => (StatusCode::FORBIDDEN, "forbidden", "Not allowed"),
            Self::NotFound => (StatusCode::NOT_FOUND, "notFound", "Not found"),
            Self::Conflict(_) => (StatusCode::CONFLICT, "conflict", "Conflict"),
            Self::BadRequest(_) => (StatusCode::BAD_REQUEST, "badRequest", "Bad request"),
            Self::Fields(_) => (StatusCode::BAD_REQUEST, "fields", "Some fields need another look"),
            Self::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not available"),
            Self::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal", "Internal error"),
        };
        let mut detail = self.to_string();
        if let Self::Internal(why) = &self {
            tracing::error!(why, "a request failed");
            "The request failed; the log of the server says why.".clone_into(&mut detail);
        }
        let errors = match self {
            Self::Fields(errors) => errors,
            _ => FieldErrors::new(),
        };
        let problem = Problem { kind: "about:blank", title, status: status.as_u16(), detail, code, errors };
        let mut response = (status, Json(problem)).into_response();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}
