//! Answers with a representation: whole, in part, or not at all because the client holds it.

use crate::coding::Coding;
use crate::content::Content;
use crate::error::Error;
use crate::range::{self, Wanted};
use crate::validators::Validators;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

/// What an answer may depend on beside the resource.
pub const BY_ACCEPT: &str = "accept";
/// The same for what may be coded.
pub const BY_ACCEPT_AND_CODING: &str = "accept, accept-encoding";

/// What the headers of an answer say of its body.
#[derive(Debug, Clone)]
pub struct Head {
    /// The media type.
    pub content_type: String,
    /// What tells it from another state.
    pub validators: Validators,
    /// The request headers that it depends on.
    pub vary: &'static str,
    /// How the body is coded.
    pub coding: Coding,
}

impl Head {
    /// Of a body that is never coded.
    pub fn of_pixels(content_type: String, validators: Validators) -> Self {
        Self { content_type, validators, vary: BY_ACCEPT, coding: Coding::Identity }
    }

    /// Answers with a body that is sent as a whole only. A length that is known is said: the client then sees how far
    /// it is, and finds out when something is missing.
    pub fn with(self, body: Body, length_bytes: Option<u64>) -> Response {
        let mut response = ([(CONTENT_TYPE, self.content_type)], body).into_response();
        let headers = response.headers_mut();
        self.validators.put(headers, self.vary);
        self.coding.put(headers);
        if let Some(length) = length_bytes {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        response
    }

    /// Answers with content of which a byte range may be asked (RFC 9110 14): viewers begin with the first bytes of
    /// a progressive image, and a transfer that broke off goes on.
    pub async fn with_ranges(
        self,
        method: &Method,
        asked: &HeaderMap,
        content: Content,
    ) -> Result<Response, Error> {
        let total = content.length_bytes();
        let (status, part) = match range::wanted(method, asked, total, &self.validators) {
            Wanted::Whole => (StatusCode::OK, 0..total),
            Wanted::Part(part) => (StatusCode::PARTIAL_CONTENT, part),
            Wanted::Unsatisfiable => return Err(Error::RangeNotSatisfiable(total)),
        };
        let (start, end) = (part.start, part.end);
        let mut response = self.with(content.body(part).await?, Some(end - start));
        *response.status_mut() = status;
        response.headers_mut().insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        let content_range = HeaderValue::try_from(format!("bytes {start}-{}/{total}", end.saturating_sub(1)));
        if let (StatusCode::PARTIAL_CONTENT, Ok(value)) = (status, content_range) {
            response.headers_mut().insert(CONTENT_RANGE, value);
        }
        Ok(response)
    }
}
