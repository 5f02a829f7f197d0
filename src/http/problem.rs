//! Errors of the program's own routes, as `application/problem+json` (RFC 9457).

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use serde_json::json;

/// What a caller is told when a request is not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// Nobody is signed in, or the credentials are wrong; it is never said which half was wrong.
    Unauthorized,
    /// A cookie or a browser's ambient authority used from another origin.
    ForeignOrigin,
    /// The caller's role does not allow it.
    Forbidden,
    /// The request body is not what the route takes.
    BadRequest(&'static str),
    /// Too many wrong passwords; try again after so many seconds.
    TooManyAttempts {
        /// Whole seconds, at least one.
        retry_after_s: u64,
    },
    /// The database or the store does not answer.
    Unavailable,
    /// A fault of the program.
    Internal,
}

impl Problem {
    fn parts(self) -> (StatusCode, &'static str, &'static str, &'static str) {
        match self {
            Self::Unauthorized => (
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "Sign-in needed",
                "No valid session, token or password came with the request.",
            ),
            Self::ForeignOrigin => (
                StatusCode::FORBIDDEN,
                "foreignOrigin",
                "Foreign origin",
                "The request came from a page of another site.",
            ),
            Self::Forbidden => {
                (StatusCode::FORBIDDEN, "forbidden", "Not allowed", "Your role does not allow this.")
            }
            Self::BadRequest(detail) => (StatusCode::BAD_REQUEST, "badRequest", "Bad request", detail),
            Self::TooManyAttempts { .. } => (
                StatusCode::TOO_MANY_REQUESTS,
                "tooManyAttempts",
                "Too many attempts",
                "Too many wrong passwords; wait before the next.",
            ),
            Self::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "Not available",
                "The archive cannot answer now; try again.",
            ),
            Self::Internal => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "Internal error",
                "The request failed; the log of the server says why.",
            ),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, code, title, detail) = self.parts();
        let body = Json(json!({
            "type": "about:blank",
            "title": title,
            "status": status.as_u16(),
            "detail": detail,
            "code": code,
        }));
        let mut response = (status, body).into_response();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Self::TooManyAttempts { retry_after_s } = self {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(retry_after_s));
        }
        response
    }
}
