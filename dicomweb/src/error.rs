//! The one place where what goes wrong becomes an HTTP status and a problem document (RFC 9457).

use crate::accept::AcceptError;
use crate::multipart::ReadError;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_RANGE, CONTENT_TYPE, RETRY_AFTER, WARNING, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use std::borrow::Cow;

/// Seconds after which a client that met a full queue or a full spool may come again.
const RETRY_AFTER_SECONDS: &str = "5";

/// Why a request is not answered with what it asks for. Texts are for the caller and never tell of a patient.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request cannot be understood.
    #[error("{0}")]
    BadRequest(Cow<'static, str>),
    /// The sender stopped sending.
    #[error("{0}")]
    TooSlow(Cow<'static, str>),
    /// Nobody is signed in.
    #[error("sign in first")]
    Unauthenticated,
    /// Whoever is signed in may not do this.
    #[error("this account may not {0}")]
    Forbidden(&'static str),
    /// There is no such thing, or it is not the caller's to see.
    #[error("{0} was not found")]
    NotFound(&'static str),
    /// There was such a thing, and it was forgotten.
    #[error("{0} was there, and was forgotten after its end")]
    Gone(&'static str),
    /// The path exists, the method does not.
    #[error("this resource does not have that method")]
    MethodNotAllowed,
    /// Nothing that is accepted can be made.
    #[error("{0}")]
    NotAcceptable(Cow<'static, str>),
    /// The body is of a kind that is not taken.
    #[error("{0}")]
    UnsupportedMediaType(Cow<'static, str>),
    /// More than a bound allows.
    #[error("{0}")]
    TooLarge(Cow<'static, str>),
    /// A unified procedure step is not what the request needs it to be; the status and the words for the Warning
    /// header are those of PS3.18 11.
    #[error("{detail}")]
    Step {
        /// 400 or 409.
        status: StatusCode,
        /// The sentence for the caller.
        detail: String,
        /// The value of the Warning header.
        warning: Option<HeaderValue>,
    },
    /// What the client asked for is not what there is.
    #[error("the representation is not the one that the request names")]
    PreconditionFailed,
    /// The range begins behind the end of the representation, whose length this is.
    #[error("the range begins behind the last of the {0} bytes")]
    RangeNotSatisfiable(u64),
    /// Too much is being done already, or something underneath is away.
    #[error("{0}")]
    Busy(Cow<'static, str>),
    /// The pixels of the stored object cannot be decoded or drawn.
    #[error("{0}")]
    Undecodable(Cow<'static, str>),
    /// Storage failed.
    #[error(transparent)]
    Storage(#[from] storage::Error),
    /// A fault of the program.
    #[error("internal fault: {0}")]
    Internal(Cow<'static, str>),
}

impl Error {
    /// A request that cannot be understood, with the reason.
    pub fn bad_request(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::BadRequest(reason.into())
    }

    /// Names the thing that storage did not find.
    pub fn or_not_found(error: storage::Error, what: &'static str) -> Self {
        match error {
            storage::Error::NotFound => Self::NotFound(what),
            other => Self::Storage(other),
        }
    }

    fn status_and_code(&self) -> (StatusCode, &'static str) {
        use storage::Error as S;
        match self {
            Self::BadRequest(_) => (StatusCode::BAD_REQUEST, "badRequest"),
            Self::TooSlow(_) => (StatusCode::REQUEST_TIMEOUT, "tooSlow"),
            Self::Unauthenticated => (StatusCode::UNAUTHORIZED, "unauthenticated"),
            Self::Forbidden(_) => (StatusCode::FORBIDDEN, "forbidden"),
            Self::NotFound(_) | Self::Storage(S::NotFound) => (StatusCode::NOT_FOUND, "notFound"),
            Self::Gone(_) => (StatusCode::GONE, "gone"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "methodNotAllowed"),
            Self::NotAcceptable(_) => (StatusCode::NOT_ACCEPTABLE, "notAcceptable"),
            Self::UnsupportedMediaType(_) => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupportedMediaType"),
            Self::TooLarge(_) | Self::Storage(S::TooLarge(_)) => (StatusCode::PAYLOAD_TOO_LARGE, "tooLarge"),
            Self::PreconditionFailed => (StatusCode::PRECONDITION_FAILED, "preconditionFailed"),
            Self::RangeNotSatisfiable(_) => (StatusCode::RANGE_NOT_SATISFIABLE, "rangeNotSatisfiable"),
            Self::Busy(_) | Self::Storage(S::Unavailable(_)) => {
                (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
            }
            // The object exists and was asked for rightly; what it holds has no picture (PS3.18 10.4.3: 406).
            Self::Undecodable(_) => (StatusCode::NOT_ACCEPTABLE, "undecodable"),
            Self::Step { status, .. } => {
                (*status, if *status == StatusCode::CONFLICT { "conflict" } else { "badRequest" })
            }
            Self::Storage(S::Conflict(_)) => (StatusCode::CONFLICT, "conflict"),
            Self::Storage(S::Refused(_)) => (StatusCode::BAD_REQUEST, "refused"),
            Self::Storage(S::Corrupt(_)) => (StatusCode::INTERNAL_SERVER_ERROR, "corrupt"),
            Self::Storage(_) | Self::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        }
    }

    /// The sentence for the caller. The inside of the house is not described to the outside.
    fn detail(&self) -> String {
        match self.status_and_code() {
            (StatusCode::INTERNAL_SERVER_ERROR, "corrupt") => {
                "what the archive holds of this object is damaged or gone; the log says more".to_owned()
            }
            (StatusCode::INTERNAL_SERVER_ERROR, _) => {
                "the request could not be completed; the log says why".to_owned()
            }
            _ => match self {
                Self::Storage(storage::Error::Unavailable(outage)) => outage.what.to_string(),
                other => other.to_string(),
            },
        }
    }
}

impl From<AcceptError> for Error {
    fn from(error: AcceptError) -> Self {
        match error {
            AcceptError::NotAcceptable(_) => Self::NotAcceptable(error.to_string().into()),
            AcceptError::Malformed(_) | AcceptError::Invalid(_) => Self::BadRequest(error.to_string().into()),
        }
    }
}

impl From<ReadError> for Error {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::TooSlow => Self::TooSlow(error.to_string().into()),
            ReadError::Malformed(_) | ReadError::Body(_) => Self::BadRequest(error.to_string().into()),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Problem<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'a str,
    status: u16,
    detail: String,
    code: &'static str,
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (status, code) = self.status_and_code();
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            tracing::error!(error = %self, "dicomweb request failed");
        } else if let Self::Storage(storage::Error::Unavailable(outage)) = &self {
            tracing::warn!(%outage, "a dicomweb request has to wait");
        }
        let problem = Problem {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: self.detail(),
            code,
        };
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match self {
            Self::Unauthenticated => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"Sen\""));
            }
            Self::Busy(_) | Self::Storage(storage::Error::Unavailable(_)) => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECONDS));
            }
            Self::Step { warning: Some(warning), .. } => {
                headers.insert(WARNING, warning);
            }
            Self::RangeNotSatisfiable(total) => {
                if let Ok(value) = HeaderValue::try_from(format!("bytes */{total}")) {
                    headers.insert(CONTENT_RANGE, value);
                }
            }
            _ => {}
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    async fn problem(error: Error) -> (http::response::Parts, serde_json::Value) {
        let (parts, body) = error.into_response().into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        (parts, serde_json::from_slice(&bytes).unwrap())
    }

    #[tokio::test]
    async fn a_problem_says_status_code_and_reason() {
        let (parts, body) = problem(Error::bad_request("limit is not a number")).await;
        assert_eq!(parts.status, StatusCode::BAD_REQUEST);
        assert_eq!(parts.headers[CONTENT_TYPE], "application/problem+json");
        assert_eq!(body["status"], 400);
        assert_eq!(body["title"], "Bad Request");
        assert_eq!(body["detail"], "limit is not a number");
        assert_eq!(body["code"], "badRequest");
    }

    #[tokio::test]
    async fn headers_that_belong_to_a_status_are_there() {
        assert!(problem(Error::Unauthenticated).await.0.headers.contains_key(WWW_AUTHENTICATE));
        assert_eq!(problem(Error::Busy("full".into())).await.0.headers[RETRY_AFTER], RETRY_AFTER_SECONDS);
        assert_eq!(problem(Error::RangeNotSatisfiable(7)).await.0.headers[CONTENT_RANGE], "bytes */7");
    }

    #[tokio::test]
    async fn faults_of_the_house_stay_inside() {
        let inner = storage::Error::internal("reading /secret/path", std::io::Error::other("broken"));
        let (parts, body) = problem(Error::Storage(inner)).await;
        assert_eq!(parts.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!body.to_string().contains("secret"));
    }
}
