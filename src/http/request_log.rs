//! One log line and one measurement for each request, without patient data.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderName, HeaderValue};
use pacs_core::access::Actor;

use super::client::Client;

static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The caller that sign-in found, carried out to the log line on the response.
#[derive(Debug, Clone)]
pub struct SignedIn(pub Actor);

/// Logs the route's template, never the path or the query: those name patients and studies.
pub async fn log(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "(pages)".to_owned(), |path| path.as_str().to_owned());
    let peer =
        request.extensions().get::<Client>().map(|client| client.address.to_string()).unwrap_or_default();
    let request_id = format!("{:016x}", rand::random::<u64>());

    let mut response = next.run(request).await;

    let seconds = started.elapsed().as_secs_f64();
    let status = response.status().as_u16();
    let actor =
        response.extensions().get::<SignedIn>().map(|signed_in| signed_in.0.id.clone()).unwrap_or_default();
    if response.status().is_server_error() {
        tracing::error!(request_id, %method, route, status, seconds, actor, peer, "request failed");
    } else if route == "/healthz" || route == "/readyz" || route == "/metrics" {
        tracing::debug!(request_id, %method, route, status, seconds, peer, "request");
    } else {
        tracing::info!(request_id, %method, route, status, seconds, actor, peer, "request");
    }
    metrics::counter!("sen_http_requests_total", "method" => method_label(&method), "route" => route.clone(), "status" => status.to_string()).increment(1);
    metrics::histogram!("sen_http_request_seconds", "route" => route).record(seconds);
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(REQUEST_ID.clone(), value);
    }
    response
}

/// Callers may invent methods; labels must stay few.
fn method_label(method: &http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}
