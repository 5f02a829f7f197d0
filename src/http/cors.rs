//! Pages of other sites that may use DICOMweb (the Fetch standard's CORS protocol): those of the configured origins,
//! with credentials of their own. Cookies are never meant: a session belongs to our pages.

use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::IntoResponse as _;
use http::header::{
    ACCEPT_RANGES, ACCESS_CONTROL_REQUEST_METHOD, AUTHORIZATION, CONTENT_DISPOSITION, CONTENT_ENCODING,
    CONTENT_LENGTH, CONTENT_RANGE, ETAG, LINK, ORIGIN, RETRY_AFTER, WARNING,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Uri};
use tower::ServiceExt as _;
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

/// How long a browser may remember what it was allowed.
const MAX_AGE: Duration = Duration::from_secs(3600);

/// The configured origins.
#[derive(Debug, Clone, Default)]
pub struct Origins(Vec<String>);

impl Origins {
    /// These, as browsers write them.
    pub fn new(origins: Vec<String>) -> Self {
        Self(origins)
    }

    /// Whether there are none, which is how it comes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a page that brings credentials of its own may send this request. One that relies on our cookie, which a
    /// browser adds for pages of the same site, may not.
    pub fn allow(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let is_allowed = headers.get(ORIGIN).is_some_and(|origin| self.allow_origin(origin, uri));
        is_allowed && headers.contains_key(AUTHORIZATION)
    }

    fn allow_origin(&self, origin: &HeaderValue, uri: &Uri) -> bool {
        let is_dicomweb = uri.path().starts_with("/dicomweb/");
        is_dicomweb && self.0.iter().any(|known| known.as_bytes() == origin.as_bytes())
    }

    /// The application with these origins allowed.
    pub fn around(self, app: Router) -> Router {
        let asked_itself = app.clone();
        let check = move |request: Request, next: Next| {
            let asked_itself = asked_itself.clone();
            async move {
                // OPTIONS is a browser's question only where it says so; else it is the service that is asked.
                let is_question = request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
                match *request.method() {
                    Method::OPTIONS if !is_question => asked_itself.oneshot(request).await.into_response(),
                    _ => next.run(request).await,
                }
            }
        };
        app.layer(self.layer()).layer(middleware::from_fn(check))
    }

    /// Answers what browsers ask before, and lets their pages read what viewers need of an answer's headers.
    fn layer(self) -> CorsLayer {
        let allowed = move |origin: &HeaderValue, parts: &Parts| self.allow_origin(origin, &parts.uri);
        CorsLayer::new()
            .allow_origin(AllowOrigin::predicate(allowed))
            .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE])
            .allow_headers(AllowHeaders::mirror_request())
            .expose_headers([
                ACCEPT_RANGES,
                CONTENT_DISPOSITION,
                CONTENT_ENCODING,
                CONTENT_LENGTH,
                CONTENT_RANGE,
                ETAG,
                LINK,
                RETRY_AFTER,
                WARNING,
            ])
            .max_age(MAX_AGE)
    }
}
