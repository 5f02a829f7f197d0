//! Requests that a browser makes by itself must come from our own pages.

use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, ORIGIN, UPGRADE};
use http::{HeaderMap, Method};
use tokio::time::timeout;
use url::Url;

use super::client::Client;
use super::cors::Origins;
use super::problem::Problem;

/// How much of a refused request is read, and for how long.
const BODY_MAX_BYTES: usize = 64 << 10;
const BODY_PATIENCE: Duration = Duration::from_secs(1);

/// What [`check`] compares with.
#[derive(Debug, Clone)]
pub struct OwnOrigin {
    /// The configured public URL, which counts beside the host that was asked for.
    pub public_url: Option<Url>,
    /// Other origins whose pages may use DICOMweb.
    pub cors: Origins,
    /// Whether sign-in is off. Then the host must be a loopback name as well: a page of another site
    /// whose name was pointed at 127.0.0.1 would otherwise be the administrator.
    pub sign_in_is_off: bool,
}

/// Refuses requests that change something and carry a foreign Origin, unless a bearer token, which
/// no browser adds by itself, proves that a program meant it, or the page is of a configured origin and
/// brings credentials of its own.
pub async fn check(State(own): State<OwnOrigin>, request: Request, next: Next) -> Response {
    let Some(client) = request.extensions().get::<Client>() else {
        return Problem::Internal.into_response();
    };
    if own.sign_in_is_off && !own.is_loopback_host(client) {
        return refused(request).await;
    }
    // A page may read what a WebSocket tells it, whatever its origin, so opening one counts as a change.
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS)
        || request.headers().contains_key(UPGRADE);
    let allowed = has_bearer(request.headers()) || own.cors.allow(request.uri(), request.headers());
    if changes && !allowed && own.is_foreign(client, request.headers()) {
        return refused(request).await;
    }
    next.run(request).await
}

/// The refusal, once a small body has come: over HTTP/2 an answer to a request that is still being written resets it,
/// and some clients then report the reset and not the answer.
async fn refused(request: Request) -> Response {
    let _ = timeout(BODY_PATIENCE, to_bytes(request.into_body(), BODY_MAX_BYTES)).await;
    Problem::ForeignOrigin.into_response()
}

fn has_bearer(headers: &HeaderMap) -> bool {
    headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.get(..7))
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer "))
}

impl OwnOrigin {
    /// Browsers send Origin with every request that changes something; without one it is a program.
    fn is_foreign(&self, client: &Client, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(ORIGIN) else { return false };
        let Some(origin) = origin.to_str().ok().and_then(|text| Url::parse(text).ok()) else { return true };
        if self.public_url.as_ref().is_some_and(|own| own.origin() == origin.origin()) {
            return false;
        }
        let scheme = if client.is_https { "https" } else { "http" };
        let asked = client.host.as_ref().and_then(|host| Url::parse(&format!("{scheme}://{host}")).ok());
        asked.is_none_or(|asked| asked.origin() != origin.origin())
    }

    fn is_loopback_host(&self, client: &Client) -> bool {
        let Some(host) = &client.host else { return true };
        let Ok(url) = Url::parse(&format!("http://{host}")) else { return false };
        let is_loopback = match url.host() {
            Some(url::Host::Domain(name)) => name == "localhost",
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        is_loopback || self.public_url.as_ref().is_some_and(|own| own.host() == url.host())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(host: &str, is_https: bool) -> Client {
        Client { address: "127.0.0.1".parse().unwrap(), is_https, host: Some(host.to_owned()) }
    }

    #[test]
    fn only_our_own_origin_is_ours() {
        let public_url = Url::parse("https://pacs.example").ok();
        let own = OwnOrigin { public_url, cors: Origins::default(), sign_in_is_off: false };
        for (host, is_https, origin, foreign) in [
            ("localhost:8080", false, "http://localhost:8080", false),
            ("localhost:8080", false, "http://localhost:9090", true),
            ("localhost:8080", true, "http://localhost:8080", true),
            ("internal:8080", false, "https://pacs.example", false),
            ("localhost", false, "https://evil.example", true),
            ("localhost", false, "null", true),
        ] {
            let headers = HeaderMap::from_iter([(ORIGIN, origin.parse().unwrap())]);
            assert_eq!(own.is_foreign(&client(host, is_https), &headers), foreign, "{host} {origin}");
        }
        assert!(!own.is_foreign(&client("localhost", false), &HeaderMap::new()));
    }

    #[test]
    fn a_name_pointed_at_loopback_is_not_loopback() {
        let own = OwnOrigin { public_url: None, cors: Origins::default(), sign_in_is_off: true };
        for (host, expected) in
            [("localhost:8080", true), ("127.0.0.1:1", true), ("[::1]:1", true), ("evil.example:8080", false)]
        {
            assert_eq!(own.is_loopback_host(&client(host, false)), expected, "{host}");
        }
    }
}
